/* The sleeper's plan, as a table; and properties that always hold, by seeds. */
import { describe, expect, test } from "vitest";
import type { WakeCause } from "../../src/power/io.js";
import {
  CATCH_UP_MS,
  dutiesAt,
  EARLY_MS,
  MAX_BACK_OFF_MS,
  MIN_SLEEP_MS,
  type PlanState,
  PROMPT,
  REPORT,
  reported,
  SAMPLE,
  sampled,
  sampleMs,
  sleepMs,
} from "../../src/power/plan.js";
import { Random } from "../simulation/random.js";
import { SEED } from "../support/seed.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const rhythm = { intervalMs: MINUTE, reportMs: HOUR };

const state = (changes: Partial<PlanState> = {}): PlanState => ({
  nextSampleMs: 10 * MINUTE,
  nextReportMs: HOUR,
  failedReports: 0,
  missed: 0,
  ...changes,
});

test.each([
  ["as early as a timer may be", -EARLY_MS, 0],
  ["on time", 0, 0],
  ["as late as a start takes", 999, 0],
  ["a second late: when it was taken", 1_000, 1_000],
  ["after a report that took its time: when it was taken", 20_000, 20_000],
  ["out of turn: when it was taken", -EARLY_MS - 1, -EARLY_MS - 1],
])("the time of a sample, %s", (_, lateMs, saidMs) => {
  const { nextSampleMs } = state();
  expect(sampleMs(state(), nextSampleMs + lateMs)).toBe(nextSampleMs + saidMs);
});

describe("what a wake is for", () => {
  test.each<[WakeCause, number, number, string]>([
    ["reset", 0, SAMPLE | REPORT | PROMPT, "power came back: all, whatever the time"],
    ["timer", 10 * MINUTE, SAMPLE, "a sample is due"],
    ["timer", 10 * MINUTE - EARLY_MS, SAMPLE, "the timer was a little early"],
    ["timer", 10 * MINUTE - EARLY_MS - 1, 0, "it was much too early: nothing"],
    ["timer", 10 * MINUTE + 500, SAMPLE, "it was late"],
    ["timer", HOUR, SAMPLE | REPORT, "a report is due: it samples as well"],
    ["timer", 5 * HOUR, SAMPLE | REPORT, "both long ago"],
    ["other", 10 * MINUTE, SAMPLE, "what woke it is not known"],
    ["other", 3 * MINUTE, 0, "the same, and nothing is due"],
    ["button", 3 * MINUTE, REPORT | PROMPT, "a person is there; no sample off the grid"],
    ["button", 10 * MINUTE, SAMPLE | REPORT | PROMPT, "a person is there as a sample is due"],
  ])("%s at %d ms: %d (%s)", (cause, nowMs, duties) => {
    expect(dutiesAt(state(), cause, nowMs)).toBe(duties);
  });
});

describe("the next sample", () => {
  test.each([
    [10 * MINUTE, 11, 0, "in time"],
    [10 * MINUTE - EARLY_MS, 11, 0, "early"],
    [10 * MINUTE + 20_000, 11, 0, "after 20 s of radio: none is late because of it"],
    [12 * MINUTE, 13, 2, "two were missed"],
    [13 * MINUTE - 1, 14, 3, "a moment before another one: that is the one that was taken"],
  ])("taken at %d ms: the next at %d minutes, %d missed (%s)", (nowMs, minutes, missed) => {
    const after = state();
    sampled(after, rhythm, nowMs);
    expect(after).toEqual(state({ nextSampleMs: minutes * MINUTE, missed }));
  });
});

describe("the next report", () => {
  test.each([
    [true, 0, 0, 60, "delivered"],
    [true, 5, 0, 60, "delivered after failures: as usual again"],
    [false, 0, 1, 60, "failed once: the usual time"],
    [false, 1, 2, 120, "twice"],
    [false, 2, 3, 240, "three times"],
    [false, 3, 4, 360, "the longest back-off"],
    [false, 900, 901, 360, "for weeks"],
  ])(
    "delivered: %s after %d failures: %d failures, again after %d minutes (%s)",
    (isDelivered, before, failedReports, minutes) => {
      const after = state({ nextSampleMs: 61 * MINUTE, failedReports: before });
      reported(after, rhythm, isDelivered ? "done" : "failed");
      expect(after).toMatchObject({ failedReports, nextReportMs: (60 + minutes) * MINUTE });
    },
  );

  test.each([
    ["0: a report at each sample", 0],
    ["shorter than the interval", 20_000],
  ])("`report` %s: failures are tried again less and less often, too", (_, reportMs) => {
    const after = state({ nextSampleMs: 61 * MINUTE });
    const waits = [1, 2, 3, 4, 20, 0].map((failures) => {
      after.failedReports = Math.max(0, failures - 1);
      reported(after, { intervalMs: MINUTE, reportMs }, failures === 0 ? "done" : "failed");
      return after.nextReportMs / MINUTE - 60;
    });
    expect(waits).toEqual([1, 2, 4, 8, 360, 1]);
  });

  test.each([
    ["an hour", MINUTE, HOUR, CATCH_UP_MS],
    ["shorter than the time to catch up", MINUTE, 2 * MINUTE, 2 * MINUTE],
    ["0: at each sample", MINUTE, 0, MINUTE],
    ["an hour, and the interval is half of that", HOUR / 2, HOUR, HOUR / 2],
  ])(
    "cut short while acknowledgements came, `report` %s: soon, at a sample; no failure",
    (_, intervalMs, reportMs, waitMs) => {
      const after = state({ nextSampleMs: 10 * intervalMs, failedReports: 3 });
      reported(after, { intervalMs, reportMs }, "cutShort");
      expect(after).toMatchObject({ failedReports: 0, nextReportMs: 9 * intervalMs + waitMs });
    },
  );

  test("is where a sample is, also where the interval does not go into it", () => {
    const after = state({ nextSampleMs: 7 * MINUTE });
    reported(after, { intervalMs: 7 * MINUTE, reportMs: HOUR }, "done");
    expect(after.nextReportMs).toBe(63 * MINUTE); // 9 samples
    reported(after, { intervalMs: 2 * HOUR, reportMs: HOUR }, "done");
    expect(after.nextReportMs).toBe(7 * MINUTE); // each sample is reported
  });
});

test.each([
  [0, 10 * MINUTE],
  [9 * MINUTE + 0.25, MINUTE],
  [10 * MINUTE - MIN_SLEEP_MS, MIN_SLEEP_MS],
  [10 * MINUTE - MIN_SLEEP_MS + 1, 0],
  [11 * MINUTE, 0],
])("at %d ms it sleeps for %d ms", (nowMs, ms) => {
  expect(sleepMs(state(), nowMs)).toBe(ms);
});

test("for any behaviour of timer, radio and network: samples stay on the grid, none twice; reports are not more frequent than set", () => {
  const random = new Random(SEED).unit;
  for (let trial = 0; trial < 200; trial++) {
    const intervalMs = 1_000 * Math.ceil(600 * random());
    const reportMs = MINUTE * Math.ceil(180 * random());
    const plan: PlanState = { nextSampleMs: 0, nextReportMs: 0, failedReports: 0, missed: 0 };
    let nowMs = 0;
    let taken = 0;
    let lastReportMs = Number.NEGATIVE_INFINITY;
    for (let wake = 0; wake < 100; wake++) {
      const duties = dutiesAt(plan, wake === 0 ? "reset" : "timer", nowMs);
      if (duties & SAMPLE) {
        sampled(plan, { intervalMs, reportMs }, nowMs);
        taken++;
      }
      if (duties & REPORT) {
        expect(nowMs - lastReportMs, `seed ${SEED}`).toBeGreaterThanOrEqual(
          Math.min(reportMs, HOUR) - intervalMs - EARLY_MS,
        );
        lastReportMs = nowMs;
        reported(plan, { intervalMs, reportMs }, random() < 0.5 ? "done" : "failed");
        const lead = plan.nextReportMs - plan.nextSampleMs;
        expect(lead % intervalMs).toBe(0);
        expect(lead).toBeLessThanOrEqual(Math.max(reportMs, MAX_BACK_OFF_MS));
        nowMs += 20_000 * random();
      }
      const ms = sleepMs(plan, nowMs);
      nowMs =
        ms === 0 ? Math.max(nowMs, plan.nextSampleMs) : nowMs + ms * (random() < 0.1 ? random() : 1 + 0.01 * random());
      expect(plan.nextSampleMs).toBe((taken + plan.missed) * intervalMs);
    }
  }
});
