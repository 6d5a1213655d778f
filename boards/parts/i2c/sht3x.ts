/*
 * A simulated SHT3x, at command level: it does not acknowledge a read before the measurement is done, nor a command
 * too soon after another one; a periodic acquisition continues until the break command. Every word has a CRC.
 * Uses the given clock. Not simulated: clock stretching, alert limits, the heater's heat.
 * Source: Sensirion SHT3x-DIS datasheet, versions 5 to 7, §2.2 and §4.
 */
import { withCRC } from "./crc8.js";
import type { I2CPart } from "./i2c-bus.js";
import { InAir, type InAirOptions } from "./in-air.js";

const SINGLE_SHOT_MS: Readonly<Record<number, number>> = Object.freeze({ 9216: 15.5, 9227: 6.5, 9238: 4.5 }); // high, medium, low
const PERIODIC_FIRST = 0x2000;
const PERIODIC_LAST = 0x27ff;
const FETCH = 0xe000;
const BREAK = 0x3093;
const SOFT_RESET = 0x30a2;
const READ_STATUS = 0xf32d;
const CLEAR_STATUS = 0x3041;

const BETWEEN_COMMANDS_MS = 1;
const RESET_MS = 1.5;
const WAS_RESET = 0x0010; // status bit 4

export interface SHT3xPartOptions extends InAirOptions {
  /** Relative humidity, percent: a number, or a function that returns the present one. Default 50. */
  readonly humidity?: number | (() => number);
}

export class SHT3xPart extends InAir implements I2CPart {
  /** The status register. */
  status = WAS_RESET;
  #answer: "none" | "status" | "measurement" = "none";
  #readyMs = 0; // when the running measurement is done
  #commandMs = 0; // from when on a command is acknowledged
  #periodic = false;
  #humidity: number | (() => number);

  constructor({ humidity = 50, ...air }: SHT3xPartOptions) {
    super(air);
    this.#humidity = humidity;
  }

  /** Relative humidity, percent. */
  get humidity(): number {
    return typeof this.#humidity === "number" ? this.#humidity : this.#humidity();
  }

  set humidity(percent: number) {
    this.#humidity = percent;
  }

  powerOn(): void {
    this.hangs = false;
    this.#reset(0);
  }

  write(bytes: Uint8Array): boolean {
    const nowMs = this.uptimeMs();
    if (nowMs < this.#commandMs) return false;
    if (bytes.length < 2) return bytes.length === 0;
    this.#commandMs = nowMs + BETWEEN_COMMANDS_MS;
    return this.#obey((bytes[0] << 8) | bytes[1], nowMs);
  }

  read(bytes: Uint8Array): boolean {
    const answer = this.#answer;
    if (answer === "none") return false;
    if (answer === "measurement" && (this.hangs || this.uptimeMs() < this.#readyMs)) return false;
    this.#answer = "none";
    const temperature = encode((this.celsius + 45) / 175);
    const words = answer === "status" ? [this.status] : [temperature, encode(this.humidity / 100)];
    bytes.set(words.flatMap((word) => withCRC([word >> 8, word & 0xff])).slice(0, bytes.length));
    return true;
  }

  #obey(command: number, nowMs: number): boolean {
    if (this.#periodic && command !== BREAK && command !== FETCH && command !== READ_STATUS) return false;
    this.#answer = "none";
    if (command in SINGLE_SHOT_MS) this.#measure(nowMs + SINGLE_SHOT_MS[command]);
    else if (command >= PERIODIC_FIRST && command <= PERIODIC_LAST) this.#periodic = true;
    else if (command === FETCH && this.#periodic) this.#measure(nowMs);
    else if (command === BREAK) this.#periodic = false;
    else if (command === SOFT_RESET) this.#reset(RESET_MS);
    else if (command === READ_STATUS) this.#answer = "status";
    else if (command === CLEAR_STATUS) this.status = 0;
    else return false;
    return true;
  }

  #measure(readyMs: number): void {
    this.#answer = "measurement";
    this.#readyMs = readyMs;
  }

  #reset(durationMs: number): void {
    this.#periodic = false;
    this.#answer = "none";
    this.status = WAS_RESET;
    this.#commandMs = this.uptimeMs() + durationMs;
  }
}

/** A fraction of the range as 16 bits. */
function encode(fraction: number): number {
  return Math.min(Math.max(Math.round(fraction * 65535), 0), 65535);
}
