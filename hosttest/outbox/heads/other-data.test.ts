/*
 * Other data that reads as a block without a head: one frame whose check matches by chance must not make it the newest block. Chance alone does so
 * once in 2^21 such blocks, which is too rare for random data here, so the frame is made.
 */
import { expect, test } from "vitest";
import { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { blockSeed, finish, mixWord } from "../../../src/outbox/flash/layout.js";
import { Outbox } from "../../../src/outbox/outbox.js";

const BLOCK = 512;
const ENTRIES = 100;
const FRAME = 0x80aabbfc | 0;

/** Boots and appends entries, several times. `sequence`: of the other block; "next": the one that follows. `ahead`: how far its frame's number is. */
function boots(sequence: number | "next", ahead: number): number[] {
  const flash = new NorFlash({ blocks: 8, blockLength: BLOCK });
  const boot = (): Outbox => {
    flash.powerOn();
    return new Outbox({ flash, maxPayload: 64 });
  };
  const first = boot();
  for (let n = 0; n < ENTRIES; n++) first.append(Uint8Array.of(n, 0, 3), 1);
  const words = new Int32Array(flash.bytes.buffer, 7 * BLOCK, BLOCK >> 2);
  words[4] = 0x12345678; // no open header, and nothing in front of it
  const inUse = new DataView(flash.bytes.buffer);
  let newest = 0;
  for (let at = 0; at < 7 * BLOCK; at += BLOCK)
    if (inUse.getUint16(at + 16, true) === 0x4f48) newest = Math.max(newest, inUse.getUint32(at + 20, true));
  const seed = blockSeed(sequence === "next" ? newest + 1 : sequence);
  words[12] = FRAME;
  words[13] = finish(mixWord(seed, FRAME | 0xff) + ENTRIES + ahead);
  const counts: number[] = [];
  for (let n = 1; n <= 4; n++) {
    const outbox = boot();
    expect(outbox.append(Uint8Array.of(n, 1, 3), 1)).toBe(ENTRIES + n - 1);
    counts.push(outbox.statistics().entries);
  }
  return counts;
}

test.each<[string, number | "next", number]>([
  ["of the next sequence, with a number further ahead", "next", 12],
  ["of the largest sequence, which no block can follow", 0xffff_ffff, 0],
])("a frame %s: the entries stay, and numbers follow", (_, sequence, ahead) => {
  expect(boots(sequence, ahead)).toEqual([1, 2, 3, 4].map((n) => ENTRIES + n));
});
