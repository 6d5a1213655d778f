import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextStepMs, waitMs } from "../../src/network/back-off.js";
import { LINK_STEPS, SETTLE_MS } from "../../src/network/link.js";

describe("back-off", () => {
  test("failures in a row: the step doubles from the first to the longest, and stays there", () => {
    const steps = [0];
    while (steps.length <= 8) steps.push(nextStepMs(steps[steps.length - 1], LINK_STEPS));
    expect(steps.slice(1)).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test("for any step and random number: a step within its bounds, never shorter than before; a whole wait within the step", () => {
    const milliseconds = fc.integer({ min: 1, max: 2 ** 31 });
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(milliseconds, milliseconds, fc.nat({ max: 40 }), draw, (a, b, failures, random) => {
        const bounds = { firstMs: Math.min(a, b), longestMs: Math.max(a, b) };
        let stepMs = 0;
        for (let i = 0; i <= failures; i++) {
          const next = nextStepMs(stepMs, bounds);
          expect(next).toBeGreaterThanOrEqual(Math.max(stepMs, bounds.firstMs));
          expect(next).toBeLessThanOrEqual(bounds.longestMs);
          stepMs = next;
        }
        const wait = waitMs(SETTLE_MS, stepMs, random);
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(SETTLE_MS);
        expect(wait).toBeLessThanOrEqual(SETTLE_MS + stepMs);
      }),
    );
  });
});
