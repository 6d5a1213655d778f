/*
 * Timers for delays of any length, on timers that count 31 bits of milliseconds (24.8 days). A longer delay is waited for in parts.
 * Without that, the SDK's timers take it for a time in the past and fire at once (modules/base/timer/mc/timer.c: the difference to the trigger
 * time is an int32_t; modTimer.c: the delay is taken modulo 2^32), and Node's fire after 1 ms.
 */
import type { Timers } from "../../src/board.js";

/** The longest delay that the SDK and Node wait for in one part, milliseconds. */
export const MAX_DELAY_MS = 0x7fff_ffff;

/** The timers of a platform, one-shot. Clearing one that has fired must do nothing. */
export interface PlatformTimers<Id> {
  set(callback: () => void, delayMs: number): Id;
  clear(id: Id): void;
}

/** A delay longer than MAX_DELAY_MS, and its current part. */
class LongTimer<Id> {
  private readonly timers: PlatformTimers<Id>;
  private readonly callback: () => void;
  private restMs: number; // after the current part
  private part: Id;

  constructor(timers: PlatformTimers<Id>, callback: () => void, delayMs: number) {
    this.timers = timers;
    this.callback = callback;
    this.restMs = delayMs - MAX_DELAY_MS;
    this.part = timers.set(() => this.partEnded(), MAX_DELAY_MS);
  }

  clear(): void {
    this.timers.clear(this.part);
  }

  private partEnded(): void {
    if (this.restMs <= 0) {
      this.callback();
      return;
    }
    const partMs = Math.min(this.restMs, MAX_DELAY_MS);
    this.restMs -= partMs;
    this.part = this.timers.set(() => this.partEnded(), partMs);
  }
}

/** Timers without an upper limit. A delay that fits into one part uses the platform's timer, at no extra cost. */
export function splitTimers<Id extends object | number>(timers: PlatformTimers<Id>): Timers {
  return {
    set: (callback, delayMs) =>
      delayMs > MAX_DELAY_MS ? new LongTimer(timers, callback, delayMs) : timers.set(callback, delayMs),
    clear: (id) => {
      if (id instanceof LongTimer) id.clear();
      else timers.clear(id as Id);
    },
  };
}
