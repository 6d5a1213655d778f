import { describe, expect, test } from "vitest";
import { SHT3x } from "../../../src/sensor/chips/sht3x.js";
import type { SensorOptions } from "../../../src/sensor/io.js";
import { Bench, thrownBy } from "../bench.js";

const STEP_MS = SHT3x.conversionMs;

function opened(options: { celsius?: number; onError?: SensorOptions["onError"] } = {}) {
  const bench = new Bench();
  const part = bench.attachSHT3x(options);
  return { bench, part, sensor: new SHT3x({ sensor: bench.port, onError: options.onError }) };
}

/** A sensor whose next call starts a measurement. */
function settled(options: Parameters<typeof opened>[0] = {}) {
  const all = opened(options);
  all.bench.sample(all.sensor);
  all.bench.time.advance(STEP_MS);
  return all;
}

describe("temperatures", () => {
  test.each([
    [-45, -45],
    [130, 130],
    [-60, -45],
    [200, 130],
  ])("a part at %d °C is read as %d °C", (celsius, read) => {
    const { bench, sensor } = opened({ celsius });
    expect(bench.sample(sensor).thermometer.temperature).toBe(read);
  });

  test("a part at 21.5 °C and 40 % is read so, within half a bit", () => {
    const { bench, part, sensor } = opened({ celsius: 21.5 });
    part.humidity = 40;
    const sample = bench.sample(sensor);
    expect(Math.abs(sample.thermometer.temperature - 21.5)).toBeLessThanOrEqual(175 / 65535 / 2);
    expect(sample).toMatchObject({ hygrometer: { humidity: 40 } });
  });

  test("every one of the 65,536 codes comes through exactly", () => {
    const { bench, part, sensor } = opened();
    for (let code = 0; code <= 0xffff; code++) {
      part.celsius = (175 * code) / 65535 - 45;
      if (bench.sample(sensor).thermometer.temperature !== part.celsius) expect.fail(`code ${code}`);
    }
  });
});

describe("steps", () => {
  test("the first sample takes five calls: settle, break, reset, measure, collect; every other two", () => {
    const { bench, sensor } = opened();
    const calls = () => {
      for (let n = 1; ; n++) {
        if (sensor.sample() !== undefined) return n;
        bench.time.advance(STEP_MS);
      }
    };
    expect([calls(), calls(), calls()]).toEqual([5, 2, 2]);
  });

  test("asked too early, it has nothing yet, and asked again it has", () => {
    const { bench, sensor } = settled({ celsius: -45 });
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(15);
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(1);
    expect(sensor.sample()?.thermometer.temperature).toBe(-45);
  });

  test("a periodic acquisition that earlier firmware left running is ended", () => {
    const bench = new Bench();
    const part = bench.attachSHT3x({ celsius: -45 });
    part.write(Uint8Array.of(0x21, 0x30)); // one measurement a second
    bench.time.advance(1);
    expect(part.write(Uint8Array.of(0x24, 0x00))).toBe(false);
    bench.time.advance(1);
    expect(bench.sample(new SHT3x({ sensor: bench.port })).thermometer.temperature).toBe(-45);
  });

  test("a heater that earlier firmware left on is switched off", () => {
    const bench = new Bench();
    const part = bench.attachSHT3x();
    part.status = 0x2000;
    bench.sample(new SHT3x({ sensor: bench.port }));
    expect(part.status & 0x2000).toBe(0);
  });
});

describe("opening", () => {
  test("unplugged between command and answer: no answer, and nothing stays open", () => {
    const bench = new Bench();
    bench.bus.attach(0x44, { write: () => true, read: () => false });
    expect(thrownBy(() => new SHT3x({ sensor: bench.port }))).toMatchObject({ kind: "noAnswer" });
    expect(bench.bus.openCount).toBe(0);
  });

  test("another chip, which answers with something else: wrong chip, and nothing open", () => {
    const bench = new Bench();
    bench.attachTMP117({ address: 0x44 });
    const error = thrownBy(() => new SHT3x({ sensor: bench.port }));
    expect(error).toMatchObject({ kind: "wrongChip" });
    expect(error.message).toContain("SHT3x at 0x44 is no SHT3x");
    expect(bench.bus.openCount).toBe(0);
  });

  test("a checksum that fits by chance does not make a status of it", () => {
    const bench = new Bench();
    bench.attachSHT3x().status = 0x4000;
    expect(thrownBy(() => new SHT3x({ sensor: bench.port }))).toMatchObject({ kind: "wrongChip" });
  });

  test("whatever the status says otherwise: heater on, alerts pending", () => {
    const bench = new Bench();
    bench.attachSHT3x().status = 0xaffb & ~0x000c;
    new SHT3x({ sensor: bench.port }).close();
  });
});

describe("faults while sampling", () => {
  test("any one bit of the answer flipped on the wire: bad checksum, never a reading", () => {
    const { bench, sensor } = settled();
    for (let bit = 0; bit < 48; bit++) {
      sensor.sample();
      bench.time.advance(STEP_MS);
      bench.bus.flipNextRead(bit);
      const error = thrownBy(() => sensor.sample());
      expect(error).toMatchObject({ kind: "badChecksum" });
      expect(error.message).toBe(
        "SHT3x at 0x44 sent a wrong checksum: shorten its wires, or give them stronger pull-ups",
      );
      bench.time.advance(STEP_MS);
    }
  });

  test("after a bad checksum the next sample is good", () => {
    const { bench, sensor } = settled({ celsius: 130 });
    sensor.sample();
    bench.time.advance(STEP_MS);
    bench.bus.flipNextRead(0);
    thrownBy(() => sensor.sample());
    expect(bench.sample(sensor).thermometer.temperature).toBe(130);
  });

  test("no acknowledge of the command: no answer", () => {
    const { bench, sensor } = settled();
    bench.bus.nackNext(1);
    expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "noAnswer" });
  });
});
