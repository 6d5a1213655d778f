/*
 * Which entry does the server not take? One that it refuses again and again must not stop the rest, and no entry may be lost to a
 * server, or a network, that refuses everything, or takes a few on each connection. Proof is that an entry fails as the first on its
 * connections, while others that are the first on theirs are delivered, by turns.
 *
 * IN_ORDER  All entries go, oldest first. A strike: a connection that ends with this entry the oldest in flight, because the server
 *           closed it with no entry acknowledged, or answered three pings and not this entry. After some in a row it is held back.
 * PROBE     One entry alone, the first beyond those held back. It fails, too: more are held back, to a limit, until one gets
 *           through; if none does, the server takes nothing: all stay, and counting begins anew.
 * OTHERS    What is not held back goes first: as many as `ration` allows. Then one that is held back goes behind them.
 * ALONE     What is held back, one by one. Acknowledged: it was not to blame. Not so, and others were delivered since the last round:
 *           the next connection begins with it. It fails as the first, too: the next connection begins with the next one, until
 *           all that are held back have had their turn. That is a round, and counts once another entry is the first on a connection
 *           and delivered. After some in a row they are dead letters. If another fails, or one of them gets through after all,
 *           counting begins anew. Did only others of QoS 1 get through, QoS 2 is what the server refuses: such entries go at QoS 1 then.
 *
 * Silence has a shorter way, in order: others that were sent after the entry are acknowledged, and it is not, for three pings; after
 * some connections in a row it is a dead letter, unless one that was passed over like it gets through later.
 *
 * A store hands out SPAN numbers from its oldest entry on, and what has no proof stays the oldest. So the proof is paced: each
 * connection uses up its share of what is left of them, and no more.
 * Outlives connections, and a sleep by way of `learned`; not a reboot. No I/O, no clock.
 */

import { type OutboundEntry, type OutboundStore, SPAN } from "./store.js";
import { Trial } from "./trial.js";

/** How a server refuses: it closes the connection, or acknowledges nothing and answers pings. */
export type RefusedBy = "closing" | "silence";

/** What the server does not take. */
export interface Refusal {
  /** "all": no entry was acknowledged for several connections, or all were refused. "some": others are taken. */
  readonly scope: "all" | "some";
  /** "reason": a reason code, in version 5. */
  readonly by: RefusedBy | "reason";
  /** The oldest entry that it does not take. */
  readonly sequence: number;
  /** Of "reason". */
  readonly code?: number;
  /** Of "reason": the code's name, and the server's own words. */
  readonly text?: string;
}

/** One that no reason code has named. */
interface Suspected extends Refusal {
  readonly by: RefusedBy;
}

/** Phase: all entries go, oldest first. The phases are described on top of this file. */
export const IN_ORDER = 0;
const PROBE = 1;
/** Phase: what is not held back goes first, as many as the ration allows. */
export const OTHERS = 2;
/** Phase: what is held back goes, one by one. */
export const ALONE = 3;
type Phase = typeof IN_ORDER | typeof PROBE | typeof OTHERS | typeof ALONE;

/** In `learned`. */
const TRIAL_AT = 10;
/** Entries held back at most, by their numbers: half of SPAN, the other half is for the proof. */
const MAX_HELD = SPAN >> 1;
/** How far others go beyond one that they have overtaken, besides the window: at first, and once there is enough against it. */
const MIN_LEAD = 32;
const MAX_LEAD = 176;

/** Finds the entry that a server does not take, by what each connection ends with. Phases above; numbers are the store's. */
export class Suspicion {
  phase: Phase = IN_ORDER;
  /** Entries below this number are held back; 0: none. */
  heldEnd = 0;
  refusal: Suspected | undefined;
  /** QoS 2 is what the server refuses: what has it goes at QoS 1. */
  isLowering = false;
  /** The one that others have overtaken; -1: none. */
  overtaken = -1;
  private readonly store: Pick<OutboundStore<OutboundEntry>, "seek">;
  /** Connections in a row that an entry may fail. */
  private readonly limit: number;
  private strikes = 0;
  private struck = -1;
  /** Some are held back: what is known of them. */
  private trial: Trial | undefined;

  /** Connections in a row on which `overtaken` was, and those on which only QoS 1 has overtaken it. */
  private overtakes = 0;
  private overtakesByQoS1 = 0;
  /** All below were passed over, or have arrived. */
  private passedEnd = 0;

  constructor(store: Pick<OutboundStore<OutboundEntry>, "seek">, limit: number) {
    this.store = store;
    this.limit = limit;
  }

  /** What outlives a connection, as numbers: for a sleep. Empty: nothing is suspected. */
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

  /** A connection begins. `sentEnd`: entries below may be known to the server. Returns the number from which on entries go. */
  begin(sentEnd: number): number {
    const store = this.store;
    // They may have been evicted meanwhile, or dropped by the owner.
    if (this.heldEnd && !this.isHeldLeft) this.clear();
    if (this.overtaken >= 0 && store.seek(this.overtaken)?.sequence !== this.overtaken) this.exonerate();
    const end = Math.min(this.heldEnd, sentEnd);
    const trial = this.trial;
    if (!trial) return 0;
    trial.open = 0;
    for (let entry = store.seek(0); entry && entry.sequence < end; entry = store.seek(entry.sequence + 1))
      if (entry.qos === 2) trial.open++;
    trial.restAt = -1;
    this.phase = trial.hasHelped ? OTHERS : PROBE;
    if (!trial.hasHelped || !trial.delivered) return this.heldEnd;
    trial.isFirst = true;
    return this.goAlone();
  }

  /** How many more than the window there may be between the oldest entry and the last one sent. */
  get held(): number {
    return this.heldEnd && this.heldEnd - this.struck;
  }

  /** Nothing is suspected: acknowledgements need not be looked at. */
  get isIdle(): boolean {
    return !this.heldEnd && this.overtaken < 0 && !this.refusal;
  }

  /** Entries of QoS 2 that are held back and may be open at the server, which counts them. */
  get open(): number {
    return this.trial ? this.trial.open : 0;
  }

  /** Of QoS 2 so many may go in any case: a server that closes the connection takes none of those behind. */
  get minOpen(): number {
    return this.refusal?.by === "closing" ? 1 : 0;
  }

  /** One entry in flight at a time. */
  get isOneByOne(): boolean {
    return this.phase === PROBE || this.phase === ALONE;
  }

  /** How far others may go beyond one that they have overtaken, besides the window: so that some are left for the next connection. */
  get lead(): number {
    return MIN_LEAD + Math.floor(((MAX_LEAD - MIN_LEAD) * this.overtakes) / this.limit);
  }

  /** Some are held back: is this entry for another connection, or for another phase? */
  mustRest(sequence: number): boolean {
    const trial = this.trial;
    if (!trial) return false;
    if (this.phase === ALONE) return sequence >= this.heldEnd;
    if (trial.restAt < 0) trial.restAt = sequence + this.ration(trial, sequence);
    return sequence >= trial.restAt;
  }

  /** The one with enough against it; -1: none. */
  get proven(): number {
    const { store, heldEnd, trial, limit } = this;
    if (this.overtakes >= limit) return this.overtaken;
    if (this.phase !== OTHERS || !trial || trial.roundCount < limit) return -1;
    for (let entry = store.seek(0); entry && entry.sequence < heldEnd; entry = store.seek(entry.sequence + 1))
      if (trial.roundsAgainst(entry, this.isLowering) >= limit) return entry.sequence;
    return -1;
  }

  /** PUBREC came for the entry, if not in this session: the message is the server's. */
  isReleased(sequence: number): boolean {
    const entry = this.store.seek(sequence);
    return (entry?.sequence === sequence && entry.released) || this.trial?.releases.includes(sequence) === true;
  }

  /** An entry was acknowledged; `settledQos`: 1 or 2 if it is settled with that, 0 if PUBREC came. */
  acknowledged(sequence: number, settledQos: number): void {
    if (sequence < this.heldEnd) {
      this.trial?.acknowledgedHeld(sequence, settledQos);
      return;
    }
    if (!settledQos) return;
    if (sequence === this.overtaken) this.exonerate();
    // One that was passed over gets through after all: then the other one may, too.
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

  /** Nothing but what is held back is left to send, and nothing is in flight. Returns from which number on entries go; -1: none. */
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

  /** One of those held back is next, and nothing beside it. Returns its number. */
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

  /** What was proven is settled. What else is held back remains so. */
  convicted(sequence: number): void {
    if (sequence === this.overtaken) this.exonerate();
    if (!this.heldEnd || !this.isHeldLeft) this.clear();
  }

  /** The oldest in flight was sent before others that were delivered, and is not acknowledged. `by`: their QoS, as bits. */
  overtake(sequence: number, qos: 1 | 2, by: number, passedEnd: number): void {
    if (sequence !== this.overtaken) this.exonerate();
    this.overtaken = sequence;
    this.passedEnd = passedEnd;
    this.refuse("silence", sequence);
    if (by & qos) this.overtakes++;
    else if (++this.overtakesByQoS1 >= this.limit && qos === 2) {
      this.isLowering = true;
      this.overtakes = this.overtakesByQoS1 = 0; // at QoS 1 there is nothing against it yet
    }
  }

  /** A connection has ended. `by`: undefined if that says nothing about entries. `oldest`: in flight; -1: none. */
  ended(by: RefusedBy | undefined, oldest: number, hasHeard: boolean): void {
    const trial = this.trial;
    const isFailure = by !== undefined && oldest >= 0 && !(hasHeard && by === "closing");
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
          trial?.countAnew(); // what was delivered before is no more so
          if (++this.strikes >= this.limit) this.restart();
        }
        break;
      case ALONE:
        if (by !== undefined && oldest >= 0 && trial?.isFirst) this.tried(trial, oldest, by);
        break;
      default:
        this.phase satisfies never;
    }
    if (!trial) return;
    trial.isFirst = false;
    if (!trial.isLoweringDue) return;
    this.isLowering = true;
    trial.isLoweringDue = false;
    trial.countAnew();
    this.exonerate();
  }

  /** Nothing is held back any more, nothing is suspected. */
  clear(): void {
    this.restart();
    this.refusal = undefined;
  }

  /** All go in order again, and counting begins anew. */
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

  /** All those held back from some on were acknowledged. */
  private goOn(): number {
    if (!this.isHeldLeft) {
      this.clear();
      return 0;
    }
    this.phase = OTHERS;
    if (this.trial) this.trial.restAt = -1;
    return this.heldEnd;
  }

  /** One that is held back has failed as the first on its connection, others having been delivered before. */
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

  /** How many others may go on this connection, the first of them being `from`: so that some are left for each round to come. */
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

  /** Nothing lies beyond those held back: less far, or nothing gets through, and all go in order. */
  private overshoot(): number {
    const trial = this.trial;
    if (trial && trial.step > 1) {
      trial.step = 1;
      this.heldEnd = trial.lastProbe + 1;
    } else this.restart();
    return this.heldEnd;
  }
}
