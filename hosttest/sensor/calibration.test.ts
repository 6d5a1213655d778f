/* Offsets, digits and the filter, as the settings have them for each channel. */
import { expect, test } from "vitest";
import { Sample, sampleText } from "../../src/channels/sample.js";
import { Calibration, type CalibrationOptions } from "../../src/sensor/calibration.js";

function calibrated(options: CalibrationOptions, values: readonly number[] = [21.4375, 45.26, 1013.24]): string {
  const sample = new Sample();
  values.forEach((value, channel) => {
    if (!Number.isNaN(value)) sample.set(channel, value, channel === 0 ? 2 : 1);
  });
  new Calibration(options).apply(sample);
  return sampleText(sample);
}

test("nothing set: the values are unchanged, which the result shows", () => {
  expect(calibrated({})).toBe("21.44 °C, 45.3 %, 1013.2 hPa");
  expect(new Calibration({ offsets: [0, 0], resolutions: ["auto"], filter: "off" }).isIdle).toBe(true);
});

test.each<[string, CalibrationOptions]>([
  ["offset", { offsets: [0, 0, 0.5] }],
  ["resolution", { resolutions: ["auto", 0] }],
  ["filter", { filter: "median" }],
])("%s alone is something to do", (_name, options) => {
  expect(new Calibration(options).isIdle).toBe(false);
});

test("each channel has its own offset and its own digits", () => {
  expect(calibrated({ offsets: [-1, 2.5, 50], resolutions: [1, 0, "auto"] })).toBe("20.4 °C, 48 %, 1063.2 hPa");
});

test("an offset leads no value out of its channel's limits: 102 % humidity is none", () => {
  expect(calibrated({ offsets: [0, 5] }, [21, 98])).toBe("21.00 °C, 100.0 %");
  expect(calibrated({ offsets: [0, -5] }, [21, 2])).toBe("21.00 °C, 0.0 %");
});

test("a channel that is absent stays so", () => {
  expect(calibrated({ offsets: [1, 1, 1], resolutions: [0, 0, 0] }, [21, Number.NaN, 1000])).toBe("22 °C, 1001 hPa");
});

test("an interruption restarts the filter", () => {
  const calibration = new Calibration({ filter: "average", filterSamples: 5 });
  const sample = new Sample();
  const next = (value: number): number => {
    sample.set(0, value, 2);
    calibration.apply(sample);
    return sample.values[0];
  };
  expect([next(10), next(20)]).toEqual([10, 15]);
  calibration.interrupt();
  expect(next(30)).toBe(30);
});

test("an offset that is no number is refused", () => {
  expect(() => new Calibration({ offsets: [0, Number.NaN] })).toThrow(new RangeError("offset NaN: expected %"));
});
