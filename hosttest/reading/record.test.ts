import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeReading,
  encodeOrigin,
  encodeSample,
  newReading,
  RECORD_LENGTH,
  type SecondDigits,
  secondDigitsOf,
} from "../../src/reading/record.js";

describe("the record of a reading", () => {
  test("comes back as it went in, at every value", () => {
    fc.assert(
      fc.property(
        fc.record({
          milliCelsius: fc.integer({ min: -0x80_0000, max: 0x7f_ffff }),
          decimals: fc.integer({ min: 0, max: 3 }),
          uptimeMs: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
          boot: fc.nat(0xffff),
          room: fc.nat(0xff),
          secondDigits: fc.constantFrom<SecondDigits>(0, 3),
        }),
        (fields) => {
          const record = new DataView(new ArrayBuffer(RECORD_LENGTH));
          encodeOrigin(fields.boot, fields.room, record);
          encodeSample(fields.milliCelsius, fields.decimals, fields.uptimeMs, fields.secondDigits, record);
          const back = newReading();
          expect(decodeReading(record, RECORD_LENGTH, back)).toBe(true);
          const { secondDigits, ...rest } = fields;
          expect(back).toMatchObject(rest);
          expect(secondDigitsOf(back)).toBe(secondDigits);
        },
      ),
    );
  });

  test("of a temperature beyond 24 bits is refused by name", () => {
    const record = new DataView(new ArrayBuffer(RECORD_LENGTH));
    expect(() => encodeSample(0x80_0000, 2, 0, 0, record)).toThrow("milliCelsius 8388608");
    expect(() => encodeSample(Number.NaN, 2, 0, 0, record)).toThrow("NaN");
  });

  test("of firmware 0.1 is read as it was: whole seconds", () => {
    const record = Uint8Array.of(2, 7, 1, 0, 0x10, 0x27, 0, 0, 0, 0xc0, 0x53, 0); // 21.44 °C at 10 s
    const back = newReading();
    expect(decodeReading(new DataView(record.buffer), RECORD_LENGTH, back)).toBe(true);
    expect(back).toEqual({
      shared: 0x0001_0702,
      milliCelsius: 21_440,
      decimals: 2,
      uptimeMs: 10_000,
      boot: 1,
      room: 7,
    });
  });

  test("of another length or layout is none of ours", () => {
    const record = new DataView(new ArrayBuffer(RECORD_LENGTH));
    const kept = newReading();
    expect(decodeReading(record, RECORD_LENGTH - 1, kept)).toBe(false);
    record.setUint8(0, 8);
    expect(decodeReading(record, RECORD_LENGTH, kept)).toBe(false);
    expect(kept).toEqual(newReading());
  });
});
