/*
 * Which entry does the server not take? One that it refuses again and again must not stop the rest, and no entry may be lost to a
 * server, or a network, that refuses everything. Proof is that others are delivered on the connections on which this one fails.
 *
 * IN_ORDER  All entries go, oldest first. A strike: a connection that ends with this entry the oldest in flight, because the server
 *           closed it with no entry acknowledged, or answered three pings and not this entry. After some in a row it is held back.
 * PROBE     One entry alone, the first beyond those held back. It fails, too: more are held back, to a limit, until one gets
 *           through; if none does, the server takes nothing: all stay, and counting begins anew.
 * OTHERS    One got through before: whatever is not held back goes first.
 * ALONE     Then the oldest that is held back, alone. Acknowledged: it was not to blame, all go in order again. It fails: a failure,
 *           if others of its QoS were delivered on this connection. After some in a row it is a dead letter, once another one is
 *           delivered. Did only others of QoS 1 get through, QoS 2 is what the server refuses: such entries go at QoS 1 then.
 *
 * IN_ORDER knows failures, too: others that were sent after the entry are acknowledged, and it is not, for three pings.
 * Outlives connections, not a reboot. No I/O, no clock.
 */

import type { OutboundEntry, OutboundStore } from "./store.js";

/** How a server refuses: it closes the connection, or acknowledges nothing and answers pings. */
export type RefusedBy = "closing" | "silence";

/** What the server does not take. */
export interface Refusal {
  /** "all": no entry was acknowledged for several connections. "some": others are. */
  readonly scope: "all" | "some";
  readonly by: RefusedBy;
  /** The oldest entry that it does not take. */
  readonly sequence: number;
}

export const IN_ORDER = 0;
const PROBE = 1;
export const OTHERS = 2;
export const ALONE = 3;
type Phase = typeof IN_ORDER | typeof PROBE | typeof OTHERS | typeof ALONE;

/** Entries held back at most, by their numbers. */
const MAX_HELD = 128;
const MAX_OPEN = 7;

export class Suspicion {
  phase: Phase = IN_ORDER;
  /** Entries below this number are held back; 0: none. */
  heldEnd = 0;
  refusal: Refusal | undefined;
  /** QoS 2 is what the server refuses: what has it goes at QoS 1. */
  isLowering = false;
  /** The oldest of those held back, or the one that others have overtaken; -1: none. */
  accused = -1;
  accusedQos: 1 | 2 = 1;
  /** PUBREC came for it: the message is the server's already. */
  isReleased = false;
  /** Entries of QoS 2 that are held back and may be open at the server, which counts them. */
  open = 0;
  private readonly store: Pick<OutboundStore<OutboundEntry>, "seek">;
  /** Connections in a row that entry may fail. */
  private readonly limit: number;
  private failures = 0;
  /** Failures while only others of QoS 1 were delivered. */
  private failuresOfQoS2 = 0;
  private strikes = 0;
  private struck = -1;
  /** The newest entry that has failed as a probe, and how far beyond it the next one is. */
  private lastProbe = -1;
  private step = 1;
  /** Others got through while some were held back. */
  private hasHelped = false;
  /** Others that were delivered on this connection, by QoS: bits 1 and 2. */
  private delivered = 0;

  constructor(store: Pick<OutboundStore<OutboundEntry>, "seek">, limit: number) {
    this.store = store;
    this.limit = limit;
  }

  /** A connection begins. `sentEnd`: entries below may be known to the server. Returns the number from which on entries go. */
  begin(sentEnd: number): number {
    const { store, accused } = this;
    // It may have been evicted meanwhile, or dropped by the owner.
    if (accused >= 0 && store.seek(accused)?.sequence !== accused) this.clear();
    const heldEnd = this.heldEnd;
    const end = Math.min(heldEnd, sentEnd);
    this.delivered = this.open = 0;
    if (heldEnd) {
      this.phase = this.hasHelped ? OTHERS : PROBE;
      for (let entry = store.seek(0); entry && entry.sequence < end; entry = store.seek(entry.sequence + 1))
        if (entry.qos === 2) this.open++;
      // A server that closes the connection takes none of those behind: one at a time may go in any case.
      if (this.refusal?.by === "closing") this.open = Math.min(this.open, MAX_OPEN);
    }
    return heldEnd;
  }

  /** How many more than the window there may be between the oldest entry and the last one sent. */
  get held(): number {
    return this.heldEnd && this.heldEnd - this.struck;
  }

  /** Nothing is suspected: acknowledgements need not be looked at. */
  get isIdle(): boolean {
    return !this.heldEnd && this.accused < 0 && !this.refusal;
  }

  /** One entry in flight at a time. */
  get isOneByOne(): boolean {
    return this.phase === PROBE || this.phase === ALONE;
  }

  /** There is enough against the accused. */
  get isProven(): boolean {
    return this.failures >= this.limit && (this.phase !== OTHERS || this.isEvidence());
  }

  /** An entry was acknowledged; `settledQos`: 1 or 2 if it is settled with that, 0 if PUBREC came. */
  acknowledged(sequence: number, settledQos: number): void {
    if (sequence === this.accused) {
      if (settledQos) this.clear();
      else this.isReleased = true;
      return;
    }
    this.delivered |= settledQos;
    switch (this.phase) {
      case IN_ORDER:
        if (settledQos && this.accused < 0) this.clear();
        break;
      case PROBE:
        if (settledQos) this.hasHelped = true;
        break;
      case OTHERS:
      case ALONE:
        break;
      default:
        this.phase satisfies never;
    }
  }

  /** This entry is the one that others have overtaken, or the one that goes alone. */
  accuse(sequence: number, qos: 1 | 2, isReleased: boolean): void {
    if (sequence !== this.accused) this.failures = this.failuresOfQoS2 = 0;
    this.accused = sequence;
    this.accusedQos = this.isLowering && !isReleased ? 1 : qos;
    this.isReleased = isReleased;
  }

  /** Nothing but what is held back is left to send, and nothing is in flight. Returns from which number on entries go; -1: none. */
  turn(): number {
    switch (this.phase) {
      case OTHERS:
        return this.delivered ? this.goAlone() : -1;
      case PROBE:
        return this.delivered ? this.goAlone() : this.overshoot();
      case IN_ORDER:
      case ALONE:
        return -1;
      default:
        return this.phase satisfies never;
    }
  }

  /** The oldest of those held back is next, and nothing beside it. Returns its number. */
  goAlone(): number {
    const entry = this.store.seek(0);
    if (entry && entry.sequence < this.heldEnd) {
      this.accuse(entry.sequence, entry.qos, entry.released);
      this.phase = ALONE;
      return entry.sequence;
    }
    this.clear(); // evicted meanwhile
    return 0;
  }

  /** The accused is settled: it was what the server does not take. What else is held back remains so, until it goes alone. */
  convict(): void {
    const { refusal } = this;
    const next = this.store.seek(0);
    if (!refusal || !next || next.sequence >= this.heldEnd) {
      this.clear();
      return;
    }
    this.phase = OTHERS;
    this.accused = -1;
    this.failures = this.failuresOfQoS2 = 0;
    this.refusal = { ...refusal, sequence: next.sequence };
  }

  /** The accused was sent, and not acknowledged. `overtakenBy`: QoS of others that were sent after it and delivered, as bits. */
  fail(by: RefusedBy, overtakenBy = 0): void {
    this.delivered |= overtakenBy;
    if (!this.delivered) return;
    this.refusal = { scope: "some", by, sequence: this.accused };
    if (this.isEvidence()) this.failures++;
    else if (++this.failuresOfQoS2 >= this.limit && this.accusedQos === 2) {
      this.isLowering = true;
      this.failuresOfQoS2 = 0;
    }
  }

  /** A connection has ended. `by`: undefined if that says nothing about entries. `oldest`: in flight; -1: none. */
  ended(by: RefusedBy | undefined, oldest: number, hasHeard: boolean): void {
    const isFailure = by !== undefined && oldest >= 0 && !(hasHeard && by === "closing");
    switch (this.phase) {
      case IN_ORDER:
        if (isFailure) this.strike(oldest, by);
        else if (hasHeard) this.strikes = 0;
        break;
      case PROBE:
        if (isFailure) this.holdMore(oldest);
        break;
      case OTHERS:
        // What has helped before does not help any more.
        if (isFailure && !this.delivered && ++this.strikes >= this.limit) this.restart();
        break;
      case ALONE:
        if (by === "closing" && oldest === this.accused) this.fail(by);
        break;
      default:
        this.phase satisfies never;
    }
  }

  /** Nothing is held back any more, nobody accused. */
  clear(): void {
    this.restart();
    this.refusal = undefined;
  }

  /** All go in order again, and counting begins anew. */
  private restart(): void {
    this.phase = IN_ORDER;
    this.open = this.heldEnd = this.strikes = this.failures = this.failuresOfQoS2 = 0;
    this.step = 1;
    this.struck = this.accused = -1;
    this.hasHelped = false;
  }

  private strike(oldest: number, by: RefusedBy): void {
    if (this.struck !== oldest) this.strikes = 0;
    this.struck = oldest;
    if (++this.strikes < this.limit) return;
    this.strikes = 0;
    this.lastProbe = oldest;
    this.heldEnd = oldest + 1;
    if (this.refusal?.scope !== "all" || this.refusal.by !== by) this.refusal = { scope: "all", by, sequence: oldest };
  }

  private holdMore(probe: number): void {
    this.lastProbe = probe;
    this.step *= 2;
    if (probe + this.step - this.struck > MAX_HELD) this.step = 1;
    this.heldEnd = probe + this.step;
    if (this.heldEnd - this.struck > MAX_HELD) this.restart();
  }

  /** Nothing lies beyond those held back: less far, or nothing gets through, and all go in order. */
  private overshoot(): number {
    if (this.step > 1) {
      this.step = 1;
      this.heldEnd = this.lastProbe + 1;
    } else this.restart();
    return this.heldEnd;
  }

  private isEvidence(): boolean {
    return this.isReleased ? this.delivered > 0 : (this.delivered & this.accusedQos) > 0;
  }
}
