/*
 * The log of blocks: where the next record goes, which block is taken next, and how a block is taken into use.
 * A block is built behind its head first (notes, counters and marks, copied entries); the open header comes last and makes
 * it the newest, at once and whole. Nothing is erased that the newest block's header does not release.
 * Knows records and blocks, not the queue's policy. Every method that touches flash ends in a bounded number of calls.
 */

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
  OPEN_BYTES,
  type Words,
} from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { Blocks } from "./blocks.js";
import { type Carried, type NoteOwner, putCarried } from "./carried.js";
import { type Counters, copyBlock, copyNotes, putState } from "./copy.js";
import { Cursor, NOTES_BYTES, NOWHERE, TAGS } from "./cursor.js";
import { Marks } from "./marks.js";
import { Target } from "./target.js";

const OPEN_WORD = CLEAN_BYTES >> 2;
const TRIES = 3;
/**
 * Entries that may be settled, in older blocks than the newest, before it is programmed how far the queue's tail has come: so
 * many a boot has to look at again. More than can be in flight when a block is opened: then the header alone shows it.
 */
export const TAIL_LAG = 128;

type How = "advance" | "compact" | "renew";

/** The log on `medium`. Fields are the mount's to set and the queue's to read. */
export class Log {
  readonly medium: Medium;
  readonly blocks: Blocks;
  /** Bytes at the end of a block that entries take only if another block can follow without a loss. */
  readonly reserve: number;
  readonly marks = new Marks();
  readonly counters: Counters = { dropped: 0, refused: 0, damaged: 0, entries: 0, holeFrom: 0, holeEnd: 0 };
  /** Header of the newest block; sequence 0: there is none. */
  readonly newest = emptyHeader();
  /** Scratch space of the header that was read last. Valid until the next one is read. */
  readonly header = emptyHeader();
  /** For walks of its own; the queue's cursor is the queue's. */
  readonly walker: Cursor;
  /** Says what notes apply to. */
  readonly owner: NoteOwner;
  seed = 0;
  /** Address where the next record goes, and the end of the block that it is in. */
  end = 0;
  blockEnd = 0;
  /** Up to here entries go without a check: the block's end less the reserve; 0 until this run may program in the block. */
  freeEnd = 0;
  /** Number of the next entry. */
  number = 0;
  /** Highest block sequence seen. */
  highest = 0;
  /** Where the latest value of each tag lies; 0: nowhere. */
  readonly notes: Uint32Array;
  /** Block that was evicted with entries in it and is not erased yet; NO_BLOCK: none. */
  retired = NO_BLOCK;
  /** Notes of evicted blocks that apply to entries that are kept, in the order of those; undefined: none. */
  carried: Carried[] | undefined;
  /** Unit mode: settles below the tail that no record says yet, and the number of the last one. */
  deferred = 0;
  lastDeferred = -1;
  /** Byte mode: when the tail has come here, it is to be recorded. */
  tailDue = Number.POSITIVE_INFINITY;
  /** Erases of all blocks together, and of the block that was erased most often. */
  erasesSum = 0;
  erasesMax = 0;
  /** Format version of the blocks that are taken into use. */
  version = FORMAT_VERSION;
  /** Address of the last record that the mount found; NOWHERE: none. */
  lastAddress = NOWHERE;
  /** Bytes that torn records take in the newest block. */
  wasted = 0;
  torn = 0;
  /** Byte mode: address of what a cut left behind the last record, up to `end` as the mount found it. */
  tornFrom = 0;
  /** Whether what the mount passed over was looked at since. */
  surveyed = false;
  /** Byte mode: entries that the mount passed over unseen; `settled`: those that do not count already. */
  passed: { readonly from: number; end: number; readonly settled: Words } | undefined;
  /** Blocks copied in this run: what lay in them has moved. */
  copies = 0;
  /** Whether this run may program in the newest block. */
  resumed = false;
  /** Whether `eraseAhead` has nothing to do before another block is taken. */
  rested = false;
  /** Byte mode: blocks that an earlier run was about to take into use, as their heads look. */
  private openings: number[] | undefined;
  /** Reads which blocks are spare, of a log that was not mounted: before any is wanted. Undefined: that is known. */
  unread: ((log: Log) => void) | undefined;
  private erasedBlock = NO_BLOCK;
  private erases = 0;
  private resumeTries = TRIES;

  constructor(medium: Medium, owner: NoteOwner) {
    this.medium = medium;
    this.owner = owner;
    this.blocks = new Blocks(medium.blocks);
    this.reserve = Math.min(medium.unit === 16 ? 256 : 128, medium.blockLength >> 2);
    const both = new ArrayBuffer(2 * NOTES_BYTES); // one buffer: fewer objects
    this.notes = new Uint32Array(both, 0, TAGS);
    this.walker = new Cursor(medium, new Uint32Array(both, NOTES_BYTES));
  }

  /** While mounting: what the head of a block says of its wear. */
  countErases(erases: number): void {
    this.erasesSum += erases;
    if (erases > this.erasesMax) this.erasesMax = erases;
  }

  /** Of a block whose head does not say it. */
  get presumedErases(): number {
    return Math.max(0, this.newest.erases - 1);
  }

  /** While mounting: `block` was erased, and something of an open header is in it. */
  openingCut(block: number): void {
    this.openings ??= [];
    this.openings.push(block);
  }

  /**
   * Flash says that all below `tail` is settled. Entries of the newest block are no reason to say it again: a mount goes
   * through that block anyway.
   */
  recordedTail(tail: number): void {
    const due = tail + TAIL_LAG;
    this.tailDue = this.medium.unit === 1 && due <= this.newest.first ? due : Number.POSITIVE_INFINITY;
  }

  /** Spares that stay behind when a block is taken: in unit mode one more, see README.md, "Start". */
  get spareReserve(): number {
    return this.medium.unit === 16 ? 2 : 1;
  }

  get newestBlock(): number {
    return this.blocks.at(this.blocks.live - 1);
  }

  get freeBytes(): number {
    return this.blockEnd - this.end;
  }

  /** Programs the record in the medium's buffer at the log's end; false: it is not there, the place is used up. */
  put(kind: number, length: number): boolean {
    const address = this.end;
    this.medium.prepare(kind, length, this.seed, this.newest.version);
    this.end = address + this.medium.size;
    return this.medium.put(address, this.number) || this.spoil(address);
  }

  /** What was not programmed well is not to turn up beside its repetition. */
  spoil(address: number): false {
    if (this.medium.unit === 1) this.medium.programZeros(address, address + 4);
    return false;
  }

  /**
   * Makes the newest block this run's own. Byte mode: programs again what the last run may have left weak. Unit mode, where
   * that cannot be: copies the block, since any unit behind its last record may have been touched.
   */
  resume(): void {
    if (this.resumed || this.resumeTries-- === 0) return;
    this.resumed = true;
    if (this.newest.sequence === 0) return;
    if (this.medium.unit === 16) {
      if (!this.compact()) this.resumed = this.advance();
      return;
    }
    this.refresh();
    this.freeEnd = this.blockEnd - this.reserve;
    if (this.wasted * 4 > this.medium.blockLength) this.compact();
  }

  /** Takes the next spare into use, behind the newest block. */
  advance(): boolean {
    return this.open("advance");
  }

  /** Takes the next spare into use in place of the newest block, with what is live in that. */
  compact(): boolean {
    return this.newest.sequence !== 0 && this.open("compact");
  }

  /** Takes the next spare into use in place of the newest block, without its entries: `retired` is that block. */
  renew(): boolean {
    return this.open("renew");
  }

  /**
   * Erases what should be erased ahead: at most one block.
   * @returns whether there is more to do
   */
  eraseAhead(): boolean {
    this.rested = !this.eraseOne();
    return !this.rested;
  }

  /** From here on it is known which blocks are spare. */
  complete(): void {
    const { unread } = this;
    this.unread = undefined;
    unread?.(this);
  }

  private eraseOne(): boolean {
    this.complete();
    const blocks = this.blocks;
    // Byte mode: the newest block must be firm before what it has taken the place of is erased.
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

  /** Erases every spare that still holds something, so that nothing in them can come back. */
  eraseSpares(): void {
    this.complete();
    for (let place = this.blocks.live; place < this.blocks.count; place++) {
      if (!this.blocks.isReady(this.blocks.at(place))) this.makeReady(place);
    }
  }

  /** Sees to it that the spare at `place` is erased; false: it cannot be. */
  makeReady(place: number): boolean {
    const block = this.blocks.at(place);
    if (this.blocks.isReady(block)) return true;
    if (this.isErasedAlready(block)) {
      this.blocks.setReady(block);
      if (this.retired === block) this.retired = NO_BLOCK;
      return true;
    }
    return this.erase(block);
  }

  /** How often `block` was erased, as its head says; one less than the newest block's if it says nothing. Uses the head buffer. */
  erasesOf(block: number): number {
    const medium = this.medium;
    if (block === this.erasedBlock) return this.erases;
    medium.readHead(block);
    if (decodeHeader(this.header, medium.head, OPEN_WORD)) return this.header.erases;
    if (isClean(medium.head, 0)) return medium.head[1];
    return this.presumedErases;
  }

  /** Byte mode: erased after the newest block was taken into use, and untouched since. An older clean header may be what a cut erase left. */
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
    }
    return false;
  }

  /** Fills `block` and makes it the newest. Nothing of the log changes unless it succeeds. */
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
    if (!medium.programOpen(block)) return false;
    if (medium.unit === 16) {
      encodeWhole(medium.head, 0, sequence);
      if (!medium.programClean(block)) return false;
    }
    this.adopt(target, how);
    return true;
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

  /**
   * What a cut left half programmed may read otherwise after the next boot. What counts is programmed again, so that it
   * stays; what does not is programmed to zeros, so that it never will.
   */
  private refresh(): void {
    const medium = this.medium;
    this.openings?.forEach((block) => this.spoilOpening(block));
    this.openings = undefined;
    medium.readHead(this.newestBlock);
    medium.programOpen(this.newestBlock);
    if (this.lastAddress !== NOWHERE && medium.load(this.lastAddress, this.blockEnd, this.seed)) {
      medium.put(this.lastAddress, medium.number); // the same bytes
    }
    medium.programZeros(this.tornFrom, this.end);
  }

  /** The block that the last run was about to take into use: it must not turn out to be the newest after all. */
  private spoilOpening(block: number): void {
    const medium = this.medium;
    medium.readHead(block);
    if (!isClean(medium.head, 0) || medium.head[2] !== (this.newest.sequence | 0)) return;
    const at = block * medium.blockLength + CLEAN_BYTES;
    if (!medium.isBlank(at, at + OPEN_BYTES)) medium.programZeros(at, at + OPEN_BYTES);
  }
}
