import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PAYLOAD_MOST, Renderer } from "../../src/reading/render.js";

const text = (renderer: Renderer, length: number) => String.fromCharCode(...renderer.bytes.slice(0, length));
const json = (renderer: Renderer, ...rest: Parameters<Renderer["json"]>) => text(renderer, renderer.json(...rest));
const NOON = Date.UTC(2026, 5, 17, 9, 12, 0);

describe("the payload", () => {
  test("is the JSON of the design", () => {
    expect(json(new Renderer(), 21_440, 2, NOON, 1234)).toBe('{"value":21.44,"ts":"2026-06-17T09:12:00Z","seq":1234}');
  });

  test("leaves out the time that is not known, and the number that a QoS 0 reading has not", () => {
    const renderer = new Renderer();
    expect(json(renderer, -5, 3, undefined, 0)).toBe('{"value":-0.005,"seq":0}');
    expect(json(renderer, 20_000, 1, NOON, undefined)).toBe('{"value":20.0,"ts":"2026-06-17T09:12:00Z"}');
    expect(json(renderer, 20_000, 0, undefined, undefined)).toBe('{"value":20}');
  });

  test("never says minus zero", () => {
    expect(json(new Renderer(), -4, 2, undefined, undefined)).toBe('{"value":0.00}');
  });

  test("plain is the value alone, and JSON comes back whole after it", () => {
    const renderer = new Renderer();
    json(renderer, 21_440, 2, NOON, 1);
    expect(text(renderer, renderer.plain(-256_000, 2))).toBe("-256.00");
    expect(json(renderer, 21_440, 2, NOON, 2)).toBe('{"value":21.44,"ts":"2026-06-17T09:12:00Z","seq":2}');
  });

  test("does not depend on what was rendered before, and says what was measured", () => {
    const reading = fc.record({
      milli: fc.integer({ min: -8_388_607, max: 8_388_607 }),
      decimals: fc.integer({ min: 0, max: 3 }),
      utcMs: fc.option(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), { nil: undefined }),
      sequence: fc.option(fc.maxSafeNat(), { nil: undefined }),
      plain: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 8 }), (readings) => {
        const renderer = new Renderer();
        for (const { milli, decimals, utcMs, sequence, plain } of readings) {
          if (plain) {
            expect(Number(text(renderer, renderer.plain(milli, decimals)))).toBeCloseTo(milli / 1000, decimals - 0.001);
            continue;
          }
          const length = renderer.json(milli, decimals, utcMs, sequence);
          expect(length).toBeLessThanOrEqual(PAYLOAD_MOST);
          const said = JSON.parse(text(renderer, length));
          const half = 0.5 / 10 ** decimals;
          expect(Math.abs(said.value - milli / 1000)).toBeLessThanOrEqual(half + 1e-9);
          expect(said.seq).toBe(sequence);
          const expected = utcMs === undefined ? undefined : `${new Date(utcMs).toISOString().slice(0, 19)}Z`;
          expect(said.ts).toBe(expected);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
