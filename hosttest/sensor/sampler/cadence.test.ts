/*
 * When the sampler reads its sensors.
 */
import { describe, expect, test } from "vitest";
import { SensorBus } from "../../../src/sensor/probe.js";
import { Bench } from "../bench.js";
import { stub, Watched, withTMP117 } from "./watched.js";

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
