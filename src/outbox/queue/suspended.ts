/*
 * The state of an outbox beside its position, as bytes to be kept over a sleep. The next run continues with it and reads one
 * head, where a mount reads all heads and the newest block. Only an `Appender` may program the flash meanwhile. The state is
 * used if flash confirms the position (appender.ts); the keeper has to protect it against damage.
 *
 * Little-endian words of 32 bits. Of sequence numbers they have the low 32 bits; the position supplies the high ones.
 *   0-3      number of the next entry at the suspension; tail; `voidBelow`; number at which the tail is to be recorded
 *   4        bit 0: the tail is to be recorded; bit 1: nothing has to be erased in advance; bits 8-15: number of blocks in use;
 *            bits 16-31: number of blocks of the flash
 *   5        entries
 *   6-8      counters: dropped, refused, damaged
 *   9-10     erases: of all blocks together, of the block erased most often
 *   11       number of torn records in the newest block
 *   12       address of the next record, if no entry is left; 0: some are
 *   13       0
 *   14-17    16 bits a tag: address of its latest value in the newest block; 0: none
 *   18-      blocks in use, oldest first: the number of the first entry in the low words, then 16 bits each, the block's index
 */
import { TAGS } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { completeBlocks } from "../blocks/mount.js";
import { blockSeed, CLEAN_BYTES, decodeHeader } from "../flash/layout.js";
import { exactCount } from "./counting.js";
import type { FreeSpace } from "./free-space.js";
import type { Suspension } from "./options.js";
import { isConfirmed, isFree, positionOf } from "./position.js";

const OPEN_WORD = CLEAN_BYTES >> 2;
const FIXED_WORDS = 18;
const TAIL_ADDRESS = 12;
const NOTES = 2 * 14; // in units of 2 bytes
/** Bytes behind the last record that must be erased: the next record is hardly longer. */
const NEXT_BYTES = 32;
const IS_TAIL_DUE = 1;
const IS_RESTED = 2;
/** With more blocks in use the next run mounts: such a backlog is rare, and takes a long report anyway. */
export const MAX_LIVE = 10;
/** Largest state of an outbox, in bytes. */
export const MAX_STATE_BYTES = (FIXED_WORDS << 2) + MAX_LIVE * 6;

/** The state of an outbox whose settles are all durable; undefined: a later run has to mount it. */
export function suspend(space: FreeSpace): Suspension | undefined {
  const position = positionOf(space);
  return position && { ...position, outboxState: stateOf(space) };
}

function stateOf({ log, walk }: FreeSpace): Uint8Array {
  exactCount(walk);
  const { blocks, counters, marks, medium, number, newest } = log;
  const live = blocks.live;
  // Marks behind the tail, and a hole with its carried notes, are only in flash.
  if (marks.storedWords > 0 || counters.holeEnd > marks.tail || live > MAX_LIVE) return new Uint8Array(0);
  const words = new Int32Array(FIXED_WORDS + live + ((live + 1) >> 1));
  const halves = new Uint16Array(words.buffer);
  const isTailDue = log.tailDue !== Number.POSITIVE_INFINITY;
  words[0] = number;
  words[1] = marks.tail;
  words[2] = marks.voidBelow;
  words[3] = isTailDue ? log.tailDue : 0;
  words[4] = (isTailDue ? IS_TAIL_DUE : 0) | (log.rested ? IS_RESTED : 0) | (live << 8) | (blocks.count << 16);
  words[5] = counters.entries;
  words[6] = counters.dropped;
  words[7] = counters.refused;
  words[8] = counters.damaged;
  words[9] = log.erasesSum;
  words[10] = log.erasesMax;
  words[11] = log.torn;
  words[TAIL_ADDRESS] = marks.tail === number ? log.end : 0;
  const start = log.newestBlock * medium.blockLength;
  for (let tag = 0; tag < TAGS; tag++) halves[NOTES + tag] = log.notes[tag] === 0 ? 0 : log.notes[tag] - start;
  const places = (FIXED_WORDS + live) << 1;
  for (let place = 0; place < live; place++) {
    words[FIXED_WORDS + place] = blocks.firstAt(place, newest.first);
    halves[places + place] = blocks.at(place);
  }
  return new Uint8Array(words.buffer);
}

/**
 * Fills the new `log` instead of a mount, with three reads.
 * @returns false: the state is empty, or flash does not confirm it; then the log is unchanged
 */
export function restore(log: Log, suspension: Suspension): boolean {
  const { blocks, counters, marks, medium, newest, notes } = log;
  const state = suspension.outboxState;
  const { block, end, number } = suspension;
  if (state.length < FIXED_WORDS << 2 || !isConfirmed(medium, suspension)) return false;
  const words = new Int32Array(state.buffer, state.byteOffset, state.length >> 2);
  const live = (words[4] >>> 8) & 0xff;
  if (words[4] >>> 16 !== blocks.count || state.length < liveBytes(live) || live === 0) return false;
  if (!isFree(medium, suspension, end, Math.min(NEXT_BYTES, suspension.freeEnd - end), number)) return false;
  decodeHeader(newest, medium.head, OPEN_WORD); // valid, because it has confirmed the position
  const halves = new Uint16Array(state.buffer, state.byteOffset, state.length >> 1);
  const near = (at: number): number => number + ((words[at] - (number | 0)) | 0);
  log.highest = newest.sequence;
  log.unread = completeBlocks;
  for (let place = 0; place < live; place++) {
    const inUse = halves[((FIXED_WORDS + live) << 1) + place];
    blocks.setPlace(place, inUse);
    blocks.setFirst(inUse, words[FIXED_WORDS + place]);
  }
  blocks.setLive(live);
  const start = block * medium.blockLength;
  log.seed = blockSeed(newest.sequence);
  log.end = end;
  log.blockEnd = start + medium.blockLength;
  log.freeEnd = log.blockEnd - log.reserve;
  log.number = number;
  marks.tail = near(1);
  marks.voidBelow = near(2);
  if ((words[4] & IS_TAIL_DUE) !== 0) log.tailDue = near(3);
  counters.entries = (words[5] >>> 0) + number - near(0);
  counters.dropped = words[6] >>> 0;
  counters.refused = words[7] >>> 0;
  counters.damaged = words[8] >>> 0;
  log.erasesSum = words[9] >>> 0;
  log.erasesMax = words[10] >>> 0;
  log.torn = words[11];
  for (let tag = 0; tag < TAGS; tag++) if (halves[NOTES + tag] !== 0) notes[tag] = start + halves[NOTES + tag];
  log.surveyed = true;
  log.resumed = true;
  log.rested = (words[4] & IS_RESTED) !== 0;
  return true;
}

/** Address of the first entry appended since the suspension, if none was left then; 0: not known. */
export function tailAddress(state: Uint8Array): number {
  return state.length === 0 ? 0 : new Int32Array(state.buffer, state.byteOffset, FIXED_WORDS)[TAIL_ADDRESS];
}

function liveBytes(live: number): number {
  return (FIXED_WORDS << 2) + live * 6;
}
