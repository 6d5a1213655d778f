/* A damaged header of the newest block that is computed from the block's records, its clean header, and its check: it is as it was. */
import { expect, test } from "vitest";
import { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import type { Log } from "../../../src/outbox/blocks/log.js";
import { Outbox } from "../../../src/outbox/outbox.js";

const BLOCK = 512;
const OPEN_AT = 16;
const FIRST = 2 ** 33;
const SETTLED = 7;

/** Damaged words of the open header; a negative one: only its low half. */
test.each<[string, 1 | 16, boolean, number[]]>([
  ["erases, known from the clean header, and tail", 1, false, [2, 5]],
  ["erases", 16, false, [0, 1, 2, 3]],
  ["the high bits of the first number, and tail", 1, false, [0, 1, 3, -4, 5]],
  ["the evicted block", 16, false, [0, 1, 3, 4]],
  ["the tail", 16, true, [0, 1, 3, 5]],
  ["the number below which releases are void", 16, true, [0, 1, 3, 6]],
  ["the check", 1, false, [0, 1, 3, 7]],
  ["the check, units of 16", 16, false, [0, 1, 3, 7]],
])("%s, write unit %d", (_name, writeUnit, requeues, words) => {
  const flash = new NorFlash({ blocks: 5, blockLength: BLOCK, writeUnit });
  const open = (): Outbox => {
    flash.powerOn();
    return new Outbox({ flash, writeUnit, maxPayload: 16, firstSequence: FIRST });
  };
  const first = open();
  let count = 0;
  const append = (): number => first.append(Uint8Array.of(count++, 1, 2, 3), 2);
  while (first.statistics().blocksUsed < 2) append();
  for (let i = 0; i < SETTLED; i++) {
    first.seek(FIRST + i);
    first.released(FIRST + i);
    first.settle(FIRST + i);
  }
  first.seek(FIRST + SETTLED);
  first.released(FIRST + SETTLED);
  if (requeues) first.requeue();
  while (first.statistics().blocksUsed < 3) append();
  append();
  const block = newestOf(first).newestBlock;
  const expected = { ...newestOf(first).newest, version: 2 };
  expect(expected.tail).toBe(FIRST + SETTLED);
  expect(expected.voidBelow > expected.tail).toBe(requeues);
  for (const word of words) {
    const at = block * BLOCK + OPEN_AT + 4 * Math.abs(word);
    flash.bytes[at] ^= 0x41;
    if (word >= 0) flash.bytes[at + 3] ^= 0x20;
  }
  const second = open();
  expect(newestOf(second).newest).toEqual(expected);
  expect(newestOf(second).marks.voidBelow).toBe(expected.voidBelow);
  expect(second.seek(0)).toMatchObject({ sequence: FIRST + SETTLED, released: !requeues });
  expect(second.entries).toBe(count - SETTLED);
});

function newestOf(outbox: Outbox): Log {
  return (outbox as unknown as { log: Log }).log;
}
