/*
 * What is known about the entries at the head of the queue: where it begins, and which entries behind that are settled or
 * released. It is a ring of bits for the WINDOW numbers from `tail` on. That is enough for any backlog, because the outbox
 * delivers no entry beyond them. Unit mode has no other state; in byte mode it saves reading state bytes. Pure: no I/O, no
 * allocation after construction.
 */
import type { Words } from "../flash/layout.js";

/** Entries are delivered up to this far beyond the oldest that is not settled. */
export const WINDOW = 256;
const WORDS = WINDOW >> 5;
/** Where the two rings of bits begin in the words. */
export const SETTLED_AT = 0;
const RELEASED_AT = WORDS;

/** Which entries from `tail` on are settled or released. Numbers are sequence numbers. */
export class Marks {
  /** Every lower number is settled, or has no entry. */
  tail = 0;
  /** In byte mode: the `released` bits in the state byte of entries below it are void. */
  voidBelow = 0;
  /** One above the highest marked number. */
  private _top = 0;
  /** One array: fewer objects. */
  private readonly bits: Words = new Int32Array(2 * WORDS);

  inWindow(number: number): boolean {
    return number >= this.tail && number < this.tail + WINDOW;
  }

  isSettled(number: number): boolean {
    return number < this.tail || (number < this._top && has(this.bits, number, SETTLED_AT));
  }

  isReleased(number: number): boolean {
    return number >= this.tail && number < this._top && has(this.bits, number, RELEASED_AT);
  }

  /** One above the highest marked number, or `tail`. */
  get top(): number {
    return Math.max(this._top, this.tail);
  }

  /** Marks `number`, which must be in the window; moves `tail` past settled entries. */
  settle(number: number): void {
    if (number === this.tail && number + 1 >= this._top) {
      if (number < this._top) clear(this.bits, number, RELEASED_AT);
      this.tail = number + 1;
      return;
    }
    set(this.bits, number, SETTLED_AT);
    this._top = Math.max(this._top, number + 1);
    while (this.tail < this._top && has(this.bits, this.tail, SETTLED_AT)) this.step();
  }

  release(number: number): void {
    set(this.bits, number, RELEASED_AT);
    this._top = Math.max(this._top, number + 1);
  }

  /** No entry is released any more. */
  requeue(next: number): void {
    this.bits.fill(0, RELEASED_AT);
    this.voidBelow = next;
  }

  /** No entry below `number` has to be settled. */
  advance(number: number): void {
    while (this.tail < number && this.tail < this._top) this.step();
    if (this.tail < number) this.tail = number;
    while (this.tail < this._top && has(this.bits, this.tail, SETTLED_AT)) this.step();
  }

  /** Settled entries behind the tail. */
  get settledCount(): number {
    let count = 0;
    if (this._top > this.tail) {
      for (let i = 0; i < WORDS; i++) for (let word = this.bits[SETTLED_AT + i]; word !== 0; word &= word - 1) count++;
    }
    return count;
  }

  /** A copy of the settled bits of the window, for `has`. */
  settledBits(): Words {
    return this.bits.slice(SETTLED_AT, SETTLED_AT + WORDS);
  }

  /** Words that `store` needs: 0 if no entry from `tail` on is marked. */
  get storedWords(): number {
    if (this._top <= this.tail) return 0;
    const first = Math.floor(this.tail / 32);
    const count = Math.min(Math.floor((this._top - 1) / 32) - first + 1, WORDS);
    for (let i = 0; i < count; i++) {
      const at = (first + i) % WORDS;
      if ((this.bits[at] | this.bits[RELEASED_AT + at]) !== 0) return 2 * count;
    }
    return 0;
  }

  /** Writes the marks to `words` from `at` on, `storedWords` words: settled, then released. */
  store(words: Words, at: number): void {
    const count = this.storedWords >> 1;
    const first = Math.floor(this.tail / 32);
    for (let i = 0; i < count; i++) {
      words[at + i] = this.bits[(first + i) % WORDS];
      words[at + count + i] = this.bits[RELEASED_AT + ((first + i) % WORDS)];
    }
  }

  /** Reads `count` words that `store` wrote when `tail` had its present value. */
  restore(words: Words, at: number, count: number): void {
    const half = Math.min(count >> 1, WORDS);
    const first = Math.floor(this.tail / 32);
    for (let i = 0; i < half; i++) {
      this.bits[(first + i) % WORDS] = words[at + i];
      this.bits[RELEASED_AT + ((first + i) % WORDS)] = words[at + half + i];
    }
    this._top = half === WORDS ? this.tail + WINDOW : (first + half) * 32;
  }

  private step(): void {
    clear(this.bits, this.tail, SETTLED_AT);
    clear(this.bits, this.tail, RELEASED_AT);
    this.tail++;
  }
}

/** Whether the bit of `number` is set. `base`: SETTLED_AT, or the beginning of another ring. */
export function has(words: Words, number: number, base: number): boolean {
  return (words[base + ((number >>> 5) & (WORDS - 1))] & (1 << (number & 31))) !== 0;
}

function set(words: Words, number: number, base: number): void {
  words[base + ((number >>> 5) & (WORDS - 1))] |= 1 << (number & 31);
}

function clear(words: Words, number: number, base: number): void {
  words[base + ((number >>> 5) & (WORDS - 1))] &= ~(1 << (number & 31));
}
