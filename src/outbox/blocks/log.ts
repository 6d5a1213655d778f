/*
 * The log of blocks: where the next record is written, which block is taken next, and how a block is taken into use. Everything
 * behind a block's head is written first (notes, counters and marks, copied entries). Its open header comes last, and makes the
 * complete block the newest in one step. Only blocks that the newest block's header has released are erased. Knows records and
 * blocks, not the queue's policy. Every method that uses flash ends after a bounded number of calls.
 */

import { ReadFailure } from "../flash/flash-calls.js";
import {
  blockSeed,
  CLEAN_BYTES,
  copyHeader,
  decodeHeader,
  emptyHeader,
  encodeClean,
  encodeHeader,
  encodeWhole,
  FORMAT_VERSION,
  isClean,
  NO_BLOCK,
  type Words,
} from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { Blocks } from "./blocks.js";
import { type Carried, type NoteOwner, putCarried } from "./carried.js";
import { type Counters, copyBlock, copyNotes, putState } from "./copy.js";
import { Cursor, NOTES_BYTES, NOWHERE, TAGS } from "./cursor.js";
import { Marks } from "./marks.js";
import { refresh } from "./refresh.js";
import { Target } from "./target.js";

const OPEN_WORD = CLEAN_BYTES >> 2;
const TRIES = 3;
/**
 * Bytes for records that must not be refused, once the outbox is full: a copy of its last block has a state record of up to 96,
 * a note of each tag that has changed since the last entry (five of up to 36), a skip, and space for more marks.
 */
const RESERVE = 256;
/**
 * In blocks older than the newest, so many entries may be settled before the position of the tail is recorded: a boot has to
 * read that many again. It is more than can be in flight when a block is opened, so that usually the header alone records it.
 */
export const TAIL_LAG = 128;

type How = "advance" | "compact" | "renew";

/** The log on `medium`. The mount sets the fields, and the queue reads them. */
export class Log {
  readonly medium: Medium;
  readonly blocks: Blocks;
  /** Bytes at the end of a block that entries use only if another block can follow without a loss. */
  readonly reserve: number;
  readonly marks = new Marks();
  readonly counters: Counters = { dropped: 0, refused: 0, damaged: 0, entries: 0, holeFrom: 0, holeEnd: 0 };
  /** Header of the newest block; sequence 0: none. */
  readonly newest = emptyHeader();
  /** The header that was read last. Valid until the next one is read. */
  readonly header = emptyHeader();
  /** The log's own cursor; the queue has another. */
  readonly walker: Cursor;
  /** Knows to which entries notes apply. */
  readonly owner: NoteOwner;
  seed = 0;
  /** Address of the next record, and the end of its block. */
  end = 0;
  blockEnd = 0;
  /**
   * Entries are written up to here without further checks: the block's end less the reserve, or its end once another block can
   * follow; 0 until this run may program in the block.
   */
  freeEnd = 0;
  /** Number of the next entry. */
  number = 0;
  /** Highest block sequence seen. */
  highest = 0;
  /** Address of the latest value of each tag; 0: none. */
  readonly notes: Uint32Array;
  /** Block that was evicted with entries in it and is not erased yet; NO_BLOCK: none. */
  retired = NO_BLOCK;
  /** Notes of evicted blocks that apply to kept entries, in the order of these; undefined: none. */
  carried: Carried[] | undefined;
  /** Unit mode: number of settles below the tail that are not recorded yet, and the last such entry. */
  deferred = 0;
  lastDeferred = -1;
  /** Byte mode: when the tail reaches this number, it is recorded. */
  tailDue = Number.POSITIVE_INFINITY;
  /** Erases of all blocks together, and of the block erased most often. */
  erasesSum = 0;
  erasesMax = 0;
  /** Format version of the blocks that are taken into use. */
  version = FORMAT_VERSION;
  /** Address of the last record that the mount found; NOWHERE: none. */
  lastAddress = NOWHERE;
  /** Low 32 bits, signed, of the number in its check. */
  lastCheck = 0;
  /** Bytes used by torn records in the newest block. */
  wasted = 0;
  torn = 0;
  /** Byte mode: address of a record torn by a power cut behind the last one, up to `end` as the mount found it. */
  tornFrom = 0;
  /** Whether the entries that the mount skipped were read since. */
  surveyed = false;
  /** Byte mode: entries that the mount skipped; `settled`: those that are no longer counted. */
  passed: { readonly from: number; end: number; readonly settled: Words } | undefined;
  /** Blocks copied in this run: the addresses of their records have changed. */
  copies = 0;
  /** Whether this run may program in the newest block. */
  resumed = false;
  /** Whether `eraseAhead` has nothing to do until another block is taken. */
  rested = false;
  /** Byte mode: blocks whose heads show that an earlier run was about to take them into use. */
  openings: number[] | undefined;
  /** Finds out which blocks are spare, for a log that was not mounted; called before the first one is needed. Undefined: already known. */
  unread: ((log: Log) => void) | undefined;
  private erasedBlock = NO_BLOCK;
  private erases = 0;
  private resumeTries = TRIES;

  constructor(medium: Medium, owner: NoteOwner) {
    this.medium = medium;
    this.owner = owner;
    this.blocks = new Blocks(medium.blocks);
    this.reserve = Math.min(RESERVE, medium.blockLength >> 2);
    const both = new ArrayBuffer(2 * NOTES_BYTES); // one buffer: fewer objects
    this.notes = new Uint32Array(both, 0, TAGS);
    this.walker = new Cursor(medium, new Uint32Array(both, NOTES_BYTES));
  }

  /** While mounting: the erase count in the head of a block. */
  countErases(erases: number): void {
    this.erasesSum += erases;
    if (erases > this.erasesMax) this.erasesMax = erases;
  }

  /** Erase count of a block whose head does not contain it. */
  get presumedErases(): number {
    return Math.max(0, this.newest.erases - 1);
  }

  /** While mounting: `block` was erased and contains a part of an open header. */
  openingCut(block: number): void {
    this.openings ??= [];
    this.openings.push(block);
  }

  /**
   * All below `tail` is settled, and flash has recorded it. The newest block's entries are not counted towards the next record,
   * because a mount reads that block anyway.
   */
  recordedTail(tail: number): void {
    const due = tail + TAIL_LAG;
    this.tailDue = this.medium.unit === 1 && due <= this.newest.first ? due : Number.POSITIVE_INFINITY;
  }

  /** Spares kept in reserve when a block is taken: one more in unit mode, see README.md, "Start". */
  get spareReserve(): number {
    return this.medium.unit === 16 ? 2 : 1;
  }

  get newestBlock(): number {
    return this.blocks.at(this.blocks.live - 1);
  }

  get freeBytes(): number {
    return this.blockEnd - this.end;
  }

  /** Programs the record in the medium's buffer at the log's end; false: it failed, and its place is used up. */
  put(kind: number, length: number): boolean {
    const address = this.end;
    this.medium.prepare(kind, length, this.seed, this.newest.version);
    this.end = address + this.medium.size;
    return this.medium.put(address, this.number) || this.spoil(address);
  }

  /**
   * A badly programmed record must not appear beside its repetition. Unit mode cannot program it again: if it may be right and
   * only could not be read back, the block is copied without it before the next write.
   */
  spoil(address: number): false {
    if (this.medium.unit === 1) this.medium.programZeros(address, address + 4);
    else if (this.medium.isUnchecked) {
      this.resumed = false;
      this.resumeTries = TRIES;
    }
    return false;
  }

  /**
   * Prepares the newest block for writing. Byte mode: programs again what the last run may have left half programmed. Unit
   * mode, which cannot do that: copies the block, because any unit behind its last record may have been touched.
   */
  resume(): void {
    if (this.resumed || this.resumeTries === 0) return;
    if (this.newest.sequence === 0) this.resumed = true;
    else if (this.medium.unit === 16) {
      if (!this.compact()) this.advance(); // `adopt` sets `resumed`
    } else this.resumeInPlace();
    this.resumeTries--; // not if a read has failed
  }

  private resumeInPlace(): void {
    const isHeadRight = refresh(this);
    this.resumed = true;
    this.freeEnd = this.blockEnd - this.reserve;
    if (!isHeadRight || this.wasted * 4 > this.medium.blockLength) this.compact();
  }

  /** Takes the next spare into use, after the newest block. */
  advance(): boolean {
    return this.open("advance");
  }

  /** Takes the next spare into use in place of the newest block, and copies the unsettled entries. */
  compact(): boolean {
    return this.newest.sequence !== 0 && this.open("compact");
  }

  /** Takes the next spare into use in place of the newest block, without its entries; `retired` is that block. */
  renew(): boolean {
    return this.open("renew");
  }

  /**
   * Erases at most one block in advance.
   * @returns whether there is more to do
   */
  eraseAhead(): boolean {
    this.rested = !this.eraseOne();
    return !this.rested;
  }

  /** Makes sure that the spares are known. */
  complete(): void {
    this.unread?.(this);
    this.unread = undefined; // not if a read has failed
  }

  private eraseOne(): boolean {
    this.complete();
    const blocks = this.blocks;
    // Byte mode: the newest block must be stable before the block that it replaced is erased.
    if (this.medium.unit === 1 && !this.resumed) this.resume();
    if (blocks.spares > 0 && !blocks.isReady(blocks.at(blocks.live))) {
      if (this.makeReady(blocks.live)) return true;
      blocks.postpone(blocks.live);
      return false;
    }
    if (!this.resumed && this.newest.sequence !== 0) {
      this.resume();
      return this.resumed;
    }
    if (this.retired !== NO_BLOCK) this.erase(this.retired);
    return false;
  }

  /** Erases every spare that is not empty, so that nothing in them can reappear. */
  eraseSpares(): void {
    this.complete();
    for (let place = this.blocks.live; place < this.blocks.count; place++) {
      if (!this.blocks.isReady(this.blocks.at(place))) this.makeReady(place);
    }
  }

  /** Makes sure that the spare at `place` is erased; false: it cannot be erased. A spare that cannot be read has nothing to lose. */
  makeReady(place: number): boolean {
    if (this.blocks.isReady(this.blocks.at(place))) return true;
    const medium = this.medium;
    const wasPatient = medium.isPatient;
    medium.isPatient = false;
    const isReady = this.prepare(this.blocks.at(place));
    medium.isPatient = wasPatient;
    return isReady;
  }

  private prepare(block: number): boolean {
    if (this.isErasedAlready(block)) {
      this.blocks.setReady(block);
      if (this.retired === block) this.retired = NO_BLOCK;
      return true;
    }
    return this.erase(block);
  }

  /** Erase count of `block` from its head; if there is none, one less than the newest block's. Uses the head buffer. */
  erasesOf(block: number): number {
    const medium = this.medium;
    if (block === this.erasedBlock) return this.erases;
    medium.readHead(block);
    if (decodeHeader(this.header, medium.head, OPEN_WORD)) return this.header.erases;
    if (isClean(medium.head, 0)) return medium.head[1];
    return this.presumedErases;
  }

  /**
   * Byte mode: erased after the newest block was taken into use, and untouched since. An older clean header may be left from a
   * cut erase.
   */
  private isErasedAlready(block: number): boolean {
    const medium = this.medium;
    if (medium.unit === 16) return false;
    medium.readHead(block);
    if (!isClean(medium.head, 0) || medium.head[2] !== (this.newest.sequence | 0)) return false;
    const start = block * medium.blockLength;
    return medium.isBlank(start + CLEAN_BYTES, start + medium.blockLength);
  }

  private erase(block: number): boolean {
    const medium = this.medium;
    const erases = this.erasesOf(block) + 1;
    if (!medium.erase(block)) return false;
    if (medium.unit === 1) {
      encodeClean(medium.head, 0, erases, this.newest.sequence);
      if (!medium.programClean(block)) return false;
    }
    this.erasedBlock = block;
    this.erases = erases;
    this.erasesSum++;
    if (erases > this.erasesMax) this.erasesMax = erases;
    this.blocks.setReady(block);
    if (this.retired === block) this.retired = NO_BLOCK;
    return true;
  }

  private open(how: How): boolean {
    this.complete();
    const blocks = this.blocks;
    for (let tries = Math.min(blocks.spares, TRIES); tries > 0; tries--) {
      const place = blocks.live;
      if (this.makeReady(place) && this.build(blocks.at(place), how)) return true;
      blocks.touch(blocks.at(place));
      blocks.postpone(place);
      if (this.medium.isPatient && this.medium.isUnchecked) throw new ReadFailure(); // no failure: it is tried again later
    }
    return false;
  }

  /** Fills `block` and makes it the newest. The log changes only if this succeeds. */
  private build(block: number, how: How): boolean {
    const medium = this.medium;
    const first = how === "compact" ? this.newest.first : this.number;
    const sequence = this.highest + 1;
    const target = new Target(medium, block, blockSeed(sequence), first, this.version);
    this.blocks.touch(block);
    if (how === "compact") {
      if (!copyBlock(this, target)) return false;
    } else if (!copyNotes(this, this.notes, target) || !putCarried(this, target) || !putState(this, target)) {
      return false;
    }
    const erases = this.erasesOf(block);
    const header = this.header;
    header.version = this.version;
    header.sequence = sequence;
    header.from = this.newest.sequence;
    header.first = first;
    header.tail = this.marks.tail;
    header.voidBelow = Math.max(this.marks.voidBelow, this.marks.tail);
    header.retired = this.retired;
    header.erases = erases;
    this.highest = sequence;
    encodeHeader(medium, header, medium.head, OPEN_WORD);
    if (!this.programHead(block, sequence)) {
      target.discard();
      return false;
    }
    this.adopt(target, how);
    return true;
  }

  private programHead(block: number, sequence: number): boolean {
    const medium = this.medium;
    if (!medium.programOpen(block)) return false;
    if (medium.unit === 1) return true;
    encodeWhole(medium.head, 0, sequence);
    return medium.programClean(block);
  }

  private adopt(target: Target, how: How): void {
    const blocks = this.blocks;
    copyHeader(this.header, this.newest);
    this.counters.entries -= target.settledInPlace;
    this.counters.damaged += target.damaged;
    this.notes.set(target.notes);
    this.seed = target.seed;
    this.end = target.end;
    this.blockEnd = target.blockEnd;
    this.wasted = 0;
    this.resumed = true;
    this.freeEnd = this.blockEnd - this.reserve;
    this.rested = false;
    this.recordedTail(this.newest.tail);
    this.deferred = 0;
    blocks.use(blocks.live, this.newest.first);
    if (how === "advance") return;
    this.copies++;
    blocks.free(blocks.live - 2);
  }
}
