/*
 * Mounting: finds the newest block and the others in use, and reads the newest block's records. Reads the head of every block
 * and the newest block, and programs nothing: recovery is done before the first write (Log.resume). Damage never throws. A
 * flash that must not be touched throws, and is left untouched; so does one that cannot be read.
 */

import { isNearlyWhole } from "../flash/correct.js";
import { ReadFailure } from "../flash/flash-calls.js";
import {
  type BlockFormat,
  blockSeed,
  CARRIED,
  CLEAN_BYTES,
  decodeFormat,
  decodeHeader,
  deferredIn,
  erasesIn,
  FORMAT_VERSION,
  firstIn,
  formatWord,
  HEAD_BYTES,
  isClean,
  isHeader,
  isWhole,
  looksWhole,
  NO_BLOCK,
  NOTE,
  numberIn,
  OLDEST_VERSION,
  RELEASED,
  REQUEUED,
  SETTLED,
  SKIP,
  STATE,
  sequenceIn,
  TAIL_BYTES,
  tailIn,
  type Words,
} from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { takeCarried } from "./carried.js";
import { takeState } from "./copy.js";
import { findHeadless, passReleased, takeHeadless } from "./headless.js";
import type { Log } from "./log.js";

const OPEN_WORD = CLEAN_BYTES >> 2;

/** What was found beside the blocks in use. */
export interface Findings {
  /** Blocks with content on a flash without an outbox: garbage, or another program's data. */
  foreign: number;
}

/** The blocks that have a header, as keys that sort by age: block sequence and block in one number. */
interface Found {
  readonly keys: Float64Array;
  count: number;
  foreign: number;
  /** Blocks whose head is damaged; undefined: none. */
  suspects: number[] | undefined;
}

const KEY = 0x1_0000; // a partition has fewer blocks
/** The role of a block in the chain. */
const UNUSED = 0;
const IN_USE = 1;
const GIVEN_UP = 2;

/**
 * Fills the new `log` from its flash. `firstSequence`: number of the first entry if flash is empty.
 * @throws Error if the flash has a newer version, or another write unit or block length than it is opened with
 */
export function mount(log: Log, firstSequence: number): Findings {
  const found = newFindings(log);
  const newestBlock = readHeads(log, found);
  if (newestBlock === NO_BLOCK) {
    log.blocks.setSpare();
    log.number = log.newest.first = log.marks.tail = firstSequence;
  } else {
    log.marks.tail = log.newest.tail;
    log.marks.voidBelow = log.newest.voidBelow;
    chain(log, found, newestBlock);
    log.recordedTail(log.newest.tail);
    replay(log, newestBlock);
  }
  if (found.suspects !== undefined) followHeadless(log, found.suspects);
  if (log.newest.sequence === 0) return { foreign: found.foreign };
  return { foreign: 0 }; // other content beside an outbox is left from an interrupted erase
}

/**
 * Reads what a log that was not mounted does not know yet: the spares, their order and their wear. No head was programmed since
 * the newest block was opened.
 */
export function completeBlocks(log: Log): void {
  const found = newFindings(log);
  log.erasesSum = log.erasesMax = 0;
  chain(log, found, readHeads(log, found));
}

function newFindings(log: Log): Found {
  return { keys: new Float64Array(log.medium.blocks), count: 0, foreign: 0, suspects: undefined };
}

/**
 * Reads every head once. Returns the newest block that was completely taken into use; its header is stored in `log.newest`. In
 * unit mode, a block without a whole header behind its open header was interrupted while it was opened: it does not count, even
 * if its open header is readable now.
 */
function readHeads(log: Log, found: Found): number {
  const { medium, blocks } = log;
  const { head, unit } = medium;
  const keys = found.keys;
  let count = 0;
  const view = medium.headView();
  const newest = new Int32Array(head.length);
  const blockLength = medium.blockLength;
  const current = formatWord({ version: FORMAT_VERSION, unit, blockLength });
  const oldest = formatWord({ version: OLDEST_VERSION, unit, blockLength });
  let newestBlock = NO_BLOCK;
  let newestSequence = 0;
  let unknown = 0;
  let unreadable = 0; // only without patience
  for (let block = 0; block < medium.blocks; block++) {
    if (!medium.readHead(block, view)) unreadable++;
    if (!isHeader(head, OPEN_WORD) && (looksErased(head, OPEN_WORD) || !isMended(medium, block, view, found))) {
      if (!takeUnopened(log, block)) {
        unknown++;
        if (!looksErased(head, 0)) found.foreign++;
      }
      continue;
    }
    const format = head[OPEN_WORD];
    if (format !== current && format !== oldest) refuse(decodeFormat(head, OPEN_WORD), medium);
    log.countErases(erasesIn(head, OPEN_WORD));
    const sequence = sequenceIn(head, OPEN_WORD);
    if (sequence > log.highest) log.highest = sequence;
    if (unit === 16 && !isWhole(head, 0, sequence) && !isWholeAgain(medium, block, sequence)) {
      suspect(found, block);
      continue;
    }
    keys[count++] = sequence * KEY + block;
    blocks.setFirst(block, firstIn(head, OPEN_WORD));
    if (sequence <= newestSequence) continue;
    newest.set(head);
    newestSequence = sequence;
    newestBlock = block;
  }
  if (unreadable * 2 >= medium.blocks) throw new ReadFailure();
  found.count = count;
  if (newestBlock !== NO_BLOCK) decodeHeader(log.newest, newest, OPEN_WORD);
  while (unknown-- > 0) log.countErases(log.presumedErases);
  return newestBlock;
}

/** As `mendHead`; a head that stays damaged may be the newest block's. In unit mode, erased blocks have no head either. */
function isMended(medium: Medium, block: number, view: Uint8Array, found: Found): boolean {
  if (medium.mendHead(block, view)) return true;
  if (medium.unit === 1 || looksWhole(medium.head, 0)) suspect(found, block);
  return false;
}

function suspect(found: Found, block: number): void {
  found.suspects ??= [];
  found.suspects.push(block);
}

/** Continues with the newest block if that has a damaged head. */
function followHeadless(log: Log, suspects: readonly number[]): void {
  const block = findHeadless(log, suspects);
  if (block === NO_BLOCK) return;
  const before = takeHeadless(log, block);
  replay(log, block);
  passReleased(log, before);
}

/** Unit mode: whether the block has a whole header, when it is read again and may have one wrong bit. The head stays valid. */
function isWholeAgain(medium: Medium, block: number, sequence: number): boolean {
  return medium.mendHead(block) && isNearlyWhole(medium.head, 0, sequence);
}

/** A block that was erased, and possibly about to be taken into use; false: its head is something else. */
function takeUnopened(log: Log, block: number): boolean {
  const head = log.medium.head;
  if (!isClean(head, 0)) return false;
  log.countErases(head[1]);
  if (!looksErased(head, OPEN_WORD)) log.openingCut(block);
  return true;
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

function looksErased(head: Words, from: number): boolean {
  let all = -1;
  for (let i = from; i < head.length; i++) all &= head[i];
  return all === -1;
}

/**
 * Puts the blocks in order. Going back from the newest, a block is in use if it begins before all blocks taken into use after
 * it (otherwise one of those is its copy) and contains numbers that are not all settled. The spares follow: first empty ones,
 * then the others by age, and last the block that the newest has replaced. One pass each, because a partition may have
 * thousands of blocks.
 */
function chain(log: Log, { keys, count }: Found, newestBlock: number): void {
  const { blocks, newest } = log;
  const byAge = keys.subarray(0, count).sort(); // natively: a comparison in XS costs as much as reading a head
  const roles = new Uint8Array(blocks.count);
  let live = 1;
  let { first } = newest;
  let from = NO_BLOCK;
  for (let i = count - 1; i >= 0; i--) {
    const key = byAge[i];
    const block = key % KEY;
    const sequence = (key - block) / KEY;
    let role = block === newestBlock ? IN_USE : GIVEN_UP;
    if (sequence === newest.from) from = block;
    if (sequence < newest.sequence && first > newest.tail && block !== newest.retired) {
      const older = blocks.firstOf(block, first);
      if (older < first) {
        first = older;
        role = IN_USE;
        live++;
      }
    }
    roles[block] = role;
  }
  arrange(log, byAge, roles, live, from);
  const retired = newest.retired;
  if (retired !== NO_BLOCK && retired < blocks.count && roles[retired] !== IN_USE) log.retired = retired;
}

/** Assigns places by role. `from`: the block that the newest has replaced; NO_BLOCK: none. */
function arrange({ blocks }: Log, byAge: Float64Array, roles: Uint8Array, live: number, from: number): void {
  let inUse = 0;
  let spare = live;
  for (let block = 0; block < roles.length; block++) {
    if (roles[block] === UNUSED) blocks.setPlace(spare++, block);
  }
  const last = from !== NO_BLOCK && roles[from] === GIVEN_UP;
  for (let i = 0; i < byAge.length; i++) {
    const block = byAge[i] % KEY;
    if (roles[block] === IN_USE) blocks.setPlace(inUse++, block);
    else if (block !== from) blocks.setPlace(spare++, block);
  }
  if (last) blocks.setPlace(spare, from);
  blocks.setLive(live);
}

/** Walks through the newest block: notes, counters, marks, the last number, the end. */
function replay(log: Log, block: number): void {
  const { medium, walker, newest } = log;
  const start = block * medium.blockLength;
  log.blockEnd = start + medium.blockLength;
  log.seed = blockSeed(newest.sequence);
  log.counters.entries = Math.max(0, newest.first - newest.tail);
  const used = medium.unit === 1 ? medium.usedEnd(start + HEAD_BYTES, log.blockEnd) : log.blockEnd;
  walker.start(block, newest.sequence, newest.first);
  const { marks, counters } = log;
  while (walker.next(used, Number.POSITIVE_INFINITY)) {
    apply(log);
    let begin = walker.nextNumber;
    // Consecutive queued entries, which are most of a backlog, at half the cost.
    while (walker.isQueued && (walker.pass(used, Number.POSITIVE_INFINITY, true) > 0 || walker.step(used))) {
      const end = walker.nextNumber;
      if (end > marks.tail) counters.entries += end - Math.max(begin, marks.tail);
      begin = end;
    }
  }
  log.number = walker.nextNumber;
  log.notes.set(walker.notes);
  log.lastAddress = walker.address;
  log.lastCheck = walker.number | 0;
  log.torn = walker.wounds;
  log.wasted = walker.wasted;
  log.end = log.blockEnd;
  if (medium.unit === 1) findEnd(log, used);
}

/**
 * Byte mode: finds the end of the log. A torn record may follow the last one: words that earlier runs have zeroed, then a
 * record whose last cell may be half programmed and read as erased. Therefore all that its header announces is skipped.
 */
function findEnd(log: Log, used: number): void {
  const { medium, walker, blockEnd } = log;
  let from = walker.after;
  while (from < used && medium.wordAt(from) === 0) from += 4;
  const word = from < used ? medium.wordAt(from) : 0;
  const announced = from + medium.sizeAnnounced(word);
  log.tornFrom = from;
  log.end = Math.max(used, walker.after, Math.min(announced, blockEnd));
  if (log.end === walker.after) return;
  log.torn++;
  log.wasted += log.end - walker.after;
}

/** The record at which the walker is. */
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
      if (walker.length === TAIL_BYTES) takeTail(log);
      else if (settleAgain(log)) counters.entries--;
      return;
    case RELEASED:
      if (catchUp(log)) marks.release(numberIn(log.medium.words));
      return;
    case REQUEUED:
      marks.requeue(walker.nextNumber);
      return;
    case CARRIED:
      takeCarried(log);
      return;
    case NOTE:
      return; // the walker keeps its address
    default:
      if (walker.number >= marks.tail) counters.entries++;
  }
}

function settleAgain(log: Log): boolean {
  const number = numberIn(log.medium.words);
  if (!catchUp(log) || log.marks.isSettled(number)) return false;
  log.marks.settle(number);
  return true;
}

/** Moves the tail to its position when the mark was made; false: the mark is older than the tail. */
function catchUp(log: Log): boolean {
  const { marks, medium, counters } = log;
  const number = numberIn(medium.words);
  const tail = tailIn(medium.words);
  if (tail > marks.tail) {
    counters.entries = Math.max(0, counters.entries - deferredIn(medium.words));
    if (medium.unit === 1) {
      log.passed ??= { from: marks.tail, end: 0, settled: marks.settledBits() };
      log.passed.end = tail;
    }
    marks.advance(tail);
  }
  return marks.inWindow(number);
}

/** While mounting: reads a tail record from the record buffer. */
function takeTail(log: Log): void {
  const { marks, counters, medium } = log;
  const tail = numberIn(medium.words) + 1;
  if (tail < marks.tail) return;
  const entries = medium.words[3] >>> 0;
  marks.advance(tail);
  counters.entries = Math.max(0, entries - marks.settledCount - (marks.tail - tail));
  log.passed = undefined; // counted
  log.recordedTail(tail);
}
