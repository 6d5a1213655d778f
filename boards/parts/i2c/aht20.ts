/*
 * A simulated AHT20, at command level: calibration bit, busy bit, 20 bits for each value, a checksum. With `checksum` "none" it is an
 * AHT10, which answers with six bytes; a seventh reads as 0xFF.
 * Uses the given clock. Source: Aosong AHT20 datasheet, version 1.1: §5.3, §5.4.
 */
import { withCRC } from "./crc8.js";
import type { I2CPart } from "./i2c-bus.js";
import { InAir, type InAirOptions } from "./in-air.js";

const STATUS = 0x71;
const INITIALISE = 0xbe;
const MEASURE = 0xac;
const SOFT_RESET = 0xba;
const MEASURE_MS = 80;
const RESET_MS = 20;
const BUSY = 0x80;
const IDLE = 0x10;
const CALIBRATED = 0x08;

export interface AHT20PartOptions extends InAirOptions {
  /** Default: sent, as by an AHT20. */
  readonly checksum?: "sent" | "none";
}

export class AHT20Part extends InAir implements I2CPart {
  /** Relative humidity, percent. */
  humidity = 50;
  /** Most chips are calibrated in the factory, and keep the bit. */
  isCalibrated = true;
  readonly #sendsChecksum: boolean;
  #result: readonly number[] = [0, 0, 0, 0, 0];
  #readyMs = 0;
  #runs = false;

  constructor({ checksum = "sent", ...air }: AHT20PartOptions) {
    super(air);
    this.#sendsChecksum = checksum === "sent";
  }

  powerOn(): void {
    this.hangs = this.#runs = false;
    this.#readyMs = 0;
    this.#result = [0, 0, 0, 0, 0];
  }

  write(bytes: Uint8Array): boolean {
    const nowMs = this.uptimeMs();
    if (bytes[0] === MEASURE) {
      this.#runs = true;
      this.#readyMs = nowMs + MEASURE_MS;
    } else if (bytes[0] === INITIALISE) this.isCalibrated = true;
    else if (bytes[0] === SOFT_RESET) this.#readyMs = nowMs + RESET_MS;
    else return bytes.length === 0 || bytes[0] === STATUS;
    return true;
  }

  read(bytes: Uint8Array): boolean {
    const isBusy = this.#runs && (this.hangs || this.uptimeMs() < this.#readyMs);
    if (this.#runs && !isBusy) {
      this.#runs = false;
      this.#result = this.isCalibrated ? this.#measured() : [0, 0, 0, 0, 0];
    }
    const status = IDLE | (isBusy ? BUSY : 0) | (this.isCalibrated ? CALIBRATED : 0);
    const answer = this.#sendsChecksum ? withCRC([status, ...this.#result]) : [status, ...this.#result, 0xff];
    bytes.set(answer.slice(0, bytes.length));
    return true;
  }

  #measured(): number[] {
    const humidity = encode(this.humidity / 100);
    const temperature = encode((this.celsius + 50) / 200);
    return [
      humidity >> 12,
      (humidity >> 4) & 0xff,
      ((humidity & 0x0f) << 4) | (temperature >> 16),
      (temperature >> 8) & 0xff,
      temperature & 0xff,
    ];
  }
}

/** A fraction of the range as 20 bits. */
function encode(fraction: number): number {
  return Math.min(Math.max(Math.round(fraction * 0x100000), 0), 0xfffff);
}
