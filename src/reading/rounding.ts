/*
 * The one rounding of temperatures: half away from zero, once, to the digits that are shown. What subscribers get, what the
 * prompt says and what other ways out print is the same number.
 */

const MILLI_PER_DIGIT = Object.freeze([1000, 100, 10, 1]); // by decimals

/** Thousandths of a degree Celsius, a whole multiple of the last of `decimals` digits (0 to 3). Never -0. */
export function toMilliCelsius(celsius: number, decimals: number): number {
  const unit = MILLI_PER_DIGIT[decimals];
  const size = Math.round((Math.abs(celsius) * 1000) / unit) * unit;
  return celsius < 0 && size > 0 ? -size : size;
}

/** `celsius` with `decimals` digits after the point, 0 to 3. */
export function celsiusText(celsius: number, decimals: number): string {
  return (toMilliCelsius(celsius, decimals) / 1000).toFixed(decimals);
}
