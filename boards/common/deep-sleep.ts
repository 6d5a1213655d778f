/*
 * Deep sleep of a simulated chip: RTC memory, an inaccurate slow clock, and a timer and a button that wake it. As in ESP-IDF
 * 6.0, RTC memory is kept in deep sleep only; the slow clock also runs through resets.
 */
import type { Timers } from "../../src/common/timers.js";
import type { Sleeper, SleeperConstructor, WakeCause } from "../../src/power/io.js";

const MEMORY_BYTES = 2_048;

export interface DeepSleepOptions {
  readonly timers: Timers;
  /** True time, milliseconds, monotonic. */
  uptimeMs(): number;
  /** Milliseconds that the slow clock counts in a true millisecond. Default 1. */
  readonly rate?: number;
  /** As `Sleeper.firmware`. Default: zeros, the same for every firmware. */
  readonly firmware?: Uint8Array;
  /** The firmware sleeps, for `ms` true milliseconds unless the button is pressed. It must not run meanwhile. */
  onSleep(ms: number): void;
  /** The chip restarts. */
  onWake(cause: WakeCause): void;
}

export class DeepSleep {
  /** RTC memory: kept in deep sleep; zeros after any other reset. */
  readonly memory = new Uint8Array(MEMORY_BYTES);
  firmware: Uint8Array;
  /** The io class for the firmware. */
  readonly io: SleeperConstructor;
  private readonly options: DeepSleepOptions;
  private timer: object | number | undefined;
  private cause: WakeCause = "reset";
  private _rate: number;
  // Where the slow clock was when its rate was set: it does not jump.
  private sinceMs: number;
  private slowMs = 0;

  constructor(options: DeepSleepOptions) {
    const chip = this;
    this.options = options;
    this.firmware = options.firmware ?? new Uint8Array(8);
    this._rate = options.rate ?? 1;
    this.sinceMs = options.uptimeMs();
    this.io = class implements Sleeper {
      get cause(): WakeCause {
        return chip.cause;
      }
      get firmware(): Uint8Array {
        return chip.firmware;
      }
      slowClockMs(): number {
        return chip.slowClockMs;
      }
      readMemory(buffer: Uint8Array, at = 0): void {
        requireFits(buffer, at);
        buffer.set(chip.memory.subarray(at, at + buffer.length));
      }
      writeMemory(bytes: Uint8Array, at = 0): void {
        requireFits(bytes, at);
        chip.memory.set(bytes, at);
      }
      sleep(ms: number): void {
        chip.sleep(ms);
      }
      close(): void {
        // There is nothing to release.
      }
    };
  }

  get slowClockMs(): number {
    return this.slowMs + (this.options.uptimeMs() - this.sinceMs) * this._rate;
  }

  get rate(): number {
    return this._rate;
  }

  set rate(rate: number) {
    const slowMs = this.slowClockMs;
    this.sinceMs = this.options.uptimeMs();
    this.slowMs = slowMs;
    this._rate = rate;
  }

  get isAsleep(): boolean {
    return this.timer !== undefined;
  }

  /** The button: wakes it, if it sleeps. */
  press(): void {
    if (this.isAsleep) this.wake("button");
  }

  /** A reset other than a wake: memory becomes zeros, the slow clock continues. */
  reset(): void {
    this.stopTimer();
    this.memory.fill(0);
    this.cause = "reset";
  }

  /** The power fails: the slow clock begins again at 0, too. */
  powerOff(): void {
    this.reset();
    this.sinceMs = this.options.uptimeMs();
    this.slowMs = 0;
  }

  private sleep(slowMs: number): void {
    const { timers, onSleep } = this.options;
    const ms = Math.max(1, Math.round(slowMs / this._rate));
    this.timer = timers.set(() => this.wake("timer"), ms);
    onSleep(ms);
  }

  private wake(cause: WakeCause): void {
    this.stopTimer();
    this.cause = cause;
    this.options.onWake(cause);
  }

  private stopTimer(): void {
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
  }
}

function requireFits({ length }: Uint8Array, at: number): void {
  if (at + length > MEMORY_BYTES) throw new RangeError(`${length} bytes at ${at}: at most ${MEMORY_BYTES}`);
}
