/* Bytes that a boot programs again, or to zeros, so that later boots read the same: a test for each step of the recovery. */
import { expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Outbox } from "../../src/outbox/outbox.js";

const BLOCK = 1024;
const BLOCKS = 4;
const OPEN_AT = 16;
const OPEN_BYTES = 32;
/** What half-programmed cells read as from the next boot on. */
const READS = { zeros: 0, ones: 0.999 };

function device(): { flash: NorFlash; cells: { read: number }; open(): Outbox } {
  const cells = { read: READS.ones };
  const flash = new NorFlash({ blocks: BLOCKS, blockLength: BLOCK, random: () => cells.read });
  const open = (): Outbox => {
    flash.powerOn();
    return new Outbox({ flash });
  };
  return { flash, cells, open };
}

/** Appends until a block is taken into use; returns the number of entries. */
function fillBlock(outbox: Outbox): number {
  const { blocksUsed } = outbox.statistics();
  let count = 0;
  for (; outbox.statistics().blocksUsed === blocksUsed; count++) outbox.append(Uint8Array.of(count), 1);
  return count;
}

function sequences(outbox: Outbox): number[] {
  const found: number[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
    found.push(entry.sequence);
  }
  return found;
}

/** A programmed bit of an open header, and the address of its byte. */
function programmedBit(flash: NorFlash, block: number): { address: number; bit: number } {
  const address = block * BLOCK + OPEN_AT + OPEN_BYTES - 1; // the last: where a cut falls
  const cleared = ~flash.bytes[address] & 0xff;
  expect(cleared).not.toBe(0);
  return { address, bit: cleared & -cleared };
}

/** A device whose second block was just taken into use; the last bit of its header is half programmed. `count`: its entries. */
function halfOpened() {
  const { flash, cells, open } = device();
  const first = open();
  first.append(Uint8Array.of(0), 1);
  const count = fillBlock(first) + 1;
  const { address, bit } = programmedBit(flash, 1);
  flash.weaken(address, bit);
  return { flash, cells, open, count, address, bit };
}

test("the newest block's header, half programmed and read as complete: it stays complete, and what is appended after it stays", () => {
  const { cells, open, count } = halfOpened();
  cells.read = READS.zeros; // as it was programmed
  expect(open().append(Uint8Array.of(7), 1)).toBe(count);
  cells.read = READS.ones;
  expect(sequences(open())).toEqual(Array.from({ length: count + 1 }, (_, i) => i));
});

test("the newest block's header lacks one bit: it is completed before anything else is programmed", () => {
  const { flash, cells, open, count, address, bit } = halfOpened();
  cells.read = READS.ones; // as if it was not programmed
  const programs: number[] = [];
  flash.faults.program = (from) => {
    programs.push(from);
    return undefined;
  };
  expect(open().append(Uint8Array.of(7), 1)).toBe(count);
  expect(programs[0]).toBe(BLOCK + OPEN_AT);
  expect(flash.bytes[address] & bit).toBe(0);
});

test("an opening that was cut, and reads as one at a later boot: what was appended meanwhile stays", () => {
  const { flash, cells, open } = device();
  const first = open();
  first.append(Uint8Array.of(0), 1);
  while (first.idle());
  let before = flash.save();
  let count = 1;
  for (; first.statistics().blocksUsed === 1; count++) {
    before = flash.save();
    first.append(Uint8Array.of(count), 1);
  }
  const { address, bit } = programmedBit(flash, 1);
  const header = flash.bytes.slice(BLOCK + OPEN_AT, BLOCK + OPEN_AT + OPEN_BYTES);
  flash.restore(before); // the append that opened it has not returned
  header[OPEN_BYTES - 1] |= bit;
  flash.write(header, BLOCK + OPEN_AT);
  flash.weaken(address, bit);
  cells.read = READS.ones;
  const second = open();
  expect(second.append(Uint8Array.of(8), 1)).toBe(count - 1);
  cells.read = READS.zeros;
  expect(sequences(open())).toEqual(Array.from({ length: count }, (_, i) => i));
});
