/* Several sensors on one bus: which one supplies which channel, and what changes when one fails. */
import { describe, expect, test } from "vitest";
import { adapt } from "../../src/sensor/adapt.js";
import { SensorBus, sensorFlaw } from "../../src/sensor/probe.js";
import { Sampler, type SamplerOptions } from "../../src/sensor/sampler.js";
import { Bench, namesOf } from "./bench.js";
import { AHT10, aht10Part } from "./sdk-stubs.js";

const INTERVAL_MS = 1000;
/** Temperature, humidity, pressure: what these chips measure. Channels after them have no value here. */
const SHOWN = 3;

/** The value of a channel that is not in the sample: none, not even the last one. */
function absent(value: number): undefined {
  expect(value).toBeNaN();
}

/** A sampler with the setting `sensor`; parts give temperatures that show who measured. */
class Several {
  readonly bench = new Bench();
  readonly log: string[] = [];
  readonly samples: (readonly (number | undefined)[])[] = [];
  readonly sampler: Sampler;

  constructor(setting: string, attach: (bench: Bench) => void, options: Partial<SamplerOptions> = {}) {
    const { bench } = this;
    attach(bench);
    this.sampler = new Sampler({
      sensors: new SensorBus({ ...bench.port, digital: bench.bus.Digital }, setting),
      timers: bench.time.timers,
      clock: bench.time.clock,
      intervalMs: INTERVAL_MS,
      onSample: ({ mask, values }) =>
        this.samples.push(
          values.map((value, at) => ((mask >> at) & 1 ? Math.round(value * 10) / 10 : absent(value))).slice(0, SHOWN),
        ),
      onFailure: (error) => this.log.push(error.message),
      onRecovered: (what) => this.log.push(`${what} works again`),
      onSource: (text) => this.log.push(text),
      ...options,
    });
    this.sampler.start();
  }

  /** The samples of the next `intervals` intervals. */
  next(intervals: number): (readonly (number | undefined)[])[] {
    const before = this.samples.length;
    this.bench.time.advance(intervals * INTERVAL_MS);
    return this.samples.slice(before);
  }

  /** By address; empty: away. */
  get gives(): string[] {
    return this.sampler.status().sensors.map(({ where, gives }) => `${where}: ${gives}`);
  }
}

const tmp117 = (bench: Bench) => bench.attachTMP117({ celsius: 10 });
const sht3x = (bench: Bench) => bench.attachSHT3x({ celsius: 20 });
const sht4x = (bench: Bench) => bench.attachSHT4x({ celsius: 25, address: 0x45 });
const bme280 = (bench: Bench) => bench.attachBME280({ celsius: 30 });
const aht20 = (bench: Bench) => bench.attachAHT20({ celsius: 40 });
const all =
  (...parts: ((bench: Bench) => object)[]) =>
  (bench: Bench): void => {
    for (const part of parts) part(bench);
  };

const NO_ANSWER = "does not answer: check its power and its wires";

describe("auto", () => {
  test("all that answer: each channel from the best of them, one sample at each slot", () => {
    const house = new Several("auto", all(bme280, sht3x, tmp117));
    expect(house.next(3)).toEqual(Array(3).fill([10, 50, 1013.3]));
    expect(house.gives).toEqual(["TMP117 at 0x48: 1", "SHT3x at 0x44: 2", "BME280 at 0x76: 4"]);
    expect(house.log).toEqual([]);
    expect(house.bench.time.waiting).toBe(1);
  });

  test("of equals an SHT4x is taken before an SHT3x, and the heater of neither is touched", () => {
    const house = new Several("auto", all(sht3x));
    const part = house.bench.attachSHT4x({ celsius: 25, address: 0x45 });
    expect(house.next(2)).toEqual(Array(2).fill([25, 50, undefined]));
    expect(part.heated).toBe(0);
  });

  test("an AHT20, which has no id, is used only if nothing else answers", () => {
    expect(new Several("auto", all(aht20, bme280)).next(1)).toEqual([[30, 50, 1013.3]]);
    const alone = new Several("auto", all(aht20));
    expect(alone.next(1)).toEqual([[40, 50, undefined]]);
    expect(alone.bench.bus.openCount).toBe(1);
  });

  test("a chip of the board without an id: the same", () => {
    const bench = new Bench();
    bench.bus.attach(0x38, aht10Part(5));
    const more = [adapt("AHT10", AHT10, { addresses: [0x38], identity: "none" })];
    bench.attachBME280();
    expect(new SensorBus(bench.port, "auto", { more }).openAll([]).map(({ driver }) => driver.name)).toEqual([
      "BME280",
    ]);
  });
});

describe("one of several fails", () => {
  test("the next best replaces it, at once and reported by name; the others are not disturbed", () => {
    const house = new Several("auto", all(tmp117, sht3x, bme280));
    house.next(3);
    house.bench.bus.unplug(0x48);
    expect(house.next(5)).toEqual(Array(5).fill([20, 50, 1013.3]));
    expect(house.log).toEqual([
      `TMP117 at 0x48 ${NO_ANSWER}`,
      "temperature now from SHT3x at 0x44, no longer from TMP117 at 0x48",
    ]);
    expect(house.sampler.status().lastError).toBeUndefined();
    expect(house.sampler.status().sensors[0]).toMatchObject({ gives: 0, lastError: expect.any(Error) });
  });

  test("without a stand-in its channels are missing; they are back with it, and that is reported", () => {
    const house = new Several("tmp117,bme280", all(tmp117, bme280));
    house.next(2);
    house.bench.bus.unplug(0x76);
    expect(house.next(4)).toEqual(Array(4).fill([10, undefined, undefined]));
    house.bench.bus.plug(0x76);
    expect(house.next(9).at(-1)).toEqual([10, 50, 1013.3]);
    expect(house.log).toEqual([
      `BME280 at 0x76 ${NO_ANSWER}`,
      expect.stringMatching(/^BME280 at 0x76 0x77 on I2C bus .* does not answer: check power and wires$/),
      "BME280 at 0x76 works again",
    ]);
  });

  test("a conversion that hangs delays one round, and no more", () => {
    const house = new Several("auto", (bench) => {
      tmp117(bench);
      bench.attachSHT3x({ celsius: 20 }).hang();
    });
    expect(house.next(20)).toHaveLength(20);
    expect(house.samples.every(([celsius]) => celsius === 10)).toBe(true);
    expect(house.log).toEqual([expect.stringContaining("SHT3x at 0x44 has no temperature after 8 attempts")]);
  });

  test("each has its own back-off", () => {
    const opened: string[] = [];
    const house = new Several("tmp117,sht3x,bme280", all(bme280));
    const { sampler, bench } = house;
    sampler.close();
    const bus = new SensorBus(bench.port, "tmp117,sht3x,bme280");
    const source = {
      names: bus.names,
      openAll: () => [],
      open: (name: string, taken: readonly number[], address?: number) => {
        opened.push(`${name} ${bench.time.nowMs}`);
        return bus.open(name, taken, address);
      },
    };
    const other = new Several("auto", () => {}, {
      sensors: source,
      timers: bench.time.timers,
      clock: bench.time.clock,
    });
    bench.time.advance(3500);
    sht3x(bench);
    bench.time.advance(13_000);
    expect(opened.filter((one) => one.startsWith("tmp117"))).toEqual([
      "tmp117 0",
      "tmp117 1000",
      "tmp117 3000",
      "tmp117 7000",
      "tmp117 15000",
    ]);
    expect(opened.filter((one) => one.startsWith("sht3x"))).toEqual([
      "sht3x 0",
      "sht3x 1000",
      "sht3x 3000",
      "sht3x 7000",
    ]);
    expect(other.samples).toHaveLength(17);
  });

  test("all fail: no sample, the timer waits; all are back on the grid", () => {
    const house = new Several("auto", all(tmp117, bme280));
    house.next(2);
    house.bench.bus.kill();
    expect(house.next(5)).toEqual([]);
    expect(house.sampler.status().lastError?.message).toContain("does not answer");
    expect(house.bench.time.waiting).toBe(1);
    house.bench.bus.revive();
    house.next(10);
    expect(house.next(3)).toEqual(Array(3).fill([10, 50, 1013.3]));
  });
});

describe("no flapping", () => {
  test("a sensor that works again has its channels after ten samples, and not before", () => {
    const house = new Several("auto", all(tmp117, sht3x));
    house.next(1);
    house.bench.bus.unplug(0x48);
    house.next(1);
    house.bench.bus.plug(0x48);
    const celsius = house.next(13).map(([value]) => value);
    expect(celsius).toEqual([20, ...Array(10).fill(20), 10, 10]); // away for one more
    expect(house.log.slice(2)).toEqual([
      "TMP117 at 0x48 works again",
      "temperature now from TMP117 at 0x48, no longer from SHT3x at 0x44",
    ]);
  });

  test("a loose contact: two lines for each change, and ever rarer changes", () => {
    const house = new Several("auto", all(tmp117, sht3x));
    for (let hour = 0; hour < 3600 / 15; hour++) {
      house.next(14);
      house.bench.bus.unplug(0x48);
      house.next(1);
      house.bench.bus.plug(0x48);
    }
    expect(house.samples).toHaveLength(3600);
    expect(house.log.length).toBeLessThan(16);
  });

  test("a filter does not mix the values of two sensors", () => {
    const house = new Several("auto", all(tmp117, sht3x), { filter: "average", filterSamples: 5 });
    house.next(5);
    house.bench.bus.unplug(0x48);
    expect(house.next(3).map(([value]) => value)).toEqual([20, 20, 20]);
  });

  test("a sensor that was plugged in replaces the one that failed, and that is reported", () => {
    const house = new Several("auto", all(sht3x));
    house.next(2);
    house.bench.bus.unplug(0x44);
    bme280(house.bench);
    house.next(3);
    expect(house.samples.at(-1)).toEqual([30, 50, 1013.3]);
    expect(house.log.slice(-2)).toEqual([
      `SHT3x at 0x44 ${NO_ANSWER}`,
      "temperature now from BME280 at 0x76, no longer from SHT3x at 0x44; humidity now from BME280 at 0x76, no longer from SHT3x at 0x44",
    ]);
  });
});

describe("a list", () => {
  test("the first that has a channel gives it", () => {
    expect(new Several("bme280,tmp117", all(tmp117, bme280)).next(1)).toEqual([[30, 50, 1013.3]]);
    expect(new Several("tmp117,bme280", all(tmp117, bme280)).next(1)).toEqual([[10, 50, 1013.3]]);
  });

  test("who is not named is not asked", () => {
    expect(new Several("SHT4x,sht3x", all(tmp117, sht3x, sht4x, bme280)).next(1)).toEqual([[25, 50, undefined]]);
  });

  test("one is absent from the start: the others are read, the absence is reported by name", () => {
    const house = new Several("tmp117,sht3x", all(sht3x));
    expect(house.next(3)).toEqual(Array(3).fill([20, 50, undefined]));
    expect(house.log).toEqual([expect.stringContaining("TMP117 at 0x48 0x49 0x4a 0x4b on I2C bus")]);
  });

  test.each([
    ["auto", undefined],
    ["TMP117,sht3x", undefined],
    ["tmp117,dht22", `expected auto, ${namesOf()}: the board has no other driver`],
    ["auto,tmp117", "expected auto alone, or names alone"],
    ["sht3x,SHT3X", "expected SHT3X once: one sensor of each name is read"],
  ])("the setting %s", (setting, flaw) => {
    expect(sensorFlaw(setting)).toBe(flaw);
  });
});

test("stopped, started, asked out of turn: nothing is left open, and every sample is whole", () => {
  const house = new Several("auto", all(tmp117, sht3x, bme280));
  house.next(2);
  house.bench.time.advance(50); // within a round
  house.sampler.stop();
  expect([house.bench.bus.openCount, house.bench.time.waiting]).toEqual([0, 0]);
  house.sampler.sampleNow();
  expect(house.next(1)).toEqual([[10, 50, 1013.3]]);
  expect(house.bench.time.waiting).toBe(0);
  house.sampler.start();
  expect(house.next(2)).toEqual(Array(2).fill([10, 50, 1013.3]));
  house.sampler.close();
  expect(house.bench.bus.openCount).toBe(0);
});
