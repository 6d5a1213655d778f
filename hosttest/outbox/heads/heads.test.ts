/*
 * Wrong bits in a block's head. Without its head all entries of a block are lost. One wrong bit loses no entry, number or mark, except for
 * the 56 bits that two others could imitate. Bits that are wrong in a single read: ../misread.test.ts.
 */
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { correctHeader, isNearlyWhole } from "../../../src/outbox/flash/correct.js";
import { encodeWhole, HEAD_BYTES, isHeader, OPEN_BYTES, sequenceIn } from "../../../src/outbox/flash/layout.js";
import { Outbox } from "../../../src/outbox/outbox.js";

const BLOCK = 1024;
const BLOCKS = 6;
const SETTLED = 60;
const OPEN_AT = 16;

type Unit = 1 | 16;

/** Three blocks in use: `SETTLED` entries are settled, the next one is released. */
function filled(writeUnit: Unit) {
  const flash = new NorFlash({ blocks: BLOCKS, blockLength: BLOCK, writeUnit });
  const outbox = new Outbox({ flash, writeUnit });
  let count = 0;
  while (outbox.statistics().blocksUsed < 4) append(outbox, count++);
  for (let i = 0; i < 8; i++) append(outbox, count++);
  for (let number = 0; number <= SETTLED; number++) {
    outbox.seek(number);
    outbox.released(number);
    if (number < SETTLED) outbox.settle(number);
  }
  outbox.close();
  return { flash, count, image: flash.save(), writeUnit };
}

function append(outbox: Outbox, number: number): number {
  return outbox.append(Uint8Array.of(number, number >> 8, 1, 2, 3, 4), 2);
}

/** Blocks with an open header, by age. */
function blocksInUse(flash: NorFlash): number[] {
  const heads = Array.from({ length: BLOCKS }, (_, block) => headOf(flash, block));
  const all = [...heads.keys()].filter((block) => isHeader(heads[block], 0));
  return all.sort((a, b) => sequenceIn(heads[a], 0) - sequenceIn(heads[b], 0));
}

/** A block's open header. */
function headOf(flash: NorFlash, block: number): Int32Array {
  const bytes = new Uint8Array(OPEN_BYTES);
  flash.powerOn();
  flash.read(bytes, block * BLOCK + OPEN_AT);
  return new Int32Array(bytes.buffer);
}

/** Boots, appends one entry, boots again, and checks that all is there, once. */
function expectWhole({ flash, count, writeUnit }: ReturnType<typeof filled>, where: string): void {
  flash.powerOn();
  const first = new Outbox({ flash, writeUnit });
  expect(first.nextSequence, where).toBe(count);
  expect(append(first, count), where).toBe(count);
  flash.powerOn();
  flash.faults = {};
  const second = new Outbox({ flash, writeUnit });
  const found: number[] = [];
  for (let entry = second.seek(0); entry; entry = second.seek(entry.sequence + 1)) {
    expect(entry.released, where).toBe(entry.sequence === SETTLED);
    expect(entry.payload[0] | (entry.payload[1] << 8), where).toBe(entry.sequence);
    found.push(entry.sequence);
  }
  expect(found, where).toEqual(Array.from({ length: count + 1 - SETTLED }, (_, i) => SETTLED + i));
  const { damaged, dropped, refused, entries } = second.statistics();
  expect([damaged, dropped, refused, entries], where).toEqual([0, 0, 0, count + 1 - SETTLED]);
}

/** Whether a bit of a head is one of the 56 that are not corrected; numbered from the first byte on. */
function isUnsure(bit: number): boolean {
  const ofWord = bit % 32;
  const isInHeader = bit >= OPEN_AT * 8 && bit < (HEAD_BYTES - 4) * 8; // without its check
  return isInHeader && (ofWord >= 28 || (ofWord >= 13 && ofWord <= 16));
}

describe.each<[Unit]>([[1], [16]])("one wrong bit in a head, write unit %d", (unit) => {
  const start = filled(unit);
  const used = blocksInUse(start.flash);
  const newestHead = headOf(start.flash, used[used.length - 1]);
  const inUse = [
    ["the newest block", used[used.length - 1]],
    ["the block before", used[used.length - 2]],
  ] as const;

  test.each(inUse)("in flash, %s", (_which, block) => {
    for (let bit = 0; bit < HEAD_BYTES * 8; bit += 5) {
      if (isUnsure(bit)) continue;
      start.flash.restore(start.image);
      start.flash.faults = {};
      start.flash.bytes[block * BLOCK + (bit >> 3)] ^= 1 << (bit & 7);
      expectWhole(start, `bit ${bit & 7} of byte ${bit >> 3}`);
      // The newest block's head is right again, or a copy has replaced it.
      const newest = headOf(start.flash, blocksInUse(start.flash).pop() ?? -1);
      expect(sequenceIn(newest, 0)).toBeGreaterThanOrEqual(sequenceIn(newestHead, 0));
    }
  });
});

test("no two wrong bits pass for one; an erased and a zeroed header are not corrected", () => {
  const { flash } = filled(1);
  const good = headOf(flash, blocksInUse(flash)[0]);
  for (let first = 0; first < 256; first++) {
    for (let second = first + 1; second < 256; second++) {
      const words = flipped(flipped(good, first), second);
      const wrong = words.slice();
      if (correctHeader(words, 0)) expect.fail(`bits ${first} and ${second} pass for one`);
      if (second % 8 === 0) expect(words, `bits ${first} and ${second}`).toEqual(wrong);
    }
  }
  for (const value of [0, -1]) expect(correctHeader(new Int32Array(8).fill(value), 0)).toBe(false);
});

test("the header after an open header is that of one block, except for one wrong bit", () => {
  const words = new Int32Array(4);
  encodeWhole(words, 0, 77);
  for (let first = 0; first < 128; first++) {
    expect(isNearlyWhole(flipped(words, first), 0, 77), `bit ${first}`).toBe(true);
    for (let second = first + 1; second < 128; second += 3) {
      expect(isNearlyWhole(flipped(flipped(words, first), second), 0, 77), `bits ${first}, ${second}`).toBe(false);
    }
  }
  expect(isNearlyWhole(words, 0, 76)).toBe(false);
});

function flipped(words: Int32Array, bit: number): Int32Array {
  const copy = words.slice();
  copy[bit >> 5] ^= 1 << (bit & 31);
  return copy;
}
