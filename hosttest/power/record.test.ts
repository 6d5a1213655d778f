/* The wake record: used whole or not at all, for any content of RTC memory. */
import { expect, test } from "vitest";
import { Sample } from "../../src/channels/sample.js";
import { MAX_STATE_BYTES } from "../../src/outbox/queue/suspended.js";
import { WakeRecord } from "../../src/power/record.js";
import { RECORD_BYTES, WholePart } from "../../src/power/whole-part.js";
import { takeNews } from "../../src/thermometer/sleep/news.js";
import { Random } from "../simulation/random.js";
import { SEED } from "../support/seed.js";

const FIRMWARE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const WHOLE_AT = 320;

const STATE = Uint8Array.from({ length: MAX_STATE_BYTES }, (_, i) => 200 - i);

/** The numbers that can be set. */
const NAMES = [WakeRecord, WholePart]
  .flatMap(({ prototype }) => Object.entries(Object.getOwnPropertyDescriptors(prototype)))
  .filter(([name, { set }]) => set !== undefined && name !== "base" && name !== "outboxState")
  .map(([name]) => name) as (keyof WakeRecord)[];

/** A record in which every field differs from a new one's. */
function filled(): WakeRecord {
  const record = new WakeRecord();
  NAMES.forEach((name, i) => {
    Object.assign(record, { [name]: name === "qos" ? 2 : i + 3 });
  });
  record.number = 2 ** 40 + 1;
  record.originMs = 12_345.678;
  record.sequence = 0xffff_fff0;
  record.driver = -1;
  record.calibrate(0, -0.5, 2);
  record.calibrate(1, 1.25, -1);
  record.calibrate(2, 100, 0);
  record.base = Uint8Array.from({ length: 34 }, (_, i) => i);
  record.outboxState = STATE;
  return record;
}

/** All values of a record. */
function valuesOf(record: WakeRecord): unknown[] {
  record.seal(FIRMWARE);
  const channels = [0, 1, 2].map((channel) => [record.offsetOf(channel), record.digitsOf(channel)]);
  return [NAMES.map((name) => record[name]), channels, [...record.base], [...record.outboxState]];
}

function decoded(memory: Uint8Array, firmware = FIRMWARE): WakeRecord | undefined {
  const record = new WakeRecord();
  record.bytes.set(memory);
  return record.isIntact(firmware) ? record : undefined;
}

test("is read unchanged, no number in the place of another", () => {
  const memory = filled().seal(FIRMWARE);
  expect(memory).toHaveLength(RECORD_BYTES);
  const record = decoded(memory) as WakeRecord;
  expect(valuesOf(record)).toEqual(valuesOf(filled()));
  const numbers = NAMES.map((name) => record[name]);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(valuesOf(decoded(new WakeRecord().seal(FIRMWARE)) as WakeRecord)).toEqual(valuesOf(new WakeRecord()));
});

test("a base or a state that is longer than there is place is refused", () => {
  expect(() => {
    new WakeRecord().base = new Uint8Array(200);
  }).toThrow(RangeError);
  expect(() => {
    new WakeRecord().outboxState = new Uint8Array(MAX_STATE_BYTES + 1);
  }).toThrow(RangeError);
});

test("the part for the whole thermometer is not used with any bit wrong; the rest is", () => {
  for (let bit = 8 * WHOLE_AT; bit < 8 * RECORD_BYTES; bit += 3) {
    const memory = filled().seal(FIRMWARE).slice();
    memory[bit >> 3] ^= 1 << (bit & 7);
    const record = decoded(memory) as WakeRecord;
    expect([record.outboxState.length, record.announced], `bit ${bit}`).toEqual([0, 0]);
    expect(record.number).toBe(2 ** 40 + 1);
  }
});

test("is not taken by another firmware", () => {
  const memory = filled().seal(FIRMWARE).slice();
  for (let i = 0; i < FIRMWARE.length; i++) {
    const other = FIRMWARE.slice();
    other[i] ^= 0x10;
    expect(decoded(memory, other)).toBeUndefined();
  }
});

test("is not taken with any bit wrong; nor are zeros, ones or noise", () => {
  const used = 4 * 39 + 34; // bytes after the base are ignored
  for (let bit = 0; bit < 8 * used; bit++) {
    const memory = filled().seal(FIRMWARE).slice();
    memory[bit >> 3] ^= 1 << (bit & 7);
    expect(decoded(memory), `bit ${bit}`).toBeUndefined();
  }
  expect(decoded(new Uint8Array(RECORD_BYTES))).toBeUndefined();
  expect(decoded(new Uint8Array(RECORD_BYTES).fill(0xff))).toBeUndefined();
  const random = new Random(SEED).unit;
  for (let i = 0; i < 1_000; i++) {
    const noise = Uint8Array.from({ length: RECORD_BYTES }, () => 256 * random());
    noise.set(filled().seal(FIRMWARE).slice().subarray(0, 4)); // the magic by chance
    expect(decoded(noise), `seed ${SEED}`).toBeUndefined();
  }
});

test("one that a wake was cut off in writing is not taken, unless it is whole", () => {
  const before = filled();
  const after = filled();
  after.end += 8;
  after.number++;
  after.nextSampleMs += 60_000;
  const from = before.seal(FIRMWARE).slice();
  const to = after.seal(FIRMWARE).slice();
  for (let length = 0; length <= RECORD_BYTES; length++) {
    const memory = from.slice();
    memory.set(to.subarray(0, length));
    const taken = decoded(memory);
    const isOne = [from, to].some((whole) => whole.every((byte, i) => byte === memory[i]));
    expect(taken !== undefined, `${length} bytes`).toBe(isOne);
  }
});

test("a wake changes only the plan and the position: sealed again, the rest is unchanged", () => {
  const record = filled();
  record.watch(1, 0.5);
  record.report(1, 47.25);
  record.seal(FIRMWARE);
  record.nextSampleMs = 123_456.5;
  record.nextReportMs = 7;
  record.missed = 9;
  record.failedReports = 2;
  record.wakes = 77;
  record.number = 2 ** 41;
  record.end = 4096;
  const again = decoded(record.sealAgain()) as WakeRecord;
  expect(valuesOf(again)).toEqual(valuesOf(record));
  expect([again.isWatched, again.hasReported(1), again.hasReported(0)]).toEqual([true, true, false]);
  expect([again.hasMoved(1, 47.7), again.hasMoved(1, 46.75)]).toEqual([false, true]);
  const later = new WakeRecord();
  for (const channel of [0, 1]) {
    later.watch(channel, 0.5);
    later.keepReported(channel, again);
  }
  expect([later.hasReported(0), later.hasMoved(0, 1000), later.hasMoved(1, 46.75)]).toEqual([false, false, true]);
  expect(again.hasMoved(0, 1000)).toBe(false);
  record.boot++;
  expect(decoded(record.sealAgain())).toBeUndefined();
});

test.each([true, false])(
  "the places of a change that is reported at once are used only if changes are watched: %s",
  (isWatched) => {
    const record = new WakeRecord();
    record.watch(1, 0.5);
    if (!isWatched) {
      const { buffer, byteOffset, byteLength } = new WakeRecord().bytes;
      const watched = record.bytes.slice(68 * 4);
      record.bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
      record.bytes.set(watched, 68 * 4); // outside what the checksum covers then
    }
    record.report(0, 21);
    const sample = new Sample();
    sample.set(0, 25, 2);
    sample.set(1, 47, 2);
    expect([record.isWatched, takeNews(record, sample, 7)]).toEqual([isWatched, isWatched]);
  },
);
