/*
 * Asking time servers: when, which one, and what a server that does not answer costs.
 */
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
} from "../../src/network/time-sync.js";
import { VirtualTime } from "../support/virtual-time.js";
import { BOOT_MS, gapsMs, HOUR_MS, ONE, setup, THREE, TWO } from "./time-setup.js";

describe("asking", () => {
  test("the link is up: two servers are asked at once and agree, the clock is set, the sockets are closed", () => {
    const { time, ntp, set, sync } = setup();
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
    const { time, ntp, set, sync } = setup(ONE);
    sync.linkUp();
    time.advance(MIN_WAIT_MS - 1);
    expect([ntp.questions.length, set.length]).toEqual([1, 0]);
    time.advance(100);
    expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
  });

  test("about once a day again, one server, and never more often than that while it works", () => {
    const { time, ntp, set, sync } = setup();
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
    const { time, ntp, sync } = setup();
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
      const { time, ntp, sync } = setup(hosts);
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
    const { time, ntp, set, sync } = setup();
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
    const { time, ntp, sync } = setup();
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
    const { set, sync } = setup(TWO, BOOT_MS, {
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
      "time.example: its own clock is not synchronised: not accepted",
    ],
    ["stratum 16", { stratum: 16 }, "time.example: its own clock is not synchronised (stratum 16): not accepted"],
    ["stratum 0 without a code", { stratum: 0 }, "time.example: its own clock is not synchronised: not accepted"],
    [
      "a large root dispersion",
      { rootDispersionMs: 9_000 },
      "time.example: its clock may be wrong by 9 s: not accepted",
    ],
    ["a transmit time of 0", { unknownTime: true }, "time.example: it does not know the time: not accepted"],
    ["1970", { wrongByMs: -BOOT_MS }, "time.example says it is 1970: not accepted"],
    [
      "two hours before this was written",
      { wrongByMs: EARLIEST_MS - BOOT_MS - 2 * HOUR_MS },
      "time.example says it is 2025: not accepted",
    ],
    ["too far ahead", { wrongByMs: LATEST_MS - BOOT_MS }, "time.example says it is 2066: not accepted"],
    [
      "forged answers by somebody who does not see the questions",
      { intruder: { byMs: -5 * HOUR_MS, sees: "nothing", times: 1_000 }, silent: true },
      "time.example does not answer",
    ],
  ];
  test.each(faults)(
    "%s: the clock is not set, reported once, asked again with back-off, set in the end",
    (_name, fault, text) => {
      const { time, ntp, set, log, sync } = setup(ONE);
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
    const { time, ntp, set, log, sync } = setup(ONE);
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
      const { time, ntp, set, sync } = setup(THREE);
      const answers = ntp.answers.bind(ntp);
      ntp.answers = (question, host) => (host === dead ? [] : answers(question, host));
      sync.linkUp();
      time.advance(ANSWER_MS + 2_000);
      expect(set.map(({ wrongByMs }) => wrongByMs)).toEqual([0]);
    }
  });

  test("one of two is dead for good: the other one is asked again, and its two answers set the clock", () => {
    const { time, ntp, set, sync } = setup(TWO);
    const answers = ntp.answers.bind(ntp);
    ntp.answers = (question, host) => (host === "a.example" ? [] : answers(question, host));
    sync.linkUp();
    time.advance(2 * MIN_WAIT_MS + 2 * ANSWER_MS + TIME_STEPS.firstMs);
    expect(set).toHaveLength(1);
  });

  test("failures of yesterday do not make today's first wait longer", () => {
    const { time, ntp, sync } = setup(ONE, BOOT_MS, { random: () => 0.999 });
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
        const { time, ntp, sync } = setup(ONE, BOOT_MS, { random: () => random[draw++ % random.length] });
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

describe("the socket", () => {
  test("accepts answers only from the server that was asked", () => {
    for (const stranger of [{ address: "203.0.113.9" }, { port: 1_123 }]) {
      const { time, ntp, set, sync } = setup();
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
      const strange = setup(TWO, BOOT_MS, { ntp: port, timers: time.timers, uptimeMs: () => time.nowMs });
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
        const { time, ntp, set, sync } = setup();
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
  const { time, ntp, sync } = setup(TWO, BOOT_MS, {
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
