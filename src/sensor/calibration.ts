/*
 * Converts a sensor's values to readings, with the settings of each channel: adds the offset, applies the filter, rounds to the
 * digits. Allocates nothing in the steady state.
 */
import { channels, MAX_DECIMALS } from "../channels/channels.js";
import type { Sample } from "../channels/sample.js";
import { Filter, type FilterKind } from "./filter.js";

/** Digits after the point; "auto": the sensor's own. */
export type Resolution = "auto" | number;

/** Arrays are by channel, in its unit; absent values are defaults. */
export interface CalibrationOptions {
  /** Added to every value. Default 0. */
  readonly offsets?: readonly number[];
  /** Default "auto". */
  readonly resolutions?: readonly Resolution[];
  /** Default "off". */
  readonly filter?: FilterKind | "off";
  /** Number of latest samples that the filter combines, 2 or more. Default 3. */
  readonly filterSamples?: number;
}

const DEFAULT_FILTER_SAMPLES = 3;

/** Offset, filter and digits for each channel, applied to a sample in place. */
export class Calibration {
  private readonly offsets: readonly number[];
  private readonly resolutions: readonly Resolution[];
  private readonly filter: Filter | undefined;

  /** @throws RangeError for an invalid offset or filter */
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

  /** Whether samples pass unchanged: then no state is needed. */
  get isIdle(): boolean {
    return (
      this.filter === undefined &&
      this.offsets.every((offset) => offset === 0) &&
      this.resolutions.every((resolution) => resolution === "auto")
    );
  }

  /** Converts the sample's values to readings, in place. */
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

  /** There was no sample, because the sensor failed. */
  interrupt(): void {
    this.filter?.clear();
  }
}

/** An offset must not move a value beyond the channel's limits: there is no humidity above 100 %. */
function within(value: number, channel: number): number {
  const { lowest, highest } = channels[channel];
  return Math.min(Math.max(value, lowest), highest);
}
