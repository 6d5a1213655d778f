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
 *   37-39    digits of each channel; -1: as the sensor has them
 *   40       bytes of the base note
 *   41-      the base note
 */
import type { Position } from "../outbox/appender.js";
import type { PlanState, Rhythm } from "./plan.js";

export const RECORD_BYTES = 256;
const WORDS = RECORD_BYTES >> 2;
const MAGIC = 0x0157_5448; // "HTW", version 1
const CHECK = 1;
const FIRMWARE = 2;
const FIRMWARE_BYTES = 8;
const OFFSETS = 10; // in units of 8 bytes
const DIGITS = 37;
const BASE_LENGTH = 40;
const BASE = 41;
const MAX_BASE_BYTES = (WORDS - BASE) << 2;
const PRIME = 0x9e3779b1 | 0; // 2^32 / golden ratio, odd
const imul = Math.imul;

export class WakeRecord implements PlanState, Rhythm, Position {
  /** As it lies in RTC memory. */
  readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly numbers: Float64Array;

  /** One that knows nothing: all numbers are 0, the digits as the sensor has them. */
  constructor() {
    const words = new Int32Array(WORDS);
    this.words = words;
    this.bytes = new Uint8Array(words.buffer);
    this.numbers = new Float64Array(words.buffer);
    words.fill(-1, DIGITS, BASE_LENGTH);
  }

  /** What is to be stored. `firmware`: this one's id. */
  seal(firmware: Uint8Array): Uint8Array {
    const { bytes, words } = this;
    words[0] = MAGIC;
    bytes.set(firmware, FIRMWARE << 2);
    words[CHECK] = this.hash();
    return bytes;
  }

  /** Whether `bytes`, as RTC memory held them, are a record of this firmware's. Otherwise nothing here means anything. */
  isIntact(firmware: Uint8Array): boolean {
    const { bytes, words } = this;
    if (words[0] !== MAGIC || words[CHECK] !== this.hash()) return false;
    const from = FIRMWARE << 2;
    for (let i = 0; i < FIRMWARE_BYTES; i++) if (bytes[from + i] !== firmware[i]) return false;
    return true;
  }

  /** Added to a channel's values. */
  offsetOf(channel: number): number {
    return this.numbers[OFFSETS + channel];
  }

  /** Of a channel; -1: as the sensor has them. */
  digitsOf(channel: number): number {
    return this.words[DIGITS + channel];
  }

  calibrate(channel: number, offset: number, digits: number): void {
    this.numbers[OFFSETS + channel] = offset;
    this.words[DIGITS + channel] = digits;
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

  /** Of the words that count: any other word in place of one is always found, any other change passes once in 2^32. */
  private hash(): number {
    const words = this.words;
    const length = words[BASE_LENGTH];
    const end = length >= 0 && length <= MAX_BASE_BYTES ? BASE + ((length + 3) >> 2) : WORDS;
    let hash = MAGIC;
    let at = FIRMWARE;
    do {
      hash = imul(hash ^ words[at++], PRIME);
    } while (at < end);
    return hash ^ (hash >>> 15);
  }
}
