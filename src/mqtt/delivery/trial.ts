/*
 * The state while entries are held back: which were tried, and what else was delivered meanwhile. Made when the first entry is
 * held back, so that it uses no memory before. suspicion.ts explains its purpose.
 */
import type { OutboundEntry } from "./store.js";

/** Which entries were tried while some were held back. Numbers are the store's sequence numbers. */
export class Trial {
  /** The newest entry that has failed as a probe, and the distance to the next one. */
  lastProbe: number;
  step = 1;
  /** Entries of QoS 2 that are held back and may be open at the server. */
  open = 0;
  /** Others were delivered while some were held back. */
  hasHelped = false;
  /** QoS of others that were delivered since the last round: bits 1 and 2. */
  delivered = 0;
  /** Entries held back below this number have had their turn in this round. */
  triedEnd = 0;
  /** On this connection, no entry was sent before the one that is sent alone. */
  isFirst = false;
  /** On this connection nothing is sent from this number on; -1: not known yet. */
  restAt = -1;
  /** Failures of QoS 2 in a row while only others of QoS 1 were delivered. */
  failuresOfQoS2 = 0;
  /**
   * The server refuses QoS 2. This takes effect at the end of the connection, so that entries that it has at QoS 2 are counted
   * before they are sent at QoS 1.
   */
  isLoweringDue = false;
  /** Entries held back that got PUBREC: the server already has these messages. */
  readonly releases: number[] = [];
  /** The round that waits until another entry is delivered: the value of `delivered`; 0: none. */
  private pending = 0;
  /** Number of rounds that count, by their value of `delivered`. */
  private readonly rounds = [0, 0, 0, 0];

  constructor(oldest: number) {
    this.lastProbe = oldest;
  }

  /**
   * The state that survives a connection, as numbers, without the releases: the store has most of them, and the rest only
   * weaken the proof.
   */
  get learned(): readonly number[] {
    const { lastProbe, step, hasHelped, delivered, triedEnd, failuresOfQoS2, isLoweringDue, pending, rounds } = this;
    const counts = [lastProbe, step, +hasHelped, delivered, triedEnd, failuresOfQoS2, +isLoweringDue, pending];
    return counts.concat(rounds);
  }

  set learned(numbers: readonly number[]) {
    this.lastProbe = numbers[0];
    this.step = numbers[1];
    this.hasHelped = numbers[2] > 0;
    this.delivered = numbers[3];
    this.triedEnd = numbers[4];
    this.failuresOfQoS2 = numbers[5];
    this.isLoweringDue = numbers[6] > 0;
    this.pending = numbers[7];
    this.rounds.forEach((_, index) => {
      this.rounds[index] = numbers[8 + index];
    });
  }

  get roundCount(): number {
    const rounds = this.rounds;
    return rounds[1] + rounds[2] + rounds[3];
  }

  /** Rounds that count against this entry: others of its QoS were delivered. */
  roundsAgainst({ sequence, qos, released }: OutboundEntry, isLowering: boolean): number {
    const { rounds, roundCount } = this;
    if (released || this.releases.includes(sequence)) return roundCount;
    return roundCount - rounds[qos === 2 && !isLowering ? 1 : 2];
  }

  countAnew(): void {
    this.delivered = this.triedEnd = this.pending = this.failuresOfQoS2 = 0;
    this.rounds.fill(0);
  }

  /** Another entry was delivered: the round before it counts. */
  helped(settledQos: number, limit: number): void {
    const rounds = this.rounds;
    this.hasHelped = true;
    this.delivered |= settledQos;
    rounds[this.pending]++;
    this.pending = rounds[0] = 0;
    if (settledQos === 2) this.failuresOfQoS2 = 0;
    else if (this.failuresOfQoS2 >= limit) this.isLoweringDue = true;
  }

  /** An entry held back was acknowledged; `settledQos`: 0 for PUBREC. */
  acknowledgedHeld(sequence: number, settledQos: number): void {
    if (!settledQos) {
      if (!this.releases.includes(sequence)) this.releases.push(sequence);
      return;
    }
    this.isFirst = false;
    // It had failed in its turn before: entries that fail now may be delivered later, too.
    if (sequence >= this.triedEnd && !this.pending && !this.roundCount) return;
    const delivered = this.delivered;
    this.countAnew();
    this.delivered = delivered;
  }

  /** An entry held back has failed as the first on its connection. */
  failed(sequence: number, isRoundOver: boolean, limit: number): void {
    this.triedEnd = sequence + 1;
    if (!isRoundOver && this.failuresOfQoS2 < limit) return;
    this.pending = isRoundOver ? this.delivered : 0;
    this.delivered = this.triedEnd = 0;
  }
}
