import fc from "fast-check";
import { expect, test } from "vitest";
import { HOUR_MS, hourOf, hourStatistics, MAX_HOLD_MS } from "./hours.js";

const START = Date.UTC(2026, 10, 28, 2);
const MINUTE = 60_000;

test("the mean is weighted by time: a value holds until the next one", () => {
  const values = [
    { atMs: START, value: 10 },
    { atMs: START + 15 * MINUTE, value: 20 },
  ];
  expect(hourStatistics(values, START)).toEqual({ mean: 17.5, min: 10, max: 20 });
});

test("the value before the hour holds at its start, up to the limit", () => {
  const own = { atMs: START + 30 * MINUTE, value: 20 };
  const fresh = { atMs: START - 10 * MINUTE, value: 10 };
  expect(hourStatistics([fresh, own], START)).toEqual({ mean: 15, min: 10, max: 20 });
  const old = { atMs: START - MAX_HOLD_MS, value: 10 };
  expect(hourStatistics([old, own], START)).toEqual({ mean: 20, min: 20, max: 20 });
});

test("an hour without a sample is left out", () => {
  expect(hourStatistics([{ atMs: START - 1, value: 10 }], START)).toBeUndefined();
  expect(hourStatistics([{ atMs: START + HOUR_MS, value: 10 }], START)).toBeUndefined();
});

test("as counted by the second", () => {
  const samples = fc.array(
    fc.record({ s: fc.integer({ min: -3600, max: 3599 }), value: fc.double({ min: -50, max: 50, noNaN: true }) }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(samples, (drawn) => {
      const values = drawn.map(({ s, value }) => ({ atMs: START + s * 1000, value })).sort((a, b) => a.atMs - b.atMs);
      const statistics = hourStatistics(values, START);
      if (!values.some(({ atMs }) => hourOf(atMs) === START)) {
        expect(statistics).toBeUndefined();
        return;
      }
      const standing: number[] = [];
      for (let ms = START; ms < START + HOUR_MS; ms += 1000) {
        const last = values.findLast(({ atMs }) => atMs <= ms);
        if (last !== undefined && ms - last.atMs < MAX_HOLD_MS) standing.push(last.value);
      }
      const mean = standing.reduce((sum, value) => sum + value, 0) / standing.length;
      expect(statistics?.mean).toBeCloseTo(mean, 6);
      for (const value of standing) {
        expect(value).toBeGreaterThanOrEqual(statistics?.min as number);
        expect(value).toBeLessThanOrEqual(statistics?.max as number);
      }
    }),
  );
});
