/* A boot is bounded: its work depends neither on the backlog, nor on how many entries were settled before. */
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Cursor } from "../../src/outbox/blocks/cursor.js";
import { emptyHeader } from "../../src/outbox/flash/layout.js";
import { Medium } from "../../src/outbox/flash/medium.js";
import { Outbox } from "../../src/outbox/outbox.js";

const RECORD = new Uint8Array(12);
const WINDOW = 8; // settled this far out of order
/** Limit for the reads of a boot, the heads of the blocks apart: the records of a block, those behind the tail record, and some more. */
const MAX_READS = 1_200;
const MAX_PROGRAMS = 400;

interface Filled {
  readonly flash: NorFlash;
  readonly outbox: Outbox;
  readonly count: number;
}

/** An outbox filled up to the last block that can be taken into use, or with `limit` entries. */
function filled(blocks: number, unit: 1 | 16 = 1, limit = Number.POSITIVE_INFINITY): Filled {
  const flash = new NorFlash({ blocks, writeUnit: unit });
  const outbox = new Outbox({ flash, writeUnit: unit, whenFull: "refuse" });
  const spares = unit === 1 ? 1 : 2;
  let count = 0;
  for (; count < limit && outbox.statistics().blocksUsed < blocks - spares; count++) outbox.append(RECORD, 1);
  return { flash, outbox, count };
}

/** Settles `count` entries from the oldest on, always the second before the first. */
function drain(outbox: Outbox, count: number): void {
  let sequence = 0;
  const next = (): number => {
    const entry = outbox.seek(sequence);
    if (entry !== undefined) sequence = entry.sequence + 1;
    return entry?.sequence ?? -1;
  };
  for (let left = count; left > 0; left -= 2) {
    const first = next();
    const second = left > 1 ? next() : -1;
    if (second >= 0) outbox.settle(second);
    outbox.settle(first);
  }
}

/** Boots, finds the oldest entry, and writes. Returns the calls of flash, reads of heads apart. */
function boot(flash: NorFlash): { outbox: Outbox; oldest: number | undefined; reads: number; programs: number } {
  flash.powerOn();
  const { reads, programs } = flash;
  const outbox = new Outbox({ flash, writeUnit: flash.writeUnit });
  outbox.note(0, RECORD);
  const oldest = outbox.seek(0)?.sequence;
  return { outbox, oldest, reads: flash.reads - reads - flash.blocks, programs: flash.programs - programs };
}

/** Settles entries as firmware 0.1 did, without recording the queue's progress: byte mode. */
function drainAsBefore(flash: NorFlash, count: number): void {
  const medium = new Medium(flash, flash.blocks, flash.blockLength, 1, 64);
  const cursor = new Cursor(medium);
  const header = emptyHeader();
  for (let block = 0; block < flash.blocks; block++) {
    if (!cursor.enter(block, { header, newest: header, newestBlock: -1 })) continue;
    const end = (block + 1) * flash.blockLength;
    while (cursor.next(end, Number.POSITIVE_INFINITY)) {
      if (cursor.isEntry && cursor.number < count) medium.programState(cursor.address, cursor.state & 0x1f);
    }
  }
}

describe.each([1, 16] as const)("write unit %i", (unit) => {
  test("a long backlog that has drained, wholly or in part, is not read again: nor at the boot after that", () => {
    for (const left of [0, 1, 77, 150, 5_000]) {
      const { flash, outbox, count } = filled(64, unit);
      drain(outbox, Math.max(0, count - left));
      outbox.close();
      for (let again = 0; again < 2; again++) {
        const { outbox: booted, oldest, reads, programs } = boot(flash);
        expect(oldest).toBe(left === 0 ? undefined : Math.max(0, count - left));
        expect(booted.entries).toBe(Math.min(left, count));
        expect(booted.statistics().damaged).toBe(0);
        expect(reads).toBeLessThan(MAX_READS);
        expect(programs).toBeLessThan(MAX_PROGRAMS);
      }
    }
  });
});

test("power is cut after any settle of a drain: the next boot is bounded all the same, and counts what is left", () => {
  const { flash, outbox, count } = filled(24);
  let settled = 0;
  for (let step = 37; settled + step < count; settled += step) {
    for (let i = settled; i < settled + step; i++) {
      outbox.seek(i);
      outbox.settle(i);
    }
    const image = flash.save();
    const { outbox: booted, oldest, reads, programs } = boot(flash);
    expect(oldest).toBe(settled + step);
    expect(booted.entries).toBe(count - settled - step);
    expect(reads).toBeLessThan(MAX_READS);
    expect(programs).toBeLessThan(MAX_PROGRAMS);
    flash.restore(image);
  }
});

test("a partition of 5,048 KiB, drained: as bounded", () => {
  const { flash, outbox, count } = filled(1_262);
  drain(outbox, count);
  const { oldest, reads, programs } = boot(flash);
  expect(oldest).toBeUndefined();
  expect(reads).toBeLessThan(MAX_READS);
  expect(programs).toBeLessThan(MAX_PROGRAMS);
});

test.each([0, 1, 100, 20_000])(
  "drained by firmware 0.1, but for %i entries: found in a bounded number of reads",
  (left) => {
    const { flash, count } = filled(256);
    drainAsBefore(flash, count - left);
    const { outbox, oldest, reads, programs } = boot(flash);
    expect(oldest).toBe(left === 0 ? undefined : count - left);
    expect(outbox.entries).toBe(left);
    expect(outbox.statistics().damaged).toBe(0);
    expect(reads).toBeLessThan(2 * MAX_READS);
    expect(programs).toBeLessThan(2 * MAX_PROGRAMS);
  },
);

test("entries used out of order by more than a block do not hide the oldest, whichever firmware drained it", () => {
  const { flash, count } = filled(16, 1, 3_000);
  drainAsBefore(flash, count - 1_000);
  const { outbox } = boot(flash);
  const oldest = count - 1_000;
  for (let i = oldest + 1; i < oldest + 255; i++) {
    outbox.seek(i);
    outbox.settle(i);
  }
  const again = boot(flash);
  expect(again.oldest).toBe(oldest);
  expect(again.outbox.seek(oldest + 1)?.sequence).toBe(oldest + 255);
  expect(again.outbox.entries).toBe(1_000 - 254);
});

test("a damaged tail record costs a longer look, and no entry", () => {
  const { flash, outbox, count } = filled(24);
  const drained = count - 500;
  for (let i = 0; i < drained; i++) {
    outbox.seek(i);
    outbox.settle(i);
  }
  const image = flash.save();
  for (let address = 0; address < flash.bytes.length; address += 4) {
    const kind = flash.bytes[address + 2] >> 4; // of a header word
    if (flash.bytes[address] !== 0xfc || kind !== 6) continue;
    flash.bytes[address + 9] ^= 1;
  }
  const { oldest, outbox: booted } = boot(flash);
  expect(oldest).toBe(drained);
  expect(booted.entries).toBe(500);
  flash.restore(image);
});

test("a drain costs flash next to nothing: a record for each 128 entries, a block for some ten thousand", () => {
  const { flash, outbox, count } = filled(256);
  const before = { programs: flash.programs, erases: flash.erases.reduce((sum, erases) => sum + erases) };
  drain(outbox, count);
  expect(flash.programs - before.programs).toBeLessThan(1.02 * count);
  expect(flash.erases.reduce((sum, erases) => sum + erases) - before.erases).toBeLessThan(count / 8_000);
});

test("entries that are settled as they are appended write no tail record", () => {
  const flash = new NorFlash({ blocks: 8 });
  const outbox = new Outbox({ flash });
  for (let i = 0; i < 2_000; i++) outbox.append(RECORD, 1);
  drain(outbox, 2_000 - WINDOW);
  while (outbox.idle());
  const { programs } = flash;
  for (let i = 0; i < 150; i++) {
    outbox.append(RECORD, 1);
    outbox.settle(2_000 - WINDOW + i);
  }
  expect(flash.programs - programs).toBeLessThanOrEqual(300 + 3); // and a block that is opened
});

test("statistics read nothing: status asks for them several times", () => {
  const { flash, outbox } = filled(64);
  outbox.seek(0);
  const { reads } = flash;
  const { erases } = outbox.statistics();
  expect(flash.reads).toBe(reads);
  const all = [...flash.erases];
  expect(erases.max).toBe(Math.max(...all));
  const { outbox: booted } = boot(flash);
  expect(booted.statistics().erases.mean).toBeCloseTo(all.reduce((sum, one) => sum + one) / all.length, 5);
});

test("the note that dates a long backlog is found in a bounded number of reads, wherever it lies", () => {
  for (const at of [300, 20_000, 40_000]) {
    const { flash, outbox } = filled(256, 1, at);
    outbox.note(1, Uint8Array.of(1));
    for (let i = 0; i < 4_000; i++) outbox.append(RECORD, 1);
    outbox.note(1, Uint8Array.of(2));
    for (let i = 0; i < 300; i++) outbox.append(RECORD, 1);
    const { reads } = flash;
    const seen: number[] = [];
    expect(outbox.findNoteAfter(10, 1, (value) => seen.push(value[0]) > 0 && value[0] === 2)).toBe(true);
    expect(seen.at(-1)).toBe(2);
    expect(seen.at(-2)).toBe(1);
    expect(outbox.findNoteAfter(10, 1, (value) => value[0] === 3)).toBe(false);
    expect(flash.reads - reads).toBeLessThan(MAX_READS);
  }
});

test("the notes in force at the entry that was just returned are known: no block is read for them", () => {
  const { flash, outbox } = filled(16, 1, 100);
  outbox.note(1, Uint8Array.of(1));
  for (let i = 0; i < 150; i++) outbox.append(RECORD, 1);
  expect(outbox.seek(0)?.sequence).toBe(0);
  for (let i = 1; i < 200; i++) outbox.seek(i);
  const { reads } = flash;
  expect(outbox.noteAt(199, 1)).toEqual(Uint8Array.of(1));
  expect(flash.reads - reads).toBeLessThanOrEqual(2);
});
