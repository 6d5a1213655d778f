/*
 * Watchdog: restarts the device if the sampling loop has not run for several intervals. It counts its own rounds, not time, so
 * that a stopped process or a changed clock does not trigger it. A fault that also stops its timer is left to the hardware
 * watchdog, which the SDK feeds. Once a round it reads a count that the loop keeps anyway, so that readings are not slowed
 * down.
 */
import type { TimerId, Timers } from "../common/timers.js";

/** What is watched, and what is done when it stops. */
export interface WatchdogOptions {
  readonly timers: Timers;
  /** A number that changes whenever the loop has run. A failed reading counts, too: then the sensor is faulty, not the loop. */
  pulse(): number;
  /** Called once; then the watchdog is at rest. `reason`: a line for the log and the next boot. */
  restart(reason: string): void;
}

/** Rounds without a sign of life. */
export const ROUNDS = 5;
/** A round is an interval, but never shorter: a missing sensor is opened again with a back-off of up to a minute. */
export const MIN_ROUND_MS = 60_000;

/** Restarts the device when `pulse()` stays the same for several rounds. */
export class Watchdog {
  private readonly options: WatchdogOptions;
  private roundMs = 0;
  private rounds = 0;
  private pulse = 0; // at the last look
  private timer?: TimerId;

  /** At rest until `watch`. */
  constructor(options: WatchdogOptions) {
    this.options = options;
  }

  /** From now on the loop is expected to run about every `intervalMs`. */
  watch(intervalMs: number): void {
    this.rest();
    this.roundMs = Math.max(intervalMs, MIN_ROUND_MS);
    this.rounds = 0;
    this.pulse = this.options.pulse();
    this.next();
  }

  /** Nothing is expected any more: sampling was stopped, or the device ends normally. */
  rest(): void {
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
  }

  private next(): void {
    this.timer = this.options.timers.set(() => this.round(), this.roundMs);
  }

  private round(): void {
    this.timer = undefined;
    const pulse = this.options.pulse();
    this.rounds = pulse === this.pulse ? this.rounds + 1 : 0;
    this.pulse = pulse;
    if (this.rounds < ROUNDS) {
      this.next();
    } else {
      const silentS = Math.round((ROUNDS * this.roundMs) / 1_000);
      this.options.restart(`watchdog: no sampling for ${silentS} s`);
    }
  }
}
