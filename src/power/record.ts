/*
 * The wake record: what a sleeper needs at a wake without settings, mount or network. It is in RTC memory, which may contain
 * random data, or the record of another firmware or an older format. Checksum, version and firmware id decide, and the record
 * is used completely or not at all. Losing it costs a full start and nothing else, because the samples are in flash. It is one
 * object over the stored bytes: a wake changes five numbers of them.
 *
 * Little-endian words of 32 bits. The part that a short wake changes has a checksum of its own, so that the others need not be
 * computed again:
 *   0        "HTW" and the version
 *   1        checksum of the words 2 to 15
 *   2        checksum of those behind them, up to 79
 *   3        checksum of the words from 80 on, which only the whole thermometer reads
 *   4-11     four numbers of 64 bits
 *   12-15    four of 32 bits
 *   16-17    firmware id
 *   18-33    eight numbers of 64 bits
 *   34-45    offset of each channel, 64 bits
 *   46-53    eight numbers of 32 bits
 *   54       digits of each channel and 1, 4 bits each, 0: the sensor's own; bit 30: changes are watched; bit 31: there is
 *            an offset, or there are digits
 *   55       bytes of the base note
 *   56-67    the base note
 *   68-79    in thousandths of each channel's unit: the change that is reported at once, 0: none; then the value in the last report,
 *            or UNREPORTED. Only valid if changes are watched
 *   80-      for the whole thermometer: see whole-part.ts
 */
import type { Suspension } from "../outbox/outbox.js";
import type { PlanState, Rhythm } from "./plan.js";
import { checkOf, MAGIC, requireFit, wordOf } from "./record-check.js";
import { WHOLE, WholePart } from "./whole-part.js";

const CHECK = 1;
const CHECK_OF_REST = 2;
const FIRMWARE = 16;
const OFFSETS = 17; // in units of 8 bytes
const DIGITS = 54;
const DIGIT_BITS = 4;
const CALIBRATED = 1 << 31;
const WATCHED = 1 << 30;
const BASE_LENGTH = 55;
const BASE = 56;
const CHANGES = 68;
const REPORTED = 74;
const MILLI = 1000;
/** In place of a value: the channel was never reported. */
const UNREPORTED = -0x8000_0000;
const MAX_BASE_BYTES = (CHANGES - BASE) << 2;

/** The wake record. Times in milliseconds of the sleeper's uptime. */
export class WakeRecord extends WholePart implements PlanState, Rhythm, Suspension {
  private readonly numbers: Float64Array;

  /** An empty record: all numbers are 0. */
  constructor() {
    super();
    this.numbers = new Float64Array(this.bytes.buffer);
  }

  /** The bytes to be stored. `firmware`: this one's id. */
  seal(firmware: Uint8Array): Uint8Array {
    const { words } = this;
    words[0] = MAGIC;
    words[FIRMWARE] = wordOf(firmware, 0);
    words[FIRMWARE + 1] = wordOf(firmware, 4);
    words[CHECK_OF_REST] = checkOf(this.words, FIRMWARE, this.usedWords);
    this.sealWhole();
    return this.sealAgain();
  }

  /** The same for an intact record in which only the plan, `wakes`, `number` and `end` have changed. */
  sealAgain(): Uint8Array {
    this.words[CHECK] = checkOf(this.words, CHECK_OF_REST, FIRMWARE);
    return this.bytes;
  }

  /** Whether `bytes`, read from RTC memory, are a record of this firmware. If not, no other property is valid. */
  isIntact(firmware: Uint8Array): boolean {
    const words = this.words;
    this.forgetWhole();
    if (words[0] !== MAGIC || words[CHECK] !== checkOf(this.words, CHECK_OF_REST, FIRMWARE)) return false;
    if (words[CHECK_OF_REST] !== checkOf(this.words, FIRMWARE, this.usedWords)) return false;
    return words[FIRMWARE] === wordOf(firmware, 0) && words[FIRMWARE + 1] === wordOf(firmware, 4);
  }

  /** At least one channel has an offset, or digits of its own. */
  get isCalibrated(): boolean {
    return this.words[DIGITS] < 0;
  }

  /** Added to the channel's values. */
  offsetOf(channel: number): number {
    return this.numbers[OFFSETS + channel];
  }

  /** The channel's digits; -1: the sensor's own. */
  digitsOf(channel: number): number {
    return ((this.words[DIGITS] >>> (DIGIT_BITS * channel)) & 15) - 1;
  }

  /** For a new record, once per channel. */
  calibrate(channel: number, offset: number, digits: number): void {
    this.numbers[OFFSETS + channel] = offset;
    this.words[DIGITS] |= (digits + 1) << (DIGIT_BITS * channel);
    if (offset !== 0 || digits >= 0) this.words[DIGITS] |= CALIBRATED;
  }

  /** At least one channel's changes are watched. */
  get isWatched(): boolean {
    return (this.words[DIGITS] & WATCHED) !== 0;
  }

  /** For a new record, for a channel whose changes are watched. `change`: the one to be reported at once. */
  watch(channel: number, change: number): void {
    const words = this.words;
    words[DIGITS] |= WATCHED;
    words[CHANGES + channel] = Math.round(change * MILLI);
  }

  /** Stores a channel's value in the next report. */
  report(channel: number, value: number): void {
    this.words[REPORTED + channel] = Math.round(value * MILLI);
  }

  /** Whether a channel's changes are watched, and a report had a value of it. */
  hasReported(channel: number): boolean {
    const { words } = this;
    return this.isWatched && words[CHANGES + channel] > 0 && words[REPORTED + channel] !== UNREPORTED;
  }

  /** The channel's value in the last report stays as it is in `former`; if there is none, nothing is a change of it. */
  keepReported(channel: number, former: WakeRecord): void {
    this.words[REPORTED + channel] = former.hasReported(channel) ? former.words[REPORTED + channel] : UNREPORTED;
  }

  /** Whether a channel's value has changed enough since the last report to be reported at once. */
  hasMoved(channel: number, value: number): boolean {
    const change = this.words[CHANGES + channel];
    const reported = this.words[REPORTED + channel];
    return change > 0 && reported !== UNREPORTED && Math.abs(value * MILLI - reported) >= change;
  }

  /** The base of short records, as the journal's note; empty: none. A view. */
  get base(): Uint8Array {
    return this.bytes.subarray(BASE << 2, (BASE << 2) + this.words[BASE_LENGTH]);
  }

  /** @throws RangeError if it does not fit */
  set base(note: Uint8Array) {
    requireFit("base", note, MAX_BASE_BYTES);
    this.words[BASE_LENGTH] = note.length;
    this.bytes.fill(0, BASE << 2, CHANGES << 2);
    this.bytes.set(note, BASE << 2);
  }

  /** From one sample to the next. */
  get intervalMs(): number {
    return this.numbers[9];
  }

  set intervalMs(value: number) {
    this.numbers[9] = value;
  }

  /** From one report to the next. */
  get reportMs(): number {
    return this.numbers[10];
  }

  set reportMs(value: number) {
    this.numbers[10] = value;
  }

  get nextSampleMs(): number {
    return this.numbers[2];
  }

  set nextSampleMs(value: number) {
    this.numbers[2] = value;
  }

  get nextReportMs(): number {
    return this.numbers[3];
  }

  set nextReportMs(value: number) {
    this.numbers[3] = value;
  }

  /** The slow clock's time at uptime 0. */
  get originMs(): number {
    return this.numbers[11];
  }

  set originMs(value: number) {
    this.numbers[11] = value;
  }

  get first(): number {
    return this.numbers[12];
  }

  set first(value: number) {
    this.numbers[12] = value;
  }

  get number(): number {
    return this.numbers[4];
  }

  set number(value: number) {
    this.numbers[4] = value;
  }

  get missed(): number {
    return this.numbers[5];
  }

  set missed(value: number) {
    this.numbers[5] = value;
  }

  get syncUptimeMs(): number {
    return this.numbers[13];
  }

  set syncUptimeMs(value: number) {
    this.numbers[13] = value;
  }

  get syncUtcMs(): number {
    return this.numbers[14];
  }

  set syncUtcMs(value: number) {
    this.numbers[14] = value;
  }

  get syncNext(): number {
    return this.numbers[15];
  }

  set syncNext(value: number) {
    this.numbers[15] = value;
  }

  get sentEnd(): number {
    return this.numbers[16];
  }

  set sentEnd(value: number) {
    this.numbers[16] = value;
  }

  get failedReports(): number {
    return this.words[14];
  }

  set failedReports(value: number) {
    this.words[14] = value;
  }

  /** Number of the boot that continues. */
  get boot(): number {
    return this.words[46];
  }

  set boot(value: number) {
    this.words[46] = value;
  }

  /** Since power-on. */
  get wakes(): number {
    return this.words[12];
  }

  set wakes(value: number) {
    this.words[12] = value;
  }

  get block(): number {
    return this.words[47];
  }

  set block(value: number) {
    this.words[47] = value;
  }

  get sequence(): number {
    return this.words[48] >>> 0;
  }

  set sequence(value: number) {
    this.words[48] = value;
  }

  get version(): number {
    return this.words[49];
  }

  set version(value: number) {
    this.words[49] = value;
  }

  /** 0: the outbox has to be mounted. */
  get end(): number {
    return this.words[13];
  }

  set end(value: number) {
    this.words[13] = value;
  }

  get freeEnd(): number {
    return this.words[50];
  }

  set freeEnd(value: number) {
    this.words[50] = value;
  }

  /** QoS of stored entries. */
  get qos(): 1 | 2 {
    return this.words[51] === 2 ? 2 : 1;
  }

  set qos(value: 1 | 2) {
    this.words[51] = value;
  }

  /** The only sensor: its index in the driver table; -1: there is none, or there are several. */
  get driver(): number {
    return this.words[52];
  }

  set driver(value: number) {
    this.words[52] = value;
  }

  /** The sensor's address. */
  get address(): number {
    return this.words[53];
  }

  set address(value: number) {
    this.words[53] = value;
  }

  /** The words that are valid before the whole thermometer's part. */
  private get usedWords(): number {
    const words = this.words;
    const length = words[BASE_LENGTH];
    const isShort = length >= 0 && length <= MAX_BASE_BYTES && (words[DIGITS] & WATCHED) === 0;
    return isShort ? BASE + ((length + 3) >> 2) : WHOLE;
  }
}
