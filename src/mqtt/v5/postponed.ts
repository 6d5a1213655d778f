/*
 * The entries that the server has answered by "later" (reasons.ts). Nothing new is sent for a second, then for twice as long each
 * time, up to a minute. Then the oldest of them is sent again, before those that were not sent yet.
 */
import type { TimerId, Timers } from "../wire/io.js";
import { NO_ENTRY } from "./answers.js";

const MIN_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;
/** How often in a row an entry is postponed before it is held back, and the others are sent. */
const MAX_TIMES = 10;

/** What the postponed entries need of their owner. */
export interface PostponedOwner {
  readonly timers: Timers;
  /** A wait has ended, and `resume` has to be called. */
  endWait(): void;
}

/** The postponed entries, oldest first. Numbers are the store's. */
export class Postponed {
  private readonly owner: PostponedOwner;
  /** The oldest; NO_ENTRY; `formerly(n)`: none, and the last one was n, on an earlier connection. */
  private first = NO_ENTRY;
  /** The oldest behind it that was postponed since the wait began. */
  private second = NO_ENTRY;
  /** How often in a row the oldest was postponed. */
  private times = 0;
  private waitMs = 0;
  private timer: TimerId;
  /** Nothing new is sent until the timer ends. */
  isWaiting = false;

  constructor(owner: PostponedOwner) {
    this.owner = owner;
  }

  /** What is to be kept over a sleep: the oldest, as a negative number, and how often in a row it was postponed. Empty: none. */
  get learned(): readonly number[] {
    const { first, times } = this;
    return first === NO_ENTRY ? [] : [Math.min(first, formerly(first)), times];
  }

  set learned([first, times]: readonly number[]) {
    this.first = first;
    this.times = times;
  }

  /** Nothing is known of any entry, and nothing waits. */
  get isIdle(): boolean {
    return this.first === NO_ENTRY && !this.isWaiting;
  }

  /** The oldest; -1: none. */
  get oldest(): number {
    return this.first < 0 ? NO_ENTRY : this.first;
  }

  /** The one that was the oldest on an earlier connection, while there is none on this one; -1: none. */
  get former(): number {
    return this.first < NO_ENTRY ? formerly(this.first) : NO_ENTRY;
  }

  /** Whether this is the oldest, and was postponed so often that it must not stop the others any longer: ten times, or `isSoon` once. */
  isOften(sequence: number, isSoon: boolean): boolean {
    return this.times >= (isSoon ? 1 : MAX_TIMES) && this.isFirst(sequence);
  }

  /** The server has postponed an entry. Several may be postponed at once: they are sent again in order. */
  add(sequence: number): void {
    const { first, second } = this;
    if (first < 0 || sequence < first) {
      this.second = Math.max(NO_ENTRY, first);
      this.first = sequence;
      if (first !== formerly(sequence)) this.times = 0;
    } else if (sequence > first && (second < 0 || sequence < second)) this.second = sequence;
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.times++;
    this.waitMs = Math.min(Math.max(2 * this.waitMs, MIN_WAIT_MS), MAX_WAIT_MS);
    this.timer = this.owner.timers.set(() => {
      this.timer = undefined;
      this.owner.endWait();
    }, this.waitMs);
  }

  /** An entry was accepted or refused. Returns whether it was the oldest; then the next one is. */
  remove(sequence: number): boolean {
    if (!this.isFirst(sequence)) return false;
    this.first = this.second;
    this.second = NO_ENTRY;
    this.times = 0;
    return true;
  }

  /** The server accepts entries again: the next wait is a short one. */
  relax(): void {
    this.waitMs = 0;
  }

  /** The former one was evicted. */
  forgetFormer(): void {
    this.first = NO_ENTRY;
  }

  /** A connection begins: everything is sent again in order. */
  begin(): void {
    if (this.first >= 0) this.first = formerly(this.first);
  }

  /** Sending goes on, with the oldest: the others follow it. Not if `isIdle`. */
  resume(): void {
    this.isWaiting = false;
    this.second = NO_ENTRY;
    this.stop();
  }

  /** The connection has ended. */
  stop(): void {
    if (this.timer === undefined) return;
    this.owner.timers.clear(this.timer);
    this.timer = undefined;
  }

  private isFirst(sequence: number): boolean {
    return sequence === this.first || this.first === formerly(sequence);
  }
}

/** No entry is postponed: for a client whose server has never done that, which is the usual one. It takes no RAM. */
export const NONE_POSTPONED: Postponed = Object.freeze(new Postponed(Object.freeze({}) as PostponedOwner)) as Postponed;

/** The value of `first` for an entry of an earlier connection, and back. */
function formerly(first: number): number {
  return -2 - first;
}
