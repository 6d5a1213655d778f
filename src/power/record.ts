/*
 * The wake record: what a sleeper knows when it wakes, without settings, mount or network. It lies in RTC memory, which noise,
 * another firmware or an older format may have filled: its check, its version and its firmware's id decide, and then it is taken whole
 * or not at all. Lost, it costs a full start and nothing else: flash alone says what was measured.
 * One object over the bytes as they lie there: a wake changes five numbers of them.
 *
 * Little-endian words of 32 bits:
 *   0        "HTW" and the version
 *   1        check: a hash of the words from 2 on
 *   2-3      firmware id
 *   4-19     eight numbers of 64 bits
 *   20-25    offset of each channel, 64 bits
 *   26-36    eleven numbers of 32 bits
 *   37       digits of each channel and 1, 4 bits each, 0: as the sensor has them; bit 31: there is an offset, or there are digits
 *   38       bytes of the base note
 *   39-      the base note
 */
import type { Position } from "../outbox/appender.js";
import type { PlanState, Rhythm } from "./plan.js";

export const RECORD_BYTES = 256;
const WORDS = RECORD_BYTES >> 2;
const MAGIC = 0x0157_5448; // "HTW", version 1
const CHECK = 1;
const FIRMWARE = 2;
const OFFSETS = 10; // in units of 8 bytes
const DIGITS = 37;
const DIGIT_BITS = 4;
const CALIBRATED = 1 << 31;
const BASE_LENGTH = 38;
const BASE = 39;
const MAX_BASE_BYTES = (WORDS - BASE) << 2;

export class WakeRecord implements PlanState, Rhythm, Position {
  /** As it lies in RTC memory. */
  readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly numbers: Float64Array;

  /** One that knows nothing: all numbers are 0. */
  constructor() {
    const words = new Int32Array(WORDS);
    this.words = words;
    this.bytes = new Uint8Array(words.buffer);
    this.numbers = new Float64Array(words.buffer);
  }

  /** What is to be stored. `firmware`: this one's id. */
  seal(firmware: Uint8Array): Uint8Array {
    const { bytes, words } = this;
    words[0] = MAGIC;
    words[FIRMWARE] = wordOf(firmware, 0);
    words[FIRMWARE + 1] = wordOf(firmware, 4);
    words[CHECK] = this.hash();
    return bytes;
  }

  /** Whether `bytes`, as RTC memory held them, are a record of this firmware's. Otherwise nothing here means anything. */
  isIntact(firmware: Uint8Array): boolean {
    const words = this.words;
    if (words[0] !== MAGIC || words[CHECK] !== this.hash()) return false;
    return words[FIRMWARE] === wordOf(firmware, 0) && words[FIRMWARE + 1] === wordOf(firmware, 4);
  }

  /** Some channel has an offset, or digits of its own. */
  get isCalibrated(): boolean {
    return this.words[DIGITS] < 0;
  }

  /** Added to a channel's values. */
  offsetOf(channel: number): number {
    return this.numbers[OFFSETS + channel];
  }

  /** Of a channel; -1: as the sensor has them. */
  digitsOf(channel: number): number {
    return ((this.words[DIGITS] >>> (DIGIT_BITS * channel)) & 15) - 1;
  }

  /** Of a new record, once for each channel. */
  calibrate(channel: number, offset: number, digits: number): void {
    this.numbers[OFFSETS + channel] = offset;
    this.words[DIGITS] |= (digits + 1) << (DIGIT_BITS * channel);
    if (offset !== 0 || digits >= 0) this.words[DIGITS] |= CALIBRATED;
  }

  /** What short records deviate from, as the journal notes it; empty: nothing. A view. */
  get base(): Uint8Array {
    return this.bytes.subarray(BASE << 2, (BASE << 2) + this.words[BASE_LENGTH]);
  }

  /** @throws RangeError for more than fits */
  set base(note: Uint8Array) {
    if (note.length > MAX_BASE_BYTES)
      throw new RangeError(`base of ${note.length} bytes: expected at most ${MAX_BASE_BYTES}`);
    this.words[BASE_LENGTH] = note.length;
    this.bytes.fill(0, BASE << 2);
    this.bytes.set(note, BASE << 2);
  }

  /** From one sample to the next. */
  get intervalMs(): number {
    return this.numbers[2];
  }

  set intervalMs(value: number) {
    this.numbers[2] = value;
  }

  /** From one report to the next. */
  get reportMs(): number {
    return this.numbers[3];
  }

  set reportMs(value: number) {
    this.numbers[3] = value;
  }

  get nextSampleMs(): number {
    return this.numbers[4];
  }

  set nextSampleMs(value: number) {
    this.numbers[4] = value;
  }

  get nextReportMs(): number {
    return this.numbers[5];
  }

  set nextReportMs(value: number) {
    this.numbers[5] = value;
  }

  /** The slow clock's time at uptime 0. */
  get originMs(): number {
    return this.numbers[6];
  }

  set originMs(value: number) {
    this.numbers[6] = value;
  }

  get first(): number {
    return this.numbers[7];
  }

  set first(value: number) {
    this.numbers[7] = value;
  }

  get number(): number {
    return this.numbers[8];
  }

  set number(value: number) {
    this.numbers[8] = value;
  }

  get missed(): number {
    return this.numbers[9];
  }

  set missed(value: number) {
    this.numbers[9] = value;
  }

  get failedReports(): number {
    return this.words[26];
  }

  set failedReports(value: number) {
    this.words[26] = value;
  }

  /** Number of the boot that goes on. */
  get boot(): number {
    return this.words[27];
  }

  set boot(value: number) {
    this.words[27] = value;
  }

  /** Since power-on. */
  get wakes(): number {
    return this.words[28];
  }

  set wakes(value: number) {
    this.words[28] = value;
  }

  get block(): number {
    return this.words[29];
  }

  set block(value: number) {
    this.words[29] = value;
  }

  get sequence(): number {
    return this.words[30] >>> 0;
  }

  set sequence(value: number) {
    this.words[30] = value;
  }

  get version(): number {
    return this.words[31];
  }

  set version(value: number) {
    this.words[31] = value;
  }

  /** 0: the outbox is to be mounted. */
  get end(): number {
    return this.words[32];
  }

  set end(value: number) {
    this.words[32] = value;
  }

  get freeEnd(): number {
    return this.words[33];
  }

  set freeEnd(value: number) {
    this.words[33] = value;
  }

  /** As entries are stored. */
  get qos(): 1 | 2 {
    return this.words[34] === 2 ? 2 : 1;
  }

  set qos(value: 1 | 2) {
    this.words[34] = value;
  }

  /** The only sensor: its place in the driver table; -1: there is none, or there are several. */
  get driver(): number {
    return this.words[35];
  }

  set driver(value: number) {
    this.words[35] = value;
  }

  /** The sensor's. */
  get address(): number {
    return this.words[36];
  }

  set address(value: number) {
    this.words[36] = value;
  }

  /**
   * A polynomial of the words that count: a change of one word is always found, noise passes once in 2^32. Multiplied by shifts: a call
   * for each word would be a tenth of what a wake costs.
   */
  private hash(): number {
    const words = this.words;
    const length = words[BASE_LENGTH];
    const end = length >= 0 && length <= MAX_BASE_BYTES ? BASE + ((length + 3) >> 2) : WORDS;
    let hash = MAGIC;
    let at = FIRMWARE;
    do {
      hash = ((hash << 5) - hash + words[at]) | 0; // by pairs: there is one more word, if need be
      hash = ((hash << 5) - hash + words[at + 1]) | 0;
      at += 2;
    } while (at < end);
    return hash;
  }
}

function wordOf(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
