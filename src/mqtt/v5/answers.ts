/*
 * What the server's answers say about the server itself: whether it refuses everything at the moment, or some at random. Only if it
 * does neither does a refusal say something about the entry. Numbers are the store's.
 */

/** No entry. */
export const NO_ENTRY = -1;

/** Number of entries refused in a row, and none accepted, after which nothing new is sent. */
const MAX_VAIN = 8;
/** How many numbers behind the newest accepted one may be refused before none counts. */
const MAX_ROW = 4;
/** How many numbers in a row were accepted at once by a server that is not nearly full. */
const AT_ONCE = 64;
/** How many repetitions in a row a server refuses that refuses these entries and no others. */
const MANY = 32;
/** The same for a server that accepts one of many. */
const VERY_MANY = 1_024;

/** The server's answers to all entries, those held back and the others. */
export class Answers {
  /** The newest entry that was delivered. */
  newest = NO_ENTRY;
  /** The newest entry that was not accepted at once. */
  hardest = NO_ENTRY;
  /** Number of repeated refusals since one that was held back was accepted, without those while `isOutage`. */
  streak = 0;
  /** Number of first refusals since an entry was accepted; while others are tried in turn (`Refused.probe`), of all their refusals. */
  vain = 0;

  /** Perhaps all are refused, and a refusal says nothing about one entry. */
  get isOutage(): boolean {
    return this.hardest - this.newest >= MAX_ROW;
  }

  /** Nothing is accepted at the moment, so nothing new is sent. */
  get acceptsNothing(): boolean {
    return this.vain >= MAX_VAIN;
  }

  /** It accepts the others at once, so it is not one that is nearly full. */
  get acceptsAtOnce(): boolean {
    return this.newest - this.hardest >= AT_ONCE;
  }

  /** What is held back is hardly refused at random. */
  get hasRefusedMany(): boolean {
    return this.streak >= MANY;
  }

  /** What is held back is never accepted, even if the server is nearly full. */
  get hasRefusedVeryMany(): boolean {
    return this.streak >= VERY_MANY;
  }

  /** An entry was refused. */
  refused(sequence: number): void {
    this.hardest = Math.max(this.hardest, sequence);
  }

  /** It was one that was held back before. */
  repeated(): void {
    if (!this.isOutage) this.streak++;
  }

  /** An entry was accepted. */
  delivered(sequence: number): void {
    this.newest = Math.max(this.newest, sequence);
    this.vain = 0;
  }
}
