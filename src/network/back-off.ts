/*
 * Back-off: how long the classes of this folder wait before they try again. Every failure in a row doubles the step, within two
 * bounds; the wait is random within the step. Pure: no clock, no timer.
 */

/** The least and the greatest step, in milliseconds. */
export interface Bounds {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** The step after one more failure. `stepMs` is 0 before the first failure of a row. */
export function nextStepMs(stepMs: number, { firstMs, longestMs }: Bounds): number {
  return Math.min(Math.max(stepMs * 2, firstMs), longestMs);
}

/** A whole number of milliseconds from `leastMs` up to `leastMs + stepMs`. `random`: uniform in [0, 1). */
export function waitMs(leastMs: number, stepMs: number, random: number): number {
  return leastMs + Math.round(stepMs * random);
}
