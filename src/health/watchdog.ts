/*
 * Watchdog: restarts the device when the sampling loop has not come round for several intervals.
 * It counts its own rounds since the loop was last seen, not time: a process that was stopped for an hour, or a clock that is
 * set, does not trigger it. What stops its timer as well is the hardware watchdog's business, which the SDK feeds.
 * It looks at a count that the loop keeps anyway, once a round, so that it costs a reading nothing.
 */
import type { TimerId, Timers } from "../common/timers.js";

/** What is watched, and what is done when it stands still. */
export interface WatchdogOptions {
  readonly timers: Timers;
  /**
   * A number that is another one whenever the loop has come round. A reading that failed counts, too: the loop is alive,
   * the sensor is not.
   */
  pulse(): number;
  /** Called once, after which the watchdog is at rest. `reason`: a line for the log and the next boot. */
  restart(reason: string): void;
}

/** Rounds without a sign of life. */
export const ROUNDS = 5;
/** A round is an interval, but never shorter: a sensor that is gone is opened again with a back-off of a minute. */
export const MIN_ROUND_MS = 60_000;

/** Restarts the device when `pulse()` stays the same for several rounds. */
export class Watchdog {
  private readonly options: WatchdogOptions;
  private roundMs = 0;
  private rounds = 0;
  private pulse = 0; // when it was looked at last
  private timer?: TimerId;

  /** At rest until `watch`. */
  constructor(options: WatchdogOptions) {
    this.options = options;
  }

  /** From now on the loop is expected to come round about every `intervalMs`. */
  watch(intervalMs: number): void {
    this.rest();
    this.roundMs = Math.max(intervalMs, MIN_ROUND_MS);
    this.rounds = 0;
    this.pulse = this.options.pulse();
    this.next();
  }

  /** Nothing is expected any more: sampling was stopped, or the device goes down in order. */
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
