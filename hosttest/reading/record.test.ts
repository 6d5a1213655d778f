import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeReading, encodeReading, newReading, RECORD_LENGTH } from "../../src/reading/record.js";

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
          const reading = { ...newReading(), ...fields };
          const record = new DataView(new ArrayBuffer(RECORD_LENGTH));
          encodeReading(reading, record);
          const back = newReading();
          expect(decodeReading(record, RECORD_LENGTH, back)).toBe(true);
          expect(back).toMatchObject(fields);
        },
      ),
    );
  });

  test("of a temperature beyond 24 bits is refused by name", () => {
    const reading = { ...newReading(), milliCelsius: 0x80_0000 };
    expect(() => encodeReading(reading, new DataView(new ArrayBuffer(RECORD_LENGTH)))).toThrow("milliCelsius 8388608");
    expect(() =>
      encodeReading({ ...reading, milliCelsius: Number.NaN }, new DataView(new ArrayBuffer(RECORD_LENGTH))),
    ).toThrow("NaN");
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
