/* The first answer after a sleep: how the clock was set before it decides whether one is enough. */
import { describe, expect, test } from "vitest";
import { SLOW_CLOCK } from "../../src/journal/dating.js";
import { ANSWER_MS } from "../../src/network/time-question.js";
import { MIN_WAIT_MS, OVERDUE_MS } from "../../src/network/time-sync.js";
import { type LastSet, SLEEP_DRIFT } from "../../src/network/time-votes.js";
import { BOOT_MS, HOUR_MS, ONE, setup, THREE, TWO } from "./time-setup.js";

/** The device wakes an hour after its clock was set, or later; the slow clock has counted `countedMs` meanwhile. */
function afterSleep(hosts: string, countedMs = HOUR_MS, sleptMs = HOUR_MS, last?: LastSet) {
  const set: LastSet = last ?? { syncUtcMs: BOOT_MS - sleptMs, syncUptimeMs: -countedMs };
  return setup(hosts, BOOT_MS, { lastSet: () => set });
}

/** Makes `host` the only server that answers. */
function onlyAnswers(host: string, { ntp }: ReturnType<typeof setup>): void {
  const answers = ntp.answers.bind(ntp);
  ntp.answers = (question, asked) => (asked === host ? answers(question, asked) : []);
}

/** All names lead to one address. */
function oneAddress({ ntp }: ReturnType<typeof setup>): void {
  const only = ntp.addressOf("a.example");
  ntp.addressOf = () => only;
}

/** By how much each setting of the clock was wrong, in milliseconds. */
function errors({ set }: ReturnType<typeof setup>): number[] {
  return set.map(({ wrongByMs }) => wrongByMs);
}

test("what is accepted as drift is dated as drift", () => {
  expect(SLEEP_DRIFT).toBe(SLOW_CLOCK.maxDrift);
});

describe("within the drift of the slow clock", () => {
  test.each([1, 1.09, 0.91])("a single server's answer is enough, at once (rate %d)", (rate) => {
    const device = afterSleep(ONE, rate * HOUR_MS);
    device.sync.linkUp();
    device.time.advance(100);
    expect(errors(device)).toEqual([0]);
    expect(device.ntp.questions).toHaveLength(1);
    expect(device.sync.status().problem).toBeUndefined();
  });

  test("set a second ago: two answers that differ by less than two seconds agree", () => {
    const device = afterSleep(ONE, 2_900, 1_000);
    device.sync.linkUp();
    device.time.advance(100);
    expect(errors(device)).toEqual([0]);
  });

  test("all names lead to one address: one answer to each, and it is enough", () => {
    const device = afterSleep(THREE);
    oneAddress(device);
    device.sync.linkUp();
    device.time.advance(300);
    expect(errors(device)).toEqual([0]);
    expect(device.ntp.questions).toHaveLength(3);
  });

  test("the other server is silent: the answer is enough as soon as that is clear", () => {
    const device = afterSleep(TWO);
    onlyAnswers("a.example", device);
    device.sync.linkUp();
    device.time.advance(ANSWER_MS);
    expect(errors(device)).toEqual([]);
    device.time.advance(100);
    expect(errors(device)).toEqual([0]);
  });

  test("two of three are silent: once the readings cannot wait, the answer of the third is enough", () => {
    const device = afterSleep(THREE);
    onlyAnswers("a.example", device);
    device.sync.linkUp();
    device.time.advance(ANSWER_MS + 1_500);
    expect(errors(device)).toEqual([]);
    device.sync.settle();
    expect(errors(device)).toEqual([0]);
    expect(device.ntp.open).toBe(0);
    device.sync.settle();
    expect(errors(device)).toEqual([0]);
  });

  test.each(["a.example", "b.example", "c.example"])(
    "of three servers two have to agree: %s lies, and is found out",
    (liar) => {
      const device = afterSleep(THREE);
      device.ntp.faults.wrongHosts = { [liar]: 60_000 };
      device.sync.linkUp();
      device.time.advance(2 * ANSWER_MS);
      expect(errors(device)).toEqual([0]);
    },
  );

  test("two servers contradict each other: neither is accepted", () => {
    const device = afterSleep(TWO);
    device.ntp.faults.wrongHosts = { "b.example": 60_000 };
    device.sync.linkUp();
    device.time.advance(2 * ANSWER_MS);
    device.sync.settle();
    expect(errors(device)).toEqual([]);
  });

  test("the link is down: nothing is set, and nothing waits", () => {
    const device = afterSleep(THREE);
    onlyAnswers("a.example", device);
    device.sync.linkUp();
    device.time.advance(1_000);
    device.sync.linkDown();
    device.sync.settle();
    device.sync.close();
    device.sync.settle();
    expect([errors(device), device.time.waiting]).toEqual([[], 0]);
  });
});

describe("further off", () => {
  test.each([
    ["ahead", 0.11 * HOUR_MS, "396"],
    ["behind", -0.11 * HOUR_MS, "-396"],
    ["years ahead", 8_760 * HOUR_MS, "31536000"],
  ])("one answer is not enough, %s: forged once, it is contradicted by the next", (_, byMs, seconds) => {
    const device = afterSleep(ONE);
    const { time, ntp, sync, log } = device;
    ntp.faults.intruder = { byMs, sees: "question", times: 1 };
    sync.linkUp();
    time.advance(1_000);
    sync.settle();
    const problem = `time.example would move the clock by ${seconds} s, further than it drifts: not accepted alone`;
    expect([errors(device), log, sync.isConfirming]).toEqual([[], [problem], false]);
    time.advance(5 * 60_000);
    expect(errors(device)).toEqual([0]);
  });

  test("a single server answers twice, a quarter of a minute apart: accepted, as at power-on", () => {
    const device = afterSleep(ONE, 2 * HOUR_MS);
    device.sync.linkUp();
    device.time.advance(MIN_WAIT_MS - 1);
    expect(errors(device)).toEqual([]);
    device.time.advance(100);
    expect(errors(device)).toEqual([0]);
  });

  test("two servers agree: accepted at once", () => {
    const device = afterSleep(TWO, 2 * HOUR_MS);
    device.sync.linkUp();
    device.time.advance(100);
    expect(errors(device)).toEqual([0]);
  });
});

describe("a clock that was never set", () => {
  test.each([
    ["after a sleep", { syncUtcMs: 0, syncUptimeMs: 0 }],
    ["at power-on", undefined],
  ])("%s: one answer is not enough, and the second is waited for", (_, last) => {
    const device = setup(ONE, BOOT_MS, { lastSet: () => last });
    const { time, sync, log } = device;
    expect(sync.isConfirming).toBe(false);
    sync.linkUp();
    time.advance(1_000);
    sync.settle();
    expect([errors(device), sync.isConfirming]).toEqual([[], true]);
    time.advance(MIN_WAIT_MS);
    expect([errors(device), sync.isConfirming]).toEqual([[0], false]);
    expect(log).toEqual(["synced, moved by undefined"]);
  });

  test("it is set, and a day later one answer is far off: nothing waits for the next one", () => {
    const { time, ntp, sync, log } = setup(ONE);
    sync.linkUp();
    time.advance(MIN_WAIT_MS + 100);
    ntp.faults.wrongByMs = HOUR_MS;
    time.runUntil(() => log.length === 2, 2 * OVERDUE_MS);
    expect(log[1]).toBe("time.example would move the clock by 3600 s: asked again first");
    expect(sync.isConfirming).toBe(false);
  });

  test("servers that contradict each other are not waited for", () => {
    const { time, ntp, sync } = setup(TWO);
    ntp.faults.wrongHosts = { "b.example": 60_000 };
    sync.linkUp();
    time.advance(1_000);
    expect(sync.isConfirming).toBe(false);
  });
});

describe("a clock that was never set, and answers from before the sleep", () => {
  const MINUTE_MS = 60_000;

  /** `errorMs`: by how much the latest of those answers was wrong. */
  function earlierAt(hosts: string, sleptMs: number, errorMs = 0, count = 1) {
    const earlier = { utcMs: BOOT_MS - sleptMs + errorMs, uptimeMs: -sleptMs, count };
    const never = { syncUtcMs: 0, syncUptimeMs: 0 };
    return { ...setup(hosts, BOOT_MS, { lastSet: () => never, earlierAnswers: () => earlier }), earlier };
  }

  test.each([0, 0.09, -0.09])("one answer confirms one of an hour ago (drift %d), at once", (drift) => {
    const device = earlierAt(ONE, HOUR_MS, drift * HOUR_MS);
    device.sync.linkUp();
    device.time.advance(100);
    expect([errors(device), device.ntp.questions.length, device.sync.toConfirm]).toEqual([[0], 1, undefined]);
  });

  test.each([0.11, -0.11])(
    "further off than the clock can drift (%d): it waits for another one, and is kept instead",
    (drift) => {
      const device = earlierAt(ONE, HOUR_MS, drift * HOUR_MS);
      device.sync.linkUp();
      device.time.advance(100);
      expect([errors(device), device.sync.isConfirming]).toEqual([[], true]);
      expect(device.sync.toConfirm).toEqual({ utcMs: BOOT_MS + 40, uptimeMs: 40, count: 1 });
      device.time.advance(MIN_WAIT_MS);
      expect(errors(device)).toEqual([0]);
    },
  );

  test("of seconds ago: the same server does not confirm itself so soon", () => {
    const device = earlierAt(ONE, 9_000);
    device.sync.linkUp();
    device.time.advance(100);
    expect(errors(device)).toEqual([]);
  });

  test("the first of two names is wrong by minutes: an earlier answer does not confirm it before the other was asked", () => {
    const device = earlierAt(TWO, HOUR_MS);
    device.ntp.faults.wrongHosts = { "a.example": 5 * MINUTE_MS };
    device.sync.linkUp();
    device.time.advance(MINUTE_MS);
    expect([errors(device), device.ntp.questions.length > 1]).toEqual([[], true]);
  });

  test("no answer after the sleep: those from before it are kept", () => {
    const device = earlierAt(TWO, HOUR_MS);
    device.ntp.faults.silent = true;
    device.sync.linkUp();
    device.time.advance(MINUTE_MS);
    expect(device.sync.toConfirm).toBe(device.earlier);
  });

  test("years ahead, three have to agree: they are counted over the sleeps", () => {
    const yearsMs = 3 * 8_760 * HOUR_MS;
    const device = earlierAt(ONE, HOUR_MS, yearsMs);
    device.ntp.faults.wrongByMs = yearsMs;
    device.sync.linkUp();
    device.time.advance(100);
    expect([errors(device), device.sync.toConfirm?.count]).toEqual([[], 2]);
    const next = earlierAt(ONE, HOUR_MS, yearsMs, 2);
    next.ntp.faults.wrongByMs = yearsMs;
    next.sync.linkUp();
    next.time.advance(100);
    expect(errors(next)).toEqual([yearsMs]);
  });

  test("two servers contradict each other: neither is accepted, whatever was before, and nothing is kept", () => {
    const device = earlierAt(TWO, HOUR_MS, 2 * HOUR_MS);
    device.ntp.faults.wrongHosts = { "b.example": MINUTE_MS };
    device.sync.linkUp();
    device.time.advance(1_000);
    expect([errors(device), device.sync.toConfirm]).toEqual([[], undefined]);
  });

  test("a server that agrees with the earlier answer is not enough against another one", () => {
    const device = earlierAt(TWO, HOUR_MS);
    device.ntp.faults.wrongHosts = { "a.example": MINUTE_MS * 10 };
    device.sync.linkUp();
    device.time.advance(1_000);
    expect(errors(device)).toEqual([]);
  });
});

describe("not confirmed for more than a day", () => {
  const CONFIRMED = "the clock, which drifts, was not confirmed for 2.5 days: name another time server in ntp";
  const SET = "the clock was not set for 2.5 days: name another time server in ntp";
  const set = { syncUtcMs: BOOT_MS - 2.5 * OVERDUE_MS, syncUptimeMs: -2.5 * OVERDUE_MS };
  const never = { syncUtcMs: 0, syncUptimeMs: -2.5 * OVERDUE_MS };

  test.each([
    ["the server is silent", set, CONFIRMED],
    ["the server is silent, and the clock was never set", never, SET],
  ])("%s: a warning, once", (_, last, warning) => {
    const { time, ntp, sync, log } = afterSleep(ONE, 0, 0, last);
    ntp.faults.silent = true;
    sync.linkUp();
    time.advance(5 * 60_000);
    sync.settle();
    expect(log).toEqual(["time.example does not answer", warning]);
    expect(sync.status().overdue).toBe(warning);
    ntp.faults.silent = undefined;
    time.advance(HOUR_MS);
    expect(sync.status().overdue).toBeUndefined();
  });

  test("the only server is days off", () => {
    const { time, ntp, sync, log } = afterSleep(ONE, 0, 0, set);
    ntp.faults.wrongByMs = 2 * OVERDUE_MS;
    sync.linkUp();
    time.advance(1_000);
    expect(log).toHaveLength(2);
    expect(log[1]).toBe(CONFIRMED);
  });

  test("the readings cannot wait, and the name is not even resolved", () => {
    const { time, ntp, sync, log } = afterSleep(ONE, 0, 0, set);
    ntp.faults.names = "hung";
    sync.linkUp();
    time.advance(6_000);
    expect(log).toEqual([]);
    sync.settle();
    expect(log).toEqual([CONFIRMED]);
  });

  test("it is confirmed in time: no warning, and none later", () => {
    const { time, sync, log } = afterSleep(ONE, 0, 0, set);
    sync.linkUp();
    time.advance(100);
    sync.settle();
    expect(log).toEqual(["synced, moved by undefined"]);
  });

  test("a day less a minute: no warning yet; nor for a device that does not sleep", () => {
    const nearly = { syncUtcMs: BOOT_MS, syncUptimeMs: 60_000 - OVERDUE_MS };
    for (const { time, ntp, sync, log } of [afterSleep(ONE, 0, 0, nearly), setup(ONE)]) {
      ntp.faults.silent = true;
      sync.linkUp();
      time.advance(10_000);
      sync.settle();
      expect(log).toEqual(["time.example does not answer"]);
    }
  });

  test("an owner who throws is reported, and the device continues", () => {
    const faults: unknown[] = [];
    const device = setup(ONE, BOOT_MS, {
      lastSet: () => set,
      onProblem: () => {
        throw new Error("owner");
      },
      onFault: (error) => faults.push(error),
    });
    device.ntp.faults.silent = true;
    device.sync.linkUp();
    device.time.advance(1_000);
    device.sync.settle();
    expect(faults).toHaveLength(1);
    device.time.advance(ANSWER_MS);
    expect(faults).toHaveLength(2);
  });
});
