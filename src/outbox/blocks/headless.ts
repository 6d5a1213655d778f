/*
 * The newest block when its head is damaged. Its records prove it: a record's check begins with the block's sequence and ends
 * with its number. They also show the header's sequence and first number. The rest is computed from the check, if only one more word is damaged;
 * otherwise the tail stays unknown, and that of the block before counts. Only runs if a head is damaged, and reads only.
 *
 * A cut opening leaves such records, too: notes, state and copied entries are programmed before the open header. But it copies
 * only what the block before has. So an entry that the block before does not have was appended after the opening: then
 * everything before it is complete.
 */
import { matchingWords } from "../flash/correct.js";
import {
  blockSeed,
  CLEAN_BYTES,
  copyHeader,
  decodeHeader,
  ERASED,
  FORMAT_VERSION,
  formatWord,
  HEAD_BYTES,
  isClean,
  isHeadless,
  isWhole,
  NO_BLOCK,
  type Words,
} from "../flash/layout.js";
import type { Counters } from "./copy.js";
import type { Log } from "./log.js";

const OPEN_WORD = CLEAN_BYTES >> 2;
/** The first number of a block is hardly further above the last that can be read. */
const WIDEST_GAP = 4096;
/** How far a block's sequence may be above that of the newest block with a head; and above this one, if there is none. */
const WIDEST_STEP = 256;
const LAST_SEQUENCE = 0x7fff_0000;
/** Blocks are erased in turn, so their counts are close to each other. */
const MAX_ERASES = 4096;
/** The words of an open header that its records do not show; the check last. */
const UNKNOWN: readonly number[] = Object.freeze([2, 4, 5, 6, 7]);
const CHECK = 7;
/** Wrong bits in the check word. A check of other content has 16 on average, and so few once in 300 times. */
const MAX_WRONG = 8;

/**
 * Searches `suspects`, blocks with a damaged head, for the newest block. Its sequence and first number are then in `log.header`.
 * Call it after the records of the newest block with a head were read.
 * @returns the block; NO_BLOCK: there is none
 */
export function findHeadless(log: Log, suspects: readonly number[]): number {
  const { header, medium, newest } = log;
  const { head } = medium;
  let found = NO_BLOCK;
  let { sequence, first } = newest;
  suspects.forEach((block) => {
    medium.readHead(block);
    // By its whole header, by the newest block when it was erased, by its open header; or one of the next.
    const next = newest.sequence + 1;
    const end = (newest.sequence || LAST_SEQUENCE) + WIDEST_STEP;
    [head[1], ~head[2], head[2] + 1, head[OPEN_WORD + 1], next, next + 1, next + 2].forEach((at, n, all) => {
      header.sequence = at >>> 0;
      if (header.sequence <= sequence || header.sequence >= end) return;
      if (all.findIndex((other) => other >>> 0 === header.sequence) < n) return; // each is read once: it is a whole block
      header.first = firstNumber(log, block);
      if (header.first > log.number + WIDEST_GAP || !hasEntry(log, block)) return;
      found = block;
      ({ sequence, first } = header);
    });
  });
  header.sequence = sequence;
  header.first = first;
  return found;
}

/**
 * Number of the first record of `block`, if its sequence is that in `log.header`. If the record is damaged: the next number, if the
 * other half of the head confirms the sequence, and otherwise infinity.
 */
function firstNumber({ header, medium, newest, number }: Log, block: number): number {
  const { head } = medium;
  const { sequence } = header;
  const start = block * medium.blockLength;
  if (medium.load(start + HEAD_BYTES, start + medium.blockLength, blockSeed(sequence))) {
    const first = number + ((medium.number - (number | 0)) | 0);
    // Copied, or the next block. A short frame of other data passes the check once in 2^32, so it must have just one of the two numbers.
    if (first === newest.first || first === number || (first > number && !medium.isShort)) return first;
  }
  medium.demand();
  const isSure = medium.unit === 16 ? isWhole(head, 0, sequence) : isClean(head, 0) && head[2] === sequence - 1;
  return isSure ? number : Number.POSITIVE_INFINITY;
}

/** Whether `block` has an entry that the newest block does not have. */
function hasEntry({ header, medium, number, walker }: Log, block: number): boolean {
  const start = block * medium.blockLength;
  const blockEnd = start + medium.blockLength;
  const end = medium.unit === 1 ? medium.usedEnd(start + HEAD_BYTES, blockEnd) : blockEnd;
  walker.start(block, header.sequence, header.first);
  while (walker.next(end, Number.POSITIVE_INFINITY)) {
    if (!walker.isEntry) continue;
    if (walker.number >= number) return true;
    walker.pass(end, number, false);
  }
  return false;
}

/**
 * Makes `block` the newest, by the sequence and first number in `log.header`. Its records have to be read then.
 * @returns the counters before
 */
export function takeHeadless(log: Log, block: number): Counters {
  const { blocks, header, medium, newest } = log;
  const { sequence, first } = header;
  const isCopy = newest.sequence !== 0 && first <= newest.first;
  let place = blocks.live;
  while (blocks.at(place) !== block) place++;
  blocks.use(place, first);
  if (isCopy) blocks.free(blocks.live - 2);
  if (log.retired === block) log.retired = NO_BLOCK;
  medium.readHead(block);
  if (completeHeader(log)) obey(log);
  else {
    copyHeader(newest, header);
    header.sequence = sequence;
    header.from = newest.sequence;
    header.first = first;
    header.tail = Number.NaN;
    header.retired = NO_BLOCK;
  }
  copyHeader(header, newest);
  log.highest = Math.max(log.highest, sequence);
  log.carried = undefined; // its head repeats them
  return { ...log.counters };
}

/**
 * Completes the open header in the head buffer, of the block whose sequence and first number are in `log.header`, and reads it: with
 * these and what the clean header repeats, one more word may be wrong, because the check determines it.
 */
function completeHeader(log: Log): boolean {
  const { header, medium, newest } = log;
  const { head } = medium;
  const { sequence, first } = header;
  const at = OPEN_WORD;
  const format = { version: newest.version, unit: medium.unit, blockLength: medium.blockLength };
  if (head[at] !== formatWord({ ...format, version: FORMAT_VERSION })) head[at] = formatWord(format);
  head[at + 1] = sequence;
  if (isClean(head, 0)) head[at + 2] = (head[1] & 0xffffff) | (Math.min(sequence - head[2], 255) << 24);
  head[at + 3] = first;
  head[at + 4] = (head[at + 4] & ~0xffff) | Math.floor(first / 0x1_0000_0000);
  const right = matchingWords(head, at);
  for (let n = 0; n < UNKNOWN.length; n++) {
    const i = UNKNOWN[n];
    const word = head[at + i];
    head[at + i] = right[i];
    const isSure = i < CHECK || isTwice(head, at, word);
    if (isSure && decodeHeader(header, head, at) && isPlausible(log, first)) return true;
    head[at + i] = word;
  }
  return false;
}

/** Whether the header in `log.header` can be that of the block whose first number is `first`. */
function isPlausible({ blocks, header, marks, newest }: Log, first: number): boolean {
  const { tail, voidBelow, retired } = header;
  return (
    header.first === first &&
    header.from >= newest.sequence &&
    Math.abs(header.erases - newest.erases) < MAX_ERASES &&
    tail >= marks.tail &&
    tail <= voidBelow &&
    voidBelow <= first + WIDEST_GAP &&
    (retired === NO_BLOCK || retired < blocks.count)
  );
}

/**
 * Whether the header's tail is confirmed by `voidBelow`, which often equals it, and by all but MAX_WRONG bits of the check that was
 * read: then that may be damaged.
 */
function isTwice(head: Words, at: number, check: number): boolean {
  const distance = head[at + 5];
  let bits = 0;
  for (let wrong = check ^ head[at + CHECK]; wrong !== 0; wrong &= wrong - 1) bits++;
  return distance === head[at + 6] && distance !== 0 && distance !== ERASED && bits <= MAX_WRONG;
}

/** Releases what the header in `log.header` releases. */
function obey(log: Log): void {
  const { blocks, header, marks } = log;
  const { tail, retired } = header;
  marks.advance(tail);
  marks.requeue(header.voidBelow);
  log.passed = undefined;
  while (blocks.live > 1 && blocks.firstAt(1, tail) <= tail) blocks.free(0);
  for (let place = blocks.live - 2; place >= 0; place--) if (blocks.at(place) === retired) blocks.free(place);
  log.retired = retired;
}

/**
 * Passes what a header whose tail is unknown has released, as far as that can be seen: the block that it evicted, and blocks that
 * are gone. Others that were settled count as in use, and in byte mode are found to be settled.
 */
export function passReleased(log: Log, { dropped, holeEnd }: Counters): void {
  const { blocks, counters, marks, newest } = log;
  if (!isHeadless(newest)) return;
  const isEvicted = counters.dropped > dropped;
  if (counters.holeEnd !== 0) {
    if (isEvicted && counters.holeEnd !== holeEnd) freeHole(log);
  } else {
    if (isEvicted && blocks.live > 1 && blocks.firstAt(0, marks.tail) <= marks.tail) blocks.free(0);
    marks.advance(holeEnd); // passed, therefore no longer recorded
  }
  marks.advance(blocks.firstAt(0, marks.tail));
}

/** Frees the block whose entries were evicted last: those with which the hole ends. */
function freeHole(log: Log): void {
  const { blocks, counters, medium, walker } = log;
  for (let place = blocks.live - 2; place >= 0; place--) {
    const block = blocks.at(place);
    if (blocks.firstAt(place, counters.holeEnd) >= counters.holeEnd || !walker.enter(block, log)) continue;
    while (walker.next((block + 1) * medium.blockLength, counters.holeEnd));
    if (walker.nextNumber !== counters.holeEnd) continue;
    blocks.free(place);
    log.retired = block;
    return;
  }
}
