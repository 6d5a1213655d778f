/* Samples for tests: values by channel, with the digits that the channel table gives, or others. */
import { channels } from "../../src/channels/channels.js";
import { Sample } from "../../src/channels/sample.js";

/** A sample with these values, by the channels' names. `decimals`: of the temperature. */
export function sampleOf(values: Readonly<Record<string, number>>, decimals = 2): Sample {
  const sample = new Sample();
  for (const [name, value] of Object.entries(values)) {
    const channel = channels.findIndex((row) => row.name === name);
    if (channel < 0) throw new Error(`no channel ${name}`);
    sample.set(channel, value, channel === 0 ? decimals : channels[channel].decimals);
  }
  return sample;
}
