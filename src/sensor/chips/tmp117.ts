/*
 * TI TMP117, in the ECMA-419 Sensor Class Pattern: one-shot conversions, averaged by the chip, which sleeps in between.
 * Never waits and owns no timer: `sample()` starts a conversion and returns undefined until it is ready.
 * The chip has no checksum; instead its id is checked when it is opened, its configuration at every sample, and the
 * temperature is read twice: one flipped bit on the wire makes 149.5 of 21.5.
 * Source: TI SNOSD82D (TMP117 datasheet): §6.5 (times), §7.3 and §7.4 (functions), §7.6 (registers).
 */

import { chipAt, contradiction, hex, noAnswer, SensorError } from "../fault.js";
import { BUS_HZ, type SensorOptions, type SMBus } from "../io.js";
import { type Measure, measureOf } from "../measure.js";

// §7.6.
const TEMPERATURE = 0x00;
const CONFIGURATION = 0x01;
const DEVICE_ID = 0x0f;
const DEVICE_ID_MASK = 0x0fff; // the upper four bits count revisions
const DEVICE_ID_TMP117 = 0x0117;

// The configuration register (§7.6). Reading it clears DATA_READY, so one read must decide.
const DATA_READY = 0x2000;
const ONE_SHOT = 0x0c00; // the chip itself turns it into SHUTDOWN, which has one bit of it
const SHUTDOWN = 0x0400;
const KEPT_BITS = 0x07fc; // bits that are read back as they were written: all but the status, and the bit that ends a one-shot

const CELSIUS_PER_BIT = 0.0078125; // §7.3, table 7-1: 1/128

/** How many conversions the chip averages; 0: takes one as it is. */
export type Averaging = 0 | 8 | 32 | 64;

const AVERAGINGS: readonly Averaging[] = Object.freeze([0, 8, 32, 64] as const); // the index is the AVG code (§7.6)
const AVERAGING_SHIFT = 5;
const DEFAULT_AVERAGING: Averaging = 8; // noise of one bit (§6.5), in an eighth of a second
const MAX_CONVERSION_MS = 17.5; // §6.5, of the slowest chip

/**
 * TI TMP117: temperature, -55 to 150 °C in steps of 1/128 °C. Throws SensorError for a chip that does not answer or forgot
 * its configuration.
 */
export class TMP117 {
  /** Where the ADD0 pin can put it (§7.5.3.1.2): to ground, V+, SDA, SCL. Most modules tie it to ground. */
  static readonly addresses: readonly number[] = Object.freeze([0x48, 0x49, 0x4a, 0x4b]);
  /** Milliseconds between two calls, with the default averaging. */
  static readonly conversionMs = DEFAULT_AVERAGING * MAX_CONVERSION_MS;
  /** §6.3, §6.5; one bit is 0.0078 °C. */
  static readonly measures: readonly Measure[] = Object.freeze([
    measureOf("temperature", { accuracy: 0.1, decimals: 2, lowest: -55, highest: 150 }),
  ]);

  private io: SMBus | undefined;
  private readonly address: number;
  private readonly onError: ((error: Error) => void) | undefined;
  private readonly _sample = { temperature: 0 };
  private averaging: Averaging = DEFAULT_AVERAGING;
  private averagingBits = averagingBits(DEFAULT_AVERAGING);
  private converting = false;

  /**
   * Opens the bus and checks the chip's id.
   * @throws SensorError noAnswer or wrongChip; whatever the io class throws for its options. Nothing stays open
   */
  constructor(options: SensorOptions) {
    const { address = TMP117.addresses[0], hz = BUS_HZ } = options.sensor;
    this.address = address;
    this.onError = options.onError;
    this.io = new options.sensor.io({ ...options.sensor, hz, address });
    try {
      identify(this.io, this.where);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Milliseconds between two calls, with the current averaging. */
  get conversionMs(): number {
    return Math.ceil(Math.max(1, this.averaging) * MAX_CONVERSION_MS);
  }

  /**
   * `averaging`: for the next conversions; a running one is aborted.
   * @throws RangeError for a number other than 0, 8, 32, 64
   */
  configure(options: { readonly averaging?: Averaging }): void {
    const { averaging = this.averaging } = options;
    if (!AVERAGINGS.includes(averaging)) throw new RangeError(`averaging ${averaging}: expected 0, 8, 32 or 64`);
    this.averaging = averaging;
    this.averagingBits = averagingBits(averaging);
    this.converting = false;
  }

  /**
   * The temperature in °C; undefined while a conversion runs, which the first call starts. Returns the same object each time.
   * @throws SensorError noAnswer, lostPower or badChecksum, unless there is an `onError`
   */
  sample(): { readonly temperature: number } | undefined {
    const io = this.io;
    if (io === undefined) throw new Error(`${this.where} is closed`);
    try {
      if (this.converting) return this.collect(io);
      io.writeUint16(CONFIGURATION, ONE_SHOT | this.averagingBits, true);
      this.converting = true;
    } catch (error) {
      this.converting = false;
      // Other exceptions come from the bus.
      const fault = error instanceof SensorError ? error : noAnswer(this.where, error);
      if (this.onError === undefined) throw fault;
      this.onError(fault);
    }
    return undefined;
  }

  /** Releases the bus. The chip sleeps once its conversion is done. */
  close(): void {
    this.io?.close();
    this.io = undefined;
  }

  private get where(): string {
    return chipAt("TMP117", this.address);
  }

  private collect(io: SMBus): { readonly temperature: number } | undefined {
    const configuration = io.readUint16(CONFIGURATION, true);
    if ((configuration & DATA_READY) === 0) return undefined;
    this.converting = false;
    // After a one-shot the chip is in shutdown again. Otherwise it was reset, or is missing.
    if ((configuration & KEPT_BITS) !== (SHUTDOWN | this.averagingBits)) {
      throw new SensorError("lostPower", this.where, "lost its configuration: check its power for loose contacts");
    }
    const raw = io.readUint16(TEMPERATURE, true);
    if (io.readUint16(TEMPERATURE, true) !== raw) throw contradiction(this.where);
    // Table 7-1: two's complement, shifted up so that bit 15 becomes the sign; 0x8000 is -256 °C.
    this._sample.temperature = ((raw << 16) >> 16) * CELSIUS_PER_BIT;
    return this._sample;
  }
}

/** Whether a TMP117 answers. @throws SensorError noAnswer or wrongChip */
function identify(io: SMBus, where: string): void {
  let id: number;
  try {
    id = io.readUint16(DEVICE_ID, true) & DEVICE_ID_MASK;
  } catch (error) {
    throw noAnswer(where, error);
  }
  if (id !== DEVICE_ID_TMP117) throw wrongChip(where, id);
}

function averagingBits(averaging: Averaging): number {
  return AVERAGINGS.indexOf(averaging) << AVERAGING_SHIFT;
}

function wrongChip(where: string, id: number): SensorError {
  const what = `is no TMP117: its id is ${hex(id, 4)}, not ${hex(DEVICE_ID_TMP117, 4)}: set \`sensor\` to the chip that is there`;
  return new SensorError("wrongChip", where, what);
}
