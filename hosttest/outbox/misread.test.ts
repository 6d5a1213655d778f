/*
 * One wrong bit in a single read, anywhere in a boot and its first work; flash itself is right. No entry, number, mark or note is lost,
 * neither at once nor because of what the device writes after it.
 */
import { expect, test } from "vitest";
import { generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { SEED } from "../support/seed.js";

const BLOCKS = 14;
const BLOCK = 1024;
const COUNT = 170;
const SETTLED = 110;
const RELEASED_END = 114;
const TAG = 1;

/** A payload of `length` bytes, from which the number can be read. */
function payload(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(number & 0x3f);
  bytes[0] = number;
  bytes[1] = number >> 8;
  return bytes;
}

/** Settles all below SETTLED, releases up to RELEASED_END. A note every fifty entries. */
function fill(outbox: Outbox, length: number): void {
  for (let number = 0; number < COUNT; number++) {
    if (number % 50 === 0) outbox.note(TAG, Uint8Array.of(number / 50));
    outbox.append(payload(number, length), 2);
  }
  for (let number = 0; number < RELEASED_END; number++) {
    outbox.seek(number);
    outbox.released(number);
    if (number < SETTLED) outbox.settle(number);
  }
  outbox.close();
}

/** The first calls after a boot: delivers an entry with its note, appends one, settles one. */
function work(outbox: Outbox, length: number): void {
  expect(outbox.seek(0)?.sequence).toBe(SETTLED);
  expect(outbox.noteAt(SETTLED, TAG)).toEqual(Uint8Array.of(2));
  expect(outbox.append(payload(COUNT, length), 2)).toBe(COUNT);
  outbox.settle(SETTLED);
  while (outbox.idle());
  outbox.close();
}

/** Checks everything, with reads that are right again. */
function expectAll(outbox: Outbox, length: number): void {
  let expected = SETTLED + 1;
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(0)) {
    expect(entry.sequence).toBe(expected++);
    expect(entry.payload).toEqual(payload(entry.sequence, length));
    expect(entry.released).toBe(entry.sequence < RELEASED_END);
    const { sequence } = entry;
    if (sequence % 25 === 0 && sequence < COUNT) {
      expect(outbox.noteAt(sequence, TAG)).toEqual(Uint8Array.of(Math.floor(sequence / 50)));
    }
    outbox.settle(sequence);
  }
  expect(expected).toBe(COUNT + 1);
  const { damaged, dropped, refused } = outbox.statistics();
  expect([damaged, dropped, refused]).toEqual([0, 0, 0]);
}

test.each([
  [1, 3],
  [1, 12],
  [16, 3],
  [16, 12],
] as const)("write unit %d, payloads of %d bytes", (writeUnit, length) => {
  const flash = new NorFlash({ blocks: BLOCKS, blockLength: BLOCK, writeUnit });
  const open = () => {
    flash.powerOn();
    return new Outbox({ flash, writeUnit });
  };
  fill(open(), length);
  const image = flash.save();
  let reads = 0;
  flash.faults.read = () => {
    reads++;
  };
  work(open(), length);
  const random = generator(SEED);
  for (let round = 0; round < reads; round++) {
    flash.restore(image);
    let left = round;
    let where = "";
    flash.faults.read = (buffer, address) => {
      if (left-- !== 0) return;
      const byte = Math.floor(random() * buffer.length);
      const bit = Math.floor(random() * 8);
      buffer[byte] ^= 1 << bit;
      where = `bit ${bit} of the byte at ${address + byte}`;
    };
    try {
      work(open(), length);
      flash.faults = {};
      expectAll(open(), length);
    } catch (error) {
      throw new Error(`seed ${SEED}, round ${round}: ${where} was read wrong`, { cause: error });
    }
  }
});

test("a copy that reads an entry wrong once: the entry stays right", () => {
  const flash = new NorFlash({ blocks: 6, blockLength: BLOCK, writeUnit: 16 });
  const first = new Outbox({ flash, writeUnit: 16 });
  const short = (i: number) => Uint8Array.of(i, 1, 2, 3, 4, 5, 6, 7);
  for (let i = 0; i < 20; i++) first.append(short(i), 1);
  first.close();
  const image = flash.save();
  let reads = 1;
  for (let nth = 0; nth < reads; nth++) {
    flash.restore(image);
    flash.powerOn();
    let count = 0;
    flash.faults.read = (buffer) => {
      if (count++ === nth) buffer[buffer.length >> 1] ^= 0x10;
    };
    let outbox = new Outbox({ flash, writeUnit: 16 });
    outbox.append(short(20), 1);
    flash.faults = {};
    reads = count;
    outbox.close();
    flash.powerOn();
    outbox = new Outbox({ flash, writeUnit: 16 });
    let number = 0;
    for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(number)) {
      expect(entry.payload, `read ${nth}, entry ${entry.sequence}`).toEqual(short(number));
      number = entry.sequence + 1;
    }
    expect(number, `read ${nth}`).toBe(21);
  }
});
