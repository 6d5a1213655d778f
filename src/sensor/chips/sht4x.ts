/*
 * Sensirion SHT40, SHT41, SHT45, in the ECMA-419 Sensor Class Pattern: measurements of high precision, every word checked
 * by its CRC. Never waits and owns no timer: every sample takes two calls.
 * The chip shares its addresses with the SHT3x. Six of its one-byte commands switch a heater on; one of them, 0x24, is the
 * first byte of an SHT3x's command to measure. A probe of such an address may therefore send only what is harmless to both:
 * the command that reads the serial number. To an SHT3x, that byte is an incomplete command, which has no effect.
 * Source: Sensirion SHT4x datasheet, version 6: §3.1 (times), §4.5 (commands), §4.6 (conversion).
 */
import type { SensorOptions } from "../io.js";
import { type Measure, measureOf } from "../measure.js";
import { Chip } from "./chip.js";
import { isWordIntact } from "./crc8.js";

const MEASURE = 0xfd; // §4.5, table 8: high precision
const READ_SERIAL = 0x89;

/** Milliseconds: the longest measurement (§3.1, table 5: 8.3). */
const CONVERSION_MS = 9;
/**
 * The datasheet gives no time for the serial number. Each read that the chip does not acknowledge takes the bus a tenth of a
 * millisecond, so this is a few milliseconds, once.
 */
const MAX_SERIAL_READS = 16;

interface SHT4xSample {
  readonly thermometer: { readonly temperature: number };
  readonly hygrometer: { readonly humidity: number };
}

/** Temperature in °C and relative humidity in percent. */
export class SHT4x extends Chip<SHT4xSample> {
  /** By order code, the usual one first (§1): SHT4x-A, -B, -C. */
  static readonly addresses: readonly number[] = Object.freeze([0x44, 0x45, 0x46]);
  /** Milliseconds between two asks. */
  static readonly conversionMs = CONVERSION_MS;
  /** Accuracy of the SHT40, the least accurate of them; resolution 0.01 °C (§2.1, §2.2). */
  static readonly measures: readonly Measure[] = Object.freeze([
    measureOf("temperature", { accuracy: 0.2, decimals: 2, lowest: -40, highest: 125 }),
    measureOf("humidity", { accuracy: 1.8 }),
  ]);

  private readonly result = new Uint8Array(6);
  private readonly command = new Uint8Array(1);
  private readonly _sample = { thermometer: { temperature: 0 }, hygrometer: { humidity: 0 } };
  private isMeasuring = false;

  /**
   * Opens the bus and checks that an SHT4x answers.
   * @throws SensorError noAnswer or wrongChip; whatever the io class throws for its options. Nothing stays open
   */
  constructor(options: SensorOptions) {
    super("SHT4x", options, SHT4x.addresses[0]);
    this.orClose(() => this.identify());
  }

  protected restart(): void {
    this.isMeasuring = false;
  }

  protected advance(): SHT4xSample | undefined {
    if (this.isMeasuring) return this.collect();
    this.send(MEASURE);
    this.isMeasuring = true;
    return undefined;
  }

  private collect(): SHT4xSample | undefined {
    const result = this.result;
    if (!this.tryRead(result)) return undefined; // §4.1: no acknowledge while it measures
    this.isMeasuring = false;
    if (!this.isIntact()) throw this.badChecksum();
    this._sample.thermometer.temperature = (175 * ((result[0] << 8) | result[1])) / 65535 - 45; // §4.6
    const percent = (125 * ((result[3] << 8) | result[4])) / 65535 - 6;
    this._sample.hygrometer.humidity = Math.min(Math.max(percent, 0), 100); // §4.6: cropped
    return this._sample;
  }

  private identify(): void {
    this.send(READ_SERIAL);
    const isThere = this.readSerial();
    if (isThere && this.isIntact()) return;
    throw this.wrongChip(
      `is no SHT4x, or its wires are bad: its serial number ${isThere ? "does not fit" : "is missing"}`,
    );
  }

  private readSerial(): boolean {
    for (let read = 0; read < MAX_SERIAL_READS; read++) if (this.tryRead(this.result)) return true;
    return false;
  }

  private isIntact(): boolean {
    return isWordIntact(this.result, 0) && isWordIntact(this.result, 3);
  }

  private send(command: number): void {
    this.command[0] = command;
    this.write(this.command);
  }
}
