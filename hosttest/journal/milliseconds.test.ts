/*
 * Readings that are taken close together: every one has a time of its own, as a time series asks for.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleOf } from "../support/sample.js";
import { ReadingDevice, stamp, WORLD_BEGINS_MS } from "./device.js";

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
    expect(times(device, [400, 400])).toEqual([stamp(WORLD_BEGINS_MS + 400, 3), stamp(WORLD_BEGINS_MS + 800, 3)]);
    device.setInterval(1_999);
    expect(times(device, [1_999])).toEqual([stamp(WORLD_BEGINS_MS + 2_799, 3)]);
    device.setInterval(2_000);
    expect(times(device, [2_000, 1_998])).toEqual([stamp(WORLD_BEGINS_MS + 4_799), stamp(WORLD_BEGINS_MS + 6_797)]);
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
      expect(device.see(fine)?.ts).toBe(stamp(WORLD_BEGINS_MS + 500, 3));
      expect(device.see(coarse)?.ts).toBe(stamp(WORLD_BEGINS_MS + 60_500));
      device.boot();
    }
  });

  test("of a reading out of turn, within a second after another, has them too; the prompt shows the same", () => {
    const device = new ReadingDevice();
    device.setClock();
    expect(times(device, [60_000, 300])).toEqual([stamp(WORLD_BEGINS_MS + 60_000), stamp(WORLD_BEGINS_MS + 60_300, 3)]);
    const entry = device.outbox.seek(1)!;
    expect(device.journal.describe(entry)).toBe(`20.00 °C, ${stamp(WORLD_BEGINS_MS + 60_300, 3)}`);
  });

  test("at QoS 0 is the same", () => {
    const device = new ReadingDevice();
    device.setClock();
    device.setInterval(400);
    device.pass(400);
    expect(device.sendNow(sampleOf({ temperature: 20 }))[1]).toBe(
      `{"value":20.00,"ts":"${stamp(WORLD_BEGINS_MS + 400, 3)}"}`,
    );
  });

  test("is its own and in order, whatever the distances and intervals", () => {
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
