/*
 * Walks through the records of one block, from its head on, and determines each number. An entry's number is the block's first
 * number plus its place. A record's check contains its number, so damage costs only the records that it hit: the walk continues
 * at the next record whose check matches. Reads only. The record found is in the medium's buffer until the medium is used
 * again.
 */

import {
  type BlockHeader,
  blockSeed,
  CLEAN_BYTES,
  copyHeader,
  decodeHeader,
  ENTRY_QOS2,
  HEAD_BYTES,
  NOTE,
  PAYLOAD_AT,
  QUEUED_STATE,
  RECORD_OVERHEAD,
  SKIP,
} from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";

/** Tags that notes can have: 0 to 7. */
export const TAGS = 8;
/** Size of `notes` in a buffer, in bytes. */
export const NOTES_BYTES = TAGS << 2;
/** Value for "no block" or "no address". */
export const NOWHERE = 0xffff_ffff;
const OPEN_WORD = CLEAN_BYTES >> 2;
/** Numbers that one gap in the records may have used up, including a lost SKIP record. */
const WIDEST_GAP = 4096;
/** The same before a short frame, whose header has no check, unless a record with the next number follows it. */
const WIDEST_SHORT_GAP = 15;

/** What is needed of the log to enter a block in use. */
export interface Entered {
  readonly newestBlock: number;
  readonly newest: BlockHeader;
  readonly header: BlockHeader;
}

/** A position in a block. */
export class Cursor {
  /** The block; NOWHERE: none. */
  block = NOWHERE;
  seed = 0;
  /** Address of the record found. */
  address = NOWHERE;
  /** Address behind it, where the next one is expected. */
  after = 0;
  /** Kind of the record found; an entry's kind is its QoS. */
  kind = 0;
  length = 0;
  state = 0;
  /** Number of the entry found, or of the next entry. */
  number = 0;
  /** Number of the first entry behind `address`. */
  nextNumber = 0;
  /** Numbers lost to damage immediately before the record found. */
  lost = 0;
  /** Damaged or torn places skipped in this block. */
  wounds = 0;
  /** Bytes skipped. */
  wasted = 0;
  /** Place of the block, and the number at which its entries end; valid while `changes` equals that of the blocks. */
  place = 0;
  limit = 0;
  changes = -1;
  /** Address of the value of each tag in force at the record found; 0: none yet. */
  readonly notes: Uint32Array;
  private readonly medium: Medium;

  /** `notes`: TAGS words of memory. */
  constructor(medium: Medium, notes = new Uint32Array(TAGS)) {
    this.medium = medium;
    this.notes = notes;
  }

  /** Moves to the head of `block`, and reads its header into `log.header`; false: it has none. The newest block's is known. */
  enter(block: number, log: Entered): boolean {
    const { header } = log;
    this.block = NOWHERE;
    if (block === log.newestBlock) copyHeader(log.newest, header);
    else {
      const { medium } = this;
      medium.readHead(block);
      if (!decodeHeader(header, medium.head, OPEN_WORD)) {
        if (!medium.mendHead(block)) return false;
        decodeHeader(header, medium.head, OPEN_WORD);
      }
    }
    this.start(block, header.sequence, header.first);
    return true;
  }

  /** Moves to the head of a block whose header is known. */
  start(block: number, sequence: number, first: number): void {
    this.block = block;
    this.seed = blockSeed(sequence);
    this.address = NOWHERE;
    this.after = block * this.medium.blockLength + HEAD_BYTES;
    this.kind = 0;
    this.changes = -1;
    this.number = this.nextNumber = first;
    this.lost = this.wounds = this.wasted = 0;
    this.notes.fill(0);
  }

  get isEntry(): boolean {
    return this.kind !== 0 && this.kind <= ENTRY_QOS2;
  }

  /** At an entry that is neither released nor settled. */
  get isQueued(): boolean {
    return this.state === QUEUED_STATE && this.isEntry;
  }

  /**
   * Moves to the next record before the address `end`. `limit`: the number at which the block's entries end. What does not match
   * where a record is expected is read again: one wrong bit in one read is no damage.
   * @returns false at the end; the entries lost to damage there are `limit` minus `nextNumber`
   */
  next(end: number, limit: number): boolean {
    const medium = this.medium;
    const step = Math.max(medium.unit, 4);
    let isAgain = false; // behind damage, too, one wrong bit in one read costs nothing
    for (let at = this.after; at + RECORD_OVERHEAD <= end; at += step) {
      if (!medium.load(at, end, this.seed)) {
        if (this.nextNumber >= limit) return false; // only notes can follow
        medium.demand();
        if (at !== this.after || !medium.load(at, end, this.seed)) {
          medium.demand();
          continue;
        }
      }
      let jump = (medium.number - (this.nextNumber | 0)) >>> 0;
      if (jump !== 0) {
        if (at === this.after) {
          if (!medium.load(at, end, this.seed) || medium.number !== (this.nextNumber | 0)) {
            medium.demand();
            continue;
          }
          jump = 0;
        } else if (jump > WIDEST_GAP || this.nextNumber + jump > limit) continue;
      }
      if (jump > WIDEST_SHORT_GAP && medium.isShort && !this.isFollowed(at, end)) continue;
      if (jump > 0 && !isAgain) {
        isAgain = true;
        at = this.after - step;
        continue;
      }
      this.found(at, jump);
      return true;
    }
    return false;
  }

  /**
   * As `next`, but only if the next entry lies immediately behind the record found, unchanged since it was appended.
   * @returns false otherwise: then the cursor has not moved
   */
  step(end: number): boolean {
    const medium = this.medium;
    const at = this.after;
    const number = this.nextNumber;
    if (!medium.load(at, end, this.seed) || medium.number !== (number | 0)) return false;
    const kind = medium.kind;
    if (kind > ENTRY_QOS2 || medium.state !== QUEUED_STATE) return false;
    this.address = at;
    this.after = at + medium.size;
    this.kind = kind;
    this.length = medium.length;
    this.state = QUEUED_STATE;
    this.number = number;
    this.nextNumber = number + 1;
    this.lost = 0;
    return true;
  }

  /**
   * Passes over short frames in order immediately behind the record found, up to number `limit`, and stops at the last of them.
   * Their payloads are not in the buffer.
   * @param onlyQueued stops before one that is released or settled
   * @returns their count
   */
  pass(end: number, limit: number, onlyQueued: boolean): number {
    const medium = this.medium;
    const most = limit - this.nextNumber;
    if (!medium.isShort || most <= 0) return 0;
    const count = medium.countShorts(this.after, end, this.seed, this.nextNumber, most, onlyQueued);
    if (count === 0) return 0;
    this.after += count * medium.shortSize;
    this.address = this.after - medium.shortSize;
    this.state = QUEUED_STATE;
    this.nextNumber += count;
    this.number = this.nextNumber - 1;
    this.lost = 0;
    return count;
  }

  /** A record was appended: follows it if the cursor is at the end of the log. */
  follow(address: number, size: number, kind: number, numbers: number): void {
    if (this.after !== address) return;
    this.address = address;
    this.after = address + size;
    this.kind = kind;
    this.number = this.nextNumber;
    this.nextNumber += numbers;
    this.lost = 0;
    if (kind === NOTE) this.notes[this.medium.bytes[PAYLOAD_AT] & (TAGS - 1)] = address;
  }

  /** Whether a record with the next number lies behind the short frame at `at`, which is then in the buffer again. */
  private isFollowed(at: number, end: number): boolean {
    const medium = this.medium;
    const seed = this.seed;
    const next = (medium.number + 1) | 0;
    const follows = medium.load(at + medium.size, end, seed) && medium.number === next;
    const isFollowed = follows && medium.load(at, end, seed) && ((medium.number + 1) | 0) === next;
    medium.demand();
    return isFollowed;
  }

  private found(at: number, jump: number): void {
    const medium = this.medium;
    if (at !== this.after) {
      this.wounds++;
      this.wasted += at - this.after;
    }
    this.lost = jump;
    this.address = at;
    this.after = at + medium.size;
    this.kind = medium.kind;
    this.length = medium.length;
    this.state = medium.state;
    this.number = this.nextNumber + jump;
    this.nextNumber = this.number;
    if (this.kind <= ENTRY_QOS2) this.nextNumber++;
    else if (this.kind === SKIP) this.nextNumber += medium.words[PAYLOAD_AT >> 2] >>> 0;
    else if (this.kind === NOTE) this.notes[medium.bytes[PAYLOAD_AT] & (TAGS - 1)] = at;
  }
}
