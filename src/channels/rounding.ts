/*
 * The only rounding of values: half away from zero, once, to the digits that are shown. Subscribers, the prompt and all other
 * outputs therefore get the same number.
 */

/** Thousandths in a step, by decimals. */
export const MILLI_PER_STEP: readonly number[] = Object.freeze([1000, 100, 10, 1]);

/** `value` in units of the last of `decimals` digits (0 to 3). Never -0. */
export function toSteps(value: number, decimals: number): number {
  const thousandths = value * 1000;
  return thousandths < 0
    ? 0 - Math.round(-thousandths / MILLI_PER_STEP[decimals])
    : 0 + Math.round(thousandths / MILLI_PER_STEP[decimals]);
}

/** Thousandths of the unit, a whole multiple of the last of `decimals` digits (0 to 3). Never -0. */
export function toMilli(value: number, decimals: number): number {
  return toSteps(value, decimals) * MILLI_PER_STEP[decimals];
}

/** `value` with `decimals` digits after the point, 0 to 3. */
export function valueText(value: number, decimals: number): string {
  return (toMilli(value, decimals) / 1000).toFixed(decimals);
}
