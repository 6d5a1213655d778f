/*
 * The outbox: a queue of entries on NOR flash that survives power cuts, as cheap as a log. An `append` that returned survives
 * until it is settled; order and content are kept; a `settle` that returned is final; losses to a full or damaged flash are
 * counted. Work per call is bounded, and RAM does not grow with the backlog. No clock, no callback but `onEvent`, nothing
 * allocated per entry. README.md: the bytes, the states, the recovery.
 */

import { Log } from "./blocks/log.js";
import { WINDOW } from "./blocks/marks.js";
import { mount } from "./blocks/mount.js";
import { PATIENT } from "./flash/flash-calls.js";
import { mediumFor } from "./flash/geometry.js";
import {
  DONE_BITS,
  FORMAT_VERSION,
  MAX_SHORT_TOP,
  OLDEST_VERSION,
  PAYLOAD_AT,
  RELEASED_BITS,
  REQUEUED,
  SHORT_PAYLOAD,
  SKIP,
} from "./flash/layout.js";
import { type Medium, NONE } from "./flash/medium.js";
import { countReleased, exactCount, exactStatistics } from "./queue/counting.js";
import type { Statistics } from "./queue/events.js";
import { FreeSpace } from "./queue/free-space.js";
import { Guard } from "./queue/guard.js";
import { putDeferred, putMark, putReleased, putSettled } from "./queue/mark-records.js";
import { NotePad, RecoveringNotePad } from "./queue/notes.js";
import type { Entry, OutboxOptions, Suspension } from "./queue/options.js";
import { countPassed } from "./queue/passed.js";
import { restore, suspend, tailAddress } from "./queue/suspended.js";
import { recordTail } from "./queue/tail.js";
import { Walk } from "./queue/walk.js";
import { measure } from "./statistics.js";

export type { Flash, FlashStatus } from "./flash/flash.js";
export { ReadFailure } from "./flash/flash-calls.js";
export type { OutboxEvent, Statistics } from "./queue/events.js";
export type { Entry, OutboxOptions, Suspension } from "./queue/options.js";

const TRIES = 3;
const ENDURANCE = 100_000;

/** The queue. The constructor mounts the flash and throws if it cannot be used; later failures of the flash are return values or events. */
export class Outbox extends Guard {
  /** Continues where an earlier run was suspended; false: flash was mounted. */
  readonly goesOn: boolean;
  private readonly log: Log;
  private readonly medium: Medium;
  private readonly walk: Walk;
  private readonly space: FreeSpace;
  private readonly pad: NotePad;
  /** Numbers used up without an entry that are not on flash yet: written before the next entry. */
  private skipped = 0;
  /** Byte mode: a cut before this run may have left released bits of entries below half programmed: they may turn at a later boot. */
  private unsureBelow = 0;

  /**
   * Mounts the flash, or continues where an earlier run was suspended; programs nothing.
   * @throws RangeError for invalid options, or a flash that is too small
   * @throws Error if the flash has a newer format, or one of another write unit or block length; it is not touched
   * @throws ReadFailure if the flash cannot be read: it may be mounted later
   */
  constructor(options: OutboxOptions) {
    super(options);
    const { flash, maxPayload = 256, firstSequence = 0 } = options;
    this.medium = mediumFor(flash, options.writeUnit, maxPayload);
    if (!options.passesUnreadable) this.medium.reading = PATIENT;
    this.log = new Log(this.medium, options);
    const { suspension } = options;
    const goesOn = suspension !== undefined && restore(this.log, suspension);
    this.goesOn = goesOn;
    const foreign = goesOn ? 0 : mount(this.log, firstSequence).foreign;
    if (options.keepsFormat) this.log.version = this.log.highest === 0 ? OLDEST_VERSION : this.log.newest.version;
    this.walk = new Walk(this.log, options);
    if (this.medium.unit === 1) this.unsureBelow = this.log.number;
    this.pad = new NotePad(this.log, this.walk);
    if (goesOn) this.walk.goOn(tailAddress(suspension.outboxState));
    else if (this.log.torn > 0) this.pad = new RecoveringNotePad(this.log, this.walk);
    this.space = new FreeSpace(this.log, this.walk, options, options.whenFull ?? "dropOldest");
    this.medium.reading = PATIENT;
    if (foreign > 0) this.foreign(foreign);
  }

  /** From now on, new blocks have the newest format. */
  useNewestFormat(): void {
    this.log.version = FORMAT_VERSION;
  }

  /** Records may be written that only the newest format has: see `keepsFormat`. */
  get isNewestFormat(): boolean {
    return this.log.version === FORMAT_VERSION;
  }

  /** The policy for a full outbox. May be changed at any time. */
  get whenFull(): "dropOldest" | "refuse" {
    return this.space.whenFull;
  }

  set whenFull(policy: "dropOldest" | "refuse") {
    this.space.whenFull = policy;
  }

  /**
   * Stores an entry; durable on return.
   * @returns its sequence number; -1 if there is no free space (or the flash fails): counted, and the number is used up
   * @throws RangeError for a payload longer than `maxPayload`, or a QoS other than 1 and 2
   */
  append(payload: Uint8Array, qos: 1 | 2): number {
    const log = this.log;
    const medium = this.medium;
    const address = log.end;
    const end = address + medium.size;
    if (
      qos !== medium.plainKind ||
      payload.byteLength !== medium.length ||
      log.seed !== medium.seed ||
      end > log.freeEnd ||
      this.skipped !== 0 ||
      (medium.isShort && payload[2] > MAX_SHORT_TOP)
    ) {
      return this.appendAnew(payload, qos);
    }
    // Like the last record: another one may follow, and fits.
    const number = log.number;
    log.end = end;
    medium.bytes.set(payload, PAYLOAD_AT);
    medium.words[0] = medium.header;
    if (!(medium.isShort ? medium.putShort(address, number) : medium.putLong(address, number))) {
      log.spoil(address);
      return this.appendAnew(payload, qos);
    }
    log.number = number + 1;
    log.counters.entries++;
    this.walk.appended(number, address);
    return number;
  }

  private appendAnew(payload: Uint8Array, qos: 1 | 2): number {
    const length = payload.byteLength;
    const log = this.log;
    const medium = this.medium;
    if (length > medium.maxPayload)
      throw new RangeError(`payload of ${length} bytes: expected at most ${medium.maxPayload}`);
    if (qos !== 1 && qos !== 2) throw new RangeError(`qos ${qos}: expected 1 or 2`);
    // in a newer block it has the same size
    const size = length === SHORT_PAYLOAD ? medium.shortEntrySize(payload, log.newest.version) : medium.sizeOf(length);
    const pads = (length & 3) !== 0 || medium.unit === 16;
    const failures = medium.failures;
    for (let tries = TRIES; tries > 0; tries--) {
      if ((log.end + size > log.freeEnd || this.skipped > 0) && !this.makeSpace(size)) break;
      if (pads) medium.pad(length);
      medium.bytes.set(payload, PAYLOAD_AT);
      const address = log.end;
      if (!log.put(qos, length)) continue;
      log.counters.entries++;
      this.walk.appended(log.number, address);
      return log.number++;
    }
    this.refuse(log.resumed && medium.failures === failures ? "no free space" : "the flash failed");
    return -1;
  }

  /**
   * Uses up a sequence number, because a reading was lost before it got here. Durable on return, unless flash fails.
   * @returns the number
   */
  skip(): number {
    const number = this.nextSequence;
    this.skipped++;
    this.attempt(() => this.writeSkips());
    return number;
  }

  /** Number of the next entry. */
  get nextSequence(): number {
    return this.log.number + this.skipped;
  }

  /** Failed calls of the flash since boot. */
  get flashFailures(): number {
    return this.medium.failures;
  }

  /** Entries that are not settled; see `Statistics.entries`. */
  get entries(): number {
    if (!this.walk.hasCounted) this.attempt(() => exactCount(this.walk));
    return this.log.counters.entries;
  }

  /**
   * The first unsettled entry with a sequence number of at least `from`; undefined: there is none, or only beyond WINDOW
   * numbers after the oldest, or flash cannot be read (the event "unreadable"). In ascending order each entry is read once.
   */
  seek(from: number): Entry | undefined {
    if (this.medium.held === from) return this.walk.hand(from);
    if (from >= this.log.number) return undefined;
    if (!this.log.resumed && !this.attempt(() => this.resume() ?? true)) return undefined;
    return this.walk.seek(from);
  }

  /**
   * What cannot be read counts as damaged, if most heads can be read: call it after minutes in which it could not be.
   * @returns false: flash has a block that is newer than the mount's newest; only another mount can use it
   */
  passUnreadable(): boolean {
    return this.attempt(() => this.medium.withoutPatience(() => this.space.findOldest()) ?? true) ?? false;
  }

  /** PUBREC was received for an entry that `seek` delivered; durable on return. No effect if the entry is settled or unknown. */
  released(sequence: number): void {
    const marks = this.log.marks;
    if (sequence >= this.log.number || marks.isSettled(sequence) || marks.isReleased(sequence)) return;
    if (sequence >= marks.tail + WINDOW) this.walk.checkWindow(sequence);
    const isInPlace = this.log.resumed && this.medium.unit === 1 && sequence >= marks.voidBelow;
    const done = isInPlace ? this.walk.clear(sequence, RELEASED_BITS) : this.releaseSlowly(sequence);
    if (done === undefined) return;
    if (!done) this.unmarked(sequence, "released");
    marks.release(sequence);
    this.walk.inFlightEnd = Math.max(this.walk.inFlightEnd, sequence + 1);
    this.walk.forget(sequence);
  }

  /**
   * Settles an entry, in any order. Durable on return, except in units of 16: there the last MAX_DEFERRED may come back after a
   * power cut, if they have QoS 1 or were released, and nothing called since has made them durable: `released`, `requeue`,
   * `close`, a settle that may not wait. No effect if the entry is settled or unknown.
   */
  settle(sequence: number): void {
    const log = this.log;
    const marks = log.marks;
    if (sequence >= log.number) return;
    if (sequence !== marks.tail) {
      if (marks.isSettled(sequence)) return;
      if (sequence >= marks.tail + WINDOW) this.walk.checkWindow(sequence);
    }
    const done =
      log.resumed && this.medium.unit === 1 ? this.walk.clear(sequence, DONE_BITS) : this.settleSlowly(sequence);
    if (done !== true) {
      if (done === undefined) return;
      this.unmarked(sequence, "settled");
    }
    marks.settle(sequence);
    log.counters.entries--;
    if (this.medium.held === sequence) this.medium.held = NONE;
    if (marks.tail >= log.tailDue) recordTail(log, this.walk, this.space);
  }

  private releaseSlowly(sequence: number): boolean | undefined {
    try {
      this.resume();
      const isInPlace = this.medium.unit === 1 && sequence >= this.log.marks.voidBelow;
      return isInPlace ? this.walk.clear(sequence, RELEASED_BITS) : putReleased(this.space, sequence);
    } catch (error) {
      return this.unread(error) ?? false;
    }
  }

  private settleSlowly(sequence: number): boolean | undefined {
    try {
      this.resume();
      return this.medium.unit === 1 ? this.walk.clear(sequence, DONE_BITS) : putSettled(this.space, sequence);
    } catch (error) {
      return this.unread(error) ?? false;
    }
  }

  /**
   * The session is lost: every `released` is void; durable on return. If there is none, nothing is written: below such a mark,
   * each later `released` would need a record.
   * @returns the number of entries that were released
   */
  requeue(): number {
    const log = this.log;
    const count = this.attempt(() => this.countReleased()) ?? 0;
    const marks = log.marks;
    if (marks.tail === log.number) return count;
    // A released entry may have been missed if a read failed.
    if (count === 0 && marks.tail >= this.unsureBelow && this.medium.failures === 0) return 0;
    if (this.attempt(() => putMark(this.space, REQUEUED, 0))) this.unsureBelow = 0;
    else this.unmarked(marks.tail, "requeued");
    marks.requeue(log.number);
    return count;
  }

  /**
   * Unsettled entries below `sequence` are in flight: their blocks are kept when the outbox is full. Without this call, entries
   * that `seek` delivered in this run, and released ones, count as in flight.
   */
  setInFlight(sequence: number): void {
    this.walk.inFlightEnd = sequence;
  }

  /**
   * Stores the value of a tag, in force from the next entry on; durable on return. Not for each reading: a value takes a
   * record, and is repeated at the head of each block.
   * @throws RangeError for a tag other than 0..7, a value longer than 96 bytes
   * @throws Error if the flash has no free space for it or fails
   */
  note(tag: number, value: Uint8Array): void {
    this.pad.put(tag, value, this.space);
  }

  /** The latest value of a tag, as a copy. */
  readNote(tag: number): Uint8Array | undefined {
    return this.pad.latest(tag);
  }

  /** The value of a tag that was in force when the entry was appended, as a copy. */
  noteAt(sequence: number, tag: number): Uint8Array | undefined {
    return this.pad.at(sequence, tag);
  }

  /**
   * Searches the values that a tag got after the entry was appended for the first one for which `isPast` returns true; it must
   * return true for all later ones, too. The last call that returned true had that value, and the last call that returned false
   * the value before it; earlier calls have others, in any order. Each is a copy. Two blocks and some heads are read; the
   * number of heads grows with the logarithm of the number of blocks.
   * @returns whether there is one
   */
  findNoteAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean {
    return this.pad.findAfter(sequence, tag, isPast);
  }

  /**
   * For idle times: erases a block in advance, recovers after a reboot. At most one erase per call.
   * @returns whether there is more to do
   */
  idle(): boolean {
    const log = this.log;
    if (log.rested) return false;
    let more = false;
    try {
      countPassed(log);
      more = log.eraseAhead();
    } catch (error) {
      this.unread(error);
    }
    this.walk.sync();
    if (log.marks.tail >= log.tailDue) recordTail(log, this.walk, this.space);
    return more;
  }

  /** The outbox's counts. */
  statistics(): Statistics {
    this.attempt(() => exactStatistics(this.walk));
    return measure(this.log, this.skipped, this.options.endurance ?? ENDURANCE);
  }

  /**
   * Makes every settle durable. Call it before `close`.
   * @returns the state for an `Appender` or outbox of a later run; undefined: that run must mount
   */
  suspend(): Suspension | undefined {
    this.attempt(() => putDeferred(this.space));
    return this.skipped === 0 ? this.attempt(() => suspend(this.space)) : undefined;
  }

  /** Makes every settle durable and closes the flash. Every method throws, or does nothing, afterwards. */
  close(): void {
    this.attempt(() => putDeferred(this.space));
    this.medium.close();
  }

  private resume(): void {
    this.pad.resume(this.space);
  }

  /** Called if the newest block has no free space before the reserve, if numbers were skipped, or at the first write after a boot. */
  private makeSpace(size: number): boolean {
    try {
      this.resume();
      if (this.skipped > 0 && !this.writeSkips()) return false;
      return this.log.end + size <= this.log.freeEnd || this.space.forEntry(size);
    } catch (error) {
      return this.unread(error) ?? false;
    }
  }

  private countReleased(): number {
    this.resume();
    putDeferred(this.space); // settled entries must not come back as not released
    return countReleased(this.walk);
  }

  private writeSkips(): boolean {
    const count = this.skipped;
    if (!putMark(this.space, SKIP, count)) return false;
    this.skipped = 0;
    this.log.counters.refused += count;
    return true;
  }

  private refuse(why: string): void {
    const number = this.skip();
    this.options.onEvent?.({ kind: "refused", message: `entry ${number} refused: ${why}` });
  }
}
