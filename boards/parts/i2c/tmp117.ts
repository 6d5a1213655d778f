/*
 * A simulated TMP117, at register level: modes, averaging times, the data-ready flag that any read clears, -256 °C until
 * the first conversion. Uses the given clock.
 * Not simulated: alerts, EEPROM, the offset register. Source: TI SNOSD82D, §7.3 to §7.6.
 */
import type { I2CPart } from "./i2c-bus.js";
import { InAir, type InAirOptions } from "./in-air.js";

const TEMPERATURE = 0x0;
const CONFIGURATION = 0x1;
const HIGH_LIMIT = 0x2;
const LOW_LIMIT = 0x3;
const DEVICE_ID = 0xf;

const DATA_READY = 0x2000;
const WRITABLE = 0x0ffc;
const SOFT_RESET = 0x0002;
const MODE = 0x0c00;
const SHUTDOWN = 0x0400;
const ONE_SHOT = 0x0c00;
const CONFIGURATION_AT_RESET = 0x0220;
const NO_CONVERSION_YET = 0x8000; // -256 °C

const AVERAGES = Object.freeze([1, 8, 32, 64]);
const CONVERSION_MS = 15.5;
const CYCLES_MS = Object.freeze([15.5, 125, 250, 500, 1_000, 4_000, 8_000, 16_000]); // by CONV: the shortest time between conversions

export interface TMP117PartOptions extends InAirOptions {
  /** Content of the id register; another value means another chip. */
  readonly id?: number;
}

export class TMP117Part extends InAir implements I2CPart {
  readonly #registers = new Uint16Array(16);
  readonly #id: number;
  #pointer = 0;
  #readyMs = Number.POSITIVE_INFINITY; // when the running conversion is done

  constructor({ id = 0x0117, ...air }: TMP117PartOptions) {
    super(air);
    this.#id = id;
    this.powerOn();
  }

  powerOn(): void {
    this.hangs = false;
    this.#registers.fill(0);
    this.#registers[TEMPERATURE] = NO_CONVERSION_YET;
    this.#registers[HIGH_LIMIT] = 0x6000;
    this.#registers[LOW_LIMIT] = 0x8000;
    this.#registers[DEVICE_ID] = this.#id;
    this.#configure(CONFIGURATION_AT_RESET);
  }

  write(bytes: Uint8Array): boolean {
    this.#convert();
    if (bytes.length > 0) this.#pointer = bytes[0] & 0xf;
    if (bytes.length >= 3) this.#writeRegister((bytes[1] << 8) | bytes[2]);
    return true;
  }

  read(bytes: Uint8Array): boolean {
    this.#convert();
    const value = this.#registers[this.#pointer];
    for (let at = 0; at < bytes.length; at++) bytes[at] = at % 2 === 0 ? value >> 8 : value & 0xff;
    if (this.#pointer <= CONFIGURATION) this.#registers[CONFIGURATION] &= ~DATA_READY;
    return true;
  }

  #writeRegister(value: number): void {
    if (this.#pointer === CONFIGURATION) {
      if (value & SOFT_RESET) this.powerOn();
      else this.#configure(value & WRITABLE);
    } else if (this.#pointer !== TEMPERATURE && this.#pointer !== DEVICE_ID) {
      this.#registers[this.#pointer] = value;
    }
  }

  #configure(value: number): void {
    this.#registers[CONFIGURATION] = value;
    const sleeps = (value & MODE) === SHUTDOWN;
    this.#readyMs = sleeps ? Number.POSITIVE_INFINITY : this.uptimeMs() + this.#conversionMs();
  }

  /** Updates the state to the present time. */
  #convert(): void {
    const nowMs = this.uptimeMs();
    if (nowMs < this.#readyMs || this.hangs) return;
    this.#registers[TEMPERATURE] = encode(this.celsius);
    this.#registers[CONFIGURATION] |= DATA_READY;
    if ((this.#registers[CONFIGURATION] & MODE) === ONE_SHOT) {
      this.#registers[CONFIGURATION] = (this.#registers[CONFIGURATION] & ~MODE) | SHUTDOWN;
      this.#readyMs = Number.POSITIVE_INFINITY;
    } else {
      this.#readyMs = nowMs + Math.max(this.#conversionMs(), CYCLES_MS[(this.#registers[CONFIGURATION] >> 7) & 7]);
    }
  }

  #conversionMs(): number {
    return CONVERSION_MS * AVERAGES[(this.#registers[CONFIGURATION] >> 5) & 3];
  }
}

/** 1/128 °C, two's complement, 16 bits. */
function encode(celsius: number): number {
  return Math.min(Math.max(Math.round(celsius * 128), -0x8000), 0x7fff) & 0xffff;
}
