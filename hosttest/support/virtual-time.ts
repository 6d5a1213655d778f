/*
 * Virtual time: timers and a clock that move only when a test says so.
 * Callbacks run in the order of their deadlines, ties in the order they were set; nothing reads the real clock, so a run
 * is the same every time. What a callback throws reaches the caller of `advance`, as it reaches nobody on a device.
 */

interface Pending {
  readonly id: number;
  readonly dueMs: number;
  readonly callback: () => void;
}

/** One world's time. Any number of devices may share it. */
export class VirtualTime {
  #nowMs = 0;
  #lastId = 0;
  readonly #pending: Pending[] = [];
  readonly #utcAtStartMs: number | undefined;

  /** `utcAtStartMs`: the wall clock at time 0, milliseconds since 1970; undefined: the clock is never set. */
  constructor(utcAtStartMs?: number) {
    this.#utcAtStartMs = utcAtStartMs;
  }

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** One-shot timers, shaped like Moddable's `timer` module. */
  readonly timers = {
    set: (callback: () => void, delayMs = 0): number => {
      const pending = { id: ++this.#lastId, dueMs: this.#nowMs + Math.max(0, delayMs), callback };
      let at = this.#pending.length;
      while (at > 0 && this.#pending[at - 1].dueMs > pending.dueMs) at--;
      this.#pending.splice(at, 0, pending);
      return pending.id;
    },
    clear: (id: number | object): void => {
      const at = this.#pending.findIndex((pending) => pending.id === id);
      if (at >= 0) this.#pending.splice(at, 1);
    },
  };

  /** The clock of a device that booted at time 0. */
  readonly clock = {
    uptimeMs: (): number => this.#nowMs,
    utcMs: (): number | undefined => (this.#utcAtStartMs === undefined ? undefined : this.#utcAtStartMs + this.#nowMs),
  };

  /** How many timers wait. */
  get waiting(): number {
    return this.#pending.length;
  }

  /** Runs the next callback that is due within `limitMs` from now; false when there is none. */
  step(limitMs = Number.POSITIVE_INFINITY): boolean {
    const next = this.#pending[0];
    if (next === undefined || next.dueMs > this.#nowMs + limitMs) return false;
    this.#pending.shift();
    this.#nowMs = Math.max(this.#nowMs, next.dueMs);
    next.callback();
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
}
