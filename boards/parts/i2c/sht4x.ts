/*
 * A simulated SHT4x, at command level: no acknowledge while it measures or heats, checksums, and a heater, which some one-byte commands start
 * even if a second byte follows.
 * Uses the given clock. Source: Sensirion SHT4x datasheet, version 6: §3.1, §4.5.
 */
import { withCRC } from "./crc8.js";
import type { I2CPart } from "./i2c-bus.js";
import { InAir, type InAirOptions } from "./in-air.js";

const MEASURE_MS: Readonly<Record<number, number>> = { 253: 8.3, 246: 4.5, 224: 1.6 }; // high, medium, low
const HEATER_MS: Readonly<Record<number, number>> = { 57: 1_100, 50: 110, 47: 1_100, 36: 110, 30: 1_100, 21: 110 };
const READ_SERIAL = 0x89;
const SOFT_RESET = 0x94;
const RESET_MS = 1;

export interface SHT4xPartOptions extends InAirOptions {
  /** Number of reads of the serial number that are not acknowledged, before one is answered. Default 0. */
  readonly serialReads?: number;
}

export class SHT4xPart extends InAir implements I2CPart {
  /** Relative humidity, percent. */
  humidity = 50;
  /** How often the heater was started. */
  heated = 0;
  readonly #serialReads: number;
  #answer: "none" | "serial" | "measurement" = "none";
  #refused = 0; // reads since the serial number was requested
  #readyMs = 0; // when the answer is ready, and the next command is acknowledged

  constructor({ serialReads = 0, ...air }: SHT4xPartOptions) {
    super(air);
    this.#serialReads = serialReads;
  }

  powerOn(): void {
    this.hangs = false;
    this.#answer = "none";
    this.#readyMs = 0;
  }

  write(bytes: Uint8Array): boolean {
    if (this.uptimeMs() < this.#readyMs) return false;
    if (bytes.length === 0) return true;
    return this.#obey(bytes[0]) && bytes.length === 1; // only the first byte counts
  }

  read(bytes: Uint8Array): boolean {
    const answer = this.#answer;
    if (answer === "none" || this.uptimeMs() < this.#readyMs) return false;
    if (answer === "measurement" && this.hangs) return false;
    if (answer === "serial" && this.#refused++ < this.#serialReads) return false;
    this.#answer = "none";
    const words =
      answer === "serial" ? [0x0f12, 0x3456] : [encode((this.celsius + 45) / 175), encode((this.humidity + 6) / 125)];
    bytes.set(words.flatMap((word) => withCRC([word >> 8, word & 0xff])).slice(0, bytes.length));
    return true;
  }

  #obey(command: number): boolean {
    const nowMs = this.uptimeMs();
    this.#answer = "none";
    if (command in MEASURE_MS) this.#measure(nowMs + MEASURE_MS[command]);
    else if (command in HEATER_MS) {
      this.heated++;
      this.#measure(nowMs + HEATER_MS[command]);
    } else if (command === READ_SERIAL) {
      this.#answer = "serial";
      this.#refused = 0;
    } else if (command === SOFT_RESET) this.#readyMs = nowMs + RESET_MS;
    else return false;
    return true;
  }

  #measure(readyMs: number): void {
    this.#answer = "measurement";
    this.#readyMs = readyMs;
  }
}

/** A fraction of the range as 16 bits. */
function encode(fraction: number): number {
  return Math.min(Math.max(Math.round(fraction * 65535), 0), 65535);
}
