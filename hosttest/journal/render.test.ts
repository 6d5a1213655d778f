import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PAYLOAD, Renderer } from "../../src/journal/render.js";
import { type SecondDigits, StoredSample } from "../../src/journal/stored.js";

const NONE = Number.NaN; // no time
const NO_NUMBER = -1;
const text = (renderer: Renderer, length: number) => String.fromCharCode(...renderer.bytes.slice(0, length));
const json = (
  renderer: Renderer,
  milli: number,
  decimals: number,
  utcMs: number,
  secondDigits: SecondDigits,
  sequence: number,
) => text(renderer, renderer.json(alone(milli, decimals, secondDigits), utcMs, sequence));

/** A temperature in thousandths, as read from flash. */
function alone(milli: number, decimals: number, secondDigits: SecondDigits = 0): StoredSample {
  return stored({ 0: milli }, decimals, secondDigits);
}

/** Values by channel, in thousandths. */
function stored(
  milli: Readonly<Record<number, number>>,
  decimals: number,
  secondDigits: SecondDigits = 0,
  isSingle = false,
): StoredSample {
  const sample = new StoredSample();
  for (const channel of Object.keys(milli).map(Number)) {
    sample.mask |= 1 << channel;
    sample.milli[channel] = milli[channel];
    sample.decimals[channel] = decimals;
  }
  return Object.assign(sample, { secondDigits, isSingle });
}
const NOON = Date.UTC(2026, 5, 17, 9, 12, 0);
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

interface Shown {
  milli: number;
  decimals: number;
  utcMs: number;
  secondDigits: SecondDigits;
  sequence: number;
  plain: boolean;
}

/** The payload, made by a simple reference: with Date and strings. */
function reference({ milli, decimals, utcMs, secondDigits, sequence, plain }: Shown): string {
  const shown = Math.floor((Math.abs(milli) + 0.5 * 10 ** (3 - decimals)) / 10 ** (3 - decimals)); // rounded half away from zero
  const digits = String(shown).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const value = `${milli < 0 && shown > 0 ? "-" : ""}${whole}${decimals > 0 ? `.${digits.slice(-decimals)}` : ""}`;
  if (plain) return value;
  const time = (): string => new Date(utcMs).toISOString().slice(0, secondDigits === 0 ? 19 : 23);
  const ts = Number.isNaN(utcMs) ? "" : `,"ts":"${time()}Z"`;
  return `{"value":${value}${ts}${sequence < 0 ? "" : `,"seq":${sequence}`}}`;
}

function render(renderer: Renderer, { milli, decimals, utcMs, secondDigits, sequence, plain }: Shown): string {
  const length = plain
    ? renderer.plain(alone(milli, decimals))
    : renderer.json(alone(milli, decimals, secondDigits), utcMs, sequence);
  expect(length).toBeLessThanOrEqual(MAX_PAYLOAD);
  return text(renderer, length);
}

const within = (low: number, value: number, high: number) => Math.min(Math.max(value, low), high);

describe("the payload", () => {
  test("is the JSON of the design", () => {
    expect(json(new Renderer(), 21_440, 2, NOON, 0, 1234)).toBe(
      '{"value":21.44,"ts":"2026-06-17T09:12:00Z","seq":1234}',
    );
  });

  test("leaves out the time that is not known, and the number that a QoS 0 reading has not", () => {
    const renderer = new Renderer();
    expect(json(renderer, -5, 3, NONE, 0, 0)).toBe('{"value":-0.005,"seq":0}');
    expect(json(renderer, 20_000, 1, NOON, 0, NO_NUMBER)).toBe('{"value":20.0,"ts":"2026-06-17T09:12:00Z"}');
    expect(json(renderer, 20_000, 0, NONE, 0, NO_NUMBER)).toBe('{"value":20}');
  });

  test("has milliseconds in its time where the reading asks for them, zeros too", () => {
    const renderer = new Renderer();
    expect(json(renderer, 21_440, 2, NOON + 500, 3, 7)).toBe('{"value":21.44,"ts":"2026-06-17T09:12:00.500Z","seq":7}');
    expect(json(renderer, 21_440, 2, NOON + 1_000, 3, 8)).toBe(
      '{"value":21.44,"ts":"2026-06-17T09:12:01.000Z","seq":8}',
    );
    expect(json(renderer, 21_440, 2, NONE, 3, 9)).toBe('{"value":21.44,"seq":9}');
    expect(json(renderer, 21_440, 2, NOON + 2_007, 0, 10)).toBe('{"value":21.44,"ts":"2026-06-17T09:12:02Z","seq":10}');
  });

  test("never renders minus zero", () => {
    expect(json(new Renderer(), -4, 2, NONE, 0, NO_NUMBER)).toBe('{"value":0.00}');
  });

  test("plain is the value alone, and JSON comes back whole after it", () => {
    const renderer = new Renderer();
    json(renderer, 21_440, 2, NOON, 0, 1);
    expect(text(renderer, renderer.plain(alone(-256_000, 2)))).toBe("-256.00");
    expect(json(renderer, 21_440, 2, NOON, 0, 2)).toBe('{"value":21.44,"ts":"2026-06-17T09:12:00Z","seq":2}');
  });

  // One renderer for each case, so that every reading is rendered over what the ones before have left in the buffer.
  const decimals = fc.integer({ min: 0, max: 3 });
  const anywhere = fc.record({
    milli: fc.integer({ min: -8_388_607, max: 8_388_607 }),
    decimals,
    utcMs: fc.oneof({ arbitrary: fc.integer({ min: 0, max: LAST_MS }), weight: 3 }, fc.constant(NONE)),
    secondDigits: fc.constantFrom<SecondDigits>(0, 3),
    sequence: fc.oneof({ arbitrary: fc.maxSafeNat(), weight: 3 }, fc.nat(200), fc.constant(NO_NUMBER)),
    plain: fc.boolean(),
  });

  test("is the same as by Date and text, whatever was rendered before", () => {
    fc.assert(
      fc.property(fc.array(anywhere, { minLength: 1, maxLength: 8 }), (readings) => {
        const renderer = new Renderer();
        for (const reading of readings) expect(render(renderer, reading)).toBe(reference(reading));
      }),
      { numRuns: 3000 },
    );
  });

  test("is so in small steps of value, time and number too, over every boundary, and when one of them jumps or is missing", () => {
    const start = fc.record({
      milli: fc.oneof(fc.integer({ min: -30_000, max: 130_000 }), fc.integer({ min: -20, max: 20 })),
      utcMs: fc.oneof(
        fc.integer({ min: 0, max: LAST_MS }),
        fc.constantFrom(
          NOON,
          Date.UTC(2024, 1, 28, 23, 59),
          Date.UTC(2026, 11, 31, 23, 59),
          Date.UTC(1999, 11, 31, 23),
        ),
      ),
      sequence: fc.oneof(fc.nat(1_100), fc.maxSafeNat(), fc.constantFrom(99_990, 123_456_780)),
    });
    const step = fc.record({
      milli: fc.oneof(
        { arbitrary: fc.integer({ min: -30, max: 30 }), weight: 4 },
        fc.integer({ min: -2_000, max: 2_000 }),
      ),
      ms: fc.oneof(fc.integer({ min: -15_000, max: 15_000 }), fc.constantFrom(10_000, 60_000, 3_600_000, 86_400_000)),
      count: fc.oneof({ arbitrary: fc.constant(1), weight: 4 }, fc.integer({ min: -120, max: 120 })),
      decimals: fc.oneof({ arbitrary: fc.constant(2), weight: 12 }, decimals),
      without: fc.oneof({ arbitrary: fc.constant("nothing"), weight: 20 }, fc.constantFrom("time", "number", "both")),
      plain: fc.oneof({ arbitrary: fc.constant(false), weight: 20 }, fc.constant(true)),
      turns: fc.oneof({ arbitrary: fc.constant(false), weight: 8 }, fc.constant(true)),
    });
    fc.assert(
      fc.property(start, fc.array(step, { minLength: 1, maxLength: 60 }), (from, steps) => {
        const renderer = new Renderer();
        let { milli, utcMs, sequence } = from;
        let secondDigits: SecondDigits = 0;
        for (const { milli: warmer, ms, count, decimals, without, plain, turns } of steps) {
          if (turns) secondDigits = secondDigits === 0 ? 3 : 0;
          milli += warmer;
          utcMs = within(0, utcMs + ms, LAST_MS);
          sequence = within(0, sequence + count, Number.MAX_SAFE_INTEGER);
          const hasTime = without === "nothing" || without === "number";
          const hasNumber = without === "nothing" || without === "time";
          const reading = {
            milli,
            decimals,
            utcMs: hasTime ? utcMs : NONE,
            secondDigits,
            sequence: hasNumber ? sequence : NO_NUMBER,
            plain,
          };
          expect(render(renderer, reading)).toBe(reference(reading));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("is so for every hundredth of a degree about zero and about where digits are gained, up and down", () => {
    const renderer = new Renderer();
    for (const direction of [1, -1]) {
      for (const centre of [0, 1_000, 10_000, 100_000, -1_000, -10_000, -100_000]) {
        for (let i = -1_100; i <= 1_100; i++) {
          const milli = centre + i * direction;
          const reading = { milli, decimals: 2, utcMs: NOON, secondDigits: 0, sequence: 5, plain: false } as const;
          expect(render(renderer, reading)).toBe(reference(reading));
        }
      }
    }
  });

  test("of several channels has a key for each, the temperature first", () => {
    const renderer = new Renderer();
    const render = (...rest: Parameters<typeof stored>) => text(renderer, renderer.json(stored(...rest), NOON, 7));
    const end = ',"ts":"2026-06-17T09:12:00Z","seq":7}';
    expect(render({ 0: 21_440, 1: 45_200 }, 2)).toBe(`{"value":21.44,"humidity":45.20${end}`);
    expect(render({ 0: 21_440, 1: 100_000, 2: 1_013_200 }, 1)).toBe(
      `{"value":21.4,"humidity":100.0,"pressure":1013.2${end}`,
    );
    expect(render({ 1: 45_200, 2: 1_013_200 }, 1)).toBe(`{"humidity":45.2,"pressure":1013.2${end}`);
    expect(render({ 1: 45_200 }, 1, 0, true)).toBe(`{"value":45.2${end}`);
    expect(text(renderer, renderer.plain(stored({ 1: 45_200, 2: 1_013_200 }, 1)))).toBe("45.2");
    expect(render({ 0: 21_440 }, 2)).toBe(`{"value":21.44${end}`);
  });

  test("of any channels is the same as by text, whatever was rendered before", () => {
    const KEYS = ["value", "humidity", "pressure"];
    const milli = fc.oneof(fc.integer({ min: -20_000, max: 110_000 }), fc.integer({ min: 99_000, max: 101_000 }));
    const shown = fc.record({
      milli: fc.tuple(milli, milli, milli),
      mask: fc.oneof(fc.constantFrom(3, 7), fc.integer({ min: 1, max: 7 })),
      isSingle: fc.oneof({ arbitrary: fc.constant(false), weight: 3 }, fc.constant(true)),
      decimals,
      utcMs: fc.oneof(fc.integer({ min: NOON, max: NOON + 200_000 }), fc.constant(NONE)),
      sequence: fc.integer({ min: -1, max: 1_010 }),
    });
    fc.assert(
      fc.property(fc.array(shown, { minLength: 1, maxLength: 30 }), (samples) => {
        const renderer = new Renderer();
        for (const { milli, mask, isSingle, decimals, utcMs, sequence } of samples) {
          const single = isSingle ? mask & -mask : mask;
          const present = [0, 1, 2].filter((channel) => (single & (1 << channel)) !== 0);
          const values = Object.fromEntries(present.map((channel) => [channel, milli[channel]]));
          const length = renderer.json(stored(values, decimals, 0, isSingle), utcMs, sequence);
          const rest = { decimals, utcMs, secondDigits: 0, sequence, plain: false } as const;
          const [, end] = reference({ ...rest, milli: 0 }).split(/^{"value":[^,}]*/);
          const parts = present.map((channel) => {
            const value = reference({ ...rest, milli: milli[channel], plain: true });
            return `"${isSingle ? "value" : KEYS[channel]}":${value}`;
          });
          expect(text(renderer, length)).toBe(`{${parts.join(",")}${end}`);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
