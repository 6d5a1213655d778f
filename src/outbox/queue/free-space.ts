/*
 * Free space for the next record: when a block is taken into use, which block is evicted for it, and what happens when the
 * outbox is full. Marks always find free space: entries leave a reserve in the newest block while the oldest one is not
 * settled.
 */

import type { Log } from "../blocks/log.js";
import { isHeadless, NO_BLOCK } from "../flash/layout.js";
import { carriedWithout } from "./carry.js";
import { countOpen } from "./counting.js";
import type { OutboxListener } from "./events.js";
import { countPassed } from "./passed.js";
import type { Walk } from "./walk.js";

type Policy = "dropOldest" | "refuse";
const NONE = -1;

/** Finds free space for a record, and evicts or refuses if there is none. */
export class FreeSpace {
  readonly log: Log;
  readonly walk: Walk;
  /** The policy for a full outbox. */
  whenFull: Policy;
  readonly listener: OutboxListener;
  /** Sequence of the last copied block, its free bytes and the number of unsettled entries at that time. */
  private lastCopy = -1;
  private copyFree = 0;
  private copyEntries = 0;

  constructor(log: Log, walk: Walk, listener: OutboxListener, whenFull: Policy) {
    this.log = log;
    this.walk = walk;
    this.listener = listener;
    this.whenFull = whenFull;
  }

  /**
   * Recovers before the first write. That takes a spare in unit mode, which a partition that was made smaller may not have, and
   * after a damaged head, which may have released blocks that now count as in use.
   */
  resume(): void {
    const log = this.log;
    if (log.resumed) return;
    if ((log.medium.unit === 16 || isHeadless(log.newest)) && log.blocks.spares === 0) this.free(this.whenFull);
    countPassed(log);
    log.resume();
    this.walk.sync();
  }

  /** Recovers, and moves the tail to the oldest unsettled entry. */
  findOldest(): void {
    this.resume();
    this.walk.exactTail();
  }

  /** Free space for an entry of `size` bytes that does not fit before the reserve; false: refuse it. */
  forEntry(size: number): boolean {
    const log = this.log;
    if (!log.resumed) return false;
    if (log.freeBytes >= size && this.canAdvance("refuse")) {
      log.freeEnd = log.blockEnd; // what can follow now can follow later
      return true;
    }
    return this.advance(this.whenFull) && log.freeBytes >= size + log.reserve;
  }

  /**
   * Address up to which the newest block accepts entries, as long as only entries follow: including the reserve, if another
   * block can follow.
   */
  get entriesEnd(): number {
    return this.canAdvance("refuse") ? this.log.blockEnd : this.log.freeEnd;
  }

  /** Free space for a record of `size` bytes that must not be refused. */
  forMark(size: number): boolean {
    const log = this.log;
    if (!log.resumed) return false;
    if (log.freeBytes >= size) return true;
    if (this.canAdvance("refuse")) return this.advance("refuse") && log.freeBytes >= size;
    if (this.compact(size)) return true;
    return this.advance(this.whenFull) && log.freeBytes >= size;
  }

  /** Free space for a tail record of `size` bytes, which uses neither the reserve nor an entry's space. */
  forTail(size: number): boolean {
    if (!this.log.resumed) return false;
    if (this.log.end + size <= this.log.freeEnd) return true;
    return this.canAdvance("refuse") && this.advance("refuse");
  }

  /** Copies the newest block to free space in it, unless it is a copy that had not enough, and nothing was settled since. */
  private compact(size: number): boolean {
    const log = this.log;
    const { newest, counters } = log;
    if (this.lastCopy === newest.sequence && this.copyEntries === counters.entries && size > this.copyFree)
      return false;
    const compacted = log.compact();
    this.walk.sync();
    this.lastCopy = newest.sequence;
    this.copyFree = log.freeBytes;
    this.copyEntries = counters.entries;
    return compacted && log.freeBytes >= size;
  }

  private canAdvance(policy: Policy): boolean {
    const { blocks, spareReserve } = this.log;
    return blocks.spares > spareReserve || this.victim(policy) !== NONE;
  }

  private advance(policy: Policy): boolean {
    const log = this.log;
    while (log.blocks.spares <= log.spareReserve) if (!this.free(policy)) return this.renew(policy);
    const advanced = log.advance();
    this.walk.sync();
    return advanced;
  }

  /** Frees one block; false: all are needed. */
  private free(policy: Policy): boolean {
    this.log.complete();
    const { blocks, marks } = this.log;
    const place = this.victim(policy);
    if (place === NONE) return false;
    if (blocks.firstAt(place + 1, marks.tail) > marks.tail) this.drop(place);
    else blocks.free(place);
    return true;
  }

  /** Place of the block to free: the oldest if it is completely settled, otherwise the oldest with nothing in flight. */
  private victim(policy: Policy): number {
    const { blocks, marks } = this.log;
    if (blocks.live < 2) return NONE;
    if (blocks.firstAt(1, marks.tail) > marks.tail) this.walk.exactTail();
    if (blocks.firstAt(1, marks.tail) <= marks.tail) return 0;
    if (policy === "refuse") return NONE;
    for (let place = 0; place < blocks.live - 1; place++) {
      if (blocks.firstAt(place, marks.tail) >= this.walk.inFlightEnd || this.walk.inFlightEnd <= marks.tail)
        return place;
    }
    return NONE;
  }

  /**
   * Evicts the newest block's entries if all older blocks have something in flight, which in a small ring may last as long as
   * the broker is away. Refusing instead would copy this block again and again, always into the same two blocks.
   */
  private renew(policy: Policy): boolean {
    const log = this.log;
    const { blocks, counters, newest } = log;
    if (policy === "refuse" || blocks.live < 2 || newest.first < this.walk.inFlightEnd) return false;
    log.eraseSpares();
    if (log.retired !== NO_BLOCK) return false; // flash fails: a header names one block only
    const before = { ...counters };
    const carried = log.carried;
    const first = newest.first;
    const end = log.number;
    const count = countOpen(this.walk, first, end);
    log.carried = carriedWithout(log, blocks.live - 1);
    this.leaveHole(log.newestBlock, first, end);
    this.count(count);
    // Reported before the header is written: if that is cut, a later boot may read it as complete.
    this.report(first, end, count);
    let renewed = false;
    try {
      renewed = log.renew();
    } finally {
      if (!renewed) {
        Object.assign(counters, before);
        log.carried = carried;
        log.retired = NO_BLOCK;
      }
    }
    this.walk.sync();
    return renewed;
  }

  /** Evicts the entries in the block at `place`. The next open header makes this durable. */
  private drop(place: number): void {
    const { blocks, marks } = this.log;
    const first = Math.max(blocks.firstAt(place, marks.tail), marks.tail);
    const end = blocks.firstAt(place + 1, marks.tail);
    const count = countOpen(this.walk, first, end);
    if (place === 0) marks.advance(end);
    else {
      this.log.carried = carriedWithout(this.log, place);
      this.log.eraseSpares();
      this.leaveHole(blocks.at(place), first, end);
    }
    blocks.free(place);
    this.walk.forgetPlaces();
    this.count(count);
    this.report(first, end, count);
  }

  private count(dropped: number): void {
    const counters = this.log.counters;
    counters.dropped += dropped;
    counters.entries = Math.max(0, counters.entries - dropped);
  }

  private report(first: number, end: number, count: number): void {
    this.listener.onEvent?.({
      kind: "dropped",
      first,
      end,
      count,
      message: `full: ${count === 1 ? `entry ${first} is` : `${count} entries from ${first} on are`} evicted`,
    });
  }

  /** Entries before the hole are kept: the header names the block, and no older content may be in a spare, so all spares are erased. */
  private leaveHole(block: number, first: number, end: number): void {
    const { counters, marks } = this.log;
    this.log.retired = block;
    const joins = counters.holeEnd > marks.tail;
    counters.holeFrom = joins ? Math.min(counters.holeFrom, first) : first;
    counters.holeEnd = joins ? Math.max(counters.holeEnd, end) : end;
  }
}
