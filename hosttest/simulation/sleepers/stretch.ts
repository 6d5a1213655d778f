/*
 * What can be known of the time of a sample: it lies in a stretch from one synchronisation of the clock to the next, of one boot, and
 * the slow clock ran at some pace, or at several, all the while.
 */

import type { TrueClock } from "../ledger.js";

/** What is shown is cut to a second, a line in force is half a second off at most, and answers of servers take their time. */
const BETWEEN_MS = 2_000;
/** As far as a clock may go wrong that is set at one end only: it drifts by up to 5 %, and may be taken for one that drifts by 10 %. */
const BEYOND = 0.16;
const BEYOND_MS = 3_000;

export class Stretch implements TrueClock {
  /** No server gave a wrong time, at the beginning or at the end. */
  clockRight: boolean;
  private readonly beginMs: number;
  private readonly hasBegin: boolean;
  private endMs: number | undefined;
  /** Flash has the second one. */
  private isNoted = true;
  private sentEnd = 0;
  private minPace: number;
  private maxPace: number;

  /** `beginMs`: milliseconds since 1970, of a boot or a synchronisation. `rate`: milliseconds of the slow clock in a true one. */
  constructor(beginMs: number, rate: number, begins: "boot" | "synchronised", isRight = true) {
    this.beginMs = beginMs;
    this.hasBegin = begins === "synchronised";
    this.clockRight = isRight;
    this.minPace = this.maxPace = 1 / rate;
  }

  /** The slow clock runs like this from now on. */
  runAt(rate: number): void {
    this.minPace = Math.min(this.minPace, 1 / rate);
    this.maxPace = Math.max(this.maxPace, 1 / rate);
  }

  /** The clock is set. `sentEnd`: one above the highest number that has gone out. */
  synchronise(utcMs: number, sentEnd: number, isRight: boolean): void {
    this.endMs = utcMs;
    this.sentEnd = sentEnd;
    this.clockRight &&= isRight;
  }

  /** The power went in the turn in which the clock was set: flash may have it, or not. */
  doubt(): void {
    this.isNoted = false;
  }

  /** Whether two synchronisations date a sample: it lies between them, and waited for the second. */
  private isBetween(sequence: number): boolean {
    return this.hasBegin && this.endMs !== undefined && this.isNoted && sequence >= this.sentEnd;
  }

  isExact(sequence: number): boolean {
    return this.isBetween(sequence) && this.minPace === this.maxPace;
  }

  /** How far the time of a sample, taken at `utcMs`, may be off; negative: it must not have one. */
  toleranceMs(sequence: number, utcMs: number): number {
    const { beginMs, hasBegin, endMs, minPace, maxPace } = this;
    if (this.isBetween(sequence)) {
      return BETWEEN_MS + (((endMs as number) - beginMs) * (maxPace - minPace)) / minPace / 4;
    }
    if (hasBegin) return BEYOND_MS + (utcMs - beginMs) * BEYOND;
    return endMs === undefined ? -1 : BEYOND_MS + (endMs - utcMs) * BEYOND;
  }
}
