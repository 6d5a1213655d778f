import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "./virtual-time.js";

describe("virtual time", () => {
  test("runs what is due in order, ties in the order they were set, and nothing that was cleared", () => {
    const timer = fc.record({ delayMs: fc.nat(50), cleared: fc.boolean() });
    fc.assert(
      fc.property(fc.array(timer), (all) => {
        const time = new VirtualTime();
        const ran: number[] = [];
        const ids = all.map(({ delayMs }, at) => time.timers.set(() => ran.push(at), delayMs));
        all.forEach(({ cleared }, at) => {
          if (cleared) time.timers.clear(ids[at]);
        });
        const expected = all.map((one, at) => ({ ...one, at })).filter(({ cleared }) => !cleared);
        expect(time.waiting).toBe(expected.length);
        time.advance(50);
        expected.sort((a, b) => a.delayMs - b.delayMs);
        expect(ran).toEqual(expected.map(({ at }) => at));
      }),
    );
  });

  test("a callback sees the time it was due at, and may set others", () => {
    const time = new VirtualTime(1000);
    const seen: (number | undefined)[] = [];
    time.timers.set(() => {
      seen.push(time.nowMs);
      time.timers.set(() => seen.push(time.clock.utcMs()), 5);
    }, 10);
    time.advance(14);
    expect(seen).toEqual([10]);
    time.advance(1);
    expect(seen).toEqual([10, 1015]);
  });

  test("throws when the awaited condition does not become true", () => {
    expect(() => new VirtualTime().runUntil(() => false, 100)).toThrow("within 100 ms");
  });
});
