/*
 * Entries that the server refuses by a reason code. The reaction depends on the code's meaning (reasons.ts).
 *
 * Later: nothing new is sent for a while (postponed.ts). After ten times in a row the entry is held back like those that are not
 * allowed.
 * Not allowed, or cannot: held back (held.ts), while the others are sent. All are sent again on the next connection, when the
 * owner asks for it, and after a minute, twice as long each time up to an hour. If eight in a row are refused and none is
 * accepted, the others wait, too (answers.ts). If one of them is answered by "later", it is postponed, and this is not counted as
 * a refusal.
 * The first MAX_HELD of them are remembered. The others that are refused are sent again together with these; while nothing is
 * accepted, eight of them each time.
 * The state survives connections and, by `learned`, a sleep; not a reboot. Source: MQTT 5 §3.4.2.1, §3.5.2.1, §4.13.
 */
import type { Refusals, RefusedEntry, RefusedOwner } from "../delivery/refusals.js";
import type { OutboundEntry } from "../delivery/store.js";
import type { Refusal } from "../delivery/suspicion.js";
import type { TimerId, Timers } from "../wire/io.js";
import type { Protocol } from "../wire/protocol.js";
import { Answers, NO_ENTRY } from "./answers.js";
import { Held } from "./held.js";
import { NONE_POSTPONED, Postponed, type PostponedOwner } from "./postponed.js";
import { meaningOf, PACKETS, reasonText } from "./reasons.js";
import { fitRequest, translateRequest } from "./requests.js";

const MIN_HELD_MS = 60_000;
const MAX_HELD_MS = 3_600_000;
/** From a server that accepts neither QoS 1 nor 2 (Maximum QoS 0). */
const NO_QOS = 0x9b;
/** Most entries that are remembered, in RAM. */
const MAX_HELD = 32;
/** A sleep keeps the oldest of them, because these would stop others. */
const MAX_KEPT = 8;

const NONE_HELD: readonly Held[] = Object.freeze([]);

/** Entries refused by a reason code: held back, tried later, or dead letters. Times in milliseconds of uptime; numbers are the store's. */
export class Refused implements Refusals, PostponedOwner {
  private readonly owner: RefusedOwner;
  private readonly answers = new Answers();
  private postponed: Postponed = NONE_POSTPONED;
  /** Up to MAX_HELD, in the order of their first refusal. */
  private held = NONE_HELD;
  refusal: Refusal | undefined;
  /** While nothing is accepted: eight others that are not remembered are tried with each repetition, from this one on. NO_ENTRY: something is. */
  private probe = NO_ENTRY;
  /** `again` concerns only postponed entries. */
  private isOnlyLater = false;
  private heldMs = MIN_HELD_MS;
  /** Until those held back are sent again. */
  private heldTimer: TimerId;
  /** One above the newest entry that was refused in this run: those below are no news. */
  private refusedEnd?: number;

  constructor(owner: RefusedOwner) {
    this.owner = owner;
  }

  get timers(): Timers {
    return this.owner.timers;
  }

  /** The postponed entries are sent again, and those held back only if it is their time, too. */
  endWait(): void {
    this.isOnlyLater = this.heldTimer !== undefined;
    this.owner.retry();
  }

  /** The server's `streak`, `hardest`, `newest`; what was postponed; the oldest held back, each as its number and `Held.learned`. */
  get learned(): readonly number[] {
    const { streak, hardest, newest } = this.answers;
    const oldest = this.held.slice().sort((a, b) => a.sequence - b.sequence);
    const kept = oldest.slice(0, MAX_KEPT).flatMap((held) => [held.sequence, held.learned]);
    const numbers = [...this.postponed.learned, ...kept];
    return numbers.length ? [streak, hardest, newest, ...numbers] : numbers;
  }

  set learned(numbers: readonly number[]) {
    const { answers } = this;
    this.held = NONE_HELD;
    if (numbers.length) [answers.streak, answers.hardest, answers.newest] = numbers;
    for (let at = 3; at + 1 < numbers.length; at += 2) {
      const sequence = numbers[at];
      if (sequence < 0) this.ownPostponed().learned = numbers.slice(at);
      else this.remember(sequence).learned = numbers[at + 1];
    }
  }

  get isActive(): boolean {
    return this.held.length > 0 || this.postponed.oldest >= 0;
  }

  get isPausing(): boolean {
    const { postponed } = this;
    if (postponed.isWaiting) return true;
    return this.answers.acceptsNothing && postponed.oldest < 0 && this.held.every((held) => held.isResting);
  }

  seek(from: number): OutboundEntry | undefined {
    const store = this.owner.outbound;
    let entry = store.seek(from);
    while (entry && this.held.length && this.isHidden(entry.sequence)) entry = store.seek(entry.sequence + 1);
    return entry;
  }

  private isHidden(sequence: number): boolean {
    const held = this.find(sequence);
    return held ? held.isResting : this.isFull && sequence < this.probe && sequence !== this.postponed.oldest;
  }

  begin(): void {
    if (this.isIdle) this.update();
    else {
      this.postponed.begin();
      this.again();
    }
  }

  end(): void {
    this.postponed.stop();
    this.stopTimer();
  }

  onReasonCode(type: number, code: number, reason: string | undefined): void {
    this.owner.say(PACKETS[type], code, reason);
  }

  refuse(sequence: number, code: number): void {
    const { answers, postponed } = this;
    const isFirst = sequence >= (this.refusedEnd ?? 0);
    if (isFirst) this.refusedEnd = sequence + 1;
    const meaning = meaningOf(code);
    const known = this.find(sequence);
    answers.refused(sequence);
    if (meaning === "later" && !known?.isOften && !postponed.isOften(sequence, answers.hasRefusedVeryMany)) {
      this.ownPostponed().add(sequence);
      return;
    }
    if (postponed.remove(sequence) && answers.hasRefusedVeryMany) postponed.relax();
    if (!known && (isFirst || this.probe >= 0)) answers.vain++;
    if (!known && this.isFull) {
      if (this.probe >= 0) this.probe = sequence + 1;
      this.hold(); // it is sent again with the others
      return;
    }
    const held = known ?? this.remember(sequence);
    held.refuse(code, meaning, answers);
    if (known) answers.repeated();
    this.hurry(held);
    this.hold();
    this.update();
  }

  delivered(sequence: number): void {
    const { answers, postponed } = this;
    answers.delivered(sequence);
    this.probe = NO_ENTRY;
    if (postponed.remove(sequence)) postponed.relax();
    if (!this.held.length) return;
    if (this.forget(sequence)) answers.streak = 0;
    for (let n = 0; n < this.held.length; n++) this.held[n].delivered(sequence);
    if (this.held.length) {
      this.hurry(this.held[0]);
      this.hold();
    }
    this.update();
  }

  nextDeadLetter(): RefusedEntry | undefined {
    const held = this.held.find((each) => each.isDead(this.answers, this.isFull));
    if (held) this.forget(held.sequence);
    return held;
  }

  again(): number {
    const { postponed, isOnlyLater } = this;
    if (postponed.isWaiting) this.isOnlyLater = false;
    if (!isOnlyLater) this.stopTimer();
    if (!postponed.isIdle) postponed.resume();
    if (this.answers.acceptsNothing && !isOnlyLater) this.tryOthers();
    this.forgetEvicted();
    let oldest = postponed.oldest;
    for (let n = 0; n < this.held.length; n++) {
      const held = this.held[n];
      held.isResting &&= isOnlyLater;
      if (!held.isResting && (oldest < 0 || held.sequence < oldest)) oldest = held.sequence;
    }
    this.update();
    return oldest;
  }

  /** Nothing is held back, postponed or to be tried. */
  private get isIdle(): boolean {
    return !this.held.length && this.answers.vain === 0 && this.postponed.isIdle;
  }

  /** Nothing is accepted: the next ones that are not remembered are tried; after the last ones, the first. */
  private tryOthers(): void {
    this.answers.vain = 0;
    this.probe = Math.max(0, this.probe);
    if (!this.isFull || !this.owner.outbound.seek(this.probe)) this.probe = 0;
  }

  private forgetEvicted(): void {
    const store = this.owner.outbound;
    const { postponed } = this;
    const { former } = postponed;
    const isThere = (sequence: number) => store.seek(sequence)?.sequence === sequence;
    if (this.held.length) this.held = this.held.filter(({ sequence }) => isThere(sequence));
    if (former >= 0 && !isThere(former)) postponed.forgetFormer();
  }

  check(packet: Uint8Array, filter: string | undefined): number {
    return fitRequest(packet, filter, this.owner.limits.effective);
  }

  translate(packet: Uint8Array, from: Protocol, to: Protocol): Uint8Array {
    return translateRequest(packet, from, to);
  }

  /** An entry that stops the others is sent again each minute. */
  private hurry(held: Held): void {
    if (this.heldMs === MIN_HELD_MS || !held.stopsOthers(this.answers, this.isFull)) return;
    this.heldMs = MIN_HELD_MS;
    this.stopTimer();
  }

  /** Those held back are sent again after a while. */
  private hold(): void {
    this.heldTimer ??= this.owner.timers.set(() => {
      this.heldTimer = undefined;
      this.heldMs = Math.min(2 * this.heldMs, MAX_HELD_MS);
      if (!this.postponed.isWaiting) this.owner.retry(); // otherwise with the postponed entries
    }, this.heldMs);
  }

  private stopTimer(): void {
    if (this.heldTimer !== undefined) this.owner.timers.clear(this.heldTimer);
    this.heldTimer = undefined;
  }

  private get isFull(): boolean {
    return this.held.length >= MAX_HELD;
  }

  private ownPostponed(): Postponed {
    if (this.postponed === NONE_POSTPONED) this.postponed = new Postponed(this);
    return this.postponed;
  }

  private find(sequence: number): Held | undefined {
    return this.held.find((each) => each.sequence === sequence);
  }

  private remember(sequence: number): Held {
    const held = new Held(sequence);
    this.held = this.held.concat(held);
    return held;
  }

  /** Returns whether it was held back. */
  private forget(sequence: number): boolean {
    if (!this.find(sequence)) return false;
    this.held = this.held.filter((each) => each.sequence !== sequence);
    this.heldMs = MIN_HELD_MS;
    this.update();
    return true;
  }

  /** The refusal for the owner: a new object if it has changed. */
  private update(): void {
    const { refusal, owner } = this;
    const hasNoQoS = owner.limits.effective.maxQoS === 0;
    const oldest = hasNoQoS ? owner.outbound.seek(0) : this.held[0];
    const code = hasNoQoS ? NO_QOS : this.held[0]?.code;
    if (!oldest || !code) {
      this.refusal = undefined;
      return;
    }
    const { sequence } = oldest;
    const scope = hasNoQoS || this.answers.newest < sequence ? "all" : "some";
    if (refusal?.scope === scope && refusal.sequence === sequence && refusal.code === code) return;
    const { lastReason } = owner;
    const text = lastReason?.code === code ? lastReason.text : reasonText(code);
    this.refusal = { scope, by: "reason", sequence, code, text };
  }
}
