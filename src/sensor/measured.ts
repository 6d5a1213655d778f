/*
 * What a driver's sample says of the channels beside the temperature. A driver has a value as `sample.hygrometer.humidity`
 * (ECMA-419 §14), or as `sample.humidity`, as some drivers of the SDK do. What is outside the channel's limits is left out.
 */
import { channels, TEMPERATURE } from "../channels/channels.js";
import type { Sample } from "../channels/sample.js";

/** A driver's sample: by the names of sensors, or of their properties. */
type DriverSample = Readonly<Record<string, unknown>>;

/** Adds to `sample` what `measured` has beside the temperature. */
export function addOthers(measured: object, sample: Sample): void {
  for (let channel = 0; channel < channels.length; channel++) {
    if (channel === TEMPERATURE) continue;
    const { scale = 1, lowest, highest, decimals } = channels[channel];
    const value = valueIn(measured as DriverSample, channel) * scale;
    if (value >= lowest && value <= highest) sample.set(channel, value, decimals);
  }
}

/** NaN: there is none. */
function valueIn(measured: DriverSample, channel: number): number {
  const { sensor, property } = channels[channel];
  const nested = measured[sensor] as DriverSample | undefined;
  const value = nested === undefined || nested === null ? measured[property] : nested[property];
  return typeof value === "number" ? value : Number.NaN;
}
