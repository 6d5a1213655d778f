/*
 * Turns a sensor's values into readings, by the settings of each channel: adds the offset, applies the filter, rounds to the
 * digits. Allocates nothing in steady state.
 */
import { channels, MAX_DECIMALS } from "../channels/channels.js";
import type { Sample } from "../channels/sample.js";
import { Filter, type FilterKind } from "./filter.js";

/** Digits after the point; "auto": as the sensor has them. */
export type Resolution = "auto" | number;

/** Arrays go by channel, in its unit; what is absent is as if it were not set. */
export interface CalibrationOptions {
  /** Added to every value. Default 0. */
  readonly offsets?: readonly number[];
  /** Default "auto". */
  readonly resolutions?: readonly Resolution[];
  /** Default "off". */
  readonly filter?: FilterKind | "off";
  /** How many samples the filter takes together, 2 or more. Default 3. */
  readonly filterSamples?: number;
}

const DEFAULT_FILTER_SAMPLES = 3;

/** Offset, filter and digits for each channel, applied to a sample in place. */
export class Calibration {
  private readonly offsets: readonly number[];
  private readonly resolutions: readonly Resolution[];
  private readonly filter: Filter | undefined;

  /** @throws RangeError for an offset or a filter that is none */
  constructor({
    offsets = [],
    resolutions = [],
    filter = "off",
    filterSamples = DEFAULT_FILTER_SAMPLES,
  }: CalibrationOptions) {
    offsets.forEach((offset, channel) => {
      if (!Number.isFinite(offset)) throw new RangeError(`offset ${offset}: expected ${channels[channel].unit}`);
    });
    this.offsets = offsets;
    this.resolutions = resolutions;
    this.filter = filter === "off" ? undefined : new Filter(filter, filterSamples);
  }

  /** Whether samples pass as they are: then nothing needs to be kept for them. */
  get isIdle(): boolean {
    return (
      this.filter === undefined &&
      this.offsets.every((offset) => offset === 0) &&
      this.resolutions.every((resolution) => resolution === "auto")
    );
  }

  /** Turns the sample's values into readings, in place. */
  apply(sample: Sample): void {
    const { mask, values, decimals } = sample;
    for (let channel = 0; channel < channels.length; channel++) {
      if ((mask & (1 << channel)) === 0) continue;
      const offset = this.offsets[channel] ?? 0;
      if (offset !== 0) values[channel] = within(values[channel] + offset, channel);
      const resolution = this.resolutions[channel] ?? "auto";
      if (resolution !== "auto") decimals[channel] = Math.min(resolution, MAX_DECIMALS);
    }
    this.filter?.apply(sample);
  }

  /** There was no sample: the sensor failed. */
  interrupt(): void {
    this.filter?.clear();
  }
}

/** An offset leads no value out of the channel's limits: there is no humidity above 100 %. */
function within(value: number, channel: number): number {
  const { lowest, highest } = channels[channel];
  return Math.min(Math.max(value, lowest), highest);
}
