import { describe, expect, test } from "vitest";
import { SHT4x } from "../../../src/sensor/chips/sht4x.js";
import type { SensorOptions } from "../../../src/sensor/io.js";
import { Bench, openSensor, thrownBy } from "../bench.js";

function opened(options: { celsius?: number; serialReads?: number; onError?: SensorOptions["onError"] } = {}) {
  const bench = new Bench();
  const part = bench.attachSHT4x(options);
  return { bench, part, sensor: new SHT4x({ sensor: bench.port, onError: options.onError }) };
}

describe("measurements", () => {
  test("every one of the 65,536 temperature codes comes through exactly", () => {
    const { bench, part, sensor } = opened();
    for (let code = 0; code <= 0xffff; code++) {
      part.celsius = (175 * code) / 65535 - 45;
      if (bench.sample(sensor).thermometer.temperature !== part.celsius) expect.fail(`code ${code}`);
    }
  });

  test.each([
    [0, 0],
    [40, 40],
    [100, 100],
    [-5, 0],
    [110, 100],
  ])("%d %% of relative humidity are read as %d: what is outside of 0 to 100 is cropped", (percent, read) => {
    const { bench, part, sensor } = opened();
    part.humidity = percent;
    expect(Math.abs(bench.sample(sensor).hygrometer.humidity - read)).toBeLessThanOrEqual(125 / 65535 / 2);
  });

  test("two calls a sample; asked too early, it has nothing yet", () => {
    const { bench, sensor } = opened();
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(8);
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(1);
    expect(sensor.sample()).toBeDefined();
  });
});

describe("opening", () => {
  test("a chip that needs a moment for its serial number is waited for", () => {
    const { bench, sensor } = opened({ serialReads: 10, celsius: 25 });
    expect(bench.sample(sensor).thermometer.temperature).toBeCloseTo(25, 2);
  });

  test("one that never has it is no SHT4x, and nothing stays open", () => {
    const bench = new Bench();
    bench.attachSHT4x({ serialReads: 1_000 });
    const error = thrownBy(() => new SHT4x({ sensor: bench.port }));
    expect(error.message).toContain("is no SHT4x, or its wires are bad: its serial number is missing");
    expect(bench.bus.openCount).toBe(0);
  });

  test("an SHT3x at its address takes the question for half of a command: no SHT4x", () => {
    const bench = new Bench();
    bench.attachSHT3x();
    expect(thrownBy(() => new SHT4x({ sensor: bench.port }))).toMatchObject({ kind: "noAnswer" });
    expect(bench.bus.openCount).toBe(0);
  });
});

describe("probing where an SHT3x and an SHT4x may be", () => {
  test.each(["auto", "SHT4x"])("`sensor` = %s finds it, and its heater stays cold", (name) => {
    const bench = new Bench();
    const part = bench.attachSHT4x({ celsius: 25 });
    const { sensor, driver } = openSensor(bench.port, name);
    expect(driver.name).toBe("SHT4x");
    expect(bench.sample(sensor)).toMatchObject({ thermometer: { temperature: expect.closeTo(25, 2) } });
    expect(part.heated).toBe(0);
  });

  test("`sensor` = SHT3x where an SHT4x is: refused, and its heater stays cold", () => {
    const bench = new Bench();
    const part = bench.attachSHT4x();
    expect(() => openSensor(bench.port, "SHT3x")).toThrow("SHT3x at 0x44 0x45 on I2C bus");
    expect(part.heated).toBe(0);
  });

  test("an SHT3x is an SHT3x for `auto`", () => {
    const bench = new Bench();
    bench.attachSHT3x();
    expect(openSensor(bench.port).driver.name).toBe("SHT3x");
  });
});

describe("faults while sampling", () => {
  test("any one bit of the answer flipped on the wire: bad checksum, never a reading, and the next sample is good", () => {
    const { bench, sensor } = opened({ celsius: 130 });
    for (let bit = 0; bit < 48; bit++) {
      sensor.sample();
      bench.time.advance(SHT4x.conversionMs);
      bench.bus.flipNextRead(bit);
      expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "badChecksum" });
      expect(bench.sample(sensor).thermometer.temperature).toBe(130);
    }
  });
});
