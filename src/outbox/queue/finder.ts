/*
 * Finds unsettled entries: moves the tail over settled ones, and counts those lost to damage. Makes sure that entries reported
 * as settled or released stay so.
 */
import type { Cursor } from "../blocks/cursor.js";
import { NOWHERE } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { DONE_BITS, isDone, isReleased, RELEASED_BITS } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import type { OutboxListener } from "./events.js";
import { countPassed } from "./passed.js";

/** Finds the next unsettled entry from any number on. */
export class Finder {
  readonly log: Log;
  /** Whether the count of entries was made exact since the mount, see `exactCount`. */
  hasCounted = false;
  protected readonly medium: Medium;
  /** The tail, if it is known to be an unsettled entry. */
  protected exact = -1;
  protected readonly listener: OutboxListener;

  constructor(log: Log, listener: OutboxListener) {
    this.log = log;
    this.medium = log.medium;
    this.listener = listener;
  }

  /** Moves the tail to the oldest unsettled entry, or to the end. */
  exactTail(): void {
    countPassed(this.log);
    const { marks, number, walker } = this.log;
    if (marks.tail < number && this.exact !== marks.tail) this.find(walker, marks.tail);
  }

  /** Moves `cursor` to the first unsettled entry from `from` on, whose record is then in the buffer. */
  find(cursor: Cursor, from: number): boolean {
    const { blocks, marks } = this.log;
    if (blocks.live === 0) return false;
    const isNear = cursor.changes === blocks.changes && from >= cursor.nextNumber && from < cursor.limit;
    if (!isNear || cursor.block === NOWHERE) this.position(cursor, from);
    let fromTail = cursor.nextNumber <= marks.tail;
    for (;;) {
      const isLast = cursor.place === blocks.live - 1;
      const blockEnd = this.endOf(cursor);
      while (cursor.block !== NOWHERE && cursor.next(blockEnd, cursor.limit)) {
        const { number } = cursor;
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

  /** Whether the entry with the state byte `state` is released in the current session. */
  isReleased(number: number, state: number): boolean {
    const marks = this.log.marks;
    if (marks.isReleased(number)) return true;
    return this.medium.unit === 1 && number >= marks.voidBelow && isReleased(state);
  }

  /** End of the records in the cursor's block. */
  endOf(cursor: Cursor): number {
    const { blocks, end } = this.log;
    if (cursor.place === blocks.live - 1) return end;
    return (blocks.at(cursor.place) + 1) * this.medium.blockLength;
  }

  /** Moves `cursor` before `from`, in the block that contains it. */
  private position(cursor: Cursor, from: number): void {
    const { blocks, marks } = this.log;
    const oldest = blocks.firstAt(0, marks.tail);
    if (oldest > marks.tail) this.lose(marks.tail, oldest - marks.tail); // the block with the tail was evicted
    const place = blocks.placeOf(from);
    if (cursor.block !== blocks.at(place) || cursor.nextNumber > from) {
      this.enter(cursor, place, blocks.firstAt(place, from));
    } else this.locate(cursor, place);
  }

  private enter(cursor: Cursor, place: number, first: number): void {
    // If the head of the block is damaged, all of its entries are lost.
    if (!cursor.enter(this.log.blocks.at(place), this.log)) cursor.nextNumber = first;
    this.locate(cursor, place);
  }

  /** Stores in `cursor` its block's place, and the number at which the block's entries end. */
  private locate(cursor: Cursor, place: number): void {
    const blocks = this.log.blocks;
    const isLast = place === blocks.live - 1;
    cursor.place = place;
    cursor.limit = isLast ? Number.POSITIVE_INFINITY : blocks.firstAt(place + 1, cursor.nextNumber);
    cursor.changes = blocks.changes;
  }

  /** Reads the marks of the cursor's entry. Done bits may be half programmed by a power cut, so they are programmed again. */
  private isSettled(cursor: Cursor): boolean {
    const { marks, counters } = this.log;
    if (marks.isSettled(cursor.number)) return true;
    if (this.medium.unit === 16 || !isDone(cursor.state)) return false;
    this.medium.programState(cursor.address, cursor.state & ~DONE_BITS);
    if (!marks.inWindow(cursor.number)) return true;
    marks.settle(cursor.number); // settled in an earlier run, and still counted
    if (counters.entries > 0) counters.entries--;
    return true;
  }

  /** Programs the mark of a released entry again, so that it stays released. */
  private firmRelease(cursor: Cursor): void {
    if (this.medium.unit === 16 || !isReleased(cursor.state)) return;
    cursor.state &= ~RELEASED_BITS;
    this.medium.state = cursor.state;
    this.medium.programState(cursor.address, cursor.state);
  }

  /** The tail has reached an unsettled entry. */
  private arrive(number: number): void {
    this.log.marks.advance(number);
    this.exact = number;
  }

  /** No entry is left. `next`: number of the next entry, according to the newest block's records. */
  private pastAll(next: number): void {
    const { counters, number } = this.log;
    if (next < number) this.lose(next, number - next);
    this.log.marks.advance(number);
    counters.entries = 0;
  }

  /** The tail passes numbers without entries: damage, except for those that were evicted on purpose. */
  private lose(from: number, count: number): void {
    const { counters, marks } = this.log;
    const { holeFrom, holeEnd } = counters;
    const first = Math.max(from, marks.tail); // lower ones were counted before
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
