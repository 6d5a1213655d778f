import { describe, expect, test } from "vitest";
import { type Expected, isKept, judge, MAX_ARRIVAL_MS, type Point, uncovered } from "./verdict.js";

const TS = Date.UTC(2026, 5, 17, 9, 12, 0, 500);
const ARRIVED = TS + 700_000;
const dated = (seq: number): Expected => ({ room: "a", seq, value: 21.5, tsMs: TS + seq, arrivedMs: ARRIVED });
const undated = (seq: number): Expected => ({ ...dated(seq), tsMs: undefined });
const point = (seq: number, timeMs: number, value = 21.5): Point => ({ room: "a", seq, value, timeMs });

describe("the verdict on a recipe", () => {
  test("each message one point: with ts at exactly that time, without one near its arrival", () => {
    const verdict = judge([dated(0), dated(1), undated(2)], [point(0, TS), point(1, TS + 1), point(2, ARRIVED + 0.25)]);
    expect(verdict).toEqual({ expected: 3, points: 3, lost: [], doubled: [], misdated: [], wrong: [] });
    expect(isKept(verdict)).toBe(true);
  });

  test("a message without a point is lost, one with two is doubled, and rooms are distinguished", () => {
    const other = { ...dated(1), room: "b" };
    const verdict = judge([dated(0), dated(1), other], [point(0, TS), point(0, TS), point(1, TS + 1)]);
    expect(verdict).toMatchObject({ lost: ["b/1"], doubled: ["a/0"] });
    expect(isKept(verdict)).toBe(false);
  });

  test.each([
    ["a millisecond off", dated(0), TS + 1],
    ["at its arrival, though it had a time", dated(0), ARRIVED],
    ["long before it came", undated(0), ARRIVED - MAX_ARRIVAL_MS - 1],
    ["long after", undated(0), ARRIVED + MAX_ARRIVAL_MS + 1],
  ])("misdated: %s", (_what, message, timeMs) => {
    const verdict = judge([message], [point(0, timeMs)]);
    expect(verdict).toMatchObject({ misdated: ["a/0"], lost: [] });
    expect(isKept(verdict)).toBe(false);
  });

  test("another value, or a point of no message, is wrong", () => {
    const verdict = judge([dated(0)], [point(0, TS, 21.4), point(7, TS)]);
    expect(verdict.wrong).toEqual(["a/0", "a/7"]);
    expect(isKept(verdict)).toBe(false);
  });

  test("a run without one of the kinds of message reports which", () => {
    const whole = { ...dated(0), tsMs: TS - 500 };
    expect(uncovered([whole, dated(0), undated(1)])).toEqual([]);
    expect(uncovered([whole, undated(1)])).toEqual(["a ts with milliseconds"]);
    expect(uncovered([dated(0)])).toEqual(["a ts of whole seconds", "no ts"]);
  });
});
