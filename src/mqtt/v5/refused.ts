/*
 * Entries that the server refuses by a reason code. The reaction depends on the code's meaning (reasons.ts).
 *
 * Later: nothing new is sent for a second, then for twice as long each time, up to a minute. Then the entry is sent again, before
 * those that were not sent yet. After ten times in a row it is held back like those that are not allowed. A server that is nearly
 * full accepts one of many, so such an entry becomes a dead letter only if the last 64 numbers up to the newest accepted one were
 * accepted at once, or after 1,024 repetitions none of which was accepted.
 * Not allowed: held back, while the others are sent. All are sent again on the next connection, when the owner asks for it, and
 * after a minute, twice as long each time up to an hour. If eight in a row are refused and none is accepted, the others wait,
 * too. If one of them is answered by "later", it is postponed, and this is not counted as a refusal.
 * Cannot: held back, too. A dead letter when it is refused a second time, and others behind it were delivered in between.
 * All others stay held back as long as they do not stop those behind them. An entry stops them if it is too far behind, because
 * a store delivers only SPAN numbers from its oldest entry on, or if too many are held back. It then becomes a dead letter, but
 * only after it was refused often enough while others were accepted (`isProven`). A server that refuses everything, or some at
 * random, therefore does not empty the store. At most MAX_HELD are remembered; the others that are refused are sent again
 * with these, and eight at a time if nothing is accepted.
 * The state survives connections and, by `learned`, a sleep; not a reboot. Source: MQTT 5 §3.4.2.1, §3.5.2.1, §4.13.
 */
import type { Refusals, RefusedOwner } from "../delivery/refusals.js";
import { type OutboundEntry, SPAN } from "../delivery/store.js";
import type { Refusal } from "../delivery/suspicion.js";
import type { TimerId } from "../wire/io.js";
import type { Protocol } from "../wire/protocol.js";
import { meaningOf, PACKETS, reasonText } from "./reasons.js";
import { fitRequest, translateRequest } from "./requests.js";

const MIN_LATER_MS = 1_000;
const MAX_LATER_MS = 60_000;
const MIN_HELD_MS = 60_000;
const MAX_HELD_MS = 3_600_000;
/** From a server that accepts neither QoS 1 nor 2 (Maximum QoS 0). */
const NO_QOS = 0x9b;
/** Most entries that are remembered, in RAM. */
const MAX_HELD = 32;
/** Added over a sleep to `times`, if `isOften`. */
const OFTEN = 64;
/** Most entries that are known to be refused. Some of them may be evicted, and never sent again. */
const MAX_OVER = 64;
/** How far others may be ahead of one that is held back. */
const MAX_LEAD = SPAN - 80;
/** Number of entries refused in a row, and none accepted, after which nothing new is sent. */
const MAX_VAIN = 8;
/** A sleep keeps the oldest of them, because these would stop others. */
const MAX_KEPT = 8;
/** How often an entry must be refused while others are accepted, before it may be a dead letter: if it can never be accepted. */
const NEVER_TIMES = 2;
/** If it is not allowed, and the server has refused MANY repetitions in a row. */
const CERTAIN_TIMES = 3;
const MANY = 32;
/** If it is not allowed. */
const MIN_TIMES = 8;
/** How many in a row may be refused before none counts. */
const MAX_ROW = 4;
/** What a refusal as not allowed counts at once if others are MAX_LEAD ahead: perhaps none can be accepted in between. */
const WEAK = 0.25;
/** If it is postponed again and again, and the server accepted the last EASY at once, or has refused VERY_MANY repetitions in a row. */
const POSTPONED_TIMES = 12;
const VERY_MANY = 1_024;
const EASY = 64;
/** How often in a row an entry is postponed before it is held back, and the others are sent. After VERY_MANY, once is enough. */
const MAX_LATER = 10;
const NONE = -1;

interface Row {
  readonly sequence: number;
  /** false: it is sent again. */
  isHeld: boolean;
  /** How often it was refused while others were accepted. */
  times: number;
  /** It was refused, and none behind it was accepted since. */
  isUnproven: boolean;
  /** The server has said that it can never be accepted. */
  isNever: boolean;
  /** Held back because it was postponed ten times in a row: further postponements are refusals, until it is not allowed. */
  isOften: boolean;
}

/** Entries refused by a reason code: held back, tried later, or dead letters. Times in milliseconds of uptime; numbers are the store's. */
export class Refused implements Refusals {
  private readonly owner: RefusedOwner;
  /** At most MAX_HELD that were refused for good, or postponed too often, until they are settled. */
  private rows: Row[] = [];
  refusal: Refusal | undefined;
  /** The newest that was delivered. */
  private newest = -1;
  /** Number of first refusals since an entry was accepted; with `probe`, of all refusals of entries that are not remembered. */
  private vain = 0;
  /** Number of repeated refusals since one that was held back was accepted, without those while `isOutage`. */
  private streak = 0;
  /** The newest entry that was not accepted at once. */
  private hardest = -1;
  /** While nothing is accepted: eight others that are not remembered are tried with each repetition, from this one on. -1: something is. */
  private probe = NONE;
  /** The oldest postponed entry; -1: none; -2 - n: none, and the last one was n, on an earlier connection. */
  private putOff = NONE;
  private putOffTimes = 0;
  /** Nothing new is sent until the timer ends. */
  private isWaiting = false;
  /** `again` concerns only postponed entries. */
  private isOnlyLater = false;
  private laterMs = 0;
  private heldMs = MIN_HELD_MS;
  /** The oldest entry behind `putOff` that was postponed since the wait began; -1: none. */
  private putOffNext = -1;
  /** Ends the wait for postponed entries. */
  private laterTimer: TimerId;
  /** Until those held back are sent again. */
  private heldTimer: TimerId;
  /** Entries whose last PUBLISH was refused, and perhaps others that were refused before and are in flight. */
  private over: number[] | undefined;

  constructor(owner: RefusedOwner) {
    this.owner = owner;
  }

  /** `streak`, `hardest`, `newest`; the postponed entry, as a negative number; the oldest held back. Each entry is followed by how often it was refused. */
  get learned(): readonly number[] {
    const oldest = this.rows.slice().sort((a, b) => a.sequence - b.sequence);
    const numbers = oldest
      .slice(0, MAX_KEPT)
      .flatMap((row) => [row.sequence, Math.min(row.times, OFTEN - 1) + (row.isOften ? OFTEN : 0)]);
    if (this.putOff !== NONE) numbers.unshift(Math.min(this.putOff, formerly(this.putOff)), this.putOffTimes);
    return numbers.length ? [this.streak, this.hardest, this.newest, ...numbers] : numbers;
  }

  set learned(numbers: readonly number[]) {
    this.rows = [];
    if (numbers.length) [this.streak, this.hardest, this.newest] = numbers;
    for (let at = 4; at < numbers.length; at += 2) {
      const sequence = numbers[at - 1];
      if (sequence >= 0) {
        const number = numbers[at];
        this.rows.push({ ...row(sequence), isOften: number >= OFTEN, times: number % OFTEN });
      } else {
        this.putOff = sequence;
        this.putOffTimes = numbers[at];
      }
    }
  }

  get isActive(): boolean {
    return this.rows.length > 0 || this.putOff >= 0;
  }

  get held(): number {
    const oldest = Math.min(...this.rows.map(({ sequence }) => sequence));
    const count = this.isFull ? Math.max(this.newest, this.hardest) + 1 - oldest : this.rows.length;
    let held = 1;
    while (held < count) held *= 2;
    return held;
  }

  get isPausing(): boolean {
    if (this.isWaiting) return true;
    return this.putOff < 0 && this.vain >= MAX_VAIN && this.rows.every((row) => row.isHeld);
  }

  seek(from: number): OutboundEntry | undefined {
    const store = this.owner.outbound;
    let entry = store.seek(from);
    while (entry && this.rows.length && this.isHidden(entry.sequence)) entry = store.seek(entry.sequence + 1);
    return entry;
  }

  private isHidden(sequence: number): boolean {
    const held = this.rows.find((each) => each.sequence === sequence);
    return held ? held.isHeld : this.isFull && sequence < this.probe && sequence !== this.putOff;
  }

  begin(): void {
    if (this.putOff >= 0) this.putOff = formerly(this.putOff); // everything sent was behind it
    this.putOffNext = NONE;
    this.again();
  }

  end(): void {
    this.laterTimer = this.clear(this.laterTimer);
    this.heldTimer = this.clear(this.heldTimer);
  }

  onReasonCode(type: number, code: number, reason: string | undefined): void {
    this.owner.say(PACKETS[type], code, reason);
  }

  isOver(sequence: number): boolean {
    return this.over?.includes(sequence) === true;
  }

  unanswered(sequence: number): void {
    this.over = this.over?.filter((each) => each !== sequence);
  }

  refuse(sequence: number, code: number): boolean {
    this.over ??= [];
    const isFirst = !this.isOver(sequence);
    if (isFirst && this.over.push(sequence) > MAX_OVER) this.over.shift();
    const meaning = meaningOf(code);
    let held = this.rows.find((each) => each.sequence === sequence);
    const isCertain = this.streak >= VERY_MANY;
    this.hardest = Math.max(this.hardest, sequence);
    const isOften =
      this.putOffTimes >= (isCertain ? 1 : MAX_LATER) &&
      (sequence === this.putOff || this.putOff === formerly(sequence));
    if (meaning === "later" && !held?.isOften && !isOften) {
      this.putItOff(sequence);
      return false;
    }
    if (this.isNoLongerPutOff(sequence) && isCertain) this.laterMs = 0;
    const isOutage = this.hardest - this.newest >= MAX_ROW; // perhaps all are refused, and this says nothing about one
    if (held) this.streak += isOutage ? 0 : 1;
    else {
      if (isFirst || this.probe >= 0) this.vain++;
      if (this.isFull) {
        if (this.probe >= 0) this.probe = sequence + 1;
        this.hold(); // it is sent again with the others
        return true;
      }
      held = row(sequence);
      this.rows.push(held);
    }
    const isLater = meaning === "later";
    if (held.isOften && !isLater) held.times = 0; // it was never refused for good
    held.isOften = isLater;
    held.isHeld = true;
    held.isNever = meaning === "cannot";
    // A server that postpones nearly everything says nothing about this entry, either.
    held.isUnproven = !isLater || isCertain || this.newest - this.hardest >= EASY;
    if (held.isUnproven && held.isNever && held.times > 0) held.times++;
    else if (held.isUnproven && this.newest - sequence >= MAX_LEAD && !isOutage) {
      held.times += isLater ? 1 : WEAK;
      held.isUnproven = !isLater;
    }
    this.hurry(sequence);
    this.hold();
    this.update();
    return true;
  }

  delivered(sequence: number): void {
    this.newest = Math.max(this.newest, sequence);
    this.vain = 0;
    this.probe = NONE;
    if (this.isNoLongerPutOff(sequence)) this.laterMs = 0;
    if (!this.rows.length) return;
    if (this.forget(sequence)) this.streak = 0;
    for (let n = 0; n < this.rows.length; n++) {
      const held = this.rows[n];
      if (!held.isUnproven || held.sequence > sequence) continue;
      held.isUnproven = false;
      held.times++;
    }
    if (this.rows.length) {
      this.hurry(this.rows[0].sequence);
      this.hold();
    }
    this.update();
  }

  nextDeadLetter(): number {
    const held = this.rows.find((each) => each.isHeld && this.newest > each.sequence && this.isProven(each));
    if (!held) return -1;
    this.forget(held.sequence);
    return held.sequence;
  }

  again(): number {
    const store = this.owner.outbound;
    const isOnlyLater = this.isOnlyLater;
    let oldest = this.putOff;
    if (this.isWaiting) {
      this.isWaiting = this.isOnlyLater = false;
      this.laterTimer = this.clear(this.laterTimer);
    }
    if (this.heldTimer !== undefined && !isOnlyLater) this.heldTimer = this.clear(this.heldTimer);
    this.putOffNext = -1; // it is sent behind the first
    if (this.vain >= MAX_VAIN && !isOnlyLater) {
      this.vain = 0;
      this.probe = Math.max(0, this.probe);
      if (!this.isFull || !store.seek(this.probe)) this.probe = 0;
    }
    // Entries may have been evicted meanwhile.
    if (this.rows.length) this.rows = this.rows.filter(({ sequence }) => store.seek(sequence)?.sequence === sequence);
    if (oldest < NONE && store.seek(formerly(oldest))?.sequence !== formerly(oldest)) this.putOff = NONE;
    for (let n = 0; n < this.rows.length; n++) {
      const row = this.rows[n];
      row.isHeld &&= isOnlyLater;
      if (!row.isHeld && (oldest < 0 || row.sequence < oldest)) oldest = row.sequence;
    }
    this.update();
    return Math.max(NONE, oldest);
  }

  check(packet: Uint8Array, filter: string | undefined): number {
    return fitRequest(packet, filter, this.owner.limits.effective);
  }

  translate(packet: Uint8Array, from: Protocol, to: Protocol): Uint8Array {
    return translateRequest(packet, from, to);
  }

  private isProven({ sequence, times, isNever, isOften }: Row): boolean {
    if (isNever) return times >= NEVER_TIMES;
    if (!this.stopsOthers(sequence)) return false;
    if (isOften) return times >= POSTPONED_TIMES;
    return times >= (this.streak >= MANY ? CERTAIN_TIMES : MIN_TIMES);
  }

  /** Others were delivered behind it, and no more can be, or only a few. */
  private stopsOthers(sequence: number): boolean {
    const lead = this.newest - sequence;
    return lead >= MAX_LEAD || (lead > 0 && this.isFull);
  }

  /** An entry that stops the others is sent again each minute. */
  private hurry(sequence: number): void {
    if (this.heldMs === MIN_HELD_MS || !this.stopsOthers(sequence)) return;
    this.heldMs = MIN_HELD_MS;
    this.heldTimer = this.clear(this.heldTimer);
  }

  /** Those held back are sent again after a while. */
  private hold(): void {
    this.heldTimer ??= this.owner.timers.set(() => {
      this.heldTimer = undefined;
      this.heldMs = Math.min(2 * this.heldMs, MAX_HELD_MS);
      if (!this.isWaiting) this.owner.retry(); // otherwise with the postponed entries
    }, this.heldMs);
  }

  private get isFull(): boolean {
    return this.rows.length >= MAX_HELD;
  }

  /** Several may be postponed at once: they are sent again in order. */
  private putItOff(sequence: number): void {
    const { putOff, putOffNext } = this;
    if (putOff < 0 || sequence < putOff) {
      this.putOffNext = Math.max(NONE, putOff);
      this.putOff = sequence;
      if (putOff !== formerly(sequence)) this.putOffTimes = 0;
    } else if (sequence > putOff && (putOffNext < 0 || sequence < putOffNext)) this.putOffNext = sequence;
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.putOffTimes++;
    this.laterMs = Math.min(Math.max(2 * this.laterMs, MIN_LATER_MS), MAX_LATER_MS);
    this.laterTimer = this.owner.timers.set(() => {
      this.laterTimer = undefined;
      this.isOnlyLater = this.heldTimer !== undefined;
      this.owner.retry();
    }, this.laterMs);
  }

  /** The entry was accepted or refused. Returns whether it was the postponed one; then the next one is. */
  private isNoLongerPutOff(sequence: number): boolean {
    if (sequence !== this.putOff && this.putOff !== formerly(sequence)) return false;
    this.putOff = this.putOffNext;
    this.putOffNext = NONE;
    this.putOffTimes = 0;
    return true;
  }

  /** Returns whether it was held back. */
  private forget(sequence: number): boolean {
    if (!this.rows.some((each) => each.sequence === sequence)) return false;
    this.rows = this.rows.filter((each) => each.sequence !== sequence);
    this.heldMs = MIN_HELD_MS;
    this.update();
    return true;
  }

  private clear(timer: TimerId): undefined {
    if (timer !== undefined) this.owner.timers.clear(timer);
  }

  /** The refusal for the owner: a new object if it has changed. */
  private update(): void {
    const { refusal, owner } = this;
    const hasNoQoS = owner.limits.effective.maxQoS === 0;
    const oldest = hasNoQoS ? owner.outbound.seek(0) : this.rows[0];
    if (!oldest) {
      this.refusal = undefined;
      return;
    }
    const { sequence } = oldest;
    const scope = hasNoQoS || this.newest < sequence ? "all" : "some";
    const reason = hasNoQoS ? undefined : owner.lastReason;
    const { code, text } = reason ?? { code: NO_QOS, text: reasonText(NO_QOS) };
    if (refusal?.scope === scope && refusal.sequence === sequence && refusal.code === code) return;
    this.refusal = { scope, by: "reason", sequence, code, text };
  }
}

function row(sequence: number): Row {
  return { sequence, isHeld: false, times: 0, isUnproven: false, isNever: false, isOften: false };
}

/** The value of `putOff` for an entry of an earlier connection, and back. */
function formerly(putOff: number): number {
  return -2 - putOff;
}
