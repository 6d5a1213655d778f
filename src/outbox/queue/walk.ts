/*
 * Reads and settles entries in order. Keeps the queue's cursor and the addresses of the last entries, so that a settle needs no
 * search. In ascending order each record is read once; entries in another order are found by the finder.
 */
import { Cursor, NOTES_BYTES, NOWHERE, TAGS } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { WINDOW } from "../blocks/marks.js";
import { MAX_FLASH } from "../flash/geometry.js";
import { QUEUED_STATE } from "../flash/layout.js";
import { NONE } from "../flash/medium.js";
import type { OutboxListener } from "./events.js";
import { Finder } from "./finder.js";
import { reportUnread } from "./guard.js";
import { EntryView } from "./options.js";

const RECENT = 16;
const SLOTS = RECENT - 1;
const ADDRESS = MAX_FLASH - 1; // leaves a byte of a word for the state
const QUEUED_PLACE = QUEUED_STATE << 24;
const NO_PLACE = -1; // no address: blocks begin with a head

/** Returns entries in order, and settles them. */
export class Walk extends Finder {
  /** One above the highest number in flight. */
  inFlightEnd = 0;
  private readonly cursor: Cursor;
  private readonly entry = new EntryView();
  private newest: number;
  private copies = 0;
  /** Addresses of recent entries, by number modulo RECENT: low 32 bits of the number; address, and state byte above it. */
  private readonly number: Int32Array;
  private readonly place: Int32Array;
  /** The record buffer on which the entry's payload is a view. */
  private buffer: Uint8Array | undefined;

  constructor(log: Log, listener: OutboxListener) {
    super(log, listener);
    this.newest = log.newest.sequence;
    const all = new ArrayBuffer(NOTES_BYTES + (RECENT << 3)); // one buffer: fewer objects
    this.cursor = new Cursor(log.medium, new Uint32Array(all, 0, TAGS));
    this.number = new Int32Array(all, NOTES_BYTES, RECENT);
    this.place = new Int32Array(all, NOTES_BYTES + (RECENT << 2)).fill(NO_PLACE);
  }

  /** Instead of a mount. `address`: of the tail, in the newest block; 0: not known. */
  goOn(address: number): void {
    this.hasCounted = true;
    if (address === 0) return;
    this.startAt(this.cursor, address);
    this.startAt(this.log.walker, address);
  }

  /** See Outbox.seek. */
  seek(from: number): EntryView | undefined {
    const marks = this.log.marks;
    const first = from < marks.tail ? marks.tail : from;
    if (this.step(first) || this.reload(first)) return this.handNow(first);
    return this.search(first);
  }

  private search(first: number): EntryView | undefined {
    const { cursor, log } = this;
    try {
      if (!this.find(cursor, first)) return undefined;
      const { number } = cursor;
      if (number >= log.marks.tail + WINDOW) {
        this.exactTail();
        if (number >= log.marks.tail + WINDOW || !this.find(cursor, number)) return undefined;
      }
      this.remember(cursor);
      return this.handNow(number);
    } catch (error) {
      reportUnread(this.listener, error);
      return undefined;
    }
  }

  /** The entry in the record buffer, which has this number. */
  hand(number: number): EntryView {
    const entry = this.entry;
    if (number >= this.inFlightEnd) this.inFlightEnd = number + 1;
    entry.sequence = number;
    if (this.medium.kind === 1) {
      entry.qos = 1;
      entry.released = false;
    } else {
      entry.qos = 2;
      entry.released = this.isReleased(number, this.medium.state);
    }
    if (entry.payloadLength === this.medium.length && this.buffer === this.medium.bytes) return entry;
    const medium = this.medium;
    this.buffer = medium.bytes;
    entry.payload = medium.payload(medium.length);
    entry.payloadLength = medium.length;
    return entry;
  }

  /** The queue's cursor, if it is at the entry: it knows the notes in force there. */
  cursorAt(number: number): Cursor | undefined {
    const cursor = this.cursor;
    if (cursor.number !== number || cursor.block === NOWHERE || !cursor.isEntry) return undefined;
    const blocks = this.log.blocks;
    return cursor.block === blocks.at(blocks.placeOf(number)) ? cursor : undefined;
  }

  /** Address of the entry; NOWHERE: there is none, or it is settled. */
  addressOf(number: number): number {
    const slot = number & SLOTS;
    if (this.number[slot] === (number | 0) && this.place[slot] !== NO_PLACE) return this.place[slot] & ADDRESS;
    const walker = this.log.walker;
    if (!this.find(walker, number) || walker.number !== number) return NOWHERE;
    this.remember(walker);
    return walker.address;
  }

  /** Byte mode: clears `bits` in the state byte of an entry; durable, if true. undefined: there is none, or it is settled. */
  clear(number: number, bits: number): boolean | undefined {
    const slot = number & SLOTS;
    let place = this.place[slot];
    if (this.number[slot] !== (number | 0) || place === NO_PLACE) {
      const isThere = this.has(number);
      if (isThere !== true) return isThere;
      place = this.place[slot];
    }
    place &= ~(bits << 24);
    this.place[slot] = place;
    return this.medium.programState(place & ADDRESS, place >>> 24);
  }

  /** Finds the entry; undefined: there is none, or it is settled; false: flash cannot be read. */
  private has(number: number): boolean | undefined {
    try {
      return this.addressOf(number) === NOWHERE ? undefined : true;
    } catch (error) {
      reportUnread(this.listener, error);
      return false;
    }
  }

  /** An entry was appended; it is still in the record buffer. */
  appended(number: number, address: number): void {
    const slot = number & SLOTS;
    this.number[slot] = number;
    this.place[slot] = address | QUEUED_PLACE;
    if (this.cursor.after === address) this.cursor.follow(address, this.medium.size, this.medium.kind, 1);
    this.medium.state = QUEUED_STATE;
    if (number < this.log.marks.tail + WINDOW) this.medium.held = number;
  }

  /** A record that is not an entry was appended; it used up `numbers`. */
  followed(address: number, size: number, kind: number, numbers: number): void {
    this.cursor.follow(address, size, kind, numbers);
  }

  /** @throws RangeError for an entry that was not delivered */
  checkWindow(sequence: number): void {
    const marks = this.log.marks;
    try {
      this.exactTail();
    } catch (error) {
      reportUnread(this.listener, error);
      return;
    }
    if (sequence < marks.tail + WINDOW) return;
    throw new RangeError(
      `sequence ${sequence}: over ${WINDOW} beyond the oldest, ${marks.tail}; it was not handed out`,
    );
  }

  /** The entry's marks have changed: it must not be returned from the buffer. */
  forget(number: number): void {
    if (this.medium.held === number) this.medium.held = NONE;
  }

  /** Addresses are no longer valid: blocks were copied or evicted. */
  forgetPlaces(): void {
    this.place.fill(NO_PLACE);
    this.medium.held = NONE;
    this.cursor.block = NOWHERE;
    this.log.walker.block = NOWHERE;
  }

  /** Call this when a block may have been taken into use. */
  sync(): void {
    const log = this.log;
    if (log.newest.sequence === this.newest) return;
    this.newest = log.newest.sequence;
    log.walker.block = NOWHERE;
    if (log.copies !== this.copies) {
      this.copies = log.copies;
      this.forgetPlaces();
      return;
    }
    // A cursor that has read every entry continues behind the notes in the new head.
    const cursor = this.cursor;
    const seen = cursor.block !== NOWHERE && cursor.nextNumber === log.newest.first;
    cursor.block = NOWHERE;
    if (!seen) return;
    cursor.start(log.newestBlock, log.newest.sequence, log.newest.first);
    while (cursor.after < log.end && cursor.next(log.end, Number.POSITIVE_INFINITY));
  }

  /** The entry right behind the one before, in the simplest case. `find` handles all others. */
  private step(number: number): boolean {
    const cursor = this.cursor;
    if (cursor.nextNumber !== number || cursor.changes !== this.log.blocks.changes || cursor.block === NOWHERE)
      return false;
    const marks = this.log.marks;
    const tail = marks.tail;
    if (number !== tail && (number >= tail + WINDOW || marks.isSettled(number))) return false;
    const limit = cursor.limit;
    if (number >= limit) return false;
    const end = limit === Number.POSITIVE_INFINITY ? this.log.end : (cursor.block + 1) * this.medium.blockLength;
    if (!cursor.step(end)) return false;
    if (number === tail) this.exact = number;
    const slot = number & SLOTS;
    this.number[slot] = number;
    this.place[slot] = cursor.address | QUEUED_PLACE;
    return true;
  }

  /** Reads the entry whose address in the newest block is known into the buffer. */
  private reload(number: number): boolean {
    const slot = number & SLOTS;
    const place = this.place[slot];
    if (this.number[slot] !== (number | 0) || place === NO_PLACE || this.log.marks.isSettled(number)) return false;
    if (number >= this.log.marks.tail + WINDOW) return false;
    // At an address in another block, the seed differs, so the check gives another number.
    return this.medium.load(place & ADDRESS, NOWHERE, this.log.seed) && this.medium.number === (number | 0);
  }

  private handNow(number: number): EntryView {
    this.medium.held = number;
    return this.hand(number);
  }

  private startAt(cursor: Cursor, address: number): void {
    const { blocks, marks, newest, newestBlock, notes } = this.log;
    cursor.start(newestBlock, newest.sequence, marks.tail);
    cursor.after = address;
    cursor.notes.set(notes);
    cursor.place = blocks.live - 1;
    cursor.limit = Number.POSITIVE_INFINITY;
    cursor.changes = blocks.changes;
  }

  /** Remembers the address of the entry at the cursor. */
  private remember({ number, address, state }: Cursor): void {
    const slot = number & SLOTS;
    this.number[slot] = number;
    this.place[slot] = address | (state << 24);
  }
}
