import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { channels } from "../../src/channels/channels.js";
import { toMilli } from "../../src/channels/rounding.js";
import { Sample } from "../../src/channels/sample.js";
import {
  decodeRecord,
  encodeOrigin,
  encodeSample,
  MAX_RECORD_LENGTH,
  RECORD_LENGTH,
} from "../../src/journal/record.js";
import { StoredSample } from "../../src/journal/stored.js";
import { sampleOf } from "../support/sample.js";

const newRecord = () => new DataView(new ArrayBuffer(MAX_RECORD_LENGTH));

describe("the record of a sample", () => {
  test("is decoded as encoded, for every value and any channels", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ milli: fc.integer({ min: -0x80_0000, max: 0x7f_ffff }), decimals: fc.nat(3) }), {
          minLength: channels.length,
          maxLength: channels.length,
        }),
        fc.integer({ min: 1, max: (1 << channels.length) - 1 }),
        fc.integer({ min: 0, max: 2 ** 40 - 1 }),
        fc.nat(0xffff),
        fc.nat(0xff),
        fc.boolean(),
        fc.boolean(),
        (values, mask, uptimeMs, boot, room, showsMilliseconds, isSingle) => {
          const sample = new Sample();
          values.forEach(({ milli, decimals }, channel) => {
            if ((mask & (1 << channel)) !== 0) sample.set(channel, milli / 1000, decimals);
          });
          fc.pre(values.every(({ milli, decimals }) => Math.abs(toMilli(milli / 1000, decimals) + 0.5) < 0x80_0000));
          const record = newRecord();
          encodeOrigin(boot, room, record);
          const length = encodeSample(sample, mask, isSingle, uptimeMs, showsMilliseconds, record);
          const back = new StoredSample();
          expect(decodeRecord(record, length, back)).toBe(true);
          expect(back).toMatchObject({ uptimeMs, boot, room, mask, secondDigits: showsMilliseconds ? 3 : 0 });
          expect(back.isSingle).toBe(isSingle && mask !== 1);
          values.forEach(({ milli, decimals }, channel) => {
            if ((mask & (1 << channel)) === 0) return;
            expect([back.milli[channel], back.decimals[channel]]).toEqual([toMilli(milli / 1000, decimals), decimals]);
          });
        },
      ),
    );
  });

  test("of a value beyond 24 bits is refused by name", () => {
    const encode = (values: Record<string, number>, mask: number) => () =>
      encodeSample(sampleOf(values), mask, false, 0, false, newRecord());
    expect(encode({ temperature: 8388.61 }, 1)).toThrow("temperature 8388.61");
    expect(encode({ temperature: 20, humidity: Number.NaN }, 3)).toThrow("humidity NaN");
  });

  test("of firmware 0.1 is read as it was: whole seconds", () => {
    const record = Uint8Array.of(2, 7, 1, 0, 0x10, 0x27, 0, 0, 0, 0xc0, 0x53, 0); // 21.44 °C at 10 s
    const back = new StoredSample();
    expect(decodeRecord(new DataView(record.buffer), RECORD_LENGTH, back)).toBe(true);
    expect(back).toMatchObject({ mask: 1, isSingle: false, uptimeMs: 10_000, boot: 1, room: 7, secondDigits: 0 });
    expect([back.milli[0], back.decimals[0]]).toEqual([21_440, 2]);
  });

  test("of a temperature alone is still the record of 0.1, byte for byte", () => {
    const record = newRecord();
    encodeOrigin(1, 7, record);
    const length = encodeSample(sampleOf({ temperature: 21.44 }), 1, false, 10_000, false, record);
    expect([...new Uint8Array(record.buffer, 0, length)]).toEqual([2, 7, 1, 0, 0x10, 0x27, 0, 0, 0, 0xc0, 0x53, 0]);
  });

  test("of another length or layout is none of ours", () => {
    const record = newRecord();
    const kept = new StoredSample();
    expect(decodeRecord(record, RECORD_LENGTH - 1, kept)).toBe(false);
    record.setUint8(0, 32);
    expect(decodeRecord(record, RECORD_LENGTH, kept)).toBe(false);
    record.setUint8(0, 8);
    record.setUint8(9, 0xff); // channels that this firmware does not know
    expect(decodeRecord(record, MAX_RECORD_LENGTH, kept)).toBe(false);
    expect(kept).toEqual(new StoredSample());
  });
});
