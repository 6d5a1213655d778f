/*
 * The board of a thermometer that sleeps. Its uptime continues in deep sleep, by the slow clock, which is inaccurate by
 * percents; its timers use that clock, too. With one clock for both states, samples keep their regular times, and the clock's
 * error can be measured between two settings of the wall clock.
 */
import type { Board, TimerId, Timers } from "../../board.js";
import type { Sleeper } from "../../power/io.js";

/** The chip's timers are set to this share of a delay: even if the slow clock runs 1/15 faster, they are not late. */
const SURE = 15 / 16;
/** A callback that is due within this time, in milliseconds, is called now. */
const NEAR_MS = 20;

/** `originMs`: the slow clock's time at uptime 0. */
export function onSlowClock(board: Board, sleeper: Sleeper, originMs: number): Board {
  const uptimeMs = (): number => Math.floor(sleeper.slowClockMs() - originMs);
  return Object.create(board, {
    clock: { value: { uptimeMs, utcMs: () => board.clock.utcMs() } satisfies Board["clock"] },
    timers: { value: new SlowTimers(board.timers, uptimeMs) },
  });
}

/** The chip's own timers, set again until the slow clock has reached the time. */
class SlowTimers implements Timers {
  private readonly timers: Timers;
  private readonly uptimeMs: () => number;

  constructor(timers: Timers, uptimeMs: () => number) {
    this.timers = timers;
    this.uptimeMs = uptimeMs;
  }

  set(callback: () => void, delayMs: number): TimerId {
    const wait: Wait = { dueMs: this.uptimeMs() + delayMs, id: undefined };
    const step = (): void => {
      const restMs = wait.dueMs - this.uptimeMs();
      if (restMs <= NEAR_MS) callback();
      else wait.id = this.timers.set(step, restMs * SURE);
    };
    wait.id = this.timers.set(step, delayMs > NEAR_MS ? delayMs * SURE : delayMs);
    return wait;
  }

  clear(id: TimerId): void {
    this.timers.clear((id as Wait).id as TimerId);
  }
}

interface Wait {
  readonly dueMs: number;
  /** Of the chip's timer. */
  id: TimerId | undefined;
}
