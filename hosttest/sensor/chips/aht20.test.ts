import { describe, expect, test } from "vitest";
import { AHT20 } from "../../../src/sensor/chips/aht20.js";
import { Bench, openSensor, thrownBy } from "../bench.js";

function opened(options: Parameters<Bench["attachAHT20"]>[0] = {}) {
  const bench = new Bench();
  const part = bench.attachAHT20(options);
  return { bench, part, sensor: new AHT20({ sensor: bench.port }) };
}

describe("measurements", () => {
  test.each([-40, -0.01, 0, 21.37, 85])("%d °C and 40 % are read so, within half a bit", (celsius) => {
    const { bench, part, sensor } = opened({ celsius });
    part.humidity = 40;
    const sample = bench.sample(sensor);
    expect(Math.abs(sample.thermometer.temperature - celsius)).toBeLessThanOrEqual(100 / 0x100000);
    expect(Math.abs(sample.hygrometer.humidity - 40)).toBeLessThanOrEqual(50 / 0x100000);
  });

  test("two calls a sample; asked while it measures, it has nothing yet", () => {
    const { bench, sensor } = opened();
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(79);
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(1);
    expect(sensor.sample()).toBeDefined();
  });

  test("a chip without calibration is initialised first", () => {
    const bench = new Bench();
    const part = bench.attachAHT20({ celsius: 25 });
    part.isCalibrated = false;
    const sensor = new AHT20({ sensor: bench.port });
    expect(bench.sample(sensor).thermometer.temperature).toBeCloseTo(25, 3);
    expect(part.isCalibrated).toBe(true);
  });
});

describe("opening", () => {
  test("an AHT10 sends no checksum: never a reading, and the remedy is named", () => {
    const { bench, sensor } = opened({ checksum: "none" });
    sensor.sample();
    bench.time.advance(AHT20.conversionMs);
    const error = thrownBy(() => sensor.sample());
    expect(error).toMatchObject({ kind: "wrongChip" });
    expect(error.message).toContain("an AHT10 sends none): set `sensor` to the chip that is there");
  });

  test("found by auto", () => {
    const bench = new Bench();
    bench.attachAHT20();
    expect(openSensor(bench.port)).toMatchObject({ address: 0x38, driver: { name: "AHT20" } });
  });

  test("another chip on the bus is asked first", () => {
    const bench = new Bench();
    bench.attachAHT20();
    bench.attachBME280();
    expect(openSensor(bench.port).driver.name).toBe("BME280");
  });
});

describe("faults while sampling", () => {
  test("any one bit of the answer flipped on the wire: no reading, and the next sample is good", () => {
    const { bench, sensor } = opened({ celsius: 25 });
    bench.sample(sensor);
    for (let bit = 0; bit < 56; bit++) {
      sensor.sample();
      bench.time.advance(AHT20.conversionMs);
      bench.bus.flipNextRead(bit);
      if (bit === 0)
        expect(sensor.sample()).toBeUndefined(); // the busy bit: it is asked again
      else expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "badChecksum" });
      expect(bench.sample(sensor).thermometer.temperature).toBeCloseTo(25, 3);
    }
  });
});
