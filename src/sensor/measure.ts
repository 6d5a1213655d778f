/*
 * What a sensor measures: a row for each of its channels, with limits, digits and accuracy; and how the value is read from a
 * driver's sample: `sample.hygrometer.humidity` (ECMA-419 §14), or `sample.humidity`, as in some drivers of the SDK.
 */
import { type ChannelName, channels } from "../channels/channels.js";

/** Properties of a sensor's channel; absent ones are those of the channel table. */
export interface MeasureOptions {
  /** Typical, ±, in the channel's unit; `auto` uses the most accurate sensor for a channel. Default: unknown, the last choice. */
  readonly accuracy?: number;
  /** Significant digits after the point. */
  readonly decimals?: number;
  /** In the channel's unit: a value outside is not a measurement. */
  readonly lowest?: number;
  readonly highest?: number;
  /** Factor from the driver's value to the unit of ECMA-419 (°C, %, Pa). Default 1. */
  readonly scale?: number;
}

/** A channel of a sensor. */
export interface Measure {
  /** Its index in the channel table. */
  readonly channel: number;
  readonly accuracy: number;
  readonly decimals: number;
  readonly lowest: number;
  readonly highest: number;
  /** Factor from the driver's value to the channel's unit. */
  readonly scale: number;
  /** Names in a driver's sample. */
  readonly sensor: string;
  readonly property: string;
}

/** A driver's sample: by the names of sensors, or of their properties. */
export type DriverSample = Readonly<Record<string, unknown>>;

/** A row of a driver's `measures`. */
export function measureOf(name: ChannelName, options: MeasureOptions = {}): Measure {
  return measureAt(
    channels.findIndex((row) => row.name === name),
    options,
  );
}

/** The same. `channel`: its index in the table. */
export function measureAt(channel: number, options: MeasureOptions = {}): Measure {
  const row = channels[channel];
  const { accuracy = Number.POSITIVE_INFINITY, decimals = row.decimals } = options;
  const { lowest = row.lowest, highest = row.highest, scale = 1 } = options;
  return Object.freeze({
    channel,
    accuracy,
    decimals,
    lowest,
    highest,
    scale: scale * (row.scale ?? 1),
    sensor: row.sensor,
    property: row.property,
  });
}

/** The value in the channel's unit; NaN: there is none. */
export function valueIn(sample: DriverSample, one: Measure): number {
  const nested = (sample[one.sensor] ?? sample) as DriverSample;
  return (nested[one.property] as number) * one.scale;
}

/** Whether a driver's sample has a value for a channel, even an impossible one. */
export function isThere(sample: DriverSample, { sensor, property }: Measure): boolean {
  const nested = (sample[sensor] ?? sample) as DriverSample;
  return nested[property] !== undefined;
}
