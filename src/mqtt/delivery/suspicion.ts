/*
 * Finds the entry that the server refuses. An entry that is refused again and again must not stop the others. But no entry may
 * be lost to a server, or a network, that refuses everything or accepts a few on each connection. The proof: an entry fails as
 * the first on its connections, while others that are first on theirs are delivered, by turns.
 *
 *   IN_ORDER  All entries are sent, oldest first. A strike is a connection that ends with the same entry the oldest in flight,
 *             because the server closed it without acknowledging any entry, or answered three pings but not this entry. After
 *             `limit` strikes in a row the entry is held back.
 *   PROBE     One entry is sent alone, the first beyond those held back. If it fails, too, more are held back, up to MAX_HELD
 *             numbers, until one is delivered. If none is, the server accepts nothing: all stay, and counting starts again.
 *   OTHERS    Entries that are not held back are sent first, as many as `ration` allows. Then one that is held back is sent.
 *   ALONE     Entries that are held back are sent one by one. If one is acknowledged, it was not the cause. If not, and others
 *             were delivered since the last round, the next connection begins with it. If it fails as the first, too, the next
 *             connection begins with the next one, until all have had their turn: a round. A round counts when another entry is
 *             then delivered as the first on a connection. After `limit` rounds in a row, entries held back are dead letters.
 *             If another entry fails, or one of them is delivered after all, counting starts again. If only others of QoS 1
 *             were delivered, the server refuses QoS 2: entries of QoS 2 are then sent at QoS 1.
 *
 * A server that is silent is detected sooner, in the phase IN_ORDER: if others that were sent after the entry are acknowledged,
 * and the entry is not, for three pings, on `limit` connections in a row, it is a dead letter; but counting starts again if
 * another entry that was passed over in the same way is delivered later.
 *
 * A store delivers SPAN numbers from its oldest entry on, and an entry without proof stays the oldest. The proof is therefore
 * paced: each connection uses its share of the remaining numbers, and no more.
 * The state survives connections and, by `learned`, a sleep; not a reboot. No I/O, no clock.
 */

import type { Sent } from "./sent.js";
import { type OutboundEntry, type OutboundStore, SPAN } from "./store.js";
import { Trial } from "./trial.js";

/** How a server refuses: it closes the connection, or acknowledges nothing and answers pings. */
export type RefusedBy = "closing" | "silence";

/** What the server refuses. */
export interface Refusal {
  /** "all": no entry was acknowledged for several connections, or all were refused. "some": others are accepted. */
  readonly scope: "all" | "some";
  /** "reason": a reason code, in version 5. */
  readonly by: RefusedBy | "reason";
  /** The oldest entry that it refuses; for "reason", the first that it refused of those held back. */
  readonly sequence: number;
  /** For "reason". */
  readonly code?: number;
  /** For "reason": the code's name, and the server's own text. */
  readonly text?: string;
}

/** A refusal that no reason code has named. */
interface Suspected extends Refusal {
  readonly by: RefusedBy;
}

/** Phase: all entries are sent, oldest first. All phases are described at the top of this file. */
export const IN_ORDER = 0;
const PROBE = 1;
/** Phase: entries that are not held back are sent first, as many as the ration allows. */
export const OTHERS = 2;
/** Phase: entries that are held back are sent one by one. */
export const ALONE = 3;
type Phase = typeof IN_ORDER | typeof PROBE | typeof OTHERS | typeof ALONE;

/** Index in `learned`. */
const TRIAL_AT = 10;
/** Most entries held back, by their numbers: half of SPAN; the other half is for the proof. */
const MAX_HELD = SPAN >> 1;
/** How many numbers beyond an overtaken entry others are sent, in addition to the window: at first, and at the last connection. */
const MIN_LEAD = 32;
const MAX_LEAD = 176;

/** Finds the entry that a server refuses, from how each connection ends. Phases above; numbers are the store's. */
export class Suspicion {
  phase: Phase = IN_ORDER;
  /** Entries below this number are held back; 0: none. */
  heldEnd = 0;
  refusal: Suspected | undefined;
  /** The server refuses QoS 2: such entries are sent at QoS 1. */
  isLowering = false;
  /** The entry that others have overtaken; -1: none. */
  overtaken = -1;
  private readonly store: Pick<OutboundStore<OutboundEntry>, "seek">;
  /** Connections in a row that an entry may fail. */
  private readonly limit: number;
  private strikes = 0;
  private struck = -1;
  /** What is known while some are held back. */
  private trial: Trial | undefined;

  /** Connections in a row on which `overtaken` was overtaken, and those on which only QoS 1 has overtaken it. */
  private overtakes = 0;
  private overtakesByQoS1 = 0;
  /** All entries below this number were overtaken, too, or delivered. */
  private passedEnd = 0;

  constructor(store: Pick<OutboundStore<OutboundEntry>, "seek">, limit: number) {
    this.store = store;
    this.limit = limit;
  }

  /** The state that survives a connection, as numbers, to be kept over a sleep. Empty: nothing is suspected. */
  get learned(): readonly number[] {
    const { strikes, struck, heldEnd, isLowering, refusal, trial } = this;
    if (this.isIdle && !strikes && !isLowering) return [];
    const is = refusal ? 1 + (refusal.scope === "all" ? 2 : 0) + (refusal.by === "silence" ? 4 : 0) : 0;
    const held = [strikes, struck, heldEnd, +isLowering, is, refusal?.sequence ?? -1];
    const passed = [this.overtaken, this.overtakes, this.overtakesByQoS1, this.passedEnd];
    return held.concat(passed, trial?.learned ?? []);
  }

  set learned(numbers: readonly number[]) {
    if (numbers.length < TRIAL_AT) return;
    const [strikes, struck, heldEnd, isLowering, is, sequence] = numbers;
    this.strikes = strikes;
    this.struck = struck;
    this.heldEnd = heldEnd;
    this.isLowering = isLowering > 0;
    if (is) this.refusal = { scope: is & 2 ? "all" : "some", by: is & 4 ? "silence" : "closing", sequence };
    this.overtaken = numbers[6];
    this.overtakes = numbers[7];
    this.overtakesByQoS1 = numbers[8];
    this.passedEnd = numbers[9];
    if (!heldEnd) return;
    this.trial = new Trial(struck);
    this.trial.learned = numbers.slice(TRIAL_AT);
  }

  /** A connection begins. `sent`: what the server may have. Returns the number from which entries are sent. */
  begin(sent: Sent): number {
    const store = this.store;
    // Entries may have been evicted meanwhile, or dropped by the owner.
    if (this.heldEnd && !this.isHeldLeft) this.clear();
    if (this.overtaken >= 0 && store.seek(this.overtaken)?.sequence !== this.overtaken) this.exonerate();
    const trial = this.trial;
    if (!trial) return 0;
    trial.open = 0;
    for (let entry = store.seek(0); entry && entry.sequence < this.heldEnd; ) {
      const { sequence, qos } = entry;
      if (qos === 2 && sent.has(sequence)) trial.open++;
      entry = store.seek(sequence + 1);
    }
    trial.restAt = -1;
    this.phase = trial.hasHelped ? OTHERS : PROBE;
    if (!trial.hasHelped || !trial.delivered) return this.heldEnd;
    trial.isFirst = true;
    return this.goAlone();
  }

  /** Nothing is suspected: acknowledgements carry no information. */
  get isIdle(): boolean {
    return !this.heldEnd && this.overtaken < 0 && !this.refusal;
  }

  /** Entries of QoS 2 that are held back and may be open at the server, which counts them. */
  get open(): number {
    return this.trial ? this.trial.open : 0;
  }

  /** Number of entries of QoS 2 that may be sent in any case: to a server that closes connections, the limit would allow none. */
  get minOpen(): number {
    return this.refusal?.by === "closing" ? 1 : 0;
  }

  /** One entry in flight at a time. */
  get isOneByOne(): boolean {
    return this.phase === PROBE || this.phase === ALONE;
  }

  /** How far others may be sent beyond one that they have overtaken, besides the window, so that some are left for the next connection. */
  get lead(): number {
    return MIN_LEAD + Math.floor(((MAX_LEAD - MIN_LEAD) * this.overtakes) / this.limit);
  }

  /** Only while some are held back: whether this entry belongs to another connection or phase. */
  mustRest(sequence: number): boolean {
    const trial = this.trial;
    if (!trial) return false;
    if (this.phase === ALONE) return sequence >= this.heldEnd;
    if (trial.restAt < 0) trial.restAt = sequence + this.ration(trial, sequence);
    return sequence >= trial.restAt;
  }

  /** The entry that is proven to be refused; -1: none. */
  get proven(): number {
    const { store, heldEnd, trial, limit } = this;
    if (this.overtakes >= limit) return this.overtaken;
    if (this.phase !== OTHERS || !trial || trial.roundCount < limit) return -1;
    for (let entry = store.seek(0); entry && entry.sequence < heldEnd; entry = store.seek(entry.sequence + 1))
      if (trial.roundsAgainst(entry, this.isLowering) >= limit) return entry.sequence;
    return -1;
  }

  /** PUBREC was received for the entry, possibly in an earlier session: the server has the message. */
  isReleased(sequence: number): boolean {
    const entry = this.store.seek(sequence);
    return (entry?.sequence === sequence && entry.released) || this.trial?.releases.includes(sequence) === true;
  }

  /** An entry was acknowledged. `settledQos`: 1 or 2 if that settled it, 0 for PUBREC. */
  acknowledged(sequence: number, settledQos: number): void {
    if (sequence < this.heldEnd) {
      this.trial?.acknowledgedHeld(sequence, settledQos);
      return;
    }
    if (!settledQos) return;
    if (sequence === this.overtaken) this.exonerate();
    // An entry that was passed over is delivered after all: then the other one may be, too.
    else if (sequence < this.passedEnd) this.overtakes = this.overtakesByQoS1 = 0;
    switch (this.phase) {
      case IN_ORDER:
        if (this.overtaken < 0) this.clear();
        break;
      case PROBE:
      case OTHERS:
        this.phase = OTHERS;
        this.strikes = 0;
        this.trial?.helped(settledQos, this.limit);
        break;
      case ALONE:
        break;
      default:
        this.phase satisfies never;
    }
  }

  /** Only entries held back are left to send, and nothing is in flight. Returns the number from which entries are sent; -1: none. */
  turn(): number {
    switch (this.phase) {
      case OTHERS:
        return this.trial?.delivered ? this.goAlone() : -1;
      case PROBE:
        return this.overshoot();
      case ALONE:
        return this.goOn();
      case IN_ORDER:
        return -1;
      default:
        return this.phase satisfies never;
    }
  }

  /** The next of those held back is sent, and nothing beside it. Returns its number. */
  goAlone(): number {
    const { store, heldEnd } = this;
    let entry = store.seek(this.trial?.triedEnd ?? 0);
    if (!entry || entry.sequence >= heldEnd) entry = store.seek(0);
    if (entry && entry.sequence < heldEnd) {
      this.phase = ALONE;
      return entry.sequence;
    }
    this.clear(); // evicted meanwhile
    return 0;
  }

  /** The proven entry is settled. Others stay held back. */
  convicted(sequence: number): void {
    if (sequence === this.overtaken) this.exonerate();
    if (!this.heldEnd || !this.isHeldLeft) this.clear();
  }

  /** The oldest in flight was sent before others that were delivered, and is not acknowledged. `by`: the others' QoS, as bits. */
  overtake(sequence: number, qos: 1 | 2, by: number, passedEnd: number): void {
    if (sequence !== this.overtaken) this.exonerate();
    this.overtaken = sequence;
    this.passedEnd = passedEnd;
    this.refuse("silence", sequence);
    if (by & qos) this.overtakes++;
    else if (++this.overtakesByQoS1 >= this.limit && qos === 2) {
      this.isLowering = true;
      this.overtakes = this.overtakesByQoS1 = 0; // nothing counts against it at QoS 1 yet
    }
  }

  /** A connection has ended. `by`: undefined if that shows nothing about entries. `oldest`: in flight; -1: none. */
  ended(by: RefusedBy | undefined, oldest: number, hasHeard: boolean): void {
    const trial = this.trial;
    const isFailure = by !== undefined && oldest >= 0 && !(hasHeard && by === "closing");
    const isFirst = trial?.isFirst;
    if (trial) trial.isFirst = false;
    switch (this.phase) {
      case IN_ORDER:
        if (isFailure) this.strike(oldest, by);
        else if (hasHeard) this.strikes = 0;
        break;
      case PROBE:
        if (isFailure && trial) this.holdMore(trial, oldest);
        break;
      case OTHERS:
        if (isFailure && !hasHeard) {
          trial?.countAnew(); // earlier deliveries no longer count
          if (++this.strikes >= this.limit) this.restart();
        }
        break;
      case ALONE:
        if (by !== undefined && oldest >= 0 && trial && isFirst) this.tried(trial, oldest, by);
        break;
      default:
        this.phase satisfies never;
    }
    if (!trial?.isLoweringDue) return;
    this.isLowering = true;
    trial.isLoweringDue = false;
    trial.countAnew();
    this.exonerate();
  }

  /** Nothing is held back or suspected any more. */
  clear(): void {
    this.restart();
    this.refusal = undefined;
  }

  /** All are sent in order again, and counting starts again. */
  private restart(): void {
    this.phase = IN_ORDER;
    this.heldEnd = this.strikes = 0;
    this.struck = -1;
    this.trial = undefined;
    this.exonerate();
  }

  private exonerate(): void {
    this.overtaken = -1;
    this.overtakes = this.overtakesByQoS1 = this.passedEnd = 0;
  }

  /** All from some number on that were held back were acknowledged. */
  private goOn(): number {
    if (!this.isHeldLeft) {
      this.clear();
      return 0;
    }
    this.phase = OTHERS;
    if (this.trial) this.trial.restAt = -1;
    return this.heldEnd;
  }

  /** An entry that is held back has failed as the first on its connection, after others were delivered. */
  private tried(trial: Trial, sequence: number, by: RefusedBy): void {
    const store = this.store;
    this.refuse(by, store.seek(0)?.sequence ?? sequence);
    const entry = store.seek(sequence);
    if (trial.delivered === 1 && entry?.qos === 2 && !this.isLowering && !this.isReleased(sequence))
      trial.failuresOfQoS2++;
    const next = store.seek(sequence + 1);
    const isRoundOver = !next || next.sequence >= this.heldEnd;
    trial.failed(sequence, isRoundOver, this.limit);
  }

  private get isHeldLeft(): boolean {
    const oldest = this.store.seek(0);
    return oldest !== undefined && oldest.sequence < this.heldEnd;
  }

  /** How many others may be sent on this connection, from `from` on, so that some are left for each later round. */
  private ration({ roundCount }: Trial, from: number): number {
    const left = SPAN - (from - (this.store.seek(0)?.sequence ?? from));
    return Math.max(1, Math.floor(left / Math.max(1, this.limit + 1 - roundCount)));
  }

  private refuse(by: RefusedBy, sequence: number): void {
    const refusal = this.refusal;
    if (refusal?.scope === "some" && refusal.by === by && refusal.sequence === sequence) return;
    this.refusal = { scope: "some", by, sequence };
  }

  private strike(oldest: number, by: RefusedBy): void {
    if (this.struck !== oldest) this.strikes = 0;
    this.struck = oldest;
    if (++this.strikes < this.limit) return;
    this.strikes = 0;
    this.trial = new Trial(oldest);
    this.heldEnd = oldest + 1;
    if (this.refusal?.scope !== "all" || this.refusal.by !== by) this.refusal = { scope: "all", by, sequence: oldest };
  }

  private holdMore(trial: Trial, probe: number): void {
    trial.lastProbe = probe;
    trial.step *= 2;
    if (probe + trial.step - this.struck > MAX_HELD) trial.step = 1;
    this.heldEnd = probe + trial.step;
    if (this.heldEnd - this.struck > MAX_HELD) this.restart();
  }

  /** Nothing lies beyond those held back: holds back fewer, or, if nothing is delivered, sends all in order. */
  private overshoot(): number {
    const trial = this.trial;
    if (trial && trial.step > 1) {
      trial.step = 1;
      this.heldEnd = trial.lastProbe + 1;
    } else this.restart();
    return this.heldEnd;
  }
}
