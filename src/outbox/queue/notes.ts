/*
 * Notes: small values under eight tags that many entries share. The latest of each tag is repeated at the head of every block,
 * so that an entry's notes are in its own block and are evicted with it. Reads allocate a copy, which is acceptable because
 * they are rare.
 */
import { isNear } from "../blocks/copy.js";
import { Cursor, NOWHERE, TAGS } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { CARRIED, NOTE, PAYLOAD_AT, STATE } from "../flash/layout.js";
import type { Walk } from "./walk.js";

/** The longest value of a note, in bytes. */
export const MAX_NOTE_BYTES = 96;

/** Reads and writes notes by their tag. */
export class NotePad {
  private readonly log: Log;
  private readonly walk: Walk;

  constructor(log: Log, walk: Walk) {
    this.log = log;
    this.walk = walk;
  }

  /** @throws RangeError for an invalid tag, or a value that is too long */
  check(tag: number, value: Uint8Array): void {
    if (!(tag >= 0 && tag < TAGS && tag === Math.floor(tag)))
      throw new RangeError(`tag ${tag}: expected 0..${TAGS - 1}`);
    if (value.byteLength > MAX_NOTE_BYTES) {
      throw new RangeError(`note of ${value.byteLength} bytes: expected at most ${MAX_NOTE_BYTES}`);
    }
  }

  /** Fills the record buffer. */
  fill(tag: number, value: Uint8Array): void {
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
      return this.read(cursorThere.notes[tag], cursorThere.seed, blocks.firstAt(blocks.placeOf(sequence), sequence));
    }
    const address = this.walk.addressOf(sequence);
    if (address === NOWHERE) return undefined;
    const block = Math.floor(address / medium.blockLength);
    const note = notes[tag];
    if (block === newestBlock && note !== 0 && note < address) return this.read(note, seed, newest.first);
    const cursor = this.cursorAt(block, address);
    return this.read(cursor.notes[tag], cursor.seed, this.log.header.first);
  }

  /** See Outbox.findNoteAfter. Each block's head repeats the values in force: only two blocks and some heads are read. */
  findAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean {
    const blocks = this.log.blocks;
    let low = blocks.placeOf(sequence);
    let high = blocks.live;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.isPastAtHead(middle, tag, isPast)) high = middle;
      else low = middle;
    }
    if (blocks.live > 0 && this.isPastIn(low, sequence, tag, isPast)) return true;
    if (this.isPastBehind(low, sequence, tag, isPast)) return true;
    return high < blocks.live && this.isPastAtHead(high, tag, isPast);
  }

  /** Whether the value in force at the beginning of the block at `place` is past. */
  private isPastAtHead(place: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean {
    const { blocks, medium, header } = this.log;
    const block = blocks.at(place);
    const cursor = this.searcher();
    if (!cursor.enter(block, header)) return false;
    while (cursor.next((block + 1) * medium.blockLength, Number.POSITIVE_INFINITY)) {
      if (cursor.kind !== NOTE && cursor.kind !== STATE && cursor.kind !== CARRIED) return false;
      if (cursor.kind === NOTE && medium.bytes[PAYLOAD_AT] === tag) return isPast(this.valueAt(cursor));
    }
    return false;
  }

  /** Whether one of the values behind `sequence` in the block at `place` is past. */
  private isPastIn(place: number, sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean {
    const { blocks, medium, end, header } = this.log;
    const block = blocks.at(place);
    const cursor = this.searcher();
    if (!cursor.enter(block, header)) return false;
    const isLast = place === blocks.live - 1;
    // One more than there are: notes may follow the last entry, and a torn record may lie before them.
    const limit = isLast ? Number.POSITIVE_INFINITY : blocks.firstAt(place + 1, sequence) + 1;
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

  /** A cursor at `address`, moved there from its block's head. */
  private cursorAt(block: number, address: number): Cursor {
    const cursor = new Cursor(this.log.medium);
    cursor.enter(block, this.log.header);
    while (cursor.block !== NOWHERE && cursor.next(address, Number.POSITIVE_INFINITY)) {
      cursor.pass(address, Number.POSITIVE_INFINITY, false);
    }
    return cursor;
  }

  private read(address: number, seed: number, first: number): Uint8Array | undefined {
    const medium = this.log.medium;
    if (address === 0 || !medium.load(address, NOWHERE, seed)) return undefined;
    if (medium.kind !== NOTE || !isNear(medium.number, first)) return undefined;
    return medium.bytes.slice(PAYLOAD_AT + 1, PAYLOAD_AT + medium.length);
  }
}
