/*
 * The filter: the median or mean of each channel's last n values, or of fewer until there are n. A channel that was
 * missing from a sample starts again. Pure: no clock, and no allocation after the first sample.
 */
import type { Sample } from "../channels/sample.js";

/** The median of the last values, or their mean. */
export type FilterKind = "median" | "average";

/** The last values of one channel: in order of arrival and, for a median, also sorted. */
class Window {
  private readonly values: Float64Array;
  private readonly sorted: Float64Array | undefined;
  private count = 0;
  private at = 0; // where the next value goes

  constructor(kind: FilterKind, length: number) {
    this.values = new Float64Array(length);
    if (kind === "median") this.sorted = new Float64Array(length);
  }

  clear(): void {
    this.count = 0;
    this.at = 0;
  }

  /** Adds a value, and returns the filtered one. */
  take(value: number): number {
    const values = this.values;
    const at = this.at;
    const isFull = this.count === values.length;
    if (this.sorted !== undefined) this.sort(this.sorted, isFull ? values[at] : undefined, value);
    values[at] = value;
    if (!isFull) this.count++;
    this.at = at + 1 === values.length ? 0 : at + 1;
    return this.sorted === undefined ? this.mean() : this.median(this.sorted);
  }

  /** Replaces `old`, or grows by one. One pass is enough, because the others are sorted. */
  private sort(sorted: Float64Array, old: number | undefined, value: number): void {
    let at = old === undefined ? this.count : sorted.indexOf(old);
    const last = old === undefined ? this.count : this.count - 1;
    for (; at < last && sorted[at + 1] < value; at++) sorted[at] = sorted[at + 1];
    for (; at > 0 && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
    sorted[at] = value;
  }

  private median(sorted: Float64Array): number {
    const middle = this.count >> 1;
    return this.count & 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Added up each time: a running sum would collect rounding errors for years. */
  private mean(): number {
    let sum = 0;
    for (let n = 0; n < this.count; n++) sum += this.values[n];
    return sum / this.count;
  }
}

/** A filter for each channel. Values in the channel's unit. */
export class Filter {
  private readonly kind: FilterKind;
  private readonly length: number;
  /** By channel; made for the channel's first value. */
  private readonly windows: (Window | undefined)[] = [];

  /** `length`: how many values are combined, 2 or more. @throws RangeError */
  constructor(kind: FilterKind, length: number) {
    if (!Number.isInteger(length) || length < 2)
      throw new RangeError(`filter of ${length}: expected 2 samples or more`);
    this.kind = kind;
    this.length = length;
  }

  /** Replaces the sample's values by the filtered ones. */
  apply({ mask, values }: Sample): void {
    for (let channel = 0; channel < values.length; channel++) {
      if ((mask & (1 << channel)) === 0) {
        this.windows[channel]?.clear();
        continue;
      }
      let window = this.windows[channel];
      if (window === undefined) {
        window = new Window(this.kind, this.length);
        this.windows[channel] = window;
      }
      values[channel] = window.take(values[channel]);
    }
  }

  /** The next value is from another sensor, or much later. */
  clear(): void {
    this.windows.forEach((window) => window?.clear());
  }
}
