/*
 * Virtual time: timers and a clock that move only when a test says so.
 * Callbacks run in the order of their deadlines, ties in the order they were set; nothing reads the real clock, so a run
 * is the same every time. Exceptions of a callback reach the caller of `advance`, unlike on a device.
 * A binary heap, so that ten thousand devices cost little more than ten.
 */

interface Pending {
  readonly id: number;
  readonly dueMs: number;
  /** Undefined: cleared; stays in the heap until its time comes. */
  callback: (() => void) | undefined;
}

/** The time of one simulation. Any number of devices may share it. */
export class VirtualTime {
  #nowMs = 0;
  #lastId = 0;
  #waiting = 0;
  #turns = 0;
  readonly #heap: Pending[] = [];
  readonly #utcAtStartMs: number | undefined;

  /** `utcAtStartMs`: the wall clock at time 0, milliseconds since 1970; undefined: the clock is never set. */
  constructor(utcAtStartMs?: number) {
    this.#utcAtStartMs = utcAtStartMs;
  }

  /** Milliseconds since the start of the simulation. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** One-shot timers, shaped like Moddable's `timer` module. */
  readonly timers = {
    set: (callback: () => void, delayMs = 0): object => {
      const pending: Pending = { id: ++this.#lastId, dueMs: this.#nowMs + Math.max(0, delayMs), callback };
      this.#waiting++;
      this.#push(pending);
      return pending;
    },
    clear: (id: number | object): void => {
      const pending = id as Pending;
      if (pending.callback === undefined) return;
      pending.callback = undefined;
      this.#waiting--;
    },
  };

  /** The clock of a device that booted at time 0. */
  readonly clock = {
    uptimeMs: (): number => this.#nowMs,
    utcMs: (): number | undefined => (this.#utcAtStartMs === undefined ? undefined : this.#utcAtStartMs + this.#nowMs),
  };

  /** How many timers wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How many callbacks have begun: the same number means the same callback. */
  get turns(): number {
    return this.#turns;
  }

  /** Runs the next callback that is due within `limitMs` from now; false when there is none. */
  step(limitMs = Number.POSITIVE_INFINITY): boolean {
    while (this.#heap.length > 0 && this.#heap[0].callback === undefined) this.#pop();
    const next = this.#heap[0];
    if (next === undefined || next.dueMs > this.#nowMs + limitMs) return false;
    this.#pop();
    const { callback } = next;
    next.callback = undefined;
    this.#waiting--;
    this.#nowMs = Math.max(this.#nowMs, next.dueMs);
    this.#turns++;
    callback?.();
    return true;
  }

  /** Lets `ms` milliseconds pass. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    while (this.step(endMs - this.#nowMs));
    this.#nowMs = endMs;
  }

  /** Runs until `done()`; throws when `limitMs` pass first. */
  runUntil(done: () => boolean, limitMs: number): void {
    const endMs = this.#nowMs + limitMs;
    while (!done()) {
      if (!this.step(endMs - this.#nowMs)) throw new Error(`not reached within ${limitMs} ms of virtual time`);
    }
  }

  #push(pending: Pending): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(pending, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = pending;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Pending;
    const { length } = heap;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.id < b.id);
}
