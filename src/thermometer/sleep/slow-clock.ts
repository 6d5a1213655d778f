/*
 * The board of a thermometer that sleeps: its uptime goes on in deep sleep, by the slow clock, which is off by percent; and its timers
 * go by that, too. One clock awake and asleep: so samples keep to one grid, and what the clock is off by can be found out between two
 * times that the wall clock was set.
 */
import type { Board, TimerId, Timers } from "../../board.js";
import type { Sleeper } from "../../power/io.js";

/** So much of a delay is over at the earliest when the chip's own clock says that all of it is: the slow one is off by less. */
const SURE = 15 / 16;
/** What is due in so few milliseconds is due now. */
const NEAR_MS = 20;

/** `originMs`: the slow clock's time at uptime 0. */
export function onSlowClock(board: Board, sleeper: Sleeper, originMs: number): Board {
  const uptimeMs = (): number => Math.floor(sleeper.slowClockMs() - originMs);
  return Object.create(board, {
    clock: { value: { uptimeMs, utcMs: () => board.clock.utcMs() } satisfies Board["clock"] },
    timers: { value: new SlowTimers(board.timers, uptimeMs) },
  });
}

/** The chip's own timers, set anew until the slow clock says that it is time. */
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
  /** The chip's. */
  id: TimerId | undefined;
}
