/*
 * How precisely a sample's time can be known: it is within a stretch between two synchronisations of the clock in one boot, during which
 * the slow clock ran at one rate or at several.
 */

import type { TrueClock } from "../ledger.js";

/** Times in messages are cut to a second, the line in force may be half a second off, and servers' answers are delayed. */
const BETWEEN_MS = 2_000;
/** Maximum error of a clock that is set at one end only: it drifts by up to 5 %, and may be assumed to drift by 10 %. */
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

  /** The slow clock has this rate from now on. */
  runAt(rate: number): void {
    this.minPace = Math.min(this.minPace, 1 / rate);
    this.maxPace = Math.max(this.maxPace, 1 / rate);
  }

  /** The clock is set. `sentEnd`: one above the highest number sent. */
  synchronise(utcMs: number, sentEnd: number, isRight: boolean): void {
    this.endMs = utcMs;
    this.sentEnd = sentEnd;
    this.clockRight &&= isRight;
  }

  /** The power failed in the callback that set the clock: flash may have the synchronisation or not. */
  doubt(): void {
    this.isNoted = false;
  }

  /** Whether two synchronisations date a sample: it is between them, and was not sent before the second. */
  private isBetween(sequence: number): boolean {
    return this.hasBegin && this.endMs !== undefined && this.isNoted && sequence >= this.sentEnd;
  }

  isExact(sequence: number): boolean {
    return this.isBetween(sequence) && this.minPace === this.maxPace;
  }

  /** Tolerance of the time of a sample taken at `utcMs`; negative: it must have no time. */
  toleranceMs(sequence: number, utcMs: number): number {
    const { beginMs, hasBegin, endMs, minPace, maxPace } = this;
    if (this.isBetween(sequence)) {
      return BETWEEN_MS + (((endMs as number) - beginMs) * (maxPace - minPace)) / minPace / 4;
    }
    if (hasBegin) return BEYOND_MS + (utcMs - beginMs) * BEYOND;
    return endMs === undefined ? -1 : BEYOND_MS + (endMs - utcMs) * BEYOND;
  }
}
