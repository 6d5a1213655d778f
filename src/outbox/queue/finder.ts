/*
 * Finds entries that are not settled, whatever lies between: moves the tail over what is settled, and counts what damage took. Makes
 * sure that what it hands on as settled or released stays so.
 */
import type { Cursor } from "../blocks/cursor.js";
import { NOWHERE } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { DONE_BITS, isDone, isReleased, RELEASED_BITS } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import type { OutboxListener } from "./events.js";
import { countPassed } from "./passed.js";

/** Finds the next entry that is not settled, from any number on. */
export class Finder {
  readonly log: Log;
  /** Whether the count of entries was made exact since the mount, see `exactCount`. */
  hasCounted = false;
  protected readonly medium: Medium;
  /** The tail, when it is known to be an entry that is not settled. */
  protected exact = -1;
  private readonly listener: OutboxListener;

  constructor(log: Log, listener: OutboxListener) {
    this.log = log;
    this.medium = log.medium;
    this.listener = listener;
  }

  /** Moves the tail to the oldest entry that is not settled, or to the end. */
  exactTail(): void {
    countPassed(this.log);
    const { marks, number, walker } = this.log;
    if (marks.tail < number && this.exact !== marks.tail) this.find(walker, marks.tail);
  }

  /** Moves `cursor` to the first entry from `from` on that is not settled, whose record is then in the buffer. */
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

  /** Whether the entry, whose state byte is `state`, is released in the session in force. */
  isReleased(number: number, state: number): boolean {
    const marks = this.log.marks;
    if (marks.isReleased(number)) return true;
    return this.medium.unit === 1 && number >= marks.voidBelow && isReleased(state);
  }

  /** Where the records end in the cursor's block. */
  endOf(cursor: Cursor): number {
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

  /** Sets in `cursor` which place its block has, and where the block's numbers end. */
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

  /** The tail passes numbers whose entries are not there: damage, but for those that were evicted on purpose. */
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
