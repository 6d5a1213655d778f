/*
 * Mounting: which block is the newest, which others are in use, and what the newest block says.
 * Reads the head of every block and the newest block, and programs nothing: what recovery there is to do is done before
 * the first write (Log.resume). Never throws for damage; throws, with the flash untouched, for what it must not touch.
 */
import { takeState } from "./copy.js";
import {
  type BlockFormat,
  blockSeed,
  CLEAN_BYTES,
  decodeFormat,
  decodeHeader,
  FORMAT_VERSION,
  HEAD_BYTES,
  isClean,
  isWhole,
  kindOf,
  lengthOf,
  NO_BLOCK,
  NOTE,
  RELEASED,
  REQUEUED,
  SETTLED,
  SKIP,
  STATE,
} from "./layout.js";
import { copyHeader, emptyHeader, type Log } from "./log.js";
import type { Medium } from "./medium.js";

const OPEN_WORD = CLEAN_BYTES >> 2;

/** What was found besides what is in use. */
export interface Findings {
  /** Blocks that hold something, on a flash that holds no outbox: garbage, or another program's data. */
  foreign: number;
}

/**
 * Fills `log`, which is new, from its flash. `firstSequence`: number of the first entry if there is nothing on flash.
 * @throws Error if the flash holds a newer version, or another write unit or block length than it is opened with
 */
export function mount(log: Log, firstSequence: number): Findings {
  const sequences = new Uint32Array(log.medium.blocks); // 0: no block of ours
  const findings = { foreign: 0 };
  const newestBlock = findNewest(log, sequences, findings);
  if (newestBlock === NO_BLOCK) {
    log.number = log.marks.tail = firstSequence;
    return findings;
  }
  findings.foreign = 0; // what is not ours among what is: an erase cut short
  log.marks.tail = log.newest.tail;
  log.marks.voidBelow = log.newest.voidBelow;
  chain(log, sequences, newestBlock);
  replay(log, newestBlock);
  return findings;
}

/**
 * The newest block that was taken into use to the end; its header goes to `log.newest`. In unit mode, a block whose open
 * header is not followed by a whole header was cut while it was opened: it is none, even if it reads as one now.
 */
function findNewest(log: Log, sequences: Uint32Array, findings: Findings): number {
  const { medium, newest } = log;
  const header = emptyHeader();
  let newestBlock = NO_BLOCK;
  for (let block = 0; block < medium.blocks; block++) {
    medium.readHead(block);
    if (!decodeHeader(header, medium.head, OPEN_WORD)) {
      if (!isClean(medium.head, 0) && !looksErased(medium.head)) findings.foreign++;
      continue;
    }
    refuse(decodeFormat(medium.head, OPEN_WORD), medium);
    log.highest = Math.max(log.highest, header.sequence);
    if (medium.unit === 16 && !isWhole(medium.head, 0, header.sequence)) continue;
    sequences[block] = header.sequence;
    log.blocks.setFirst(block, header.first);
    if (header.sequence <= newest.sequence) continue;
    copyHeader(header, newest);
    newestBlock = block;
  }
  return newestBlock;
}

function refuse({ version, unit, blockLength }: BlockFormat, medium: Medium): void {
  if (version > FORMAT_VERSION) {
    throw new Error(`format version ${version} on flash, this firmware knows up to ${FORMAT_VERSION}`);
  }
  if (unit !== medium.unit) throw new Error(`written in units of ${unit}, opened with ${medium.unit}`);
  if (blockLength !== medium.blockLength) {
    throw new Error(`written in blocks of ${blockLength} bytes, opened with ${medium.blockLength}`);
  }
}

function looksErased(head: Int32Array): boolean {
  for (let i = 0; i < head.length; i++) if (head[i] !== -1) return false;
  return true;
}

/**
 * Puts the blocks in use in order. From the newest back, a block counts if it begins before all that were taken into use
 * after it (else one of those is its copy) and holds numbers that are not all settled.
 */
function chain(log: Log, sequences: Uint32Array, newestBlock: number): void {
  const { blocks, newest } = log;
  const byAge: number[] = [];
  for (let i = 0; i < sequences.length; i++) if (sequences[i] !== 0) byAge.push(i);
  byAge.sort((a, b) => sequences[b] - sequences[a]);
  blocks.useOldest(newestBlock);
  let { first } = newest;
  for (const block of byAge) {
    const older = blocks.firstOf(block, first);
    if (sequences[block] >= newest.sequence || first <= newest.tail || older >= first || block === newest.retired)
      continue;
    first = older;
    blocks.useOldest(block);
  }
  for (let i = byAge.length - 1; i >= 0; i--) if (blocks.isSpare(byAge[i])) blocks.useLast(byAge[i]);
  const from = sequences.indexOf(newest.from);
  if (newest.from !== 0 && from >= 0 && blocks.isSpare(from)) blocks.useLast(from);
  if (newest.retired !== NO_BLOCK && newest.retired < blocks.count && blocks.isSpare(newest.retired)) {
    log.retired = newest.retired;
  }
}

/** Goes through the newest block: notes, counters, marks, the last number, the end. */
function replay(log: Log, block: number): void {
  const { medium, walker, newest } = log;
  const start = block * medium.blockLength;
  log.blockEnd = start + medium.blockLength;
  log.seed = blockSeed(newest.sequence);
  log.counters.entries = Math.max(0, newest.first - newest.tail);
  const used = medium.unit === 1 ? medium.usedEnd(start + HEAD_BYTES, log.blockEnd) : log.blockEnd;
  walker.start(block, newest.sequence, newest.first);
  while (walker.next(used, Number.POSITIVE_INFINITY)) apply(log);
  log.number = walker.nextNumber;
  log.notes.set(walker.notes);
  log.lastAddress = walker.address;
  log.torn = walker.wounds;
  log.wasted = walker.wasted;
  log.end = log.blockEnd;
  if (medium.unit === 1) findEnd(log, used);
}

/**
 * Byte mode: where the log ends. Behind the last record may lie what a cut left of another: words that earlier runs have
 * zeroed, then a record of which the last cell may be half programmed and read as erased, so that all that its header
 * announces is given up.
 */
function findEnd(log: Log, used: number): void {
  const { medium, walker, blockEnd } = log;
  let from = walker.after;
  while (from < used && medium.wordAt(from) === 0) from += 4;
  const word = from < used ? medium.wordAt(from) : 0;
  const announced = kindOf(word) === 0 ? from : from + medium.sizeOf(lengthOf(word));
  log.tornFrom = from;
  log.end = Math.max(used, walker.after, Math.min(announced, blockEnd));
  if (log.end === walker.after) return;
  log.torn++;
  log.wasted += log.end - walker.after;
}

/** The record that the walker stands at. */
function apply(log: Log): void {
  const { medium, walker, marks, counters } = log;
  switch (walker.kind) {
    case STATE:
      takeState(log, log.newest.first);
      return;
    case SKIP:
      counters.refused += medium.words[2] >>> 0;
      return;
    case SETTLED:
      if (settleAgain(log)) counters.entries--;
      return;
    case RELEASED:
      if (catchUp(log)) marks.release(markedNumber(log));
      return;
    case REQUEUED:
      marks.requeue(walker.nextNumber);
      return;
    case NOTE:
      return; // the walker keeps where it lies
    default:
      if (walker.number >= marks.tail) counters.entries++;
  }
}

function settleAgain(log: Log): boolean {
  const number = markedNumber(log);
  if (!catchUp(log) || log.marks.isSettled(number)) return false;
  log.marks.settle(number);
  return true;
}

/** Moves the tail to where it was when the mark was made; false: the mark is older than the tail. */
function catchUp(log: Log): boolean {
  const { marks, medium } = log;
  const number = markedNumber(log);
  const tail = number - (medium.words[2] >>> 16);
  if (tail > marks.tail) {
    if (medium.unit === 1) {
      log.passed ??= { from: marks.tail, end: 0, settled: marks.settledBits() };
      log.passed.end = tail;
    }
    marks.advance(tail);
  }
  return marks.inWindow(number);
}

/** The number in a SETTLED or RELEASED record: 48 bits, then its distance from the tail. */
export function markedNumber(log: Log): number {
  const { words } = log.medium;
  return (words[1] >>> 0) + (words[2] & 0xffff) * 0x1_0000_0000;
}
