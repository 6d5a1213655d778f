/* The only rounding: subscribers read the same digits as the prompt shows. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { toMilli, valueText } from "../../src/channels/rounding.js";
import { Renderer } from "../../src/journal/render.js";
import { StoredSample } from "../../src/journal/stored.js";
import { sampleOf } from "../support/sample.js";

test.each([
  [-0.125, 2, "-0.13"],
  [0.125, 2, "0.13"],
  [-12.5, 0, "-13"],
  [-0.0625, 3, "-0.063"],
  [-0.25, 1, "-0.3"],
  [-0.004, 2, "0.00"],
  [0, 2, "0.00"],
  [-0, 0, "0"],
])("%d with %d digits is %s", (celsius, decimals, text) => {
  expect(valueText(celsius, decimals)).toBe(text);
  expect(Object.is(toMilli(celsius, decimals), -0)).toBe(false);
});

test("the message has the digits that the prompt shows, for every step of a TMP117 and whatever offset", () => {
  const renderer = new Renderer();
  fc.assert(
    fc.property(
      fc.integer({ min: -32_768, max: 32_767 }),
      fc.integer({ min: -200, max: 200 }),
      fc.nat(3),
      (raw, tenths, decimals) => {
        const celsius = raw / 128 + tenths / 10;
        const stored = new StoredSample();
        stored.take(sampleOf({ temperature: celsius }, decimals), 1);
        const length = renderer.plain(stored);
        expect(Buffer.from(renderer.bytes.subarray(0, length)).toString()).toBe(valueText(celsius, decimals));
      },
    ),
    { numRuns: 2_000 },
  );
});
