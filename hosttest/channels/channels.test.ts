/* The channel table: what its users rely on. */
import { describe, expect, test } from "vitest";
import { channels, MAX_CHANNELS, MAX_DECIMALS, TEMPERATURE } from "../../src/channels/channels.js";
import { Sample } from "../../src/channels/sample.js";
import { isTopicLevel } from "../../src/settings/texts.js";

describe("the channel table", () => {
  test("gives every channel its own name, payload key and source", () => {
    for (const column of ["name", "key"] as const) {
      expect(new Set(channels.map((channel) => channel[column])).size).toBe(channels.length);
    }
    expect(new Set(channels.map(({ sensor, property }) => `${sensor}.${property}`)).size).toBe(channels.length);
    for (const { key } of channels) expect(["ts", "seq"]).not.toContain(key);
    for (const { name } of channels) expect(isTopicLevel(name)).toBe(true);
  });

  test("has a bit in a sample's mask for each, and 24 bits hold every value in thousandths", () => {
    expect(channels.length).toBeLessThanOrEqual(MAX_CHANNELS);
    for (const { lowest, highest, decimals } of channels) {
      expect(decimals).toBeLessThanOrEqual(MAX_DECIMALS);
      expect(lowest).toBeLessThan(highest);
      expect(Math.max(-lowest, highest) * 1000).toBeLessThan(2 ** 23);
    }
  });

  test("names the temperature first", () => {
    expect(channels[TEMPERATURE].name).toBe("temperature");
  });
});

test("a sample has what was set; a channel that is taken out has no value", () => {
  const sample = new Sample();
  sample.set(1, 45.2, 1);
  expect([sample.mask, sample.values[1], sample.decimals[1]]).toEqual([2, 45.2, 1]);
  sample.set(2, 1013.2, 1);
  sample.mask = 4;
  sample.clearOthers();
  expect([...sample.values]).toEqual(channels.map((_, channel) => (channel === 2 ? 1013.2 : Number.NaN)));
});
