/*
 * Short records and their bases: what is encoded is decoded again, with the length that the table of README promises; if damage destroys a
 * base, its samples are lost, and none is decoded wrongly.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { channels } from "../../src/channels/channels.js";
import { toMilli } from "../../src/channels/rounding.js";
import { Sample } from "../../src/channels/sample.js";
import { BASE } from "../../src/journal/notes.js";
import { Base, type BaseOptions } from "../../src/journal/short.js";
import { StoredSample } from "../../src/journal/stored.js";
import { sampleOf } from "../support/sample.js";
import { ReadingDevice, START_UTC_MS, stamp, text } from "./device.js";

const MINUTE = 60_000;
const OPTIONS: BaseOptions = {
  boot: 7,
  room: 3,
  intervalMs: MINUTE,
  showsMilliseconds: false,
  isSingle: false,
  uptimeMs: 5_000,
  sequence: 1_000,
};

function baseFor(values: Record<string, number>, options: Partial<BaseOptions> = {}): Base {
  const base = new Base();
  base.begin(sampleOf(values), 2, { ...OPTIONS, ...options });
  return base;
}

/** Packs a sample, and unpacks it by the base as a later boot finds it in flash. */
function through(base: Base, sample: Sample, mask: number, uptimeMs: number, sequence: number) {
  const record = new DataView(new ArrayBuffer(8));
  const length = base.pack(sample, mask, uptimeMs, sequence, record);
  if (length === 0) return { length };
  if (length === 3) expect(record.getUint8(2)).toBeLessThan(0x40); // otherwise the outbox would need four bytes more
  const found = new Base();
  expect(found.decode(base.encode())).toBe(true);
  const word = length === 3 ? record.getUint16(0, true) | (record.getUint8(2) << 16) : record.getInt32(0, true);
  const stored = new StoredSample();
  expect(found.unpack(word, length, length === 8 ? record.getInt32(4, true) : Number.NaN, sequence, stored)).toBe(true);
  return { length, stored };
}

describe("a short record", () => {
  test.each([
    [{ temperature: 21.44 }, 3],
    [{ temperature: 21.44, humidity: 45.2 }, 3],
    [{ temperature: 21.44, humidity: 45.2, pressure: 1013.2 }, 4],
  ])("of %j takes %d bytes while samples are evenly spaced", (values, length) => {
    const base = baseFor(values);
    expect(base.usualLength).toBe(length);
    for (const lateMs of [-30, 0, 30]) {
      expect(through(base, sampleOf(values), base.mask, 5_000 + 12 * MINUTE + lateMs, 1_012).length).toBe(length);
    }
  });

  test("returns value, digits, boot and room exactly, and the time within 64 ms, of any sample that fits it", () => {
    const lengths = new Map<number, number>();
    const near = (centre: number) => fc.integer({ min: -13_000, max: 13_000 }).map((milli) => centre + milli / 1000);
    fc.assert(
      fc.property(
        fc.tuple(near(21), near(50), near(1000)),
        fc.integer({ min: 1, max: 7 }),
        fc.oneof(
          fc.integer({ min: -100, max: 100 }),
          fc.integer({ min: -5_000, max: 5_000 }),
          fc.integer({ min: -(2 ** 31), max: 2 ** 32 }),
        ),
        fc.nat(5_000),
        fc.boolean(),
        fc.boolean(),
        (values, mask, lateMs, passed, showsMilliseconds, isSingle) => {
          const first = new Sample();
          const sample = new Sample();
          values.forEach((value, channel) => {
            if ((mask & (1 << channel)) === 0) return;
            first.set(channel, [21, 50, 1000][channel], channels[channel].decimals);
            sample.set(channel, value, channels[channel].decimals);
          });
          const base = new Base();
          base.begin(first, 5, { ...OPTIONS, showsMilliseconds, isSingle });
          const wanted = isSingle ? mask & -mask : mask;
          const uptimeMs =
            OPTIONS.uptimeMs + Math.floor(passed / (isSingle ? [1, 1, 2, 1, 2, 2, 3][mask - 1] : 1)) * MINUTE + lateMs;
          const { length, stored } = through(base, sample, wanted, uptimeMs, 1_000 + passed);
          lengths.set(length, (lengths.get(length) ?? 0) + 1);
          if (stored === undefined) return;
          expect(stored).toMatchObject({
            boot: 7,
            room: 3,
            mask: wanted,
            isSingle,
            secondDigits: showsMilliseconds ? 3 : 0,
          });
          expect(Math.abs(stored.uptimeMs - uptimeMs)).toBeLessThanOrEqual(showsMilliseconds ? 0 : 64);
          values.forEach((value, channel) => {
            if ((wanted & (1 << channel)) === 0) return;
            const { decimals } = channels[channel];
            expect([stored.milli[channel], stored.decimals[channel]]).toEqual([toMilli(value, decimals), decimals]);
          });
        },
      ),
      { numRuns: 5_000 },
    );
    expect([...lengths.keys()].sort()).toEqual([0, 3, 4, 8]); // every form was met
  });

  test("is not taken for a sample with other channels or digits, or beyond the deviation of the table", () => {
    const base = baseFor({ temperature: 20, humidity: 50 });
    const length = (sample: Sample) => through(base, sample, sample.mask, 5_000, 1_000).length;
    expect(length(sampleOf({ temperature: 20, humidity: 50 }))).toBe(3);
    expect(length(sampleOf({ temperature: 20 }))).toBe(0);
    expect(length(sampleOf({ temperature: 20, humidity: 50 }, 1))).toBe(0);
    expect(length(sampleOf({ temperature: 25.11, humidity: 37.2 }))).toBe(3);
    expect(length(sampleOf({ temperature: 25.12, humidity: 50 }))).toBe(0);
    expect(length(sampleOf({ temperature: 20, humidity: 37.1 }))).toBe(0);
  });

  test("of another base is noticed by the base's number", () => {
    const base = baseFor({ temperature: 20 });
    const other = new Base();
    other.begin(sampleOf({ temperature: 20 }), 3, OPTIONS);
    const record = new DataView(new ArrayBuffer(8));
    base.pack(sampleOf({ temperature: 20 }), 1, 5_000, 1_000, record);
    expect(other.unpack(record.getInt32(0, true), 3, 0, 1_000, new StoredSample())).toBe(false);
  });

  test("a note of another layout, length or with channels that are not known is no base", () => {
    const note = baseFor({ temperature: 20 }).encode();
    const base = new Base();
    expect(base.decode(note.slice(1))).toBe(false);
    expect(base.decode(note.slice(0, 25))).toBe(false);
    expect(base.decode(Uint8Array.from(note, (byte, at) => (at === 0 ? 2 : byte)))).toBe(false);
    expect(base.decode(Uint8Array.from(note, (byte, at) => (at === 3 ? 0x80 : byte)))).toBe(false);
  });
});

/** Payload lengths of the entries that wait. */
const lengthsOf = (device: ReadingDevice) =>
  device.waiting().map((sequence) => device.outbox.seek(sequence)?.payloadLength);

describe("the journal", () => {
  const EVEN = { temperature: 21.44, humidity: 45.2 };

  test("writes a base with the second sample that comes evenly, and short records from then on, over reboots and outages", () => {
    const device = new ReadingDevice({ blocks: 8 });
    device.setClock();
    const taken = new Map<number, number>();
    for (let boot = 0; boot < 3; boot++) {
      for (let i = 0; i < 30; i++) {
        device.pass(MINUTE);
        taken.set(device.take(sampleOf({ temperature: 20 + i / 100, humidity: 45 + i / 10 })), device.utcMs);
      }
      expect(lengthsOf(device).slice(30 * boot)).toEqual([18, ...new Array(29).fill(3)]);
      device.boot();
      device.setClock();
    }
    let i = 0;
    for (const [sequence, utcMs] of taken) {
      const seen = device.see(sequence);
      expect(seen).toMatchObject({ value: 20 + (i % 30) / 100, humidity: 45 + (i % 30) / 10, ts: stamp(utcMs) });
      i++;
    }
  });

  test("writes none for a device that boots for each sample", () => {
    const device = new ReadingDevice();
    for (let i = 0; i < 10; i++) {
      device.take(sampleOf(EVEN));
      device.pass(MINUTE);
      device.boot();
    }
    expect(device.outbox.readNote(BASE)).toBeUndefined();
  });

  test("keeps what deviates in full, and begins a new base when it stays so", () => {
    const device = new ReadingDevice();
    const take = (temperature: number) => {
      device.pass(MINUTE);
      return device.append(temperature);
    };
    take(20);
    for (let i = 0; i < 5; i++) take(20);
    const peak = take(31);
    take(20);
    const steps = [28, 28.5, 29, 29].map(take);
    expect(lengthsOf(device)).toEqual([12, 3, 3, 3, 3, 3, 12, 3, 12, 3, 3, 3]);
    expect(device.see(peak)?.value).toBe(31);
    expect(steps.map((sequence) => device.see(sequence)?.value)).toEqual([28, 28.5, 29, 29]);
  });

  test("finds the base of every entry, in any order of requests", () => {
    const device = new ReadingDevice({ blocks: 16, blockLength: 1024 });
    const values = new Map<number, number>();
    for (let i = 0; i < 200; i++) {
      device.pass(i % 50 === 49 ? 20 * MINUTE : MINUTE);
      const value = 20 + 8 * Math.floor(i / 20) * (i % 40 < 20 ? 1 : -1);
      values.set(device.append(value), value);
      if (i === 90 || i === 140) device.boot();
    }
    const sequences = [...values.keys()];
    for (let i = 0; i < sequences.length; i++) {
      const sequence = sequences[(i * 77) % sequences.length];
      expect(device.see(sequence)?.value).toBe(values.get(sequence));
    }
  });

  test("damage to a base's note costs no sample while a later block repeats it, and else its samples, but never makes a wrong one", () => {
    const device = new ReadingDevice({ blocks: 16, blockLength: 1024 });
    const values = new Map<number, number>();
    for (let i = 0; i < 240; i++) {
      device.pass(MINUTE);
      const value = i < 60 ? 20 : i < 230 ? 30 : 40;
      values.set(device.append(value), value);
    }
    // Every copy of the second base but the last is damaged, and all of the third.
    const copies: number[] = [];
    for (let at = 0; at < device.flash.bytes.length - 27; at++) {
      const [tag, layout, number, , mask] = device.flash.bytes.subarray(at, at + 5);
      if (tag === BASE && layout === 1 && number > 1 && number < 4 && mask === 1) copies.push(at);
    }
    const seconds = copies.filter((at) => device.flash.bytes[at + 2] === 2);
    expect([seconds.length, copies.length - seconds.length]).toEqual([3, 1]);
    for (const at of copies) if (at !== Math.max(...seconds)) device.flash.bytes[at + 20] ^= 0x10;
    device.boot();
    const missing: number[] = [];
    for (const [sequence, value] of values) {
      const seen = device.see(sequence);
      if (seen === undefined) missing.push(sequence);
      else expect(seen.value).toBe(value);
    }
    expect(missing).toEqual([231, 232, 233, 234, 235, 236, 237, 238, 239]); // of the third
  });

  test("with an entry for each channel: a number and a topic for each, also short", () => {
    const device = new ReadingDevice();
    device.isEach = true;
    device.setInterval(MINUTE);
    device.setClock();
    const sequences: number[] = [];
    for (let i = 0; i < 5; i++) {
      device.pass(MINUTE);
      sequences.push(device.take(sampleOf(EVEN)));
    }
    expect(sequences).toEqual([0, 2, 4, 6, 8]);
    expect(lengthsOf(device)).toEqual([12, 14, 3, 3, 3, 3, 3, 3, 3, 3]);
    for (let boot = 0; boot < 2; boot++) {
      for (let i = 0; i < 5; i++) {
        const ts = stamp(START_UTC_MS + (i + 1) * MINUTE);
        expect(device.see(2 * i)).toEqual({ sequence: 2 * i, topic: "home/kitchen/temperature", value: 21.44, ts });
        expect(device.see(2 * i + 1)).toEqual({ sequence: 2 * i + 1, topic: "home/kitchen/humidity", value: 45.2, ts });
      }
      device.boot();
    }
  });

  test("at QoS 0 makes one message of a sample, or one for each channel", () => {
    const device = new ReadingDevice();
    expect(device.sendNow(sampleOf(EVEN))).toEqual(["home/kitchen/temperature", '{"value":21.44,"humidity":45.2}']);
    device.isEach = true;
    device.setInterval(MINUTE);
    expect(device.sendNow(sampleOf(EVEN))).toEqual([
      "home/kitchen/temperature",
      '{"value":21.44}',
      "home/kitchen/humidity",
      '{"value":45.2}',
    ]);
  });

  test("describes a sample with all its channels", () => {
    const device = new ReadingDevice();
    const entry = device.outbox.seek(device.take(sampleOf({ ...EVEN, pressure: 1013.2 })));
    expect(entry && device.journal.describe(entry)).toBe("21.44 °C, 45.2 %, 1013.2 hPa, time not known");
  });

  test("a base that flash does not take costs bytes, not samples", () => {
    const device = new ReadingDevice();
    const { outbox } = device;
    const note = outbox.note.bind(outbox);
    outbox.note = () => {
      throw new Error("the flash failed");
    };
    for (let i = 0; i < 6; i++) {
      device.pass(MINUTE);
      device.append(20);
    }
    outbox.note = note;
    device.pass(MINUTE);
    device.append(20);
    device.pass(MINUTE);
    device.append(20);
    expect(lengthsOf(device)).toEqual([12, 12, 12, 12, 12, 12, 12, 3].slice(0, lengthsOf(device).length));
    for (const sequence of device.waiting()) expect(device.see(sequence)?.value).toBe(20);
  });
});

test("the payload of what is seen is JSON", () => {
  const device = new ReadingDevice();
  const message = device.journal.render(device.outbox.seek(device.append(20))!);
  expect(text(message!.payload, message!.payloadLength)).toBe('{"value":20.00,"seq":0}');
});

test("a sleeper's base moves with the first sample that does not fit it: the wakes that follow append short records again", () => {
  const device = new ReadingDevice();
  const lengthOf = (celsius: number): number => {
    const sequence = device.append(celsius);
    const { payloadLength = 0 } = device.outbox.seek(sequence) ?? {};
    device.pass(60_000);
    return payloadLength;
  };
  for (let n = 0; n < 4; n++) lengthOf(20);
  const lengths = [28, 28.1, 28.2, 14, 14, 14].map((celsius) => {
    device.sleep();
    return lengthOf(celsius);
  });
  expect(lengths).toEqual([3, 3, 3, 3, 3, 3]); // each base is begun by the sample itself
});
