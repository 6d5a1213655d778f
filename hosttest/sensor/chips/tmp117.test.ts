import { describe, expect, test } from "vitest";
import { TMP117 } from "../../../src/sensor/chips/tmp117.js";
import type { SensorOptions } from "../../../src/sensor/io.js";
import { Bench, thrownBy } from "../bench.js";

function opened(options: { celsius?: number; onError?: SensorOptions["onError"] } = {}) {
  const bench = new Bench();
  const part = bench.attachTMP117(options);
  return { bench, part, sensor: new TMP117({ sensor: bench.port, onError: options.onError }) };
}

describe("temperatures", () => {
  // SNOSD82D, table 7-1, the chip's range, and beyond the edges of 16 bits.
  test.each([
    [-256, -256],
    [-25, -25],
    [-0.125, -0.125],
    [-0.0078125, -0.0078125],
    [0, 0],
    [0.0078125, 0.0078125],
    [0.125, 0.125],
    [1, 1],
    [25, 25],
    [100, 100],
    [255.9921875, 255.9921875],
    [-55, -55],
    [150, 150],
    [300, 255.9921875],
    [-300, -256],
  ])("a part at %d °C is read as %d °C", (celsius, read) => {
    const { bench, sensor } = opened({ celsius });
    expect(bench.sample(sensor).temperature).toBe(read);
  });

  test("every one of the 65,536 codes comes through exactly", () => {
    const { bench, part, sensor } = opened();
    sensor.configure({ averaging: 0 });
    for (let code = -0x8000; code <= 0x7fff; code++) {
      part.celsius = code / 128;
      if (bench.sample(sensor).temperature !== code / 128) expect.fail(`code ${code}`);
    }
  });
});

describe("conversions", () => {
  test("the first call starts one, and there is nothing until it is done", () => {
    const { bench, sensor } = opened({ celsius: 20 });
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(120); // eight conversions take 124 ms
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(4);
    expect(sensor.sample()).toEqual({ temperature: 20 });
  });

  test("each sample is of a conversion that was started for it, not of an older one", () => {
    const { bench, part, sensor } = opened({ celsius: 20 });
    bench.sample(sensor);
    part.celsius = 25;
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(sensor.conversionMs);
    expect(sensor.sample()?.temperature).toBe(25);
  });

  test.each([
    [0, 15.5],
    [8, 124],
    [32, 496],
    [64, 992],
  ] as const)("averaging %d takes %d ms", (averaging, takesMs) => {
    const { bench, sensor } = opened();
    sensor.configure({ averaging });
    sensor.sample();
    bench.time.advance(takesMs - 0.5);
    expect(sensor.sample()).toBeUndefined();
    bench.time.advance(0.5);
    expect(sensor.sample()).toBeDefined();
    expect(sensor.conversionMs).toBeGreaterThanOrEqual(takesMs);
  });

  test("averaging 16 is refused", () => {
    const { sensor } = opened();
    const error = thrownBy(() => sensor.configure({ averaging: 16 as 8 }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe("averaging 16: expected 0, 8, 32 or 64");
  });
});

describe("opening", () => {
  test("another chip at the address: names its id and the remedy, and leaves nothing open", () => {
    const bench = new Bench();
    bench.attachTMP117({ id: 0x0075 });
    const error = thrownBy(() => new TMP117({ sensor: bench.port }));
    expect(error.message).toBe(
      "TMP117 at 0x48 is no TMP117: its id is 0x0075, not 0x0117: set `sensor` to the chip that is there",
    );
    expect(error).toMatchObject({ kind: "wrongChip" });
    expect(bench.bus.openCount).toBe(0);
  });

  test("a later revision of the chip is one", () => {
    const bench = new Bench();
    bench.attachTMP117({ id: 0x3117, celsius: 7 });
    expect(bench.sample(new TMP117({ sensor: bench.port })).temperature).toBe(7);
  });

  test("at the address that the options name", () => {
    const bench = new Bench();
    bench.attachTMP117({ address: 0x4a, celsius: 7 });
    expect(bench.sample(new TMP117({ sensor: { ...bench.port, address: 0x4a } })).temperature).toBe(7);
  });

  test("wrong pins: the io class's own error, and nothing open", () => {
    const bench = new Bench();
    expect(() => new TMP117({ sensor: { ...bench.port, data: 5 } })).toThrow(new RangeError("unusable pins"));
    expect(bench.bus.openCount).toBe(0);
  });
});

describe("faults while sampling", () => {
  test("no acknowledge at the start of a conversion, or while collecting: no answer", () => {
    const { bench, sensor } = opened();
    bench.bus.nackNext(1);
    expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "noAnswer" });
    sensor.sample();
    bench.bus.nackNext(1);
    expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "noAnswer" });
  });

  test.each([2, 3])(
    "any one bit of read %d of a collect (the temperature's) flipped on the wire is never in a reading",
    (nth) => {
      const { bench, sensor } = opened({ celsius: 21.5 });
      for (let bit = 0; bit < 16; bit++) {
        sensor.sample();
        bench.time.advance(sensor.conversionMs);
        bench.bus.flipNthRead(nth, bit);
        expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "badChecksum" });
        expect(bench.sample(sensor).temperature).toBe(21.5);
      }
    },
  );

  test("after a fault while collecting, the next sample is of a new conversion", () => {
    const { bench, part, sensor } = opened({ celsius: 20 });
    sensor.sample();
    bench.time.advance(sensor.conversionMs);
    part.write(new Uint8Array(0)); // an address probe: the part catches up with the time, and has 20 °C ready
    bench.bus.nackNext(1);
    thrownBy(() => sensor.sample());
    part.celsius = 25;
    expect(bench.sample(sensor).temperature).toBe(25);
  });

  test("after a fault the next sample is good", () => {
    const { bench, sensor } = opened({ celsius: 19 });
    bench.bus.nackNext(1);
    thrownBy(() => sensor.sample());
    expect(bench.sample(sensor).temperature).toBe(19);
  });

  test("power lost during a conversion: the chip's own default conversion is not taken for ours", () => {
    const { bench, sensor } = opened();
    sensor.sample();
    bench.bus.unplug(0x48);
    bench.bus.plug(0x48);
    bench.time.advance(2000);
    const error = thrownBy(() => sensor.sample());
    expect(error).toMatchObject({ kind: "lostPower" });
    expect(error.message).toBe("TMP117 at 0x48 lost its configuration: check its power for loose contacts");
  });

  test.each([0, 8, 32, 64] as const)("a bus that floats high is no 0 °C, averaging %d", (averaging) => {
    const { bench, sensor } = opened();
    sensor.configure({ averaging });
    sensor.sample();
    bench.bus.detach(0x48);
    bench.bus.attach(0x48, { write: () => true, read: (bytes) => bytes.fill(0xff) !== undefined });
    expect(thrownBy(() => sensor.sample())).toMatchObject({ kind: "lostPower" });
  });

  test("unplugged and plugged in again between samples: continues as before", () => {
    const { bench, sensor } = opened({ celsius: 18 });
    bench.sample(sensor);
    bench.bus.unplug(0x48);
    bench.bus.plug(0x48);
    expect(bench.sample(sensor).temperature).toBe(18);
  });
});
