/*
 * Aosong AHT20 (also AHT21, AHT25 and the temperature half of DHT20), in the ECMA-419 Sensor Class Pattern: single
 * measurements, every answer checked by its CRC. Never waits and owns no timer: a sample takes two calls; the first one takes
 * three if the chip has to be initialised.
 * The chip has no id register: what identifies it is the CRC, which the older AHT10 at the same address does not send.
 * Source: Aosong AHT20 datasheet, version 1.1: §5.3 (commands), §5.4 (procedure), §6 (conversion).
 */
import type { SensorOptions } from "../io.js";
import { type Measure, measureOf } from "../measure.js";
import { Chip } from "./chip.js";
import { crc8 } from "./crc8.js";

const READ_STATUS = 0x71; // §5.4.1
const INITIALISE = Object.freeze([0xbe, 0x08, 0x00]); // §5.3, table 9
const MEASURE = Object.freeze([0xac, 0x33, 0x00]); // §5.3, table 9

// The status byte (§5.3, table 10).
const BUSY = 0x80;
const CALIBRATED = 0x08;

/** Milliseconds: a measurement takes 80 (§5.4.3), an initialisation 10 (§5.4.2). */
const CONVERSION_MS = 85;

const STEP = Object.freeze({ initialise: 0, measure: 1, collect: 2 } as const);
type Step = (typeof STEP)[keyof typeof STEP];

interface AHT20Sample {
  readonly thermometer: { readonly temperature: number };
  readonly hygrometer: { readonly humidity: number };
}

/** Temperature in °C and relative humidity in percent. */
export class AHT20 extends Chip<AHT20Sample> {
  /** The only one (§5.2). */
  static readonly addresses: readonly number[] = Object.freeze([0x38]);
  /** Milliseconds between two calls. */
  static readonly conversionMs = CONVERSION_MS;
  /** Resolution 0.01 °C (§2, tables 1 and 2). */
  static readonly measures: readonly Measure[] = Object.freeze([
    measureOf("temperature", { accuracy: 0.3, decimals: 2, lowest: -40, highest: 85 }),
    measureOf("humidity", { accuracy: 2 }),
  ]);

  private readonly result = new Uint8Array(7);
  private readonly command = this.result.subarray(0, 3); // never needed at the same time
  private readonly _sample = { thermometer: { temperature: 0 }, hygrometer: { humidity: 0 } };
  private step: Step = STEP.measure;
  private hasMeasured = false;

  /**
   * Opens the bus and asks for the chip's status. Whether it is an AHT20 shows with the first sample.
   * @throws SensorError noAnswer; whatever the io class throws for its options. Nothing stays open
   */
  constructor(options: SensorOptions) {
    super("AHT20", options, AHT20.addresses[0]);
    this.orClose(() => this.readStatus());
  }

  protected restart(): void {
    this.step = STEP.measure;
  }

  protected advance(): AHT20Sample | undefined {
    switch (this.step) {
      case STEP.initialise:
        this.send(INITIALISE);
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

  private collect(): AHT20Sample | undefined {
    const result = this.result;
    this.read(result);
    if (result[0] & BUSY) return undefined; // and the rest is not valid yet
    if (crc8(result, 0, 6) !== result[6]) {
      if (this.hasMeasured) throw this.badChecksum();
      throw this.wrongChip("is no AHT20, or its wires are bad: it sends no checksum that fits (an AHT10 sends none)");
    }
    this.step = STEP.measure;
    this.hasMeasured = true;
    // §6: 20 bits each. Humidity comes first.
    this._sample.hygrometer.humidity = (100 * ((result[1] << 12) | (result[2] << 4) | (result[3] >> 4))) / 0x100000;
    this._sample.thermometer.temperature =
      (200 * (((result[3] & 0x0f) << 16) | (result[4] << 8) | result[5])) / 0x100000 - 50;
    return this._sample;
  }

  private readStatus(): void {
    const status = this.result.subarray(0, 1);
    status[0] = READ_STATUS;
    this.write(status);
    this.read(status);
    if ((status[0] & CALIBRATED) === 0) this.step = STEP.initialise;
  }

  private send(command: readonly number[]): void {
    this.command.set(command);
    this.write(this.command);
  }
}
