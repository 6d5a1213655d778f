/*
 * The sampler: asks the sensors at a fixed interval and passes samples on, whatever happens to a sensor. Sample n is due at
 * start + n intervals: nothing drifts, and a late wake skips missed samples instead of catching up. In a round, every sensor
 * that is due is asked for one conversion, until it has a result or has failed; the results are one sample, each channel from
 * the best sensor that has it. It never waits: one timer is set for the next call or the next round. A fault concerns only its
 * sensor (place.ts); it is counted, and reported once until it changes. No exception leaves the timer; in the steady state a
 * sample allocates nothing here.
 */
import { Sample } from "../channels/sample.js";
import type { TimerId, Timers } from "../common/timers.js";
import { Calibration, type CalibrationOptions } from "./calibration.js";
import { Deadband } from "./deadband.js";
import { asError, sameFault } from "./fault.js";
import { FAILED, type Place } from "./place.js";
import type { SensorSource } from "./probe.js";
import { Roster, type RosterOwner } from "./roster.js";

/** The object is kept, and its functions are called on it; everything else is read once. */
export interface SamplerOptions extends CalibrationOptions {
  /** Used at the start and after faults. See `SensorBus`. */
  readonly sensors: SensorSource;
  readonly timers: Timers;
  /** Milliseconds since boot; steady. */
  readonly clock: { uptimeMs(): number };
  /** Milliseconds between samples, 1 or more. */
  readonly intervalMs: number;
  /** By channel, in its unit: a sample is held back if no channel differs this much from the one last passed on. Default 0: none is. */
  deadbands?: readonly number[];
  /** Longest silence that `deadbands` may cause, in milliseconds. Default 0: any. */
  heartbeatMs?: number;
  /** A sample, calibrated and filtered, with one channel or more. The object is reused for the next one. */
  onSample(sample: Sample): void;
  /** A sensor's fault that differs from its last one, or an exception of `onSample`; the sampler continues by itself. */
  onFailure(error: Error): void;
  /** After a fault: `what` works again, for example "TMP117 at 0x48". */
  onRecovered?(what: string): void;
  /** Channels come from another sensor than before, as text. */
  onSource?(text: string): void;
  /** A round is over, with a sample or without. Must not throw. */
  onRound?(): void;
}

/** The state of a wanted sensor. */
export interface SensorStatus {
  /** Driver and, if known, address. */
  readonly where: string;
  /** Undefined while it is missing. */
  readonly opened: { readonly address: number; readonly driver: { readonly name: string } } | undefined;
  /** Channels that samples have from it, one bit each. */
  readonly gives: number;
  /** Undefined while all is well. */
  readonly lastError: Error | undefined;
}

/** The state of sampling, for `status`. */
export interface SamplerStatus {
  readonly sensors: readonly SensorStatus[];
  /** The latest sample, passed on or not, and its age. The object is reused for each sample. */
  readonly sample: Sample | undefined;
  readonly ageMs: number | undefined;
  /** Samples since boot, and how many of them the deadband held back. */
  readonly readings: number;
  readonly withheld: number;
  /** Failures of sensors and exceptions of `onSample`, since boot. */
  readonly failures: number;
  /** Why there is no sample, or why the last one was not passed on; undefined while there are samples. */
  readonly lastError: Error | undefined;
}

/** Takes a sample each interval from `start` to `close`, and passes it to `onSample`. */
export class Sampler implements RosterOwner {
  private readonly options: SamplerOptions;
  private readonly timers: Timers;
  private readonly clock: SamplerOptions["clock"];
  private readonly intervalMs: number;
  private readonly calibration: Calibration | undefined; // if anything has to be calibrated
  private readonly deadband: Deadband | undefined; // if there is one
  private readonly roster: Roster;
  private timer: TimerId | undefined;
  private running = false;
  private closed = false;

  private startMs = 0;
  private slot = 0; // the next round, counted from the start
  private waitMs = 0; // until sensors are asked again; 0: no round runs
  private extra = false; // the next or running round was requested by sampleNow

  private readonly sample = new Sample(); // the latest, passed on or not; empty before the first one
  private readMs = 0;
  private readings = 0;
  private withheld = 0;
  private failures = 0;
  private lastError: Error | undefined; // thrown by the owner at the last sample

  /** @throws RangeError for an invalid interval, offset, filter, deadband or heartbeat */
  constructor(options: SamplerOptions) {
    const { intervalMs, deadbands = [], heartbeatMs = 0 } = options;
    if (!(intervalMs >= 1)) throw new RangeError(`intervalMs ${intervalMs}: expected 1 or more`);
    this.options = options;
    this.timers = options.timers;
    this.clock = options.clock;
    this.intervalMs = intervalMs;
    const calibration = new Calibration(options);
    this.calibration = calibration.isIdle ? undefined : calibration;
    const band = new Deadband(deadbands, heartbeatMs);
    this.deadband = deadbands.every((width) => width === 0) ? undefined : band;
    this.roster = new Roster(this, options.sensors, intervalMs);
  }

  /**
   * The first sample is due at `firstMs` of uptime, or at once if that is past; the others at multiples of the interval after
   * it. Default: now.
   */
  start(firstMs = this.clock.uptimeMs()): void {
    if (this.running || this.closed) return;
    this.running = true;
    this.startMs = firstMs;
    this.slot = 0;
    this.roster.start();
    if (this.waitMs !== 0) return;
    if (this.timer !== undefined) this.disarm();
    const delayMs = Math.ceil(firstMs - this.clock.uptimeMs());
    this.timer = this.timers.set(this.wake, this.extra || delayMs < 0 ? 0 : delayMs);
  }

  /** No samples until `start()` or `sampleNow()`. A running round is aborted. */
  stop(): void {
    this.running = false;
    this.extra = false;
    this.waitMs = 0;
    this.disarm();
    this.roster.stop();
  }

  /** One sample as soon as possible, regardless of interval, deadband and back-off; also when stopped. */
  sampleNow(): void {
    if (this.closed) return;
    this.extra = true;
    if (this.waitMs === 0) this.arm();
  }

  /** For the prompt. */
  status(): SamplerStatus {
    const known = this.sample.mask !== 0;
    return {
      sensors: this.roster.places,
      sample: known ? this.sample : undefined,
      ageMs: known ? this.clock.uptimeMs() - this.readMs : undefined,
      readings: this.readings,
      withheld: this.withheld,
      failures: this.failures,
      lastError: this.lastError ?? this.roster.trouble,
    };
  }

  /** Stops for good. */
  close(): void {
    this.closed = true;
    this.stop();
  }

  private readonly wake = (): void => {
    this.timer = undefined;
    if (this.waitMs === 0) {
      if (this.running) this.takeSlot();
      if (this.roster.isIncomplete) this.roster.complete(this.slot, this.extra);
    }
    let waitMs = 0;
    let place = this.roster.first;
    while (place !== undefined) {
      if (place.result === undefined) {
        const ms = place.ask();
        if (ms > waitMs) waitMs = ms;
        else if (ms === FAILED) this.roster.fail(place, place.fault!, this.slot, this.extra);
      }
      place = place.next;
    }
    this.waitMs = waitMs;
    if (waitMs === 0) {
      this.finish();
      this.options.onRound?.();
    }
    this.arm();
  };

  /** Which round is due after this one? */
  private takeSlot(): void {
    const sinceMs = this.clock.uptimeMs() - this.startMs;
    // A timer may fire a little early: its slot still counts as used. An extra round uses only the slots that it meets.
    let slot = this.extra ? this.slot : this.slot + 1;
    if (slot * this.intervalMs <= sinceMs) slot = Math.floor(sinceMs / this.intervalMs) + 1;
    this.slot = slot;
  }

  /** Every sensor has a result or has failed: makes a sample from the results. */
  private finish(): void {
    if (this.roster.isUnassigned) this.roster.assign();
    let place = this.roster.first;
    if (place === undefined) {
      this.skip();
      return;
    }
    const sample = this.sample;
    const former = sample.mask;
    sample.mask = 0;
    while (place !== undefined) {
      if (place.givesMain) sample.set(place.main.channel, place.value, place.main.decimals);
      if (place.givesOthers) this.addOthers(place, sample);
      place.result = undefined;
      if (place.trial !== 0) this.rehabilitate(place);
      place = place.next;
    }
    if (sample.mask !== former) sample.clearOthers();
    this.calibration?.apply(sample);
    this.readMs = this.clock.uptimeMs();
    this.readings++;
    if ((this.extra || this.deadband !== undefined) && !this.passes(sample)) this.withheld++;
    else this.handOver(sample);
  }

  private addOthers(place: Place, sample: Sample): void {
    const flaw = place.fillOthers(sample);
    if (flaw !== undefined) this.report(flaw);
  }

  /** There is no sample: nothing happens until a sensor is due. */
  private skip(): void {
    this.extra = false;
    this.calibration?.interrupt();
    this.slot = Math.max(this.slot, this.roster.dueSlot);
  }

  /** Whether the deadband passes the latest sample. Its clock counts in slots, because jitter would delay a heartbeat. */
  private passes(sample: Sample): boolean {
    if (!this.extra) return this.deadband?.passes(sample, this.startMs + (this.slot - 1) * this.intervalMs) !== false;
    this.extra = false; // before the owner gets the sample, because it may request another
    this.deadband?.note(sample, this.readMs);
    return true;
  }

  /** An exception of the owner is reported like a sensor's fault, but all sensors stay open. */
  private handOver(sample: Sample): void {
    try {
      this.options.onSample(sample);
    } catch (thrown) {
      const error = asError(thrown);
      const isKnown = sameFault(this.lastError, error);
      this.failures++;
      this.lastError = error;
      if (!isKnown) this.report(error);
      return;
    }
    if (this.lastError === undefined) return;
    this.lastError = undefined;
    this.announce(() => this.options.onRecovered?.("sampling"));
  }

  // Callbacks of the roster

  onSensorFailed(error: Error, isKnown: boolean): void {
    this.failures++;
    if (!isKnown) this.report(error);
  }

  onSourcesChanged(text: string): void {
    this.calibration?.interrupt();
    this.announce(() => this.options.onSource?.(text));
  }

  private report(error: Error): void {
    this.announce(() => this.options.onFailure(error));
  }

  private announce(call: () => void): void {
    try {
      call();
    } catch {
      // An exception of the owner must not stop the samples.
    }
  }

  /** A sensor has given a sample after a failure. */
  private rehabilitate(place: Place): void {
    place.succeed();
    if (place.trial > 0 && --place.trial === 0) this.roster.isUnassigned = true;
    if (place.lastError === undefined || (place.gives === 0 && place.trial > 0)) return;
    place.lastError = undefined;
    this.announce(() => this.options.onRecovered?.(place.where));
  }

  private arm(): void {
    if (this.timer !== undefined) this.disarm();
    let delayMs = this.waitMs;
    if (delayMs === 0 && !this.extra) {
      if (!this.running) return;
      delayMs = this.untilDueMs();
    }
    this.timer = this.timers.set(this.wake, delayMs);
  }

  /** Milliseconds to the next round, an integer; slots that have passed are skipped. */
  private untilDueMs(): number {
    const sinceMs = this.clock.uptimeMs() - this.startMs;
    if (this.slot * this.intervalMs < sinceMs) this.slot = Math.ceil(sinceMs / this.intervalMs);
    return Math.ceil(this.slot * this.intervalMs - sinceMs);
  }

  private disarm(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
  }
}
