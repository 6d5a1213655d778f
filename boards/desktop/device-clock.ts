/*
 * The desktop device's clock. Node's monotonic clock stops on Linux while the computer is suspended, and the wall clock may
 * be set at any time: by a person, or by NTP some seconds after the start. Both show as a step of the wall clock against the
 * monotonic one. The time since the computer was booted distinguishes them: it includes suspends, and no setting changes it. A suspend counts
 * as time of the device; a clock that was set is reported, as after NTP on a chip.
 */
import { uptime } from "node:os";
import { EARLIEST_MS } from "../../src/network/time-sync.js";

/** A smaller step of the wall clock does not matter: readings mostly show whole seconds. */
const MIN_STEP_MS = 1_000;

/** All in milliseconds. */
export interface TimeSources {
  /** Never steps; may stop during a suspend. */
  monotonicMs(): number;
  /** Since 1970. */
  utcMs(): number;
  /** Since the computer was booted, suspends included. Perhaps to the second only. */
  sinceBootMs(): number;
}

/** The computer's own. */
export const computersTime: TimeSources = {
  monotonicMs: () => performance.now(),
  utcMs: () => Date.now(),
  sinceBootMs: () => uptime() * 1_000,
};

export class DeviceClock {
  readonly #sources: TimeSources;
  #suspendedMs = 0; // suspends that the monotonic clock has missed
  #wallMs: number; // the wall clock at uptime 0, as it was set last
  readonly #bootMs: number; // the time since the computer's boot when the monotonic clock was 0

  constructor(sources: TimeSources = computersTime) {
    this.#sources = sources;
    this.#wallMs = sources.utcMs() - sources.monotonicMs();
    this.#bootMs = sources.sinceBootMs() - sources.monotonicMs();
  }

  /** Uptime in whole milliseconds, suspends included. */
  uptimeMs(): number {
    this.#countSuspend();
    return Math.floor(this.#sources.monotonicMs() + this.#suspendedMs);
  }

  /** Milliseconds since 1970; undefined while the computer does not know the time: without a battery its clock starts at 1970. */
  utcMs(): number | undefined {
    const utcMs = this.#sources.utcMs();
    return utcMs >= EARLIEST_MS ? utcMs : undefined;
  }

  /** Whether the wall clock was set since the last call, by a second or more. */
  noticesStep(): boolean {
    this.#countSuspend();
    const wallMs = this.#sources.utcMs() - this.#sources.monotonicMs() - this.#suspendedMs;
    if (Math.abs(wallMs - this.#wallMs) < MIN_STEP_MS) return false;
    this.#wallMs = wallMs;
    return true;
  }

  /** If the wall clock has not stepped, there was no suspend: this saves a call of the system. */
  #countSuspend(): void {
    const monotonicMs = this.#sources.monotonicMs();
    const stepMs = this.#sources.utcMs() - monotonicMs - this.#suspendedMs - this.#wallMs;
    if (Math.abs(stepMs) < MIN_STEP_MS) return;
    const newMs = this.#sources.sinceBootMs() - monotonicMs - this.#bootMs - this.#suspendedMs;
    if (newMs < MIN_STEP_MS) return;
    // To the millisecond, by the wall clock, unless that was set, too.
    this.#suspendedMs += Math.abs(stepMs - newMs) < MIN_STEP_MS ? stepMs : newMs;
  }
}
