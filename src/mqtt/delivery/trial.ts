/*
 * What is known while entries are held back: who was tried, and what else was delivered meanwhile. Made when the first one is held
 * back, so that it takes no memory before. What it is for: suspicion.ts.
 */
import type { OutboundEntry } from "./store.js";

/** Who was tried while entries were held back. Numbers are the store's sequence numbers. */
export class Trial {
  /** The newest entry that has failed as a probe, and how far beyond it the next one is. */
  lastProbe: number;
  step = 1;
  /** Entries of QoS 2 that are held back and may be open at the server. */
  open = 0;
  /** Others got through while some were held back. */
  hasHelped = false;
  /** Others that were delivered since the last round, by QoS: bits 1 and 2. */
  delivered = 0;
  /** Those held back below this number have had their turn in this round. */
  triedEnd = 0;
  /** On this connection, no entry was sent before the one that goes alone. */
  isFirst = false;
  /** On this connection nothing goes from this number on; -1: not known yet. */
  restAt = -1;
  /** Of QoS 2 failed so many, in a row, while only others of QoS 1 were delivered. */
  failuresOfQoS2 = 0;
  /** QoS 2 is what the server refuses: at the end of this connection, so that what it knows at QoS 2 is counted before it goes at QoS 1. */
  isLoweringDue = false;
  /** PUBREC came for these, of those held back: the message is the server's already. */
  readonly releases: number[] = [];
  /** The round that waits for another one to be delivered: what `delivered` was; 0: none. */
  private pending = 0;
  /** Rounds that count, by what `delivered` was. */
  private readonly rounds = [0, 0, 0, 0];

  constructor(oldest: number) {
    this.lastProbe = oldest;
  }

  /** What outlives a connection, as numbers; not the releases, which the store has, too, or which prove less without them. */
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

  /** Another one was delivered: the round before it counts. */
  helped(settledQos: number, limit: number): void {
    const rounds = this.rounds;
    this.hasHelped = true;
    this.delivered |= settledQos;
    rounds[this.pending]++;
    this.pending = rounds[0] = 0;
    if (settledQos === 2) this.failuresOfQoS2 = 0;
    else if (this.failuresOfQoS2 >= limit) this.isLoweringDue = true;
  }

  /** One of those held back was acknowledged; `settledQos`: 0 if PUBREC came. */
  acknowledgedHeld(sequence: number, settledQos: number): void {
    if (!settledQos) {
      if (!this.releases.includes(sequence)) this.releases.push(sequence);
      return;
    }
    this.isFirst = false;
    // It had its turn before, and failed: what fails now may get through later, too.
    if (sequence >= this.triedEnd && !this.pending && !this.roundCount) return;
    const delivered = this.delivered;
    this.countAnew();
    this.delivered = delivered;
  }

  /** One of those held back has failed as the first on its connection. */
  failed(sequence: number, isRoundOver: boolean, limit: number): void {
    this.triedEnd = sequence + 1;
    if (!isRoundOver && this.failuresOfQoS2 < limit) return;
    this.pending = isRoundOver ? this.delivered : 0;
    this.delivered = this.triedEnd = 0;
  }
}
