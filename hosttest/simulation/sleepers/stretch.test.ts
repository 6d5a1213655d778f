import { expect, test } from "vitest";
import { Stretch } from "./stretch.js";

const HOUR = 3_600_000;

test("a sample of a boot whose clock was never set must have no time; one that waits for a synchronisation may", () => {
  const boot = new Stretch(0, 1, "boot");
  expect(boot.toleranceMs(5, HOUR)).toBe(-1);
  boot.synchronise(2 * HOUR, 0, true);
  expect(boot.toleranceMs(5, HOUR)).toBeGreaterThan(0);
});

test("if the power failed during a synchronisation, flash may have it or not: a time that follows from it is correct, and so is none", () => {
  const boot = new Stretch(0, 1, "boot");
  boot.synchronise(2 * HOUR, 0, true);
  boot.doubt();
  expect(boot.toleranceMs(5, HOUR)).toBeGreaterThan(0);
});

test("a sample taken after another synchronisation is dated by both, or by that one alone", () => {
  const between = new Stretch(0, 1, "synchronised");
  between.synchronise(2 * HOUR, 0, true);
  expect(between.isExact(5)).toBe(true);
  const byBothMs = between.toleranceMs(5, HOUR);
  between.doubt();
  expect(between.isExact(5)).toBe(false);
  expect(between.toleranceMs(5, HOUR)).toBeGreaterThan(byBothMs);
});
