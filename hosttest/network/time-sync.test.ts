import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NTPServer } from "../../boards/parts/ntp.js";
import {
  ANSWER_MS,
  EARLIEST_MS,
  FAR_MS,
  LATEST_MS,
  LEAST_MS,
  REFRESH_MS,
  TIME_STEPS,
  TimeSync,
  type TimeSyncOptions,
} from "../../src/network/time-sync.js";
import { VirtualTime } from "../support/virtual-time.js";

const BOOT_MS = Date.UTC(2026, 5, 17, 9, 12);
const HOUR_MS = 3_600_000;

/** A device and a server; `trueBootMs` is when the device booted. */
function world(trueBootMs = BOOT_MS, options: Partial<TimeSyncOptions> = {}) {
  const time = new VirtualTime();
  const ntp = new NTPServer({ timers: time.timers, utcMs: () => trueBootMs + time.nowMs });
  const set: number[] = [];
  const log: string[] = [];
  const sync = new TimeSync({
    ntp,
    host: "pool.ntp.org",
    timers: time.timers,
    random: () => 0.5,
    uptimeMs: time.clock.uptimeMs,
    setUtc: (utcMs) => set.push(utcMs),
    onSynced: (_utcMs, movedMs) => log.push(`synced, moved by ${movedMs}`),
    onProblem: (text) => log.push(text),
    ...options,
  });
  return { time, ntp, set, log, sync };
}

/** Between each question and the next. */
function gapsMs({ questions }: NTPServer): number[] {
  return questions.slice(1).map((question, i) => question.atMs - questions[i].atMs);
}

describe("asking", () => {
  test("the link comes up: asked at once, the clock is set, the socket closed", () => {
    const { time, ntp, set, sync } = world();
    time.advance(5_000);
    expect(ntp.questions).toHaveLength(0);
    sync.linkUp();
    time.advance(100);
    expect(set).toEqual([BOOT_MS + 5_000]);
    expect(ntp.questions.map((question) => question.host)).toEqual(["pool.ntp.org"]);
    expect(ntp.open).toBe(0);
    expect(sync.status()).toEqual({ host: "pool.ntp.org", state: "waiting", ageMs: 60, problem: undefined });
  });

  test("about once a day again, and never more often than that while it works", () => {
    const { time, ntp, set, sync } = world();
    sync.linkUp();
    time.advance(REFRESH_MS);
    expect(ntp.questions).toHaveLength(1);
    time.advance(HOUR_MS + 100);
    expect(ntp.questions).toHaveLength(2);
    time.advance(30 * REFRESH_MS);
    expect(set.length).toBeGreaterThanOrEqual(30);
    expect(ntp.questions).toHaveLength(set.length);
  });

  test("a link that flaps does not make it ask again", () => {
    const { time, ntp, sync } = world();
    for (let i = 0; i < 100; i++) {
      sync.linkUp();
      time.advance(1_000);
      sync.linkDown();
      time.advance(1_000);
    }
    expect(ntp.questions).toHaveLength(1);
  });

  test("a link that flaps while nobody answers: never asked twice within 15 s", () => {
    const { time, ntp, sync } = world();
    ntp.faults.silent = true;
    for (let i = 0; i < 150; i++) {
      sync.linkUp();
      time.advance(1_000);
      sync.linkDown();
      time.advance(1_000);
    }
    expect(ntp.questions.length).toBeGreaterThan(15);
    for (const gapMs of gapsMs(ntp)) expect(gapMs).toBeGreaterThanOrEqual(LEAST_MS);
    expect(ntp.open).toBe(0);
  });

  test("the link goes down over a question: no socket, no timer, no answer; asked again when it is up", () => {
    const { time, ntp, set, sync } = world();
    sync.linkUp();
    time.advance(20);
    expect(sync.status().state).toBe("asking");
    sync.linkDown();
    expect([ntp.open, time.waiting, sync.status().state]).toEqual([0, 0, "down"]);
    time.advance(LEAST_MS);
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
});

describe("no answer", () => {
  test.each([["silent"], ["hung"], ["open"]] as const)(
    "%s: told once, asked again with back-off, set in the end",
    (fault) => {
      const { time, ntp, set, log, sync } = world();
      Object.assign(ntp.faults, { [fault]: fault === "open" ? "no socket" : true });
      sync.linkUp();
      time.advance(HOUR_MS);
      expect(log).toEqual([fault === "open" ? "pool.ntp.org: no socket" : "pool.ntp.org does not answer"]);
      expect(sync.status().problem).toBe(log[0]);
      expect(ntp.open).toBeLessThanOrEqual(1);
      delete ntp.faults[fault];
      time.advance(ANSWER_MS + LEAST_MS + TIME_STEPS.longestMs + 100);
      expect(set).toHaveLength(1);
      expect(sync.status().problem).toBeUndefined();
    },
  );

  test("failures of yesterday do not make today's first wait longer", () => {
    const { time, ntp, sync } = world(BOOT_MS, { random: () => 0.999 });
    ntp.faults.silent = true;
    sync.linkUp();
    time.advance(HOUR_MS);
    delete ntp.faults.silent;
    time.advance(HOUR_MS);
    ntp.faults.silent = true;
    const asked = ntp.questions.length;
    time.runUntil(() => ntp.questions.length === asked + 2, 2 * REFRESH_MS);
    expect(gapsMs(ntp)[asked]).toBeLessThanOrEqual(10_000 + LEAST_MS + TIME_STEPS.firstMs);
  });

  test("whatever the draws: two questions are never closer than 15 s, nor further apart than the longest step allows", () => {
    const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 20,
      maxLength: 20,
    });
    fc.assert(
      fc.property(draws, (random) => {
        let draw = 0;
        const { time, ntp, sync } = world(BOOT_MS, { random: () => random[draw++ % random.length] });
        ntp.faults.silent = true;
        sync.linkUp();
        time.runUntil(() => ntp.questions.length === 15, 15 * (10_000 + LEAST_MS + TIME_STEPS.longestMs));
        for (const gapMs of gapsMs(ntp)) {
          expect(gapMs).toBeGreaterThanOrEqual(LEAST_MS);
          expect(gapMs).toBeLessThanOrEqual(10_000 + LEAST_MS + TIME_STEPS.longestMs);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("answers that are not believed", () => {
  test.each([
    ["1970", -BOOT_MS, "pool.ntp.org says it is 1970: not believed"],
    ["a minute before this was written", EARLIEST_MS - BOOT_MS - 60_000, "pool.ntp.org says it is 2025: not believed"],
    ["too far ahead", LATEST_MS - BOOT_MS, "pool.ntp.org says it is 2066: not believed"],
  ])("%s: the clock stays unset, and the log says why", (_name, wrongByMs, text) => {
    const { time, ntp, set, log, sync } = world();
    ntp.faults.wrongByMs = wrongByMs;
    sync.linkUp();
    time.advance(100);
    expect(set).toEqual([]);
    expect(log).toEqual([text]);
  });

  test("a transmit time of 0 is no time, not the first second of the second era", () => {
    const { time, ntp, set, log, sync } = world();
    ntp.faults.unknownTime = true;
    sync.linkUp();
    time.advance(100);
    expect(set).toEqual([]);
    expect(log).toEqual(["pool.ntp.org says it is 1900: not believed"]);
  });

  test("after 2036-02-07 the seconds begin anew: the clock is set all the same", () => {
    const bootMs = Date.UTC(2040, 1, 29, 12);
    const { time, set, sync } = world(bootMs);
    sync.linkUp();
    time.advance(100);
    expect(set).toEqual([bootMs]);
  });
});

describe("a clock that was set", () => {
  test("drift is corrected, and told", () => {
    const { time, ntp, log, sync } = world();
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.wrongByMs = 3_000;
    time.advance(REFRESH_MS);
    expect(log).toEqual(["synced, moved by undefined", "synced, moved by 2960"]);
  });

  test("one far answer moves nothing; the next one, which is right, sets the clock", () => {
    const { time, ntp, set, log, sync } = world();
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.wrongByMs = 5 * HOUR_MS;
    time.runUntil(() => ntp.questions.length === 2, 2 * REFRESH_MS);
    time.advance(100);
    ntp.faults.wrongByMs = 0;
    time.advance(LEAST_MS + TIME_STEPS.firstMs + 100);
    expect(log).toEqual([
      "synced, moved by undefined",
      "pool.ntp.org would move the clock by 18000 s: asked again first",
      expect.stringMatching(/^synced, moved by -?\d{1,3}$/),
    ]);
    expect(set).toHaveLength(2);
  });

  test("a far answer that was not confirmed confirms nothing the next day", () => {
    const { time, ntp, set, sync } = world();
    sync.linkUp();
    time.advance(HOUR_MS);
    for (let day = 0; day < 3; day++) {
      ntp.faults.wrongByMs = 5 * HOUR_MS;
      const asked = ntp.questions.length;
      time.runUntil(() => ntp.questions.length > asked, 2 * REFRESH_MS);
      time.advance(100);
      ntp.faults.wrongByMs = 0;
      time.advance(HOUR_MS);
    }
    expect(set).toHaveLength(4);
    for (const utcMs of set) expect(utcMs).toBeLessThan(BOOT_MS + time.nowMs);
  });

  test("a far answer given twice moves the clock", () => {
    const { time, ntp, log, sync } = world();
    sync.linkUp();
    time.advance(HOUR_MS);
    ntp.faults.wrongByMs = -2 * FAR_MS;
    time.advance(REFRESH_MS + HOUR_MS);
    expect(log).toHaveLength(3);
    expect(log[2]).toMatch(/^synced, moved by -2\d{5}$/);
  });
});

describe("a client that is not the SDK's", () => {
  /** Calls back when the test says so, closed or not. */
  function handMade() {
    const callbacks: ((error: Error | null, utcMs?: number) => void)[] = [];
    const io = class {
      getTime(callback: (error: Error | null, utcMs?: number) => void) {
        callbacks.push(callback);
      }
      close() {}
    };
    const made = world(BOOT_MS, { ntp: { io } });
    made.sync.linkUp();
    made.time.advance(0);
    return { ...made, callbacks };
  }

  test.each([[Number.NaN], [undefined], [Number.POSITIVE_INFINITY]])("its answer is %s: no time", (answer) => {
    const { callbacks, set, log } = handMade();
    callbacks[0](null, answer);
    expect(set).toEqual([]);
    expect(log).toHaveLength(1);
  });

  test("it answers twice, or after it was closed: heard once, or not", () => {
    const { callbacks, set, sync, time } = handMade();
    callbacks[0](null, BOOT_MS);
    callbacks[0](null, BOOT_MS + 1_000);
    callbacks[0](new Error("late"));
    expect(set).toEqual([BOOT_MS]);
    time.advance(2 * REFRESH_MS);
    expect(callbacks.length).toBeGreaterThan(1);
    sync.close();
    for (const callback of callbacks) callback(null, BOOT_MS);
    expect([set.length, sync.status().state]).toEqual([1, "closed"]);
  });
});

test("an owner who throws is told so, and the clock goes on being set", () => {
  const faults: unknown[] = [];
  const { time, ntp, sync } = world(BOOT_MS, {
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
  expect([faults.length, ntp.questions.length]).toEqual([3, 3]);
});
