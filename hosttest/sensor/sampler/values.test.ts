/*
 * What the sampler reports: values in range, calibrated, filtered, and only if they have changed enough.
 */
import { describe, expect, test } from "vitest";
import { TEMPERATURE } from "../../../src/channels/channels.js";
import { sampleText } from "../../../src/channels/sample.js";
import { Bench } from "../bench.js";
import { stub, Watched, withTMP117 } from "./watched.js";

describe("what a reading is", () => {
  test("the offset is added, with the sensor's digits", () => {
    const bench = new Bench();
    bench.attachTMP117({ celsius: 21.5 });
    const got: string[] = [];
    new Watched(bench, { offsets: [-0.75], onSample: (sample) => got.push(sampleText(sample)) }).run(500);
    expect(got).toEqual(["20.75 °C"]);
  });

  test("both shapes of sample are understood, and what else is in them does not matter", () => {
    const bench = new Bench();
    const samples: unknown[] = [
      { temperature: 1, alert: 0 },
      { thermometer: { temperature: 2 }, barometer: { pressure: 101_325 } },
    ];
    const watched = new Watched(bench, { open: () => stub(() => samples.shift()) });
    expect(watched.run(1500).readings.map((reading) => reading.celsius)).toEqual([1, 2]);
  });

  test.each([
    ["not a number", { temperature: Number.NaN }],
    ["nothing", { thermometer: {} }],
    ["no thermometer", { thermometer: undefined }],
    ["another thing", { hygrometer: { humidity: 5 } }],
    ["too warm for the chip", { temperature: 85.01 }],
    ["too cold for the chip", { temperature: -40.01 }],
  ])("%s is refused, with an error", (_, sample) => {
    const watched = new Watched(new Bench(), { open: () => stub(() => sample) }).run(500);
    expect(watched.readings).toEqual([]);
    expect(watched.failures).toHaveLength(1);
    expect(watched.failures[0]).toMatch(/^stub at 0x10 says .* °C, expected -40 to 85: check its power and its wires$/);
  });

  test("-256 °C, which a TMP117 shows before its first conversion, is no reading", () => {
    const { watched } = withTMP117({}, -256);
    watched.run(500);
    expect(watched.readings).toEqual([]);
    expect(watched.failures[0]).toContain("TMP117 at 0x48 says -256 °C, expected -55 to 150");
  });

  test("the range is the chip's: an offset may lead beyond it", () => {
    const watched = new Watched(new Bench(), { offsets: [2], open: () => stub(() => ({ temperature: 84 })) }).run(500);
    expect(watched.readings).toMatchObject([{ celsius: 86 }]);
  });
});

describe("deadband", () => {
  test("small changes are kept back and counted, but shown; a heartbeat is on the grid", () => {
    const { bench, part, watched } = withTMP117({ deadbands: [0.5], heartbeatMs: 5000 });
    watched.run(2500);
    part.celsius = 21.25;
    bench.time.advance(1000);
    expect(watched.sampler.status()).toMatchObject({ ageMs: 360, readings: 4, withheld: 3 });
    expect(watched.sampler.status().sample?.values[TEMPERATURE]).toBe(21.25);
    bench.time.advance(8000);
    expect(watched.times).toEqual([140, 5140, 10_140]);
  });
});

describe("filter", () => {
  test("it sits before the deadband: what it takes away is no change", () => {
    const bench = new Bench();
    const values = [20, 20, 149, 20, 20, 30, 30, 30];
    const watched = new Watched(bench, {
      open: () => stub(() => ({ temperature: values.shift() }), undefined, 200),
      filter: "median",
      deadbands: [1],
    });
    expect(watched.run(7500).readings).toEqual([
      { atMs: 0, celsius: 20 },
      { atMs: 6000, celsius: 30 },
    ]);
  });

  test("a sensor that was missing restarts", () => {
    const { bench, part, watched } = withTMP117({ filter: "average", filterSamples: 10 });
    watched.run(3500);
    part.celsius = 30;
    bench.bus.nackNext(1);
    bench.time.advance(2000);
    expect(watched.readings.at(-1)).toEqual({ atMs: 5140, celsius: 30 });
  });
});
