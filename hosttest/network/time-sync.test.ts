import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type NTPFaults, NTPServer } from "../../boards/parts/ntp.js";
import { ANSWER_MS, RESOLVE_MS } from "../../src/network/time-question.js";
import {
  DENY_MS,
  EARLIEST_MS,
  LATEST_MS,
  MIN_WAIT_MS,
  RATE_MS,
  REFRESH_MS,
  TIME_STEPS,
  TimeSync,
  type TimeSyncOptions,
} from "../../src/network/time-sync.js";
import { VirtualTime } from "../support/virtual-time.js";

const BOOT_MS = Date.UTC(2026, 5, 17, 9, 12);
const HOUR_MS = 3_600_000;
const ONE = "time.example";
const TWO = "a.example,b.example";
const THREE = "a.example,b.example,c.example";

/** A device and its servers; `trueBootMs` is when the device booted. */
function world(hosts = TWO, trueBootMs = BOOT_MS, options: Partial<TimeSyncOptions> = {}) {
  const time = new VirtualTime();
  const ntp = new NTPServer({ timers: time.timers, utcMs: () => trueBootMs + time.nowMs });
  const set: { readonly utcMs: number; readonly wrongByMs: number }[] = [];
  const log: string[] = [];
  const sync = new TimeSync({
    ntp,
    hosts,
    timers: time.timers,
    random: () => 0.5,
    uptimeMs: time.clock.uptimeMs,
    setUtc: (utcMs) => set.push({ utcMs, wrongByMs: utcMs - trueBootMs - time.nowMs }),
    onSynced: (_utcMs, movedMs) => log.push(`synced, moved by ${movedMs}`),
    onProblem: (text) => log.push(text),
    ...options,
  });
  return { time, ntp, set, log, sync };
}

/** Between each question to a server and the next one to the same. */
function gapsMs({ questions }: NTPServer): number[] {
  return questions.flatMap(({ atMs, host }, i) => {
    const next = questions.slice(i + 1).find((later) => later.host === host);
    return next === undefined ? [] : [next.atMs - atMs];
  });
}

describe("asking", () => {
  test("the link is up: two servers are asked at once and agree, the clock is set, the sockets are closed", () => {
    const { time, ntp, set, sync } = world();
    time.advance(5_000);
    expect(ntp.questions).toHaveLength(0);
    sync.linkUp();
    time.advance(100);
    expect(set).toEqual([{ utcMs: BOOT_MS + 5_080, wrongByMs: 0 }]);
    expect(ntp.questions.map((question) => question.host)).toEqual(["a.example", "b.example"]);
    expect(ntp.open).toBe(0);
    expect(sync.status()).toEqual({ host: "a.example", state: "waiting", ageMs: 20, problem: undefined });
  });

  test("a single server is asked twice, a quarter of a minute apart", () => {
    const { time, ntp, set, sync } = world(ONE);
    sync.linkUp();
    time.advance(MIN_WAIT_MS - 1);
    expect([ntp.questions.length, set.length]).toEqual([1, 0]);
    time.advance(100);
    expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
  });

  test("about once a day again, one server, and never more often than that while it works", () => {
    const { time, ntp, set, sync } = world();
    sync.linkUp();
    time.advance(REFRESH_MS);
    expect(ntp.questions).toHaveLength(2);
    time.advance(HOUR_MS + 100);
    expect(ntp.questions).toHaveLength(3);
    time.advance(30 * REFRESH_MS);
    expect(set.length).toBeGreaterThanOrEqual(30);
    expect(ntp.questions).toHaveLength(set.length + 1);
  });

  test("a link that flaps does not make it ask again", () => {
    const { time, ntp, sync } = world();
    for (let i = 0; i < 100; i++) {
      sync.linkUp();
      time.advance(1_000);
      sync.linkDown();
      time.advance(1_000);
    }
    expect(ntp.questions).toHaveLength(2);
  });

  test.each([ONE, THREE])(
    "a link that flaps while no server answers, %s: no server is asked twice within 15 s",
    (hosts) => {
      const { time, ntp, sync } = world(hosts);
      ntp.faults.silent = true;
      for (let i = 0; i < 150; i++) {
        sync.linkUp();
        time.advance(1_000);
        sync.linkDown();
        time.advance(1_000);
      }
      expect(ntp.questions.length).toBeGreaterThan(15);
      for (const gapMs of gapsMs(ntp)) expect(gapMs).toBeGreaterThanOrEqual(MIN_WAIT_MS);
      expect(ntp.open).toBe(0);
    },
  );

  test("the link fails during a question: no socket, no timer, no answer; asked again when it is up", () => {
    const { time, ntp, set, sync } = world();
    sync.linkUp();
    time.advance(20);
    expect(sync.status().state).toBe("asking");
    sync.linkDown();
    expect([ntp.open, time.waiting, sync.status().state]).toEqual([0, 0, "down"]);
    time.advance(MIN_WAIT_MS);
    sync.linkUp();
    time.advance(100);
    expect(set).toHaveLength(1);
  });

  test("closed: nothing ever again", () => {
    const { time, ntp, sync } = world();
    sync.linkUp();
    time.advance(20);
    sync.close();
    sync.linkUp();
    sync.linkDown();
    time.advance(10 * REFRESH_MS);
    expect([ntp.questions.length, ntp.open, time.waiting, sync.status().state]).toEqual([1, 0, 0, "closed"]);
  });

  test("the time is taken from the middle of the way there and back", () => {
    const time = new VirtualTime();
    const ntp = new NTPServer({ timers: time.timers, utcMs: () => BOOT_MS + time.nowMs, latencyMs: 2_000 });
    const { set, sync } = world(TWO, BOOT_MS, {
      ntp,
      timers: time.timers,
      uptimeMs: () => time.nowMs,
    });
    sync.linkUp();
    time.advance(5_000);
    expect(set.map(({ utcMs }) => utcMs)).toEqual([BOOT_MS + 4_000]);
  });
});

describe("no answer", () => {
  const faults: readonly [string, NTPFaults, string][] = [
    ["silence", { silent: true }, "time.example does not answer"],
    ["no socket", { open: "no socket" }, "time.example: no socket"],
    ["an unknown name", { names: "unknown" }, "time.example: no such host"],
    ["a resolver that hangs", { names: "hung" }, "time.example: no such host"],
    [
      "leap indicator 3, stratum 0",
      { unsynchronised: true },
      "time.example: its own clock is not synchronised: not believed",
    ],
    ["stratum 16", { stratum: 16 }, "time.example: its own clock is not synchronised (stratum 16): not believed"],
    ["stratum 0 without a code", { stratum: 0 }, "time.example: its own clock is not synchronised: not believed"],
    [
      "a large root dispersion",
      { rootDispersionMs: 9_000 },
      "time.example: its clock may be wrong by 9 s: not believed",
    ],
    ["a transmit time of 0", { unknownTime: true }, "time.example: it does not know the time: not believed"],
    ["1970", { wrongByMs: -BOOT_MS }, "time.example says it is 1970: not believed"],
    [
      "two hours before this was written",
      { wrongByMs: EARLIEST_MS - BOOT_MS - 2 * HOUR_MS },
      "time.example says it is 2025: not believed",
    ],
    ["too far ahead", { wrongByMs: LATEST_MS - BOOT_MS }, "time.example says it is 2066: not believed"],
    [
      "forged answers by somebody who does not see the questions",
      { intruder: { byMs: -5 * HOUR_MS, sees: "nothing", times: 1_000 }, silent: true },
      "time.example does not answer",
    ],
  ];
  test.each(faults)(
    "%s: the clock is not set, reported once, asked again with back-off, set in the end",
    (_name, fault, text) => {
      const { time, ntp, set, log, sync } = world(ONE);
      Object.assign(ntp.faults, fault);
      sync.linkUp();
      time.advance(HOUR_MS);
      expect(set).toEqual([]);
      expect(log).toEqual([text]);
      expect(sync.status().problem).toBe(log[0]);
      expect(ntp.open).toBeLessThanOrEqual(1);
      for (const key of Object.keys(fault)) delete ntp.faults[key as keyof NTPFaults];
      time.advance(RESOLVE_MS + ANSWER_MS + 2 * MIN_WAIT_MS + TIME_STEPS.longestMs + 200);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      expect(sync.status().problem).toBeUndefined();
    },
  );

  test.each([
    ["RATE", RATE_MS],
    ["DENY", DENY_MS],
    ["RSTR", DENY_MS],
  ])("kiss-o'-death %s: that server is left alone, the others are asked", (kiss, restMs) => {
    const { time, ntp, set, log, sync } = world(ONE);
    ntp.faults.kiss = kiss;
    sync.linkUp();
    time.advance(restMs - 1_000);
    expect(log).toEqual([`time.example refuses requests (${kiss})`]);
    expect([ntp.questions.length, set.length]).toEqual([1, 0]);
    ntp.faults.kiss = undefined;
    time.advance(2 * MIN_WAIT_MS + 1_000);
    expect(set).toHaveLength(1);
  });

  test("one of three is silent: the other two set the clock, soon", () => {
    for (const dead of ["a.example", "b.example", "c.example"]) {
      const { time, ntp, set, sync } = world(THREE);
      const answers = ntp.answers.bind(ntp);
      ntp.answers = (question, host) => (host === dead ? [] : answers(question, host));
      sync.linkUp();
      time.advance(ANSWER_MS + 2_000);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
    }
  });

  test("one of two is dead for good: the other one is asked again, and its two answers set the clock", () => {
    const { time, ntp, set, sync } = world(TWO);
    const answers = ntp.answers.bind(ntp);
    ntp.answers = (question, host) => (host === "a.example" ? [] : answers(question, host));
    sync.linkUp();
    time.advance(2 * MIN_WAIT_MS + 2 * ANSWER_MS + TIME_STEPS.firstMs);
    expect(set).toHaveLength(1);
  });

  test("failures of yesterday do not make today's first wait longer", () => {
    const { time, ntp, sync } = world(ONE, BOOT_MS, { random: () => 0.999 });
    ntp.faults.silent = true;
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.silent = undefined;
    time.advance(HOUR_MS);
    ntp.faults.silent = true;
    const asked = ntp.questions.length;
    time.runUntil(() => ntp.questions.length === asked + 2, 2 * REFRESH_MS);
    expect(gapsMs(ntp)[asked]).toBeLessThanOrEqual(ANSWER_MS + MIN_WAIT_MS + TIME_STEPS.firstMs);
  });

  test("for any random numbers: two questions are never closer than 15 s, nor further apart than the longest step allows", () => {
    const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 20,
      maxLength: 20,
    });
    fc.assert(
      fc.property(draws, (random) => {
        let draw = 0;
        const { time, ntp, sync } = world(ONE, BOOT_MS, { random: () => random[draw++ % random.length] });
        ntp.faults.silent = true;
        sync.linkUp();
        time.runUntil(() => ntp.questions.length === 15, 15 * (ANSWER_MS + MIN_WAIT_MS + TIME_STEPS.longestMs));
        for (const gapMs of gapsMs(ntp)) {
          expect(gapMs).toBeGreaterThanOrEqual(MIN_WAIT_MS);
          expect(gapMs).toBeLessThanOrEqual(ANSWER_MS + MIN_WAIT_MS + TIME_STEPS.longestMs + 1);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a first answer", () => {
  test.each([1, 24, 24 * 365, 39 * 365 * 24])(
    "forged by somebody who sees the question, %d hours ahead: the clock is set right",
    (hours) => {
      for (const hosts of [ONE, TWO, THREE]) {
        const { time, ntp, set, sync } = world(hosts);
        ntp.faults.intruder = { byMs: hours * HOUR_MS, sees: "question", times: 1 };
        sync.linkUp();
        time.advance(5 * 60_000);
        expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      }
    },
  );

  test("one of three servers lies: the other two set the clock, whichever it is", () => {
    for (const liar of ["a.example", "b.example", "c.example"]) {
      const { time, ntp, set, log, sync } = world(THREE);
      ntp.faults.wrongHosts = { [liar]: -3 * HOUR_MS };
      sync.linkUp();
      time.advance(5_000);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      expect(log).toHaveLength(liar === "c.example" ? 1 : 2);
    }
  });

  test("two servers contradict each other: the clock is not set, which is reported, until they agree", () => {
    const { time, ntp, set, log, sync } = world(TWO);
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
      const { time, ntp, set, log, sync } = world(hosts);
      const addressOf = ntp.addressOf.bind(ntp);
      const liar = addressOf("liar.example");
      ntp.addressOf = () => liar;
      ntp.faults.wrongHosts = { "liar.example": 40 * 24 * HOUR_MS };
      sync.linkUp();
      time.advance(MIN_WAIT_MS - 1_000);
      expect(set).toEqual([]);
      ntp.addressOf = addressOf; // the names lead elsewhere now, as a pool's do
      time.advance(2 * TIME_STEPS.longestMs);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      expect(log[0]).toContain("contradict each other");
    }
  });

  test("all names lead to one server for good: it is asked like one that is named alone", () => {
    const { time, ntp, set, sync } = world(THREE);
    const only = ntp.addressOf("a.example");
    ntp.addressOf = () => only;
    sync.linkUp();
    time.advance(MIN_WAIT_MS - 1_000);
    expect(set).toEqual([]);
    time.advance(2_000);
    expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
  });

  test("names that lead to ever new addresses: a liar among those asked first is outvoted, however many follow", () => {
    const { time, ntp, set, sync } = world(THREE);
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
      const { time, ntp, set, sync } = world(THREE, trueBootMs, { pastUtcMs: () => pastMs });
      sync.linkUp();
      time.advance(60_000);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      expect(ntp.questions).toHaveLength(isPlausible ? 2 : 3);
    }
  });

  test("a server that says it has held the question for longer than the whole way took is not believed; for less, it is", () => {
    for (const heldMs of [41, 42, 60_000, -1]) {
      const { time, ntp, set, log, sync } = world();
      ntp.faults.heldMs = heldMs;
      sync.linkUp();
      time.advance(HOUR_MS);
      expect(set.length > 0, `${heldMs} ms`).toBe(heldMs === 41); // the way takes 40, and a clock may be between two milliseconds
      if (heldMs !== 41) expect(log[0]).toBe("a.example: its time stamps contradict each other: not believed");
    }
  });

  test("after 2036-02-07 the seconds restart: the clock is set all the same", () => {
    const { time, set, sync } = world(THREE, Date.UTC(2040, 1, 29, 12));
    sync.linkUp();
    time.advance(1_000);
    expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
  });
});

describe("a clock that was set", () => {
  test("drift is corrected by one answer, and reported", () => {
    const { time, ntp, log, sync } = world();
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.wrongByMs = 3_000;
    time.advance(REFRESH_MS);
    expect(log).toEqual(["synced, moved by undefined", "synced, moved by 3000"]);
    expect(ntp.questions).toHaveLength(3);
  });

  test("one far answer moves nothing; the next server, which is right, sets the clock", () => {
    const { time, ntp, set, log, sync } = world();
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
    const { time, ntp, set, sync } = world();
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
    const { time, ntp, log, sync } = world();
    ntp.faults.wrongByMs = 4 * HOUR_MS;
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.wrongByMs = 0;
    time.advance(REFRESH_MS);
    expect(log.at(-1)).toBe(`synced, moved by ${-4 * HOUR_MS}`);
  });
});

describe("the socket", () => {
  test("accepts answers only from the server that was asked", () => {
    for (const stranger of [{ address: "203.0.113.9" }, { port: 1_123 }]) {
      const { time, ntp, set, sync } = world();
      const Socket = ntp.socket.io;
      const port = {
        ...ntp,
        dns: ntp.dns,
        socket: {
          io: class extends Socket {
            override read() {
              const datagram = super.read();
              return datagram && Object.assign(datagram, stranger);
            }
          },
        },
      };
      const strange = world(TWO, BOOT_MS, { ntp: port, timers: time.timers, uptimeMs: () => time.nowMs });
      strange.sync.linkUp();
      time.advance(HOUR_MS);
      expect(strange.set).toEqual([]);
      sync.linkUp();
      time.advance(100);
      expect(set).toHaveLength(1);
    }
  });

  test("may bring anything: what is no answer to the question changes nothing", () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 100 });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (packets) => {
        const { time, ntp, set, sync } = world();
        const answers = ntp.answers.bind(ntp);
        ntp.answers = (question, host) => [
          ...packets.map((packet) => packet.slice().buffer as ArrayBuffer),
          ...answers(question, host),
        ];
        sync.linkUp();
        time.advance(100);
        expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
      }),
      { numRuns: 100 },
    );
  });
});

test("an owner who throws is reported, and the clock is still set", () => {
  const faults: unknown[] = [];
  const { time, ntp, sync } = world(TWO, BOOT_MS, {
    setUtc: () => {
      throw new Error("owner");
    },
    onFault: (error) => {
      faults.push(error);
      throw error;
    },
  });
  sync.linkUp();
  time.advance(3 * REFRESH_MS);
  expect([faults.length, ntp.questions.length]).toEqual([3, 4]);
});
