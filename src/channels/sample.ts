/* A sample: the sensors' values at one moment, for each channel that they have. Owners reuse one object. */
import { channels } from "./channels.js";
import { valueText } from "./rounding.js";

/** One sample: a value for each channel, in the channel's unit, NaN where there is none. */
export class Sample {
  /** Bit n is set: channel n of the table has a value. */
  mask = 0;
  /** By channel, in its unit, calibrated; NaN where there is none. */
  readonly values: number[] = channels.map(() => Number.NaN);
  /** By channel: digits after the point to be shown, 0 to 3. */
  readonly decimals: number[] = channels.map(({ decimals }) => decimals);

  /** Channels that are not in `mask` have no value. */
  clearOthers(): void {
    const values = this.values;
    for (let channel = 0; channel < values.length; channel++) {
      if ((this.mask & (1 << channel)) === 0) values[channel] = Number.NaN;
    }
  }

  /** `channel`: its index in the table. */
  set(channel: number, value: number, decimals: number): void {
    this.mask |= 1 << channel;
    this.values[channel] = value;
    this.decimals[channel] = decimals;
  }
}

/** A sample as a person reads it: "21.44 °C, 45.2 %". */
export function sampleText({ mask, values, decimals }: Pick<Sample, "mask" | "values" | "decimals">): string {
  return channels
    .map(({ unit }, channel) => `${valueText(values[channel], decimals[channel])} ${unit}`)
    .filter((_, channel) => (mask & (1 << channel)) !== 0)
    .join(", ");
}
