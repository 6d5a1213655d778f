import { describe, expect, test } from "vitest";
import { EARLIEST_MS, MIN_WAIT_MS, REFRESH_MS, TIME_STEPS } from "../../src/network/time-sync.js";
import { BOOT_MS, HOUR_MS, ONE, setup, THREE, TWO } from "./time-setup.js";

describe("a first answer", () => {
  test.each([1, 24, 24 * 365, 39 * 365 * 24])(
    "forged by somebody who sees the question, %d hours ahead: the clock is set right",
    (hours) => {
      for (const hosts of [ONE, TWO, THREE]) {
        const { time, ntp, set, sync } = setup(hosts);
        ntp.faults.intruder = { byMs: hours * HOUR_MS, sees: "question", times: 1 };
        sync.linkUp();
        time.advance(5 * 60_000);
        expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      }
    },
  );

  test("one of three servers lies: the other two set the clock, whichever it is", () => {
    for (const liar of ["a.example", "b.example", "c.example"]) {
      const { time, ntp, set, log, sync } = setup(THREE);
      ntp.faults.wrongHosts = { [liar]: -3 * HOUR_MS };
      sync.linkUp();
      time.advance(5_000);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      expect(log).toHaveLength(liar === "c.example" ? 1 : 2);
    }
  });

  test("two servers contradict each other: the clock is not set, which is reported, until they agree", () => {
    const { time, ntp, set, log, sync } = setup(TWO);
    ntp.faults.wrongHosts = { "b.example": HOUR_MS };
    sync.linkUp();
    time.advance(5 * HOUR_MS);
    expect(set).toEqual([]);
    expect(log).toEqual(["the time servers contradict each other (b.example says 2026-06-17T10:12:00Z)"]);
    ntp.faults.wrongHosts = undefined;
    time.advance(2 * TIME_STEPS.longestMs + MIN_WAIT_MS);
    expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
  });

  test("one server under two names is no second witness: it is asked again later, and others that have answered by then may contradict it", () => {
    for (const hosts of [TWO, THREE]) {
      const { time, ntp, set, log, sync } = setup(hosts);
      const addressOf = ntp.addressOf.bind(ntp);
      const liar = addressOf("liar.example");
      ntp.addressOf = () => liar;
      ntp.faults.wrongHosts = { "liar.example": 40 * 24 * HOUR_MS };
      sync.linkUp();
      time.advance(MIN_WAIT_MS - 1_000);
      expect(set).toEqual([]);
      ntp.addressOf = addressOf; // the names now lead to other addresses, as those of a pool do
      time.advance(2 * TIME_STEPS.longestMs);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      expect(log[0]).toContain("contradict each other");
    }
  });

  test("all names lead to one server for good: it is asked like one that is named alone", () => {
    const { time, ntp, set, sync } = setup(THREE);
    const only = ntp.addressOf("a.example");
    ntp.addressOf = () => only;
    sync.linkUp();
    time.advance(MIN_WAIT_MS - 1_000);
    expect(set).toEqual([]);
    time.advance(2_000);
    expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
  });

  test("names that lead to ever new addresses: a liar among those asked first is outvoted, however many follow", () => {
    const { time, ntp, set, sync } = setup(THREE);
    const addressOf = ntp.addressOf.bind(ntp);
    let asked = 0;
    ntp.addressOf = () => addressOf(`pool${asked++}.example`);
    ntp.faults.wrongHosts = Object.fromEntries(
      Array.from({ length: 5 }, (_, n) => [`pool${2 * n}.example`, n * HOUR_MS - HOUR_MS * 9]),
    );
    sync.linkUp();
    time.advance(24 * HOUR_MS);
    expect(set[0]?.wrongByMs).toBe(0);
  });

  test("before what flash knows, or years after: three have to agree", () => {
    for (const pastMs of [BOOT_MS + HOUR_MS, BOOT_MS - 3 * 365 * 24 * HOUR_MS, BOOT_MS - HOUR_MS]) {
      const isPlausible = pastMs === BOOT_MS - HOUR_MS;
      const trueBootMs = pastMs < EARLIEST_MS ? BOOT_MS + 4 * 365 * 24 * HOUR_MS : BOOT_MS;
      const { time, ntp, set, sync } = setup(THREE, trueBootMs, { pastUtcMs: () => pastMs });
      sync.linkUp();
      time.advance(60_000);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      expect(ntp.questions).toHaveLength(isPlausible ? 2 : 3);
    }
  });

  test("a server that claims to have held the question for longer than the round trip took is not accepted; for less, it is", () => {
    for (const heldMs of [41, 42, 60_000, -1]) {
      const { time, ntp, set, log, sync } = setup();
      ntp.faults.heldMs = heldMs;
      sync.linkUp();
      time.advance(HOUR_MS);
      expect(set.length > 0, `${heldMs} ms`).toBe(heldMs === 41); // the round trip takes 40 ms, and a clock may be between two milliseconds
      if (heldMs !== 41) expect(log[0]).toBe("a.example: its time stamps contradict each other: not accepted");
    }
  });

  test("after 2036-02-07 the seconds restart: the clock is set all the same", () => {
    const { time, set, sync } = setup(THREE, Date.UTC(2040, 1, 29, 12));
    sync.linkUp();
    time.advance(1_000);
    expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
  });
});

describe("a clock that was set", () => {
  test("drift is corrected by one answer, and reported", () => {
    const { time, ntp, log, sync } = setup();
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.wrongByMs = 3_000;
    time.advance(REFRESH_MS);
    expect(log).toEqual(["synced, moved by undefined", "synced, moved by 3000"]);
    expect(ntp.questions).toHaveLength(3);
  });

  test("one far answer moves nothing; the next server, which is right, sets the clock", () => {
    const { time, ntp, set, log, sync } = setup();
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.intruder = { byMs: 5 * HOUR_MS, sees: "question", times: 1 };
    time.advance(REFRESH_MS);
    expect(log).toEqual([
      "synced, moved by undefined",
      "a.example would move the clock by 18000 s: asked again first",
      "synced, moved by 0",
    ]);
    expect(set.every(({ wrongByMs }) => wrongByMs === 0)).toBe(true);
  });

  test("a far answer that was not confirmed confirms nothing the next day", () => {
    const { time, ntp, set, sync } = setup();
    sync.linkUp();
    time.advance(HOUR_MS);
    for (let day = 0; day < 3; day++) {
      ntp.faults.intruder = { byMs: 5 * HOUR_MS, sees: "question", times: 1 };
      time.advance(REFRESH_MS + HOUR_MS);
    }
    expect(set.length).toBeGreaterThan(3);
    expect(set.every(({ wrongByMs }) => wrongByMs === 0)).toBe(true);
  });

  test("a far answer on which the servers agree moves the clock", () => {
    const { time, ntp, log, sync } = setup();
    ntp.faults.wrongByMs = 4 * HOUR_MS;
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.wrongByMs = 0;
    time.advance(REFRESH_MS);
    expect(log.at(-1)).toBe(`synced, moved by ${-4 * HOUR_MS}`);
  });
});
