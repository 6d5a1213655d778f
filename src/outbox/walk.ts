/*
 * A reader's way through the queue: finds the next entry that is not settled, moves the tail, counts what damage took. Holds the queue's
 * cursor and where the last entries lie, so that a settle needs no search. In ascending order each record is read once.
 */
import { Cursor, NOTES_BYTES, NOWHERE, TAGS } from "./cursor.js";
import type { OutboxListener } from "./events.js";
import { MAX_FLASH } from "./geometry.js";
import { DONE_BITS, isDone, isReleased, QUEUED_STATE, RELEASED_BITS } from "./layout.js";
import { countAtMost, leap, MAX_PASSED } from "./leap.js";
import type { Log } from "./log.js";
import { has, SETTLED_AT, WINDOW } from "./marks.js";
import { type Medium, NONE } from "./medium.js";
import { EntryView } from "./options.js";

const RECENT = 16;
const SLOTS = RECENT - 1;
const ADDRESS = (MAX_FLASH - 1) & ~3; // leaves a byte of a word for the state, and two bits for the QoS
const QOS = 3;
const QUEUED_PLACE = QUEUED_STATE << 24;
const NO_PLACE = -1; // no address: blocks begin with a head

export class Walk {
  /** One above the highest number that is in flight. */
  inFlightEnd = 0;
  private readonly log: Log;
  private readonly medium: Medium;
  private readonly listener: OutboxListener;
  private readonly cursor: Cursor;
  private readonly entry = new EntryView();
  /** The tail, when it is known to be an entry that is not settled. */
  private exact = -1;
  private hasCounted = false;
  private newest: number;
  private copies = 0;
  /** Where recent entries lie, by number modulo RECENT: low 32 bits of the number; QoS, address, state byte, from the lowest bit on. */
  private readonly number: Int32Array;
  private readonly place: Int32Array;
  /** The record buffer that the entry's payload is a view on. */
  private buffer: Uint8Array | undefined;

  constructor(log: Log, listener: OutboxListener) {
    this.log = log;
    this.medium = log.medium;
    this.listener = listener;
    this.newest = log.newest.sequence;
    const all = new ArrayBuffer(NOTES_BYTES + (RECENT << 3)); // one buffer: fewer objects
    this.cursor = new Cursor(log.medium, new Uint32Array(all, 0, TAGS));
    this.number = new Int32Array(all, NOTES_BYTES, RECENT);
    this.place = new Int32Array(all, NOTES_BYTES + (RECENT << 2)).fill(NO_PLACE);
  }

  /** See Outbox.seek. */
  seek(from: number): EntryView | undefined {
    const marks = this.log.marks;
    const first = from < marks.tail ? marks.tail : from;
    if (this.step(first) || this.reload(first)) return this.handNow(first);
    const cursor = this.cursor;
    if (!this.find(cursor, first)) return undefined;
    const number = cursor.number;
    if (number >= marks.tail + WINDOW) {
      this.exactTail();
      if (number >= marks.tail + WINDOW || !this.find(cursor, number)) return undefined;
    }
    this.remember(cursor);
    return this.handNow(number);
  }

  /** The entry in the record buffer, which is that of `number`. */
  hand(number: number): EntryView {
    const medium = this.medium;
    const entry = this.entry;
    if (number >= this.inFlightEnd) this.inFlightEnd = number + 1;
    entry.sequence = number;
    if (medium.kind === 1) {
      entry.qos = 1;
      entry.released = false;
    } else {
      entry.qos = 2;
      entry.released = this.isReleased(number, medium.state);
    }
    if (entry.payloadLength === medium.length && this.buffer === medium.bytes) return entry;
    this.buffer = medium.bytes;
    entry.payload = medium.payload(medium.length);
    entry.payloadLength = medium.length;
    return entry;
  }

  /** Moves the tail to the oldest entry that is not settled, or to the end. */
  exactTail(): void {
    this.countPassed();
    const { marks, number, walker } = this.log;
    if (marks.tail < number && this.exact !== marks.tail) this.find(walker, marks.tail);
  }

  /**
   * Makes the number of entries exact. In byte mode a mount does not read the state bytes, and what was settled behind the tail counts
   * until it is looked at; that can be in the window alone. Once after a mount: from then on the marks know.
   */
  exactCount(): void {
    if (this.hasCounted) return;
    this.hasCounted = true;
    this.exactTail();
    const tail = this.log.marks.tail;
    this.countOpen(tail, tail + WINDOW);
  }

  /** Entries in the window that are released. */
  countReleased(): number {
    const { marks, walker } = this.log;
    let count = 0;
    for (let from = marks.tail; this.find(walker, from) && walker.number < marks.tail + WINDOW; ) {
      if (this.isReleased(walker.number, walker.state)) count++;
      from = walker.number + 1;
    }
    return count;
  }

  /** Entries from `from` up to `end` that are not settled. */
  countOpen(from: number, end: number): number {
    const { walker, marks } = this.log;
    let count = 0;
    while (this.find(walker, from) && walker.number < end) {
      count++;
      from = walker.number + 1;
      // Of those that are queued by their state byte, none is settled, but for the marks of unit mode.
      if (this.medium.unit === 1 || from >= marks.tail + WINDOW) {
        const run = walker.pass(this.endOf(walker), Math.min(end, walker.limit), true);
        count += run;
        from += run;
      }
    }
    return count;
  }

  /** The queue's cursor, if it stands at the entry: it knows the notes in force there. */
  cursorAt(number: number): Cursor | undefined {
    const cursor = this.cursor;
    if (cursor.number !== number || cursor.block === NOWHERE || !cursor.isEntry) return undefined;
    const blocks = this.log.blocks;
    return cursor.block === blocks.at(blocks.placeOf(number)) ? cursor : undefined;
  }

  /** Where the entry lies; NOWHERE: there is none, or it is settled. */
  addressOf(number: number): number {
    const slot = number & SLOTS;
    if (this.number[slot] === (number | 0) && this.place[slot] !== NO_PLACE) return this.place[slot] & ADDRESS;
    const walker = this.log.walker;
    if (!this.find(walker, number) || walker.number !== number) return NOWHERE;
    this.remember(walker);
    return walker.address;
  }

  /** QoS of an entry that `addressOf` has just found. */
  qosOf(number: number): number {
    return this.place[number & SLOTS] & QOS;
  }

  /** Byte mode: clears `bits` in the state byte of an entry; durable, if true. undefined: there is none, or it is settled. */
  clear(number: number, bits: number): boolean | undefined {
    const slot = number & SLOTS;
    const places = this.place;
    let place = places[slot];
    if (this.number[slot] !== (number | 0) || place === NO_PLACE) {
      if (this.addressOf(number) === NOWHERE) return undefined;
      place = places[slot];
    }
    place &= ~(bits << 24);
    places[slot] = place;
    return this.medium.programState(place & ADDRESS, place >>> 24);
  }

  /** An entry was appended; it is still in the record buffer. */
  appended(number: number, address: number): void {
    const medium = this.medium;
    const slot = number & SLOTS;
    this.number[slot] = number;
    this.place[slot] = address | QUEUED_PLACE | medium.kind;
    if (this.cursor.after === address) this.cursor.follow(address, medium.size, medium.kind, 1);
    medium.state = QUEUED_STATE;
    if (number < this.log.marks.tail + WINDOW) medium.held = number;
  }

  /** A record that is no entry was appended; it used up `numbers`. */
  followed(address: number, size: number, kind: number, numbers: number): void {
    this.cursor.follow(address, size, kind, numbers);
  }

  /** The entry's marks have changed: it is not handed out from the buffer. */
  forget(number: number): void {
    if (this.medium.held === number) this.medium.held = NONE;
  }

  /** Places are not known any more: blocks were copied or given up. */
  forgetPlaces(): void {
    this.place.fill(NO_PLACE);
    this.medium.held = NONE;
    this.cursor.block = NOWHERE;
    this.log.walker.block = NOWHERE;
  }

  /** To be called when a block may have been taken into use. */
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
    // A cursor that has seen every entry goes on behind the notes in the new head.
    const cursor = this.cursor;
    const seen = cursor.block !== NOWHERE && cursor.nextNumber === log.newest.first;
    cursor.block = NOWHERE;
    if (!seen) return;
    cursor.start(log.newestBlock, log.newest.sequence, log.newest.first);
    while (cursor.after < log.end && cursor.next(log.end, Number.POSITIVE_INFINITY));
  }

  /** In order: the entry right behind the one before, if nothing is special about it. What else there is, `find` knows. */
  private step(number: number): boolean {
    const cursor = this.cursor;
    const log = this.log;
    if (cursor.nextNumber !== number || cursor.changes !== log.blocks.changes || cursor.block === NOWHERE) return false;
    const marks = log.marks;
    const tail = marks.tail;
    if (number !== tail && (number >= tail + WINDOW || marks.isSettled(number))) return false;
    const limit = cursor.limit;
    if (number >= limit) return false;
    const end = limit === Number.POSITIVE_INFINITY ? log.end : (cursor.block + 1) * this.medium.blockLength;
    if (!cursor.step(end)) return false;
    if (number === tail) this.exact = number;
    const slot = number & SLOTS;
    this.number[slot] = number;
    this.place[slot] = cursor.address | QUEUED_PLACE | cursor.kind;
    return true;
  }

  /** The entry whose place in the newest block is known, into the buffer. */
  private reload(number: number): boolean {
    const log = this.log;
    const slot = number & SLOTS;
    const place = this.place[slot];
    if (this.number[slot] !== (number | 0) || place === NO_PLACE || log.marks.isSettled(number)) return false;
    if (number >= log.marks.tail + WINDOW) return false;
    // An address in another block gives another number: its seed is another.
    return this.medium.load(place & ADDRESS, NOWHERE, log.seed) && this.medium.number === (number | 0);
  }

  private handNow(number: number): EntryView {
    this.medium.held = number;
    return this.hand(number);
  }

  private isReleased(number: number, state: number): boolean {
    const marks = this.log.marks;
    if (marks.isReleased(number)) return true;
    return this.medium.unit === 1 && number >= marks.voidBelow && isReleased(state);
  }

  /** The entry at which `cursor` stands. */
  private remember({ number, address, kind, state }: Cursor): void {
    const slot = number & SLOTS;
    this.number[slot] = number;
    this.place[slot] = address | kind | (state << 24);
  }

  /** Moves `cursor` to the first entry from `from` on that is not settled, whose record is then in the buffer. */
  private find(cursor: Cursor, from: number): boolean {
    const { blocks, marks } = this.log;
    if (blocks.live === 0) return false;
    const isNear = cursor.changes === blocks.changes && from >= cursor.nextNumber && from < cursor.limit;
    if (!isNear || cursor.block === NOWHERE) this.position(cursor, from);
    let fromTail = cursor.nextNumber <= marks.tail;
    for (;;) {
      const isLast = cursor.place === blocks.live - 1;
      const blockEnd = this.endOf(cursor);
      while (cursor.block !== NOWHERE && cursor.next(blockEnd, cursor.limit)) {
        const number = cursor.number;
        if (fromTail && cursor.lost > 0) this.lose(number - cursor.lost, cursor.lost);
        if (!cursor.isEntry) continue;
        if (fromTail) marks.advance(number); // also over numbers used up without an entry
        if (this.isSettled(cursor)) {
          if (fromTail) marks.advance(number + 1);
          if (cursor.nextNumber < marks.tail) cursor.pass(blockEnd, marks.tail, false); // settled, all of them
          continue;
        }
        if (fromTail) this.arrive(number);
        fromTail = false;
        if (number < from) continue;
        this.firmRelease(cursor);
        return true;
      }
      if (isLast) {
        if (fromTail) this.pastAll(cursor.nextNumber);
        return false;
      }
      if (fromTail) this.lose(cursor.nextNumber, cursor.limit - cursor.nextNumber);
      this.enter(cursor, cursor.place + 1, cursor.limit);
    }
  }

  /** Entries that the mount passed unseen are settled, and count no more. To be called before a block is copied. */
  countPassed(): void {
    const log = this.log;
    if (log.surveyed) return;
    log.surveyed = true;
    if (log.passed !== undefined) this.survey(log.passed);
    log.passed = undefined;
    leap(log);
    log.walker.block = NOWHERE;
  }

  private survey({ from, end, settled }: NonNullable<Log["passed"]>): void {
    const log = this.log;
    const { blocks, walker, counters, medium } = log;
    if (end - from > MAX_PASSED) {
      countAtMost(log, log.number - end);
      return;
    }
    for (let place = blocks.placeOf(from); place < blocks.live && blocks.firstAt(place, end) < end; place++) {
      if (!walker.enter(blocks.at(place), this.log.header)) continue;
      const blockEnd = place === blocks.live - 1 ? log.end : (blocks.at(place) + 1) * medium.blockLength;
      while (walker.next(blockEnd, end) && walker.number < end) {
        if (!walker.isEntry || walker.number < from || counters.entries === 0) continue;
        if (walker.number >= from + WINDOW || !has(settled, walker.number, SETTLED_AT)) counters.entries--;
      }
    }
  }

  /** Where the records end in the cursor's block. */
  private endOf(cursor: Cursor): number {
    const { blocks, end } = this.log;
    if (cursor.place === blocks.live - 1) return end;
    return (blocks.at(cursor.place) + 1) * this.medium.blockLength;
  }

  /** Puts `cursor` before `from`, in the block that holds it. */
  private position(cursor: Cursor, from: number): void {
    const { blocks, marks } = this.log;
    const oldest = blocks.firstAt(0, marks.tail);
    if (oldest > marks.tail) this.lose(marks.tail, oldest - marks.tail); // the block that held the tail is gone
    const place = blocks.placeOf(from);
    if (cursor.block !== blocks.at(place) || cursor.nextNumber > from) {
      this.enter(cursor, place, blocks.firstAt(place, from));
    } else this.locate(cursor, place);
  }

  private enter(cursor: Cursor, place: number, first: number): void {
    // A block whose head is damaged: all that it held is lost.
    if (!cursor.enter(this.log.blocks.at(place), this.log.header)) cursor.nextNumber = first;
    this.locate(cursor, place);
  }

  /** Tells `cursor` which place its block has, and where the block's numbers end. */
  private locate(cursor: Cursor, place: number): void {
    const blocks = this.log.blocks;
    const isLast = place === blocks.live - 1;
    cursor.place = place;
    cursor.limit = isLast ? Number.POSITIVE_INFINITY : blocks.firstAt(place + 1, cursor.nextNumber);
    cursor.changes = blocks.changes;
  }

  /** Looks at the marks of the cursor's entry. Done bits may be what a cut left half programmed: they are programmed again. */
  private isSettled(cursor: Cursor): boolean {
    const { marks, counters } = this.log;
    if (marks.isSettled(cursor.number)) return true;
    if (this.medium.unit === 16 || !isDone(cursor.state)) return false;
    this.medium.programState(cursor.address, cursor.state & ~DONE_BITS);
    if (!marks.inWindow(cursor.number)) return true;
    marks.settle(cursor.number); // in an earlier run: not counted yet
    if (counters.entries > 0) counters.entries--;
    return true;
  }

  /** An entry that is handed out as released stays released. */
  private firmRelease(cursor: Cursor): void {
    if (this.medium.unit === 16 || !isReleased(cursor.state)) return;
    cursor.state &= ~RELEASED_BITS;
    this.medium.state = cursor.state;
    this.medium.programState(cursor.address, cursor.state);
  }

  /** The tail has come to an entry that is not settled. */
  private arrive(number: number): void {
    this.log.marks.advance(number);
    this.exact = number;
  }

  /** Nothing is left; `next`: number of the entry that would be next, by what the newest block holds. */
  private pastAll(next: number): void {
    const { counters, number } = this.log;
    if (next < number) this.lose(next, number - next);
    this.log.marks.advance(number);
    counters.entries = 0;
  }

  /** The tail passes numbers whose entries are not there: damage, but for those that were given up on purpose. */
  private lose(from: number, count: number): void {
    const { counters, marks } = this.log;
    const { holeFrom, holeEnd } = counters;
    const first = Math.max(from, marks.tail); // what is below was counted before
    const end = from + count;
    marks.advance(end);
    const given = Math.max(0, Math.min(end, holeEnd) - Math.max(first, holeFrom));
    const lost = end - first - given;
    if (lost <= 0) return;
    counters.damaged += lost;
    counters.entries = Math.max(0, counters.entries - lost);
    const message = `damage on flash: ${lost === 1 ? `entry ${first} is` : `${lost} entries from ${first} on are`} lost`;
    this.listener.onEvent?.({ kind: "damaged", first, count: lost, message });
  }
}
