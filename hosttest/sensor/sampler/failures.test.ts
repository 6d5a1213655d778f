/*
 * A sensor that fails: it is reported once, and tried again.
 */
import { describe, expect, test } from "vitest";
import { Bench } from "../bench.js";
import { stub, Watched, withTMP117 } from "./watched.js";

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
      bench.time.advance(1000); // and works again at the next reading
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
        expect.stringMatching(
          /^(TMP117 at 0x48|SHT3x at 0x44) has no temperature after 8 attempts: disconnect its power/,
        ),
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
      expect.stringContaining("stub at 0x10 has no temperature after 8 attempts"),
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
