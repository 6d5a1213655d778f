/*
 * An entry that is held back, and when it becomes a dead letter.
 *
 * Not allowed, or postponed ten times in a row: it stays held back as long as it does not stop those behind it. It stops them if
 * it is too far behind, because a store delivers only SPAN numbers from its oldest entry on, or if too many are held back. It then
 * becomes a dead letter, but only after it was refused often enough while others were accepted. A server that refuses everything,
 * or some at random, therefore does not empty the store. A server that is nearly full accepts one of many: a postponement counts
 * only if it accepts the others at once, or has refused very many repetitions in a row.
 * Cannot: a dead letter when it is refused a second time, and others behind it were delivered in between.
 */
import { SPAN } from "../delivery/store.js";
import type { Answers } from "./answers.js";
import type { Meaning } from "./reasons.js";

/** How far others may be ahead of one that is held back. */
const MAX_LEAD = SPAN - 80;
/** How often an entry must be refused while others are accepted, before it may be a dead letter: if it can never be accepted. */
const NEVER_TIMES = 2;
/** If it is not allowed, and the server refuses what is held back again and again (`hasRefusedMany`). */
const CERTAIN_TIMES = 3;
/** If it is not allowed. */
const MIN_TIMES = 8;
/** If it is postponed again and again. */
const POSTPONED_TIMES = 12;
/** What a refusal as not allowed counts at once if others are MAX_LEAD ahead: perhaps none can be accepted in between. */
const WEAK = 0.25;
/** Added to `times` in a kept number, if `isOften`. */
const OFTEN = 64;

/** An entry that the server has refused, until it is settled. Numbers are the store's. */
export class Held {
  readonly sequence: number;
  /** The latest reason code; 0: refused before a sleep. */
  code = 0;
  /** false: it is sent again. */
  isResting = false;
  /** How often it was refused while others were accepted. */
  private times = 0;
  /** It was refused, and none behind it was accepted since. */
  private isUnproven = false;
  /** The server has said that it can never be accepted. */
  private isNever = false;
  /** It was postponed ten times in a row: further postponements are refusals, until it is not allowed. */
  isOften = false;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  /** What is to be kept over a sleep, as a number: 0 to 127. */
  get learned(): number {
    return Math.min(this.times, OFTEN - 1) + (this.isOften ? OFTEN : 0);
  }

  set learned(number: number) {
    this.isOften = number >= OFTEN;
    this.times = number % OFTEN;
  }

  /** It was refused, by a code with this meaning. */
  refuse(code: number, meaning: Meaning, answers: Answers): void {
    const isLater = meaning === "later";
    if (this.isOften && !isLater) this.times = 0; // it was never refused for good
    this.code = code;
    this.isOften = isLater;
    this.isResting = true;
    this.isNever = meaning === "cannot";
    // A server that postpones nearly everything says nothing about this entry, either.
    this.isUnproven = !isLater || answers.hasRefusedVeryMany || answers.acceptsAtOnce;
    if (!this.isUnproven) return;
    if (this.isNever && this.times > 0) this.times++;
    else if (answers.newest - this.sequence >= MAX_LEAD && !answers.isOutage) {
      this.times += isLater ? 1 : WEAK;
      this.isUnproven = !isLater;
    }
  }

  /** Another entry was accepted. */
  delivered(sequence: number): void {
    if (!this.isUnproven || this.sequence > sequence) return;
    this.isUnproven = false;
    this.times++;
  }

  /** Others were delivered behind it, and no more can be, or only a few. `isFull`: as many are held back as are remembered. */
  stopsOthers(answers: Answers, isFull: boolean): boolean {
    const lead = answers.newest - this.sequence;
    return lead >= MAX_LEAD || (lead > 0 && isFull);
  }

  /** It has to become a dead letter. */
  isDead(answers: Answers, isFull: boolean): boolean {
    return this.isResting && answers.newest > this.sequence && this.isProven(answers, isFull);
  }

  private isProven(answers: Answers, isFull: boolean): boolean {
    const { times } = this;
    if (this.isNever) return times >= NEVER_TIMES;
    if (!this.stopsOthers(answers, isFull)) return false;
    if (this.isOften) return times >= POSTPONED_TIMES;
    return times >= (answers.hasRefusedMany ? CERTAIN_TIMES : MIN_TIMES);
  }
}
