/*
 * A place: the sampler's state for one sensor. It opens the sensor, asks it for a sample, and keeps the result until all
 * sensors have theirs. After a fault the sensor is closed, and opened again at growing intervals. A sensor that returns after a
 * fault is on trial: the one that replaced it keeps its channels until it has given several samples in a row, more of them each
 * time. A loose contact therefore does not make values jump between sensors.
 */
import { channels } from "../channels/channels.js";
import type { Sample } from "../channels/sample.js";
import { asError, chipAt, SensorError, sameFault } from "./fault.js";
import type { Sensor } from "./io.js";
import { type DriverSample, isThere, type Measure, valueIn } from "./measure.js";
import type { OpenSensor } from "./probe.js";

/** Calls per conversion. An SHT3x that was just opened needs five. */
const MAX_ASKS = 8;
/** A failed sensor is opened again after 1, 2, 4, and then each time after this many intervals… */
const MAX_BACKOFF_INTERVALS = 8;
/** …but at the latest after this time, or after one interval if that is longer: slow sampling leaves enough bus time. */
const MAX_BACKOFF_MS = 30_000;
/** Samples in a row after which a sensor is trusted again: at first, and at most. */
const MIN_TRIAL = 10;
const MAX_TRIAL = 1280;

/** Result of `ask`, if it is not a waiting time. */
export const DONE = 0;
/** What an ask returns after a fault, in place of milliseconds to wait. */
export const FAILED = -1;

/** Something that is tried again after a failure, and reported once while it fails in the same way. */
export class Retry {
  /** Not before this slot. */
  dueSlot = 0;
  /** Undefined while all is well. */
  lastError: Error | undefined;
  private failuresInARow = 0;

  /** @returns true if `error` differs from the last one and has to be reported */
  note(error: Error): boolean {
    const isKnown = sameFault(this.lastError, error);
    this.lastError = error;
    return !isKnown;
  }

  /** Waits longer each time. `nextSlot`: the earliest. */
  putOff(nextSlot: number, intervalMs: number): void {
    const affordable = Math.min(MAX_BACKOFF_INTERVALS, MAX_BACKOFF_MS / intervalMs);
    this.dueSlot = nextSlot - 1 + Math.max(1, Math.floor(Math.min(2 ** this.failuresInARow++, affordable)));
  }

  succeed(): void {
    this.failuresInARow = 0;
  }
}

/** One sensor, with its state and its back-off. Times in milliseconds. */
export class Place extends Retry {
  readonly name: string;
  /** Its only address, if that is fixed. */
  readonly address: number | undefined;
  /** Undefined while it is missing. */
  opened: OpenSensor | undefined;
  /** The next place whose sensor is open. */
  next: Place | undefined;
  /** Its result in this round; undefined: it has to be asked. */
  result: DriverSample | undefined;
  /** Channels that samples have from this sensor, one bit each. */
  gives = 0;
  /** Samples in a row until it is trusted; 0: it is. */
  trial = 0;
  /** The row of its main channel, the value in this round, and whether samples have it from this sensor. */
  main!: Measure;
  value = 0;
  givesMain = false;
  /** Whether samples have other channels from this sensor. */
  givesOthers = false;
  /** Why the last call, or opening it, failed; until the roster has handled it. */
  fault: Error | undefined;
  private sensor!: Sensor;
  private nextTrial = MIN_TRIAL;
  private conversionMs = 1;
  private asks = 0; // of the conversion that runs
  private implausible = 0; // channels, a bit each, that were reported

  constructor(name: string, address?: number) {
    super();
    this.name = name;
    this.address = address;
  }

  /** Driver and, if known, address, for messages. */
  get where(): string {
    const address = this.opened?.address ?? this.address;
    return address === undefined ? this.name : chipAt(this.opened?.driver.name ?? this.name, address);
  }

  /** Its row for a channel. */
  measureOf(channel: number): Measure | undefined {
    return this.opened?.driver.measures.find((one) => one.channel === channel);
  }

  open(opened: OpenSensor): void {
    this.opened = opened;
    this.sensor = opened.sensor;
    this.main = opened.driver.measures[0];
    this.conversionMs = Math.ceil(Math.max(1, opened.sensor.conversionMs ?? opened.driver.conversionMs));
  }

  /**
   * One step of an open sensor.
   * @returns milliseconds until the next one; DONE: `result` and `value` are set; FAILED: `fault` is
   */
  ask(): number {
    try {
      const sample = this.sensor.sample() as DriverSample | undefined;
      if (sample === undefined) {
        if (++this.asks >= MAX_ASKS) throw this.notReady();
        return this.conversionMs;
      }
      const main = this.main;
      // As valueIn, inline: a call would cost too much here.
      const value = (((sample[main.sensor] ?? sample) as DriverSample)[main.property] as number) * main.scale;
      if (!(value >= main.lowest && value <= main.highest)) throw this.outOfRange(main, value, "");
      this.value = value;
      this.asks = 0;
      this.result = sample;
      return DONE;
    } catch (error) {
      this.fault = asError(error);
      return FAILED;
    }
  }

  /** Sets the channels that samples have from it, one bit each. */
  give(channels: number): void {
    this.gives = channels;
    const bit = channels === 0 ? 0 : 1 << this.main.channel;
    this.givesMain = (channels & bit) !== 0;
    this.givesOthers = (channels & ~bit) !== 0;
  }

  /** Adds the other channels to a sample. @returns a fault if a value is invalid: its channel is left out. Reported once. */
  fillOthers(sample: Sample): SensorError | undefined {
    const result = this.result as DriverSample;
    const { measures } = (this.opened as OpenSensor).driver;
    let flaw: SensorError | undefined;
    for (let n = 1; n < measures.length; n++) {
      const one = measures[n];
      if ((this.gives & (1 << one.channel)) === 0) continue;
      const value = valueIn(result, one);
      if (value >= one.lowest && value <= one.highest) sample.set(one.channel, value, one.decimals);
      else flaw ??= this.drop(result, one, value);
    }
    return flaw;
  }

  /** Cancels the conversion and closes the sensor. */
  close(): void {
    const opened = this.opened;
    this.opened = undefined;
    this.asks = 0;
    this.give(0);
    this.result = undefined;
    try {
      opened?.sensor.close();
    } catch {
      // A driver may access its chip while it closes, and the chip may be missing.
    }
  }

  /** It failed: it will be on trial when it returns, for longer if it had been trusted again. */
  distrust(): void {
    const isRelapse = this.trial === 0;
    this.trial = isRelapse ? this.nextTrial : Math.max(MIN_TRIAL, this.nextTrial >> 1);
    if (isRelapse) this.nextTrial = Math.min(2 * this.nextTrial, MAX_TRIAL);
  }

  /** Its first sample ends a fault that was reported before it was found. */
  recoverFrom(lack: Error): void {
    this.lastError = lack;
    this.trial = 1;
  }

  /** An adapted driver may not have the channel at all. */
  private drop(result: DriverSample, one: Measure, value: number): SensorError | undefined {
    const bit = 1 << one.channel;
    if ((this.implausible & bit) !== 0 || !isThere(result, one)) return undefined;
    this.implausible |= bit;
    const { name } = channels[one.channel];
    return this.outOfRange(one, value, ` (${name} is left out)`);
  }

  private notReady(): SensorError {
    const { driver, address } = this.opened as OpenSensor;
    const { name } = channels[driver.measures[0].channel];
    const what = `has no ${name} after ${this.asks} attempts: disconnect its power for a moment`;
    return new SensorError("notReady", chipAt(driver.name, address), what);
  }

  private outOfRange({ channel, lowest, highest }: Measure, value: number, consequence: string): SensorError {
    const { driver, address } = this.opened as OpenSensor;
    const { unit } = channels[channel];
    const what = `says ${value} ${unit}, expected ${lowest} to ${highest}${consequence}: check its power and its wires`;
    return new SensorError("outOfRange", chipAt(driver.name, address), what);
  }
}
