import { describe, expect, test } from "vitest";
import { TEMPERATURE } from "../../src/channels/channels.js";
import { sampleText } from "../../src/channels/sample.js";
import { measureOf } from "../../src/sensor/measure.js";
import { type OpenSensor, SensorBus } from "../../src/sensor/probe.js";
import { Sampler, type SamplerOptions } from "../../src/sensor/sampler.js";
import { Bench, sourceOf } from "./bench.js";

interface Reading {
  readonly atMs: number;
  readonly celsius: number;
}

/** A sampler at work: what it reported to its owner, in order, and when it opened its sensor. */
class Watched {
  readonly bench: Bench;
  readonly readings: Reading[] = [];
  readonly failures: string[] = [];
  readonly openedMs: number[] = [];
  recoveries = 0;
  readonly sampler: Sampler;

  /** `open`: of one sensor, in place of those on the bus. */
  constructor(bench: Bench, options: Partial<SamplerOptions> & { open?: () => OpenSensor } = {}) {
    this.bench = bench;
    const { open, sensors = open === undefined ? new SensorBus(bench.port) : sourceOf(open), ...others } = options;
    const note = (): void => {
      if (this.openedMs.at(-1) !== bench.time.nowMs) this.openedMs.push(bench.time.nowMs);
    };
    this.sampler = new Sampler({
      timers: bench.time.timers,
      clock: bench.time.clock,
      intervalMs: 1000,
      onSample: ({ values }) => this.readings.push({ atMs: bench.time.nowMs, celsius: values[TEMPERATURE] }),
      onFailure: (error) => this.failures.push(error.message),
      onRecovered: () => this.recoveries++,
      ...others,
      sensors: {
        names: sensors.names,
        open: (name, taken, address) => {
          note();
          return sensors.open(name, taken, address);
        },
        openAll: (taken) => {
          note();
          return sensors.openAll(taken);
        },
      },
    });
  }

  /** Started, `ms` ago. */
  run(ms: number): this {
    this.sampler.start();
    this.bench.time.advance(ms);
    return this;
  }

  get times(): number[] {
    return this.readings.map((reading) => reading.atMs);
  }
}

function withTMP117(options: Partial<SamplerOptions> = {}, celsius = 21) {
  const bench = new Bench();
  const part = bench.attachTMP117({ celsius });
  return { bench, part, watched: new Watched(bench, options) };
}

/** A sensor that answers what `sample` says, without any bus. */
function stub(sample: () => unknown, close: () => void = () => {}, highest = 85): OpenSensor {
  const sensor = { configure: () => {}, sample: sample as () => { temperature: number }, close };
  const measures = [measureOf("temperature", { decimals: 1, lowest: -40, highest }), measureOf("humidity")];
  return { sensor, address: 0x10, driver: { name: "stub", conversionMs: 10, measures } };
}

describe("cadence", () => {
  test("the first reading at once, the others at multiples of the interval: conversion times do not add up", () => {
    const { watched } = withTMP117();
    watched.run(10_000);
    expect(watched.times).toEqual([140, 1140, 2140, 3140, 4140, 5140, 6140, 7140, 8140, 9140]);
  });

  test("no drift in a million readings at an interval that no binary fraction meets", () => {
    const bench = new Bench();
    let last = 0;
    let count = 0;
    const onSample = () => {
      count++;
      last = bench.time.nowMs;
    };
    new Watched(bench, { intervalMs: 33.3, open: () => stub(() => ({ temperature: 20 })), onSample }).sampler.start();
    bench.time.advance(33.3 * 999_999.5);
    expect(count).toBe(1_000_000);
    expect(last - 33.3 * 999_999).toBeLessThanOrEqual(1);
  });

  test("a late wake skips what it missed and returns to the grid", () => {
    const bench = new Bench();
    let lateMs = 0;
    const { timers } = bench.time;
    const late = { ...timers, set: (callback: () => void, ms: number) => timers.set(callback, ms + lateMs) };
    const watched = new Watched(bench, { timers: late, open: () => stub(() => ({ temperature: 20 })) });
    watched.run(1500);
    lateMs = 3300; // the timer for 3000 is set at 2000
    bench.time.advance(4900);
    lateMs = 0;
    bench.time.advance(4000);
    expect(watched.times).toEqual([0, 1000, 2000, 6300, 10_300]);
  });

  test("timers are set in whole milliseconds", () => {
    const bench = new Bench();
    const delays: number[] = [];
    const { timers } = bench.time;
    const noting = {
      ...timers,
      set: (callback: () => void, ms: number) => {
        delays.push(ms);
        return timers.set(callback, ms);
      },
    };
    const watched = new Watched(bench, {
      timers: noting,
      intervalMs: 33.3,
      open: () => stub(() => ({ temperature: 20 })),
    });
    watched.run(1000);
    expect(delays.filter((ms) => !Number.isInteger(ms))).toEqual([]);
  });

  test("a timer that fires early does not take a slot twice", () => {
    const bench = new Bench();
    const { timers } = bench.time;
    const early = { ...timers, set: (callback: () => void, ms: number) => timers.set(callback, ms - 1) };
    const watched = new Watched(bench, { timers: early, open: () => stub(() => ({ temperature: 20 })) });
    expect(watched.run(5500).times).toEqual([0, 999, 1999, 2999, 3999, 4999]);
  });

  test("an interval shorter than the conversion: never two at once, slots are skipped", () => {
    const { watched } = withTMP117({ intervalMs: 100 }); // the driver does not know the interval
    watched.run(1000);
    expect(watched.times).toEqual([140, 340, 540, 740, 940]);
  });

  test("a driver that knows of a short interval is quick enough for it", () => {
    const bench = new Bench();
    bench.attachTMP117();
    const watched = new Watched(bench, {
      intervalMs: 50,
      sensors: new SensorBus(bench.port, "auto", { intervalMs: 50 }),
    });
    expect(watched.run(500).readings).toHaveLength(10);
  });

  test("stopped: no readings and no timers; started again: the grid restarts", () => {
    const { bench, watched } = withTMP117();
    watched.run(1050); // in the middle of the second conversion
    watched.sampler.stop();
    expect(bench.time.waiting).toBe(0);
    expect(bench.bus.openCount).toBe(0);
    bench.time.advance(10_300);
    watched.run(1200);
    expect(watched.times).toEqual([140, 11_490, 12_490]);
  });

  test("an SHT3x: the first reading after its longer beginning, the others on the grid", () => {
    const bench = new Bench();
    bench.attachSHT3x();
    expect(new Watched(bench).run(2500).times).toEqual([64, 1016, 2016]);
  });
});

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

describe("a sensor that fails", () => {
  test("absent from the start: reported once, tried again at longer steps, and read as soon as it is there", () => {
    const bench = new Bench();
    const watched = new Watched(bench).run(40_000);
    expect(watched.openedMs).toEqual([0, 1000, 3000, 7000, 15_000, 23_000, 31_000, 39_000]);
    expect(watched.failures).toHaveLength(1);
    expect(watched.sampler.status()).toMatchObject({ readings: 0, failures: 8, sensors: [] });
    bench.attachTMP117();
    bench.time.advance(8000);
    expect(watched.times).toEqual([47_140]);
    expect(watched.recoveries).toBe(1);
    expect(watched.sampler.status()).toMatchObject({
      readings: 1,
      failures: 8,
      sensors: [{ where: "TMP117 at 0x48" }],
      lastError: undefined,
    });
  });

  test("at a slow cadence every reading is tried", () => {
    const watched = new Watched(new Bench(), { intervalMs: 60_000 }).run(300_000);
    expect(watched.openedMs).toEqual([0, 60_000, 120_000, 180_000, 240_000, 300_000]);
  });

  test("the longest step is 30 s where that is several intervals", () => {
    const watched = new Watched(new Bench(), { intervalMs: 10_000 }).run(130_000);
    expect(watched.openedMs).toEqual([0, 10_000, 30_000, 60_000, 90_000, 120_000]);
  });

  test("unplugged and plugged in again while it runs: survived, each change reported once", () => {
    const { bench, part, watched } = withTMP117();
    watched.run(2500);
    bench.bus.unplug(0x48);
    bench.time.advance(10_000);
    expect(watched.failures).toEqual(["TMP117 at 0x48 does not answer: check its power and its wires"]);
    part.celsius = 25;
    bench.bus.plug(0x48);
    bench.time.advance(10_000);
    expect(watched.recoveries).toBe(1);
    expect(watched.readings.at(-1)).toMatchObject({ celsius: 25 });
    expect(watched.readings.length).toBeGreaterThanOrEqual(5);
  });

  test("after a recovery the steps restart, and the same fault is reported again", () => {
    const { bench, watched } = withTMP117();
    watched.run(500);
    for (let times = 0; times < 3; times++) {
      bench.bus.nackNext(1);
      bench.time.advance(1000); // fails
      bench.time.advance(1000); // and is well again at the next reading
    }
    expect(watched.failures).toEqual(Array(3).fill("TMP117 at 0x48 does not answer: check its power and its wires"));
    expect(watched.recoveries).toBe(3);
    expect(watched.times).toEqual([140, 2140, 4140, 6140]);
  });

  test("replaced by another chip: the other one is found", () => {
    const { bench, watched } = withTMP117();
    watched.run(1500);
    bench.bus.detach(0x48);
    bench.attachSHT3x({ celsius: 30 });
    bench.time.advance(3000);
    expect(watched.sampler.status()).toMatchObject({
      sensors: [{ where: "TMP117 at 0x48", opened: undefined }, { where: "SHT3x at 0x44" }],
      lastError: undefined,
    });
    expect(watched.readings.at(-1)?.celsius).toBeCloseTo(30, 2);
  });

  test.each(["TMP117", "SHT3x"])(
    "%s, a conversion that never ends: a failure after eight polls, then it is opened again",
    (name) => {
      const bench = new Bench();
      const part = name === "TMP117" ? bench.attachTMP117() : bench.attachSHT3x();
      part.hang();
      const watched = new Watched(bench, { intervalMs: 2000 }).run(1900);
      expect(watched.failures).toEqual([
        expect.stringMatching(/^(TMP117 at 0x48|SHT3x at 0x44) has no temperature after 8 asks: take its power away/),
      ]);
      part.powerOn();
      bench.time.advance(4000);
      expect(watched.openedMs).toHaveLength(2);
      expect(watched.readings.length).toBeGreaterThan(0);
    },
  );

  test("another fault of the same sensor is another fault", () => {
    const samples: unknown[] = [{ temperature: 90 }, ...Array(8).fill(undefined), { temperature: 90 }];
    const watched = new Watched(new Bench(), { open: () => stub(() => samples.shift()) }).run(4000);
    expect(watched.failures).toEqual([
      expect.stringContaining("stub at 0x10 says 90 °C"),
      expect.stringContaining("stub at 0x10 has no temperature after 8 asks"),
      expect.stringContaining("stub at 0x10 says 90 °C"),
    ]);
  });

  test("figures in a message do not make it another fault", () => {
    let celsius = 90;
    const watched = new Watched(new Bench(), { open: () => stub(() => ({ temperature: celsius++ })) }).run(20_000);
    expect(watched.failures).toHaveLength(1);
    expect(watched.sampler.status().failures).toBeGreaterThan(3);
  });

  test("any exception, even in close: none leaves the timer, and the next reading is tried", () => {
    let closed = 0;
    const sample = () => {
      throw "not even an Error";
    };
    const close = () => {
      closed++;
      throw new Error("gone");
    };
    const watched = new Watched(new Bench(), { open: () => stub(sample, close) }).run(3500);
    expect(watched.failures).toEqual(["not even an Error"]);
    expect(watched.openedMs).toEqual([0, 1000, 3000]);
    expect(closed).toBe(3);
  });

  test("an owner who throws at a reading: reported once, the sensor stays open, the cadence stays", () => {
    const bench = new Bench();
    bench.attachTMP117();
    let calls = 0;
    const onSample = () => {
      if (++calls <= 3) throw new Error("flash is full");
    };
    const watched = new Watched(bench, { onSample }).run(4500);
    expect(watched.failures).toEqual(["flash is full"]);
    expect(watched.openedMs).toEqual([0]);
    expect([calls, watched.recoveries]).toEqual([5, 1]);
    expect(watched.sampler.status()).toMatchObject({ readings: 5, failures: 3 });
  });

  test("an owner who throws at a failure: nothing leaves the timer", () => {
    const bench = new Bench();
    const onFailure = () => {
      throw new Error("the log is full");
    };
    const watched = new Watched(bench, { onFailure }).run(1500);
    expect(watched.openedMs).toEqual([0, 1000]);
  });
});

describe("sampleNow", () => {
  test("one reading at once, and the grid stays as it was", () => {
    const { bench, watched } = withTMP117();
    watched.run(1500);
    watched.sampler.sampleNow();
    bench.time.advance(1000);
    expect(watched.times).toEqual([140, 1140, 1640, 2140]);
  });

  test("during a conversion: that one is it", () => {
    const { bench, watched } = withTMP117();
    watched.run(1100);
    watched.sampler.sampleNow();
    bench.time.advance(1000);
    expect(watched.times).toEqual([140, 1140]);
  });

  test("it passes the deadband, and the band is then around it", () => {
    const { bench, part, watched } = withTMP117({ deadbands: [0.5] });
    watched.run(1500);
    part.celsius = 21.25;
    watched.sampler.sampleNow();
    part.celsius = 21.5;
    bench.time.advance(3000);
    expect(watched.readings).toEqual([
      { atMs: 140, celsius: 21 },
      { atMs: 1640, celsius: 21.5 },
    ]);
  });

  test("stopped: one reading, and it stays stopped", () => {
    const { bench, watched } = withTMP117();
    watched.sampler.sampleNow();
    bench.time.advance(5000);
    expect(watched.times).toEqual([140]);
    expect(bench.time.waiting).toBe(0);
  });

  test("during back-off the sensor is tried at once, and the next try is not put off by it", () => {
    const bench = new Bench();
    const watched = new Watched(bench).run(8000);
    watched.sampler.sampleNow();
    bench.time.advance(7500);
    expect(watched.openedMs).toEqual([0, 1000, 3000, 7000, 8000, 15_000]);
  });

  test("called by the owner while a reading is handed over: one more reading, one timer", () => {
    const bench = new Bench();
    bench.attachTMP117();
    let calls = 0;
    const watched: Watched = new Watched(bench, {
      onSample: () => {
        if (++calls === 1) watched.sampler.sampleNow();
      },
    });
    watched.run(900);
    expect(calls).toBe(2);
    expect(bench.time.waiting).toBe(1);
  });

  test("requested and then stopped: forgotten, also after the next start", () => {
    const { bench, watched } = withTMP117({ deadbands: [1] });
    watched.run(500);
    watched.sampler.sampleNow();
    watched.sampler.stop();
    watched.run(500);
    expect(watched.times).toEqual([140]);
    expect(bench.time.waiting).toBe(1);
  });

  test("closed: nothing happens any more", () => {
    const { bench, watched } = withTMP117();
    watched.run(500);
    watched.sampler.close();
    watched.sampler.sampleNow();
    watched.sampler.start();
    bench.time.advance(5000);
    expect(watched.times).toEqual([140]);
    expect(bench.bus.openCount).toBe(0);
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

describe("deadband and late timers", () => {
  test("a late reading does not put off the next heartbeat by an interval", () => {
    const bench = new Bench();
    let lateMs = 300;
    const { timers } = bench.time;
    const late = { ...timers, set: (callback: () => void, ms: number) => timers.set(callback, ms + lateMs) };
    const open = () => stub(() => ({ temperature: 20 }));
    const watched = new Watched(bench, { timers: late, open, deadbands: [1], heartbeatMs: 5000 }).run(0);
    lateMs = 0;
    bench.time.advance(7000);
    expect(watched.times).toEqual([300, 5000]);
  });

  test("a wake that is late by more than an interval counts as the slot that it met, for the heartbeat, too", () => {
    const bench = new Bench();
    let lateMs = 0;
    const { timers } = bench.time;
    const late = { ...timers, set: (callback: () => void, ms: number) => timers.set(callback, ms + lateMs) };
    const open = () => stub(() => ({ temperature: 20 }));
    const watched = new Watched(bench, { timers: late, open, deadbands: [1], heartbeatMs: 4000 });
    watched.sampler.start();
    lateMs = 3200; // of the timer for 1000, set at 0
    bench.time.advance(10);
    lateMs = 0;
    bench.time.advance(4500);
    expect(watched.times).toEqual([0, 4200]);
  });
});

describe("status and options", () => {
  test("before the first reading there is neither temperature nor age", () => {
    const { watched } = withTMP117();
    expect(watched.sampler.status()).toEqual({
      sensors: [],
      sample: undefined,
      ageMs: undefined,
      readings: 0,
      withheld: 0,
      failures: 0,
      lastError: undefined,
    });
  });

  test.each([
    [{ intervalMs: 0 }, "intervalMs 0: expected 1 or more"],
    [{ intervalMs: Number.NaN }, "intervalMs NaN: expected 1 or more"],
    [{ offsets: [Number.NaN] }, "offset NaN: expected °C"],
    [{ deadbands: [-1] }, "deadband -1: expected 0 or more °C"],
    [{ heartbeatMs: -1 }, "heartbeat -1: expected 0 or more ms"],
  ])("%o is refused", (options, message) => {
    expect(() => new Watched(new Bench(), options)).toThrow(new RangeError(message));
  });
});
