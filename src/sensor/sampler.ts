/*
 * The sampler: asks the sensor at a fixed cadence and passes readings on, whatever happens to the sensor.
 * Reading n is due at start + n intervals: nothing drifts, and a late wake skips what it missed instead of catching up.
 * Never two conversions at once, never waits: one timer, set for the next ask or the next reading. A fault closes the
 * sensor, is counted, and is told once until it changes; the sensor is opened again, at longer and longer steps.
 * Nothing is thrown out of the timer; in steady state a reading allocates nothing here.
 */

import { TEMPERATURE } from "../channels/channels.js";
import { Sample } from "../channels/sample.js";
import type { TimerId, Timers } from "../common/timers.js";
import { Calibration, type CalibrationOptions } from "./calibration.js";
import { Deadband } from "./deadband.js";
import { asError, chipAt, SensorError, sameFault } from "./fault.js";
import type { TemperatureSample } from "./io.js";
import { addOthers } from "./measured.js";
import type { OpenSensor } from "./probe.js";

/** Asks for one conversion. An SHT3x that was just opened needs five. */
const MOST_ASKS = 8;
/** A sensor that fails is tried again after 1, 2, 4, at most this many intervals… */
const LONGEST_BACKOFF_INTERVALS = 8;
/** …and not later than this, if that is at least an interval: a slow cadence has no bus time to save. */
const LONGEST_BACKOFF_MS = 30_000;

/** Kept, and its functions called on it; figures are read once. */
export interface SamplerOptions extends CalibrationOptions {
  /** Opens the sensor, now and after every fault; throws if it cannot. See `openSensor`. */
  open(): OpenSensor;
  timers: Timers;
  /** Milliseconds since boot; steady. */
  uptimeMs(): number;
  /** Milliseconds between readings, 1 or more. */
  intervalMs: number;
  /** By channel, in its unit: a sample of which no channel differs so much from the last one passed on is kept back. Default 0: none is. */
  deadbands?: readonly number[];
  /** Longest silence that `deadbands` may cause, milliseconds. Default 0: any. */
  heartbeatMs?: number;
  /** A sample, calibrated and filtered. One object, filled anew each time. */
  onSample(sample: Sample): void;
  /** A fault that is not the one before; the sampler carries on by itself. Also what `onSample` throws. */
  onFailure(error: Error): void;
  /** The first reading after a fault is there. */
  onRecovered?(): void;
}

export interface SamplerStatus {
  /** The sensor that is open. */
  readonly name: string | undefined;
  readonly address: number | undefined;
  /** The latest sample, passed on or not, and how old it is. The object is filled anew with every sample. */
  readonly sample: Sample | undefined;
  readonly ageMs: number | undefined;
  /** Samples since boot, and how many of them the deadband kept back. */
  readonly readings: number;
  readonly withheld: number;
  /** Samples that failed, or that `onSample` threw at, since boot. */
  readonly failures: number;
  /** Undefined while all is well. */
  readonly lastError: Error | undefined;
}

export class Sampler {
  private readonly options: SamplerOptions;
  private readonly intervalMs: number;
  private readonly calibration: Calibration | undefined; // if there is anything to do
  private readonly deadband: Deadband | undefined; // if there is one
  private opened: OpenSensor | undefined;
  private timer: TimerId | undefined;
  private running = false;
  private closed = false;

  private startMs = 0;
  private slot = 0; // the reading that is due next, counted from the start
  private asks = 0; // of the conversion that runs; 0: none runs
  private extra = false; // the next reading, or the one that runs, was asked for by sampleNow

  private measuresMore = true; // the sensor that is open, as far as is known
  private readonly sample = new Sample(); // the latest, passed on or not; empty before the first one
  private readMs = 0;
  private readings = 0;
  private withheld = 0;
  private failures = 0;
  private failuresInARow = 0;
  private lastError: Error | undefined;

  /** @throws RangeError for an interval, offset, filter, deadband or heartbeat that is none */
  constructor(options: SamplerOptions) {
    const { intervalMs, deadbands = [], heartbeatMs = 0 } = options;
    if (!(intervalMs >= 1)) throw new RangeError(`intervalMs ${intervalMs}: expected 1 or more`);
    this.options = options;
    this.intervalMs = intervalMs;
    const calibration = new Calibration(options);
    this.calibration = calibration.isIdle ? undefined : calibration;
    const band = new Deadband(deadbands, heartbeatMs);
    this.deadband = deadbands.every((width) => width === 0) ? undefined : band;
  }

  /** The first reading is due at once, the others at multiples of the interval from now. */
  start(): void {
    if (this.running || this.closed) return;
    this.running = true;
    this.startMs = this.options.uptimeMs();
    this.slot = 0;
    if (this.asks === 0) this.arm();
  }

  /** No readings until `start()` or `sampleNow()`. A conversion that runs is given up. */
  stop(): void {
    this.running = false;
    this.extra = false;
    this.disarm();
    this.closeSensor(); // also so that nobody collects, much later, what a conversion left behind
  }

  /** One reading as soon as possible, whatever cadence, deadband and back-off say; also when stopped. */
  sampleNow(): void {
    if (this.closed) return;
    this.extra = true;
    if (this.asks === 0) this.arm();
  }

  /** What the prompt shows. */
  status(): SamplerStatus {
    const known = this.sample.mask !== 0;
    return {
      name: this.opened?.name,
      address: this.opened?.address,
      sample: known ? this.sample : undefined,
      ageMs: known ? this.options.uptimeMs() - this.readMs : undefined,
      readings: this.readings,
      withheld: this.withheld,
      failures: this.failures,
      lastError: this.lastError,
    };
  }

  /** Stops for good. */
  close(): void {
    this.closed = true;
    this.stop();
  }

  private readonly wake = (): void => {
    this.timer = undefined;
    try {
      if (this.asks === 0) this.takeSlot();
      this.ask();
    } catch (error) {
      this.fail(asError(error));
    }
    this.arm();
  };

  /** A reading begins: which one is due after it? */
  private takeSlot(): void {
    if (!this.running) return;
    const next = Math.floor((this.options.uptimeMs() - this.startMs) / this.intervalMs) + 1;
    // A timer may fire a little early: its slot is taken all the same. An extra reading takes only what it meets.
    this.slot = Math.max(next, this.extra ? this.slot : this.slot + 1);
  }

  private ask(): void {
    if (this.opened === undefined) {
      this.opened = this.options.open();
      this.measuresMore = true;
    }
    const opened = this.opened;
    const sample = opened.sensor.sample();
    if (sample !== undefined) {
      this.asks = 0;
      this.accept(opened, sample);
    } else if (++this.asks >= MOST_ASKS) {
      const what = `has no temperature after ${this.asks} asks: take its power away for a moment`;
      throw new SensorError("notReady", chipAt(opened.name, opened.address), what);
    }
  }

  private accept(opened: OpenSensor, measured: TemperatureSample): void {
    const thermometer = measured.thermometer;
    const raw = (thermometer === undefined ? measured.temperature : thermometer.temperature) ?? Number.NaN;
    if (!(raw >= opened.lowest && raw <= opened.highest)) {
      const what = `says ${raw} °C, expected ${opened.lowest} to ${opened.highest}: check its power and its wires`;
      throw new SensorError("outOfRange", chipAt(opened.name, opened.address), what);
    }
    const sample = this.sample;
    sample.clear();
    sample.set(TEMPERATURE, raw, opened.decimals);
    if (this.measuresMore) {
      addOthers(measured, sample);
      this.measuresMore = sample.mask !== 1 << TEMPERATURE; // a thermometer is not asked for humidity again
    }
    this.calibration?.apply(sample);
    this.readMs = this.options.uptimeMs();
    this.readings++;
    this.failuresInARow = 0;
    if (!this.passes(sample)) this.withheld++;
    else if (!this.handOver(sample)) return;
    if (this.lastError === undefined) return;
    this.lastError = undefined;
    this.options.onRecovered?.();
  }

  /** Whether the deadband lets the latest sample pass. Its clock ticks in slots, or jitter would delay a heartbeat. */
  private passes(sample: Sample): boolean {
    if (!this.extra) return this.deadband === undefined || this.deadband.passes(sample, this.dueMs(this.slot - 1));
    this.extra = false;
    this.deadband?.note(sample, this.readMs);
    return true;
  }

  /** False: the owner threw. Its trouble is reported like the sensor's, but the sensor is innocent and stays open. */
  private handOver(sample: Sample): boolean {
    try {
      this.options.onSample(sample);
      return true;
    } catch (error) {
      this.report(asError(error));
      return false;
    }
  }

  private fail(error: Error): void {
    this.asks = 0;
    this.closeSensor();
    this.calibration?.interrupt();
    if (this.extra) this.extra = false;
    else this.slot += this.backoffSlots() - 1;
    this.report(error);
  }

  /** How many intervals until the sensor is tried again. */
  private backoffSlots(): number {
    const affordable = Math.min(LONGEST_BACKOFF_INTERVALS, LONGEST_BACKOFF_MS / this.intervalMs);
    return Math.max(1, Math.floor(Math.min(2 ** this.failuresInARow++, affordable)));
  }

  private report(error: Error): void {
    this.failures++;
    const known = sameFault(this.lastError, error);
    this.lastError = error;
    if (known) return;
    try {
      this.options.onFailure(error);
    } catch {
      // Who cannot even be told of a failure must not stop the readings.
    }
  }

  private arm(): void {
    this.disarm();
    if (this.asks > 0) this.wakeIn(Math.max(1, this.opened?.conversionMs ?? 1));
    else if (this.extra) this.wakeIn(0);
    else if (this.running) this.wakeIn(this.nextDueMs() - this.options.uptimeMs());
  }

  /** When the next reading is due; slots that went by meanwhile are skipped. */
  private nextDueMs(): number {
    const passed = Math.ceil((this.options.uptimeMs() - this.startMs) / this.intervalMs);
    this.slot = Math.max(this.slot, passed);
    return this.dueMs(this.slot);
  }

  private dueMs(slot: number): number {
    return this.startMs + slot * this.intervalMs;
  }

  private wakeIn(delayMs: number): void {
    this.timer = this.options.timers.set(this.wake, Math.ceil(Math.max(0, delayMs)));
  }

  private disarm(): void {
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
  }

  private closeSensor(): void {
    const opened = this.opened;
    this.opened = undefined;
    this.asks = 0;
    try {
      opened?.sensor.close();
    } catch {
      // A foreign driver may talk to its chip while it closes, and the chip may be gone.
    }
  }
}
