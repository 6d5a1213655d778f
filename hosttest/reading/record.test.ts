import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeReading, encodeOrigin, encodeSample, newReading, RECORD_LENGTH } from "../../src/reading/record.js";

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
        }),
        (fields) => {
          const record = new DataView(new ArrayBuffer(RECORD_LENGTH));
          encodeOrigin(fields.boot, fields.room, record);
          encodeSample(fields.milliCelsius, fields.decimals, fields.uptimeMs, record);
          const back = newReading();
          expect(decodeReading(record, RECORD_LENGTH, back)).toBe(true);
          expect(back).toMatchObject(fields);
        },
      ),
    );
  });

  test("of a temperature beyond 24 bits is refused by name", () => {
    const record = new DataView(new ArrayBuffer(RECORD_LENGTH));
    expect(() => encodeSample(0x80_0000, 2, 0, record)).toThrow("milliCelsius 8388608");
    expect(() => encodeSample(Number.NaN, 2, 0, record)).toThrow("NaN");
  });

  test("of another length or layout is none of ours", () => {
    const record = new DataView(new ArrayBuffer(RECORD_LENGTH));
    const kept = newReading();
    expect(decodeReading(record, RECORD_LENGTH - 1, kept)).toBe(false);
    record.setUint8(0, 4);
    expect(decodeReading(record, RECORD_LENGTH, kept)).toBe(false);
    expect(kept).toEqual(newReading());
  });
});
