/*
 * Readings that are taken close together: every one has a different time, as a time series requires.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleOf } from "../support/sample.js";
import { ReadingDevice, START_UTC_MS, stamp } from "./device.js";

/** Takes a reading every `stepsMs`, and returns what subscribers see. */
function times(device: ReadingDevice, stepsMs: readonly number[]): string[] {
  return stepsMs.map((ms) => {
    device.pass(ms);
    return device.see(device.append(20))?.ts ?? "none";
  });
}

describe("the time of a reading", () => {
  test("has milliseconds while the interval is below two seconds, and whole seconds from two seconds on", () => {
    const device = new ReadingDevice();
    device.setClock();
    device.setInterval(400);
    expect(times(device, [400, 400])).toEqual([stamp(START_UTC_MS + 400, 3), stamp(START_UTC_MS + 800, 3)]);
    device.setInterval(1_999);
    expect(times(device, [1_999])).toEqual([stamp(START_UTC_MS + 2_799, 3)]);
    device.setInterval(2_000);
    expect(times(device, [2_000, 1_998])).toEqual([stamp(START_UTC_MS + 4_799), stamp(START_UTC_MS + 6_797)]);
  });

  test("is what it was when the reading was taken: neither a longer interval later nor a reboot takes the milliseconds away", () => {
    const device = new ReadingDevice();
    device.setClock();
    device.setInterval(500);
    device.pass(500);
    const fine = device.append(20);
    device.setInterval(60_000);
    device.pass(60_000);
    const coarse = device.append(20);
    for (let boot = 0; boot < 2; boot++) {
      expect(device.see(fine)?.ts).toBe(stamp(START_UTC_MS + 500, 3));
      expect(device.see(coarse)?.ts).toBe(stamp(START_UTC_MS + 60_500));
      device.boot();
    }
  });

  test("of a reading out of turn, within a second after another, has them too; the prompt shows the same", () => {
    const device = new ReadingDevice();
    device.setClock();
    expect(times(device, [60_000, 300])).toEqual([stamp(START_UTC_MS + 60_000), stamp(START_UTC_MS + 60_300, 3)]);
    const entry = device.outbox.seek(1)!;
    expect(device.journal.describe(entry)).toBe(`20.00 °C, ${stamp(START_UTC_MS + 60_300, 3)}`);
  });

  test("the clock is set back: the same seconds come again, with milliseconds, and then whole seconds once more", () => {
    const device = new ReadingDevice();
    device.setInterval(5_000);
    device.setClock(5_000); // a bad crystal's drift in a day
    const before = times(device, Array(6).fill(5_000));
    device.setClock(-60);
    const after = times(device, Array(6).fill(5_000));
    expect(before.at(-1)).toBe(stamp(START_UTC_MS + 35_000));
    expect(after[0]).toBe(stamp(START_UTC_MS + 34_940, 3));
    expect(after.at(-1)).toBe(stamp(START_UTC_MS + 59_940));
    expect(new Set([...before, ...after]).size).toBe(12);
  });

  test("the clock was years ahead, or is moved to and fro: no time twice, and no milliseconds where no other reading was", () => {
    const YEAR = 365 * 86_400_000;
    for (const moves of [
      [YEAR, 0],
      [0, YEAR, 20_000, 0],
      [0, 30_000, -30_000, 10_000, 0],
    ]) {
      const device = new ReadingDevice();
      device.setInterval(10_000);
      const seen = moves.flatMap((aheadMs, n) => {
        device.setClock(aheadMs - 37 * n);
        return times(device, Array(8).fill(10_000));
      });
      expect(new Set(seen).size).toBe(seen.length);
      if (moves.length === 2) for (const ts of seen) expect(ts).toHaveLength(20);
    }
  });

  test("at QoS 0 is the same", () => {
    const device = new ReadingDevice();
    device.setClock();
    device.setInterval(400);
    device.pass(400);
    expect(device.sendNow(sampleOf({ temperature: 20 }))[1]).toBe(
      `{"value":20.00,"ts":"${stamp(START_UTC_MS + 400, 3)}"}`,
    );
  });

  test("at QoS 0, too, a reading out of turn within a second after another has them", () => {
    const device = new ReadingDevice();
    device.setClock();
    device.pass(60_000);
    const sample = sampleOf({ temperature: 20 });
    expect(device.sendNow(sample)[1]).toBe(`{"value":20.00,"ts":"${stamp(START_UTC_MS + 60_000)}"}`);
    device.pass(300);
    expect(device.sendNow(sample)[1]).toBe(`{"value":20.00,"ts":"${stamp(START_UTC_MS + 60_300, 3)}"}`);
    device.pass(60_000);
    expect(device.sendNow(sample)[1]).toBe(`{"value":20.00,"ts":"${stamp(START_UTC_MS + 120_300)}"}`);
  });

  test("is unique and in order, for any distances and intervals", () => {
    const step = fc.record({
      ms: fc.oneof(
        fc.integer({ min: 1, max: 1_100 }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom(1_000, 2_000),
      ),
      intervalMs: fc.constantFrom(10, 400, 1_000, 2_000, 60_000),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 40 }), (steps) => {
        const device = new ReadingDevice();
        device.setClock();
        const seen = steps.map(({ ms, intervalMs }) => {
          device.setInterval(intervalMs);
          return Date.parse(times(device, [ms])[0]);
        });
        for (let i = 1; i < seen.length; i++) expect(seen[i]).toBeGreaterThan(seen[i - 1]);
      }),
      { numRuns: 200 },
    );
  });
});
