import { describe, expect, test } from "vitest";
import { adapt } from "../../src/sensor/adapt.js";
import { measureOf } from "../../src/sensor/measure.js";
import { SensorBus } from "../../src/sensor/probe.js";
import { Sampler } from "../../src/sensor/sampler.js";
import { Bench, openSensor, thrownBy } from "./bench.js";
import { AHT10, aht10Part, BMP280, bmp280Part, RegisterPart, TMP102, tmp102Part } from "./sdk-stubs.js";

// As in a board: one line for each driver.
const bmp280 = adapt("BMP280", BMP280, { addresses: [0x76, 0x77] });
const aht10 = adapt("AHT10", AHT10, {
  addresses: [0x38],
  measures: [measureOf("temperature", { lowest: -40, highest: 85 })],
});
const tmp102 = adapt("TMP102", TMP102, { addresses: [0x49], measures: [measureOf("temperature", { decimals: 1 })] });
const more = [bmp280, aht10, tmp102];

describe("a driver of the SDK", () => {
  test("BMP280: found by itself, its {thermometer: {temperature}} is read", () => {
    const bench = new Bench();
    bench.bus.attach(0x77, bmp280Part(21.5));
    const opened = openSensor(bench.port, "auto", { more });
    expect(opened).toMatchObject({ address: 0x77, driver: { name: "BMP280", conversionMs: 0 } });
    expect(opened.sensor.sample()).toMatchObject({ thermometer: { temperature: 21.5 } });
  });

  test("AHT10: found by itself, read, with the range that the board gave", () => {
    const bench = new Bench();
    bench.bus.attach(0x38, aht10Part(19.25));
    const opened = openSensor(bench.port, "auto", { more });
    expect(opened).toMatchObject({
      address: 0x38,
      driver: { name: "AHT10", measures: [{ lowest: -40, highest: 85 }] },
    });
    const sample = opened.sensor.sample() as { thermometer: { temperature: number } };
    expect(sample.thermometer.temperature).toBeCloseTo(19.25, 3);
  });

  test("TMP102: SMBus words, and its plain {temperature}", () => {
    const bench = new Bench();
    bench.bus.attach(0x49, tmp102Part(20.5));
    const opened = openSensor(bench.port, "TMP102", { more });
    expect(opened).toMatchObject({ driver: { name: "TMP102", measures: [{ decimals: 1 }] } });
    expect(opened.sensor.sample()).toEqual({ temperature: 20.5 });
  });

  test("through the sampler: from chip to calibrated reading", () => {
    const bench = new Bench();
    bench.bus.attach(0x76, bmp280Part(21.5));
    const readings: number[][] = [];
    const sampler = new Sampler({
      sensors: new SensorBus(bench.port, "bmp280", { more }),
      timers: bench.time.timers,
      clock: bench.time.clock,
      intervalMs: 1000,
      offsets: [-0.5],
      onSample: ({ values, decimals }) => readings.push([bench.time.nowMs, values[0], decimals[0]]),
      onFailure: (error) => expect.fail(error.message),
    });
    sampler.start();
    bench.time.advance(2500);
    expect(readings).toEqual([
      [0, 21, 2],
      [1000, 21, 2],
      [2000, 21, 2],
    ]);
  });

  test("`configure` of the board's line reaches the driver, and so does that of the owner", () => {
    const bench = new Bench();
    bench.bus.attach(0x76, bmp280Part(20));
    let driver: BMP280 | undefined;
    class Kept extends BMP280 {
      constructor(options: ConstructorParameters<typeof BMP280>[0]) {
        super(options);
        driver = this;
      }
    }
    const { sensor } = openSensor(bench.port, "kept", {
      more: [adapt("kept", Kept, { addresses: [0x76], configure: { filter: 4 } })],
    });
    expect(driver?.configured).toEqual({ filter: 4 });
    sensor.configure({ filter: 0 });
    expect(driver?.configured).toEqual({ filter: 0 });
  });
});

describe("bad manners", () => {
  test.each(more)("$name, nothing at its address: does not answer, nothing left open", (driver) => {
    const bench = new Bench();
    const error = thrownBy(() => driver.open(bench.port, driver.addresses[0], {}));
    expect(error).toMatchObject({ kind: "noAnswer" });
    expect(error.message).toMatch(/^\w+ at 0x\w\w does not answer: check its power and its wires$/);
    expect(bench.bus.openCount).toBe(0);
  });

  test.each([bmp280, tmp102])("$name, another chip at its address: its own words, nothing left open", (driver) => {
    const bench = new Bench();
    bench.bus.attach(driver.addresses[0], new RegisterPart());
    const error = thrownBy(() => driver.open(bench.port, driver.addresses[0], {}));
    expect(error).toMatchObject({ kind: "driver" });
    expect(error.message).toMatch(/^\w+ at 0x\w\w failed: unexpected sensor$/);
    expect(bench.bus.openCount).toBe(0);
  });

  test("a complaint by onError loses the sample: thrown, or handed to the owner's onError", () => {
    const bench = new Bench();
    const part = tmp102Part(20);
    bench.bus.attach(0x49, part);
    const plain = tmp102.open(bench.port, 0x49, {});
    part.word = 0xffff;
    expect(() => plain.sample()).toThrow("TMP102 at 0x49 failed: bad checksum");
    part.word = 0x1480;
    expect(plain.sample()).toEqual({ temperature: 20.5 });
    plain.close();

    const errors: string[] = [];
    const reporting = tmp102.open(bench.port, 0x49, { onError: (error) => errors.push(error.message) });
    part.word = 0xffff;
    expect(reporting.sample()).toBeUndefined();
    expect(errors).toEqual(["TMP102 at 0x49 failed: bad checksum"]);
  });

  test("unplugged, the driver cannot even close: the bus is let go all the same, and it can be opened again", () => {
    const bench = new Bench();
    bench.bus.attach(0x49, tmp102Part(20));
    const sensor = tmp102.open(bench.port, 0x49, {});
    bench.bus.unplug(0x49);
    expect(() => sensor.sample()).toThrow("TMP102 at 0x49 failed: writeRead failed");
    sensor.close();
    sensor.close();
    expect(bench.bus.openCount).toBe(0);
    expect(() => sensor.sample()).toThrow("TMP102 at 0x49 is closed");
    bench.bus.plug(0x49);
    expect(tmp102.open(bench.port, 0x49, {}).sample()).toEqual({ temperature: 20 });
  });

  test("a configuration that the driver refuses: closed and thrown", () => {
    const bench = new Bench();
    bench.bus.attach(0x76, bmp280Part(20));
    class Picky extends BMP280 {
      override configure(): void {
        throw new Error("bad filter");
      }
    }
    const picky = adapt("Picky", Picky, { addresses: [0x76], configure: {} });
    expect(() => picky.open(bench.port, 0x76, {})).toThrow("Picky at 0x76 failed: bad filter");
    expect(bench.bus.openCount).toBe(0);
  });
});
