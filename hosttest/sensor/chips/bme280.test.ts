import { describe, expect, test } from "vitest";
import { CONSTANTS } from "../../../boards/parts/i2c/bme280.js";
import { BME280 } from "../../../src/sensor/chips/bme280.js";
import { Bench, openSensor, thrownBy } from "../bench.js";

function opened(options: Parameters<Bench["attachBME280"]>[0] = {}) {
  const bench = new Bench();
  const part = bench.attachBME280(options);
  return { bench, part, sensor: new BME280({ sensor: bench.port }) };
}

/** A chip that answers with these registers and ignores writes. */
function recorded(registers: Uint8Array) {
  let pointer = 0;
  return {
    write(bytes: Uint8Array): boolean {
      if (bytes.length === 1) pointer = bytes[0];
      else registers[bytes[0]] = bytes[0] === 0xf4 ? bytes[1] & ~3 : bytes[1];
      return true;
    },
    read(bytes: Uint8Array): boolean {
      for (let at = 0; at < bytes.length; at++) bytes[at] = registers[pointer + at];
      return true;
    },
  };
}

describe("measurements", () => {
  test("the example that Bosch computes for the BMP280, with the same constants: 25.08 °C, 100,653.27 Pa", () => {
    const registers = new Uint8Array(256);
    registers[0xd0] = 0x60;
    [...CONSTANTS.T, ...CONSTANTS.P].forEach((value, n) => {
      registers.set([value & 0xff, (value >> 8) & 0xff], 0x88 + 2 * n);
    });
    const [pressure, temperature] = [415_148, 519_888];
    registers.set([pressure >> 12, (pressure >> 4) & 0xff, (pressure & 0xf) << 4], 0xf7);
    registers.set([temperature >> 12, (temperature >> 4) & 0xff, (temperature & 0xf) << 4], 0xfa);
    const bench = new Bench();
    bench.bus.attach(0x76, recorded(registers));
    const sample = bench.sample(new BME280({ sensor: bench.port }));
    expect(sample.thermometer.temperature).toBeCloseTo(25.08, 2);
    expect(sample.barometer.pressure).toBeCloseTo(100_653.27, 1);
  });

  test.each([
    [-40, 30_000, 0],
    [-0.5, 95_000, 99],
    [21.37, 101_325, 45.2],
    [85, 110_000, 20],
  ])(
    "%d °C, %d Pa and %d %% are read so, by the other form of the datasheet's formulas",
    (celsius, pascals, percent) => {
      const { bench, part, sensor } = opened({ celsius });
      part.pressure = pascals;
      part.humidity = percent;
      const sample = bench.sample(sensor);
      expect(Math.abs(sample.thermometer.temperature - celsius)).toBeLessThan(0.01);
      expect(Math.abs(sample.barometer.pressure - pascals)).toBeLessThan(5);
      expect(Math.abs(sample.hygrometer.humidity - percent)).toBeLessThan(0.1);
    },
  );

  test("two calls a sample; asked while it measures, it has nothing yet", () => {
    const { bench, sensor } = opened();
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(9);
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(1);
    expect(sensor.sample()).toBeDefined();
  });
});

describe("opening", () => {
  test("a BMP280, which looks alike: its id and what it lacks are named, and nothing stays open", () => {
    const bench = new Bench();
    bench.attachBME280({ id: 0x58 });
    const error = thrownBy(() => new BME280({ sensor: bench.port }));
    expect(error.message).toBe(
      "BME280 at 0x76 is no BME280: its id is 0x58, not 0x60 (a BMP280, which measures no humidity): " +
        "set `sensor` to the chip that is there",
    );
    expect(bench.bus.openCount).toBe(0);
  });

  test("a constant that was hurt on its way would misread for good: refused", () => {
    for (const reads of [2, 3, 4, 5]) {
      const bench = new Bench();
      bench.attachBME280();
      bench.bus.flipNthRead(reads, 21);
      expect(thrownBy(() => new BME280({ sensor: bench.port }))).toMatchObject({ kind: "badChecksum" });
      expect(bench.bus.openCount).toBe(0);
    }
  });

  test.each([0x76, 0x77])("found by auto at %d", (address) => {
    const bench = new Bench();
    bench.attachBME280({ address });
    expect(openSensor(bench.port)).toMatchObject({ address, driver: { name: "BME280" } });
  });
});

describe("faults while sampling", () => {
  test("any one bit of the result flipped on the wire is never in a reading", () => {
    const { bench, sensor } = opened({ celsius: 25 });
    for (let bit = 0; bit < 13 * 8; bit++) {
      sensor.sample();
      bench.time.advance(BME280.conversionMs);
      bench.bus.flipNextRead(bit);
      const first = bit === 12 ? sensor.sample() : thrownBy(() => sensor.sample()); // bit 12: "measuring": asked again
      if (bit === 12) expect(first).toBeUndefined();
      else expect(first).toMatchObject({ kind: "badChecksum" });
      expect(bench.sample(sensor).thermometer.temperature).toBeCloseTo(25, 2);
    }
  });

  test.each([
    ["humidity", 0xf2, 0],
    ["temperature and pressure", 0xf4, 0],
  ])("it has forgotten what to measure of %s, and nothing else: no reading", (_what, register, value) => {
    const registers = new Uint8Array(256);
    registers[0xd0] = 0x60;
    registers.set([0x70, 0x6b, 0x43, 0x67, 0x18, 0xfc], 0x88);
    const bench = new Bench();
    bench.bus.attach(0x76, recorded(registers));
    const sensor = new BME280({ sensor: bench.port });
    sensor.sample();
    registers[register] = value;
    bench.time.advance(BME280.conversionMs);
    expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "lostPower" });
  });

  test("power lost during a measurement: no reading is made of the registers after the reset", () => {
    const { bench, part, sensor } = opened();
    sensor.sample();
    part.powerOn();
    bench.time.advance(BME280.conversionMs);
    expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "lostPower" });
  });
});
