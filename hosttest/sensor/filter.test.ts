/* The filter step: medians and means over the last samples, each channel on its own. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Sample } from "../../src/channels/sample.js";
import { Filter, type FilterKind } from "../../src/sensor/filter.js";

/** The output of one channel. NaN: the channel is absent. */
function filtered(filter: Filter, values: readonly number[], channel = 0): number[] {
  const sample = new Sample();
  return values.map((value) => {
    sample.mask = 0;
    if (!Number.isNaN(value)) sample.set(channel, value, 2);
    sample.clearOthers();
    filter.apply(sample);
    return sample.values[channel];
  });
}

describe("median", () => {
  test("a spike vanishes", () => {
    expect(filtered(new Filter("median", 3), [20, 20, 20, 149.5, 20, 20])).toEqual([20, 20, 20, 20, 20, 20]);
  });

  test("a step arrives after half of the samples", () => {
    expect(filtered(new Filter("median", 5), [20, 20, 20, 20, 20, 30, 30, 30, 30])).toEqual([
      20, 20, 20, 20, 20, 20, 20, 30, 30,
    ]);
  });

  test("of an even number it is the mean of the two in the middle", () => {
    expect(filtered(new Filter("median", 4), [4, 1, 3, 2, 10])).toEqual([4, 2.5, 3, 2.5, 2.5]);
  });
});

describe("average", () => {
  test("of what there is, and then of the last n", () => {
    expect(filtered(new Filter("average", 4), [4, 8, 0, 4, 8, 8])).toEqual([4, 6, 4, 4, 5, 5]);
  });

  test("has no memory of what has left it: no rounding error stays", () => {
    const values = [1e15, 0.1, 0.1, 0.1, 0.1];
    expect(filtered(new Filter("average", 3), values).at(-1)).toBeCloseTo(0.1, 12);
  });
});

/** A simple reference implementation. */
function model(kind: FilterKind, length: number, values: readonly number[]): number[] {
  return values.map((_, at) => {
    const last = values.slice(Math.max(0, at + 1 - length), at + 1);
    if (kind === "average") return last.reduce((sum, value) => sum + value, 0) / last.length;
    const sorted = last.sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  });
}

test.each<FilterKind>(["median", "average"])("%s: as the definition has it, for any values and lengths", (kind) => {
  const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, min: -100, max: 200 }));
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 15 }), fc.array(value, { maxLength: 60 }), (length, values) => {
      const got = filtered(new Filter(kind, length), values);
      model(kind, length, values).forEach((expected, at) => {
        expect(got[at]).toBeCloseTo(expected, 9);
      });
    }),
    { numRuns: 500 },
  );
});

test("each channel has its own values", () => {
  const filter = new Filter("average", 2);
  const sample = new Sample();
  const out = [
    [10, 40],
    [20, 60],
  ].map(([celsius, humidity]) => {
    sample.set(0, celsius, 2);
    sample.set(1, humidity, 1);
    filter.apply(sample);
    return [...sample.values].slice(0, 2);
  });
  expect(out).toEqual([
    [10, 40],
    [15, 50],
  ]);
});

test("a channel that was absent restarts; so do all after a clear", () => {
  const filter = new Filter("average", 4);
  expect(filtered(filter, [10, 20, Number.NaN, 40]).at(-1)).toBe(40);
  filter.clear();
  expect(filtered(filter, [50])).toEqual([50]);
});

test("fewer than two samples are no filter", () => {
  expect(() => new Filter("median", 1)).toThrow(new RangeError("filter of 1: expected 2 samples or more"));
});
