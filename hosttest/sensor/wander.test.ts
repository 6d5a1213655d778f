import { describe, expect, test } from "vitest";
import { wander } from "../../boards/parts/wander.js";
import { VirtualTime } from "../support/virtual-time.js";

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

function week(seed: number, stepMs: number): number[] {
  const time = new VirtualTime();
  const celsius = wander({ uptimeMs: time.clock.uptimeMs, random: seeded(seed) });
  const values: number[] = [];
  for (let ms = 0; ms < 7 * 86_400_000; ms += stepMs) {
    values.push(celsius());
    time.advance(stepMs);
  }
  return values;
}

describe("a room's temperature", () => {
  test("the same for the same seed, another for another", () => {
    expect(week(1, 60_000)).toEqual(week(1, 60_000));
    expect(week(1, 60_000)).not.toEqual(week(2, 60_000));
  });

  test.each([1, 2, 3, 4, 5])("a week of minutes, seed %d: a lived-in room, and no jumps", (seed) => {
    const values = week(seed, 60_000);
    const steps = values.slice(1).map((value, at) => Math.abs(value - values[at]));
    expect(Math.min(...values)).toBeGreaterThan(16);
    expect(Math.max(...values)).toBeLessThan(26);
    expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(2);
    expect(Math.max(...steps)).toBeLessThan(1);
  });

  test("asked every 50 ms, it moves by hundredths", () => {
    const time = new VirtualTime();
    const celsius = wander({ uptimeMs: time.clock.uptimeMs, random: seeded(7) });
    let last = celsius();
    for (let asks = 0; asks < 10_000; asks++) {
      time.advance(50);
      const next = celsius();
      expect(Math.abs(next - last)).toBeLessThan(0.05);
      last = next;
    }
  });
});
