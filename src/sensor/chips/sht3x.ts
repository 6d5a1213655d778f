/*
 * Sensirion SHT30, SHT31, SHT35, in the ECMA-419 Sensor Class Pattern: single shots of high repeatability, without clock
 * stretching, every word checked by its CRC.
 * Never waits and owns no timer: `sample()` takes one step and returns undefined until there is a result. The chip needs a
 * millisecond after each command, and at first it is brought to a known state. The first result therefore takes five calls,
 * every other result two.
 * The chip has no id register. What identifies it is its status: the command, the zeros and the CRC must all fit. (Its
 * serial number would do too, but is not in the datasheet, and not every chip answers.)
 * Source: Sensirion SHT3x-DIS datasheet, versions 5 to 7: §2.2 (times), §4 (commands).
 */

import type { SensorOptions } from "../io.js";
import { type Measure, measureOf } from "../measure.js";
import { Chip } from "./chip.js";
import { isWordIntact } from "./crc8.js";

const MEASURE = 0x2400; // §4.3, table 9: high repeatability, no clock stretching
const BREAK = 0x3093; // §4.8: ends a periodic acquisition that earlier firmware may have left running
const SOFT_RESET = 0x30a2; // §4.9: heater off, calibration reloaded
const READ_STATUS = 0xf32d; // §4.11

const STATUS_ALWAYS_ZERO = 0x500c; // §4.11, table 18: reserved bits 14, 12, 3, 2

/** Milliseconds: the longest measurement (§2.2, table 4: 15.5), which outlasts a break (1) and a reset (1.5). */
const CONVERSION_MS = 16;

/** The next step of `sample()`. Numbers, because XS copies a string at each use. */
const STEP = Object.freeze({ settle: 0, break: 1, reset: 2, measure: 3, collect: 4 } as const);
type Step = (typeof STEP)[keyof typeof STEP];

interface SHT3xSample {
  readonly thermometer: { readonly temperature: number };
  readonly hygrometer: { readonly humidity: number };
}

/** Temperature in °C and relative humidity in percent. */
export class SHT3x extends Chip<SHT3xSample> {
  /** Where the ADDR pin can put it (§3.4): low, high. */
  static readonly addresses: readonly number[] = Object.freeze([0x44, 0x45]);
  /** Milliseconds between two asks. */
  static readonly conversionMs = CONVERSION_MS;
  /** Accuracy of the SHT30, the least accurate of them; typical resolution 0.01 °C (§1, tables 1 and 2). */
  static readonly measures: readonly Measure[] = Object.freeze([
    measureOf("temperature", { accuracy: 0.2, decimals: 2, lowest: -40, highest: 125 }),
    measureOf("humidity", { accuracy: 2 }),
  ]);

  private readonly result = new Uint8Array(6);
  private readonly command = this.result.subarray(0, 2); // never needed at the same time
  private readonly _sample = { thermometer: { temperature: 0 }, hygrometer: { humidity: 0 } };
  private step: Step = STEP.settle;

  /**
   * Opens the bus and checks that an SHT3x answers.
   * @throws SensorError noAnswer or wrongChip; whatever the io class throws for its options. Nothing stays open
   */
  constructor(options: SensorOptions) {
    super("SHT3x", options, SHT3x.addresses[0]);
    this.orClose(() => this.identify());
  }

  protected restart(): void {
    this.step = STEP.measure;
  }

  protected advance(): SHT3xSample | undefined {
    switch (this.step) {
      case STEP.settle: // the constructor has only just sent a command
        this.step = STEP.break;
        return undefined;
      case STEP.break:
        this.send(BREAK);
        this.step = STEP.reset;
        return undefined;
      case STEP.reset:
        this.send(SOFT_RESET);
        this.step = STEP.measure;
        return undefined;
      case STEP.measure:
        this.send(MEASURE);
        this.step = STEP.collect;
        return undefined;
      case STEP.collect:
        return this.collect();
      default:
        throw new TypeError(`step ${this.step satisfies never}`);
    }
  }

  private collect(): SHT3xSample | undefined {
    const result = this.result;
    if (!this.tryRead(result)) return undefined; // §4.4: no acknowledge while it measures
    if (!isWordIntact(result, 0) || !isWordIntact(result, 3)) throw this.badChecksum();
    this.step = STEP.measure;
    this._sample.thermometer.temperature = (175 * ((result[0] << 8) | result[1])) / 65535 - 45; // §4.13
    this._sample.hygrometer.humidity = (100 * ((result[3] << 8) | result[4])) / 65535;
    return this._sample;
  }

  // An SHT4x, which may have this address, does not know the status command; MEASURE would start its heater.
  private identify(): void {
    this.send(READ_STATUS);
    const status = this.result.subarray(0, 3);
    this.read(status);
    const reserved = ((status[0] << 8) | status[1]) & STATUS_ALWAYS_ZERO;
    if (isWordIntact(status, 0) && reserved === 0) return;
    throw this.wrongChip("is no SHT3x, or its wires are bad: its status does not fit");
  }

  private send(command: number): void {
    this.command[0] = command >> 8;
    this.command[1] = command & 0xff;
    this.write(this.command);
  }
}
