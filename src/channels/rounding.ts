/*
 * The one rounding of values: half away from zero, once, to the digits that are shown. What subscribers get, what the
 * prompt says and what other ways out print is the same number.
 */

const MILLI_PER_DIGIT = Object.freeze([1000, 100, 10, 1]); // by decimals

/** Thousandths of the unit, a whole multiple of the last of `decimals` digits (0 to 3). Never -0. */
export function toMilli(value: number, decimals: number): number {
  const unit = MILLI_PER_DIGIT[decimals];
  const size = Math.round((Math.abs(value) * 1000) / unit) * unit;
  return value < 0 && size > 0 ? -size : size;
}

/** `value` with `decimals` digits after the point, 0 to 3. */
export function valueText(value: number, decimals: number): string {
  return (toMilli(value, decimals) / 1000).toFixed(decimals);
}
