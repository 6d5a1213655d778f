/* How values are read from a driver's sample, and how invalid ones are handled. */
import { describe, expect, test } from "vitest";
import { adapt, type SDKDriver } from "../../src/sensor/adapt.js";
import { measureOf, valueIn } from "../../src/sensor/measure.js";
import { SensorBus } from "../../src/sensor/probe.js";
import { Sampler } from "../../src/sensor/sampler.js";
import { Bench } from "./bench.js";
import { aht10Part } from "./sdk-stubs.js";

test.each([
  ["as ECMA-419 has it", { hygrometer: { humidity: 45.2 } }, 45.2, Number.NaN],
  ["flat, as some drivers of the SDK", { temperature: 20, humidity: 45.2 }, 45.2, Number.NaN],
  ["in pascals", { barometer: { pressure: 101_325 } }, Number.NaN, 1013.25],
  ["pressure flat", { temperature: 20, pressure: 98_000 }, Number.NaN, 980],
  ["nothing", { temperature: 20 }, Number.NaN, Number.NaN],
  ["an empty sensor", { hygrometer: {}, barometer: null }, Number.NaN, Number.NaN],
])("%s", (_name, sample, humidity, pressure) => {
  expect([valueIn(sample, measureOf("humidity")), valueIn(sample, measureOf("pressure"))]).toEqual([
    humidity,
    pressure,
  ]);
});

test("fields that a row lacks are those of the channel table; a scale overrides the table's", () => {
  expect(measureOf("humidity")).toMatchObject({ channel: 1, decimals: 1, lowest: 0, highest: 100, scale: 1 });
  const pressure = measureOf("pressure", { accuracy: 1, decimals: 2, lowest: 500, highest: 1100, scale: 1000 });
  expect(pressure).toMatchObject({ channel: 2, accuracy: 1, decimals: 2, lowest: 500, highest: 1100, scale: 10 });
});

describe("a driver of the SDK", () => {
  /** The sample that the owner of a sampler gets from a driver with `sample`. */
  function sampled(sample: () => object, measures?: Parameters<typeof adapt>[2]["measures"]) {
    class Driver {
      sample = sample;
      close(): void {}
    }
    const bench = new Bench();
    bench.bus.attach(0x38, aht10Part(20));
    const more = [adapt("BME68x", Driver as SDKDriver, { addresses: [0x38], measures })];
    const got: (number | undefined)[][] = [];
    const failures: string[] = [];
    const sampler = new Sampler({
      sensors: new SensorBus(bench.port, "bme68x", { more }),
      timers: bench.time.timers,
      clock: bench.time.clock,
      intervalMs: 1000,
      // temperature, humidity, pressure: these drivers have no others
      onSample: ({ mask, values }) =>
        got.push(values.slice(0, 3).map((value, at) => ((mask >> at) & 1 ? value : undefined))),
      onFailure: (error) => failures.push(error.message),
    });
    sampler.start();
    bench.time.advance(2500);
    return { got, failures, status: sampler.status() };
  }

  const fraction = () => ({ thermometer: { temperature: 20 }, hygrometer: { humidity: 0.452 } });

  test("a humidity between 0 and 1: `scale` makes percent of it", () => {
    const { got, failures } = sampled(fraction, [measureOf("temperature"), measureOf("humidity", { scale: 100 })]);
    expect(got[0]).toEqual([20, expect.closeTo(45.2), undefined]);
    expect(failures).toEqual([]);
  });

  test("without rows it has all channels of its sample, and missing ones are no fault", () => {
    const { got, failures } = sampled(fraction);
    expect(got[0]).toEqual([20, 0.452, undefined]);
    expect(failures).toEqual([]);
  });

  test.each([130, -0.1, Number.NaN])(
    "humidity %d: left out, and reported once, by chip, channel and value",
    (humidity) => {
      const { got, failures, status } = sampled(() => ({ temperature: 20, humidity, pressure: 98_000 }));
      expect(got).toEqual(Array(3).fill([20, undefined, 980]));
      expect(failures).toEqual([
        `BME68x at 0x38 says ${humidity} %, expected 0 to 100 (humidity is left out): check its power and its wires`,
      ]);
      expect(status).toMatchObject({ readings: 3, failures: 0, lastError: undefined });
    },
  );

  test("two channels that are none: each is reported", () => {
    const { failures } = sampled(() => ({ temperature: 20, humidity: 130, pressure: 10 }));
    expect(failures).toEqual([expect.stringContaining("130 %"), expect.stringContaining("0.1 hPa")]);
  });

  test("limits and digits are the row's, where they are narrower than the table's", () => {
    const rows = [measureOf("temperature"), measureOf("pressure", { lowest: 900 })];
    expect(sampled(() => ({ temperature: 20, pressure: 89_000 }), rows).got[0]).toEqual([20, undefined, undefined]);
  });

  test("a sensor without a thermometer: its first row decides whether a sample is one", () => {
    const rows = [measureOf("humidity")];
    expect(sampled(() => ({ hygrometer: { humidity: 45 } }), rows)).toMatchObject({
      got: Array(3).fill([undefined, 45, undefined]),
      failures: [],
    });
    expect(sampled(() => ({ temperature: 20 }), rows).failures).toEqual([
      "BME68x at 0x38 says NaN %, expected 0 to 100: check its power and its wires",
    ]);
  });
});
