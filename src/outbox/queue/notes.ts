/*
 * Notes: small values under eight tags that many entries share. The latest of each tag is repeated at the head of every block,
 * so that an entry's notes are in its own block and are evicted with it. Reads allocate a copy, which is acceptable because
 * they are rare.
 */
import { loadNote } from "../blocks/copy.js";
import { Cursor, NOWHERE, TAGS } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { CARRIED, NOTE, PAYLOAD_AT, STATE } from "../flash/layout.js";
import type { FreeSpace } from "./free-space.js";
import type { Walk } from "./walk.js";

/** The longest value of a note, in bytes. */
export const MAX_NOTE_BYTES = 96;
const TRIES = 3;

const END = Number.POSITIVE_INFINITY; // a constant is faster

/** Reads and writes notes by their tag. */
export class NotePad {
  protected readonly log: Log;
  private readonly walk: Walk;
  /** By tag: values to be written again before anything else is. See RecoveringNotePad. */
  declare recovered: Map<number, Uint8Array> | undefined;

  constructor(log: Log, walk: Walk) {
    this.log = log;
    this.walk = walk;
  }

  /** Recovers the log before the first write of a run, and writes recovered values again, once. */
  resume(space: FreeSpace): void {
    space.resume();
    const { recovered } = this;
    if (recovered === undefined) return;
    this.recovered = undefined;
    const left = new Map<number, Uint8Array>();
    recovered.forEach((value, tag) => {
      try {
        this.put(tag, value, space);
      } catch {
        left.set(tag, value); // no free space, or flash that cannot be read: it is tried again, before a block is taken
      }
    });
    if (left.size > 0) this.recovered = left;
  }

  /** See Outbox.note. */
  put(tag: number, value: Uint8Array, space: FreeSpace): void {
    const { log, walk } = this;
    this.check(tag, value);
    const length = 1 + value.byteLength;
    const size = log.medium.sizeOf(length);
    for (let tries = TRIES; tries > 0; tries--) {
      this.resume(space);
      if (!space.forMark(size)) break;
      const address = log.end;
      this.fill(tag, value);
      if (!log.put(NOTE, length)) continue;
      log.notes[tag] = address;
      walk.followed(address, size, NOTE, 0);
      return;
    }
    throw new Error(`note ${tag} could not be stored`);
  }

  /** @throws RangeError for an invalid tag, or a value that is too long */
  private check(tag: number, value: Uint8Array): void {
    if (!(tag >= 0 && tag < TAGS && tag === Math.floor(tag)))
      throw new RangeError(`tag ${tag}: expected 0..${TAGS - 1}`);
    if (value.byteLength > MAX_NOTE_BYTES) {
      throw new RangeError(`note of ${value.byteLength} bytes: expected at most ${MAX_NOTE_BYTES}`);
    }
  }

  /** Fills the record buffer. */
  private fill(tag: number, value: Uint8Array): void {
    const medium = this.log.medium;
    medium.pad(1 + value.byteLength);
    medium.bytes[PAYLOAD_AT] = tag;
    medium.bytes.set(value, PAYLOAD_AT + 1);
  }

  /** See Outbox.readNote. */
  latest(tag: number): Uint8Array | undefined {
    const { notes, seed, newest } = this.log;
    return this.read(notes[tag], seed, newest.first);
  }

  /** See Outbox.noteAt. */
  at(sequence: number, tag: number): Uint8Array | undefined {
    const { blocks, newestBlock, notes, medium, seed, newest } = this.log;
    const cursorThere = this.walk.cursorAt(sequence);
    if (cursorThere !== undefined) {
      const place = blocks.placeOf(sequence);
      const value = this.read(cursorThere.notes[tag], cursorThere.seed, blocks.firstAt(place, sequence));
      return value === undefined ? this.instead(cursorThere, tag, place) : value;
    }
    const address = this.walk.addressOf(sequence);
    if (address === NOWHERE) return undefined;
    const block = Math.floor(address / medium.blockLength);
    const note = notes[tag];
    if (block === newestBlock && note !== 0 && note < address) return this.read(note, seed, newest.first);
    const cursor = this.cursorAt(block, address);
    const value = this.read(cursor.notes[tag], cursor.seed, this.log.header.first);
    return value === undefined ? this.instead(cursor, tag, blocks.placeOf(sequence)) : value;
  }

  /**
   * See Outbox.findNoteAfter. Each block's head repeats the values in force: only two blocks and some heads are read, unless one
   * of these is damaged.
   */
  findAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean {
    const blocks = this.log.blocks;
    let low = blocks.placeOf(sequence);
    let high = blocks.live;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const answer = this.isPastAtHead(middle, tag, isPast);
      if (answer === undefined) return this.findFrom(low, high, sequence, tag, isPast);
      if (answer) high = middle;
      else low = middle;
    }
    if (blocks.live > 0 && this.isPastIn(low, sequence, tag, isPast)) return true;
    if (this.isPastBehind(low, sequence, tag, isPast)) return true;
    return high < blocks.live && this.isPastAtHead(high, tag, isPast) === true;
  }

  /** The same between the blocks at `low` and `high`, one by one, because a head between them is damaged. */
  private findFrom(
    low: number,
    high: number,
    sequence: number,
    tag: number,
    isPast: (value: Uint8Array) => boolean,
  ): boolean {
    for (let place = low; place < high; place++) {
      if (place > low && this.isPastAtHead(place, tag, isPast)) return true;
      if (this.isPastIn(place, sequence, tag, isPast) || this.isPastBehind(place, sequence, tag, isPast)) return true;
    }
    return high < this.log.blocks.live && this.isPastAtHead(high, tag, isPast) === true;
  }

  /** Whether the value in force at the beginning of the block at `place` is past; undefined: its repetition there is damaged. */
  private isPastAtHead(place: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean | undefined {
    const { blocks, medium } = this.log;
    const block = blocks.at(place);
    const cursor = this.searcher();
    if (!cursor.enter(block, this.log)) return undefined;
    while (cursor.next((block + 1) * medium.blockLength, END)) {
      if (cursor.kind !== NOTE && cursor.kind !== STATE && cursor.kind !== CARRIED) break;
      if (cursor.kind === NOTE && medium.bytes[PAYLOAD_AT] === tag) return isPast(this.valueAt(cursor));
    }
    return cursor.wounds > 0 ? undefined : false; // a note is never dropped: without damage there was none before, either
  }

  /** Whether one of the values behind `sequence` in the block at `place` is past. */
  private isPastIn(place: number, sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean {
    const { blocks, medium, end } = this.log;
    const block = blocks.at(place);
    const cursor = this.searcher();
    if (!cursor.enter(block, this.log)) return false;
    const isLast = place === blocks.live - 1;
    // One more than there are: notes may follow the last entry, and a torn record may lie before them.
    const limit = isLast ? END : blocks.firstAt(place + 1, sequence) + 1;
    const blockEnd = isLast ? end : (block + 1) * medium.blockLength;
    while (cursor.next(blockEnd, limit)) {
      if (cursor.kind !== NOTE) cursor.pass(blockEnd, limit, false);
      else if (cursor.nextNumber > sequence && medium.bytes[PAYLOAD_AT] === tag && isPast(this.valueAt(cursor)))
        return true;
    }
    return false;
  }

  /** Whether a value is past that was in an evicted block right behind the block at `place`. */
  private isPastBehind(place: number, sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean {
    const { blocks, carried } = this.log;
    if (carried === undefined) return false;
    const first = blocks.firstAt(place, sequence);
    const end = place + 1 < blocks.live ? blocks.firstAt(place + 1, sequence) : first;
    for (let i = 0; i < carried.length; i++) {
      const { before, tag: other, value } = carried[i];
      if (before > first && before <= end && other === tag && isPast(value)) return true;
    }
    return false;
  }

  /** The value of the note found, as a copy. */
  private valueAt(cursor: Cursor): Uint8Array {
    return this.log.medium.bytes.slice(PAYLOAD_AT + 1, PAYLOAD_AT + cursor.length);
  }

  /** The log's cursor, whose position no caller relies on. */
  private searcher(): Cursor {
    return this.log.walker;
  }

  /** A cursor at `address`, moved there from its block's head; or before number `limit`. */
  private cursorAt(block: number, address: number, limit = END): Cursor {
    const cursor = new Cursor(this.log.medium);
    cursor.enter(block, this.log);
    while (cursor.block !== NOWHERE && cursor.next(address, limit)) cursor.pass(address, limit, false);
    return cursor;
  }

  /** The value in force at `cursor`, in the block at `place`, which has none there; undefined also if that is not due to damage. */
  private instead(cursor: Cursor, tag: number, place: number): Uint8Array | undefined {
    return cursor.notes[tag] === 0 && cursor.wounds > 0 ? this.before(place, tag) : undefined;
  }

  /**
   * The last value in the block before the one at `place`: what that block's head repeats, and is read if the repetition is
   * damaged. Undefined also if there are entries between the two.
   */
  protected before(place: number, tag: number): Uint8Array | undefined {
    if (place < 1) return undefined;
    const { blocks, header } = this.log;
    const { blockLength } = this.log.medium;
    const block = blocks.at(place - 1);
    const first = blocks.firstAt(place, this.log.number);
    const last = this.cursorAt(block, (block + 1) * blockLength, first + 1);
    return last.nextNumber === first ? this.read(last.notes[tag], last.seed, header.first) : undefined;
  }

  private read(address: number, seed: number, first: number): Uint8Array | undefined {
    const medium = this.log.medium;
    if (address === 0 || !loadNote(medium, address, seed, first)) return undefined;
    return medium.bytes.slice(PAYLOAD_AT + 1, PAYLOAD_AT + medium.length);
  }
}

/** After a mount that found damage in the newest block: values that its head should repeat are read from the block before. */
export class RecoveringNotePad extends NotePad {
  constructor(log: Log, walk: Walk) {
    super(log, walk);
    for (let tag = 0; tag < TAGS; tag++) {
      const value = log.notes[tag] === 0 ? this.before(log.blocks.live - 1, tag) : undefined;
      if (value === undefined) continue;
      this.recovered ??= new Map();
      this.recovered.set(tag, value);
    }
  }

  override latest(tag: number): Uint8Array | undefined {
    return this.recovered?.get(tag) ?? super.latest(tag);
  }
}
