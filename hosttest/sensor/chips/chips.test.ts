/* Properties of all drivers of chips; those of a single driver are in its own file. */
import { describe, expect, test } from "vitest";
import { AHT20 } from "../../../src/sensor/chips/aht20.js";
import { BME280 } from "../../../src/sensor/chips/bme280.js";
import { SHT3x } from "../../../src/sensor/chips/sht3x.js";
import { SHT4x } from "../../../src/sensor/chips/sht4x.js";
import { TMP117 } from "../../../src/sensor/chips/tmp117.js";
import { drivers } from "../../../src/sensor/drivers.js";
import { hex } from "../../../src/sensor/fault.js";
import type { Sensor, SensorOptions } from "../../../src/sensor/io.js";
import { Bench, thrownBy } from "../bench.js";

interface Row {
  readonly name: string;
  readonly where: string;
  readonly Driver: new (options: SensorOptions) => Sensor;
  attach(bench: Bench): { hang(): void };
}

const rows: readonly Row[] = [
  { name: "TMP117", where: "TMP117 at 0x48", Driver: TMP117, attach: (bench) => bench.attachTMP117() },
  { name: "SHT3x", where: "SHT3x at 0x44", Driver: SHT3x, attach: (bench) => bench.attachSHT3x() },
  { name: "SHT4x", where: "SHT4x at 0x44", Driver: SHT4x, attach: (bench) => bench.attachSHT4x() },
  { name: "BME280", where: "BME280 at 0x76", Driver: BME280, attach: (bench) => bench.attachBME280() },
  { name: "AHT20", where: "AHT20 at 0x38", Driver: AHT20, attach: (bench) => bench.attachAHT20() },
];

/** Longer than any chip needs between two calls. */
const STEP_MS = 200;

test("every driver of the table has a row here, with its first address", () => {
  const places = drivers.map(({ name, addresses }) => `${name} at ${hex(addresses[0])}`);
  expect(rows.map(({ where }) => where).sort()).toEqual(places.sort());
});

describe.each(rows)("$name", ({ where, Driver, attach }) => {
  /** A driver whose next call begins a conversion. */
  function settled(onError?: SensorOptions["onError"]) {
    const bench = new Bench();
    const part = attach(bench);
    const sensor = new Driver({ sensor: bench.port, onError });
    bench.sample(sensor);
    bench.time.advance(STEP_MS);
    return { bench, part, sensor };
  }

  test("nothing at the address: the error states it, and nothing is left open", () => {
    const bench = new Bench();
    const error = thrownBy(() => new Driver({ sensor: bench.port }));
    expect(error.message).toBe(`${where} does not answer: check its power and its wires`);
    expect(error).toMatchObject({ kind: "noAnswer" });
    expect(bench.bus.openCount).toBe(0);
  });

  test("closed twice is closed; then it can be opened again; a closed one throws", () => {
    const { bench, sensor } = settled();
    sensor.close();
    sensor.close();
    expect(bench.bus.openCount).toBe(0);
    expect(() => sensor.sample()).toThrow(`${where} is closed`);
    new Driver({ sensor: bench.port }).close();
  });

  test("the same object every time: nothing is allocated for a sample", () => {
    const { bench, sensor } = settled();
    expect(bench.sample(sensor)).toBe(bench.sample(sensor));
  });

  test("no acknowledge of a command: no answer, and the next sample is good", () => {
    const { bench, sensor } = settled();
    bench.bus.nackNext(1);
    expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "noAnswer" });
    expect(bench.sample(sensor)).toBeDefined();
  });

  test("with onError a fault is reported there, and the sample is undefined", () => {
    const errors: Error[] = [];
    const { bench, sensor } = settled((error) => errors.push(error));
    bench.bus.nackNext(1);
    expect(sensor.sample()).toBeUndefined();
    expect(errors).toMatchObject([{ kind: "noAnswer" }]);
  });

  test("a measurement that never ends is never a reading", () => {
    const { bench, part, sensor } = settled();
    part.hang();
    for (let asks = 0; asks < 100; asks++) {
      expect(sensor.sample()).toBeUndefined();
      bench.time.advance(STEP_MS);
    }
  });
});
