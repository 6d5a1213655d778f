/*
 * Short records: the differences between a sample and its base. The base is a note of the outbox, in force until the next one:
 * when its first sample was taken, the interval, and a value of each channel. A short record contains how far values and time
 * deviate from that. If a deviation does not fit its bits, a longer form is used, or a record without a base
 * (record.ts). Pure: no I/O, no allocation once a base is set.
 *
 * Short record, a number of 24, 32 or 64 bits (3, 4 or 8 bytes), from bit 0 on:
 *   2 bits      number of the base, modulo 4, to detect a note lost to damage
 *   3 bits      only in a base of single channels: which channel this is
 *   n bits      for each channel, its bits according to the base: value less the base's value, in steps of the last digit shown,
 *               plus 2^(n-1)
 *   t bits      the time, in the rest of 22 or 32 bits (in 64: the upper 32): uptime less the expected one, plus 2^(t-1), in
 *               milliseconds; with fewer than 9 bits, if whole seconds are shown, in units of 2^(9-t) ms
 *   the last 2 bits of the 24 are 0: the outbox stores such three bytes in a frame of 8 bytes
 *
 * The expected uptime of entry s is first + interval * floor((s - from) / count); count: channels of a base of single ones,
 * else 1.
 *
 * Base note: byte 0 layout (1), byte 1 bits 0-1 number, bit 2 milliseconds are shown, bit 3 single channels; byte 2 room; byte
 * 3 channels, a bit each; bytes 4-5 boot; bytes 6-11 `from`: sequence number of its first entry; bytes 12-17 `first`: uptime of
 * that, in milliseconds; bytes 18-21 interval, milliseconds; then 4 bytes a channel, the lowest first: bits 0-1 decimals, bits
 * 2-6 n, bits 8-31 its value in steps, two's complement.
 */
import { channels } from "../channels/channels.js";
import { MILLI_PER_STEP, toSteps } from "../channels/rounding.js";
import type { Sample } from "../channels/sample.js";
import { countOf } from "./record.js";
import { firstChannel, type StoredSample } from "./stored.js";

/** Length of the longest base note. */
export const BASE_LENGTH = 22 + 4 * channels.length;
const LAYOUT = 1;
const CHANNELS_AT = 22;
const MILLISECONDS = 4;
const SINGLE = 8;
const NUMBER = 3;
const HIGH = 0x1_0000_0000;
const FINE_BITS = 9; // of time: with so many, a unit is a millisecond
const MIN_TIME_BITS = 2;
const CHANNEL_AT = 2; // behind the base's number
const CHANNEL_BITS = 3;
const SHORT_BITS = 22;
const WORD_BITS = 32;
const FAR_MS = 0x4000_0000;
const NONE = -1;
// Offsets behind a channel's index in `parts`.
const DECIMALS = 1;
const BITS = 2;
const LOW = 3;
const PARTS = 4;

/** The options of a new base. */
export interface BaseOptions {
  readonly boot: number;
  readonly room: number;
  readonly intervalMs: number;
  readonly showsMilliseconds: boolean;
  /** Each channel of a sample is an entry. */
  readonly isSingle: boolean;
  /** Its first sample: when it was taken, and the number of its first entry. */
  readonly uptimeMs: number;
  readonly sequence: number;
}

/** The base of short records. Times in milliseconds, values in steps of their digits. */
export class Base {
  /** Sequence number of the first entry under this base. */
  from = 0;
  boot = 0;
  room = 0;
  intervalMs = 0;
  showsMilliseconds = false;
  isSingle = false;
  mask = 0;
  /** Modulo 4. */
  number = 0;
  private firstMs = 0;
  /**
   * For each channel of the mask: its index in the table, decimals, number of bits, and the value in steps that bits of 0 mean.
   * One array needs less RAM.
   */
  private readonly parts: number[] = [];
  // Computed once, as most records need it: of the first channel; the bit at which the time begins in a record with all channels;
  // and, in a record of 3 bytes, half of the time's range, and its shift.
  private channel = 0;
  private digits = 0;
  private low = 0;
  private limit = 0;
  private milliPerStep = 1;
  private timeAt = 0;
  private half = 0;
  private shift = 0;

  /** Begins a base that fits a sample. `number`: different from the last base's. */
  begin(sample: Sample, number: number, options: BaseOptions): void {
    this.number = number & NUMBER;
    this.from = options.sequence;
    this.boot = options.boot;
    this.room = options.room;
    this.intervalMs = Math.round(options.intervalMs); // an integer, as flash stores it: the same after a reboot
    this.showsMilliseconds = options.showsMilliseconds;
    this.isSingle = options.isSingle;
    this.firstMs = Math.floor(options.uptimeMs);
    this.mask = sample.mask;
    this.clear();
    for (let rest = sample.mask; rest !== 0; rest &= rest - 1) {
      const channel = firstChannel(rest);
      const decimals = sample.decimals[channel];
      this.add(channel, decimals, bitsOf(channel, decimals), toSteps(sample.values[channel], decimals));
    }
    this.layOut();
  }

  /** The base as a note. */
  encode(): Uint8Array {
    const parts = this.parts;
    const note = new Uint8Array(CHANNELS_AT + parts.length); // four bytes a channel
    const view = new DataView(note.buffer);
    view.setUint8(0, LAYOUT);
    view.setUint8(1, this.number | (this.showsMilliseconds ? MILLISECONDS : 0) | (this.isSingle ? SINGLE : 0));
    view.setUint8(2, this.room);
    view.setUint8(3, this.mask);
    view.setUint16(4, this.boot, true);
    setSixBytes(view, 6, this.from);
    setSixBytes(view, 12, this.firstMs);
    view.setUint32(18, this.intervalMs, true);
    for (let i = 0; i < parts.length; i += PARTS) {
      const bits = parts[i + BITS];
      const steps = parts[i + LOW] + (1 << (bits - 1));
      view.setInt32(CHANNELS_AT + i, (steps << 8) | (bits << 2) | parts[i + DECIMALS], true);
    }
    return note;
  }

  /** Reads a note; false: it is not one of ours. */
  decode(note: Uint8Array): boolean {
    if (note.length < CHANNELS_AT || note[0] !== LAYOUT) return false;
    const mask = note[3];
    if (mask === 0 || mask >>> channels.length !== 0 || note.length !== CHANNELS_AT + 4 * countOf(mask)) return false;
    const view = new DataView(note.buffer, note.byteOffset, note.length);
    this.number = note[1] & NUMBER;
    this.showsMilliseconds = (note[1] & MILLISECONDS) !== 0;
    this.isSingle = (note[1] & SINGLE) !== 0;
    this.room = note[2];
    this.mask = mask;
    this.boot = view.getUint16(4, true);
    this.from = fromOf(note);
    this.firstMs = sixBytes(view, 12);
    this.intervalMs = view.getUint32(18, true);
    this.clear();
    let at = CHANNELS_AT;
    for (let rest = mask; rest !== 0; rest &= rest - 1, at += 4) {
      const word = view.getInt32(at, true);
      this.add(firstChannel(rest), word & 3, (word >> 2) & 31, word >> 8);
    }
    this.layOut();
    return true;
  }

  /** Length of a short record with small deviations, in bytes; 0: the channels are too many for any. */
  get usualLength(): number {
    let end = this.timeAt;
    if (this.isSingle) {
      const bits = this.parts.filter((_, i) => i % PARTS === BITS);
      end = CHANNEL_AT + CHANNEL_BITS + Math.max(...bits);
    }
    if (end + MIN_TIME_BITS <= SHORT_BITS) return 3;
    if (end + MIN_TIME_BITS <= WORD_BITS) return 4;
    return end <= WORD_BITS ? 8 : 0;
  }

  /**
   * Writes a sample's short record to the first bytes of `out`. `mask`: all channels of the base, or the single one.
   * @returns its length in bytes, 3, 4 or 8; 0: the sample deviates too far, or has other channels or digits than the base
   */
  pack(sample: Sample, mask: number, uptimeMs: number, sequence: number, out: DataView): number {
    if (this.isSingle) return this.packSingle(sample, mask, uptimeMs, sequence, out);
    if (mask !== this.mask || this.timeAt > WORD_BITS) return 0;
    if (sample.decimals[this.channel] !== this.digits) return 0;
    const above = toSteps(sample.values[this.channel], this.digits) - this.low;
    if (!(above >= 0 && above < this.limit)) return 0;
    let word = this.number | (above << CHANNEL_AT);
    if (this.parts.length > PARTS) {
      const rest = this.packRest(sample);
      if (rest === NONE) return 0;
      word |= rest;
    }
    const shift = this.shift;
    const lateMs = uptimeMs - this.firstMs - this.intervalMs * (sequence - this.from) + ((1 << shift) >> 1);
    const limitMs = this.half << shift;
    if (lateMs >= limitMs || lateMs < -limitMs) {
      return packLate(this.showsMilliseconds, lateMs, shift, word, this.timeAt, out);
    }
    out.setInt32(0, word | (((lateMs >> shift) + this.half) << this.timeAt), true);
    return 3;
  }

  /** The bits of the channels after the first; NONE: one deviates too far. */
  private packRest(sample: Sample): number {
    const parts = this.parts;
    let word = 0;
    let at = CHANNEL_AT + parts[BITS];
    for (let i = PARTS; i < parts.length; i += PARTS) {
      const above = this.above(sample, i);
      if (above < 0) return NONE;
      word |= above << at;
      at += parts[i + BITS];
    }
    return word;
  }

  private packSingle(sample: Sample, mask: number, uptimeMs: number, sequence: number, out: DataView): number {
    const channel = firstChannel(mask);
    const i = this.partOf(channel);
    const above = i < 0 ? -1 : this.above(sample, i);
    if (above < 0) return 0;
    const valueAt = CHANNEL_AT + CHANNEL_BITS;
    const word = this.number | (channel << CHANNEL_AT) | (above << valueAt);
    const passed = Math.floor(((sequence - this.from) * PARTS) / this.parts.length);
    const lateMs = uptimeMs - this.firstMs - this.intervalMs * passed;
    const at = valueAt + this.parts[i + BITS];
    const shift = shiftOf(SHORT_BITS - at, this.showsMilliseconds);
    const half = halfOf(SHORT_BITS - at);
    const ticks = Math.floor((lateMs + ((1 << shift) >> 1)) / (1 << shift)) + half;
    if (ticks < 0 || ticks >= 2 * half) return packLate(this.showsMilliseconds, lateMs, 0, word, at, out);
    out.setInt32(0, word | (ticks << at), true);
    return 3;
  }

  /** The index of a channel's parts; -1: the base does not have it. */
  private partOf(channel: number): number {
    const parts = this.parts;
    for (let i = 0; i < parts.length; i += PARTS) if (parts[i] === channel) return i;
    return NONE;
  }

  /**
   * The difference between the value of the channel whose parts begin at `i` and the lowest value of its bits; -1: it does not
   * fit, or there is no value.
   */
  private above({ values, decimals }: Sample, i: number): number {
    const parts = this.parts;
    const channel = parts[i];
    const digits = parts[i + DECIMALS];
    if (decimals[channel] !== digits) return NONE;
    const above = toSteps(values[channel], digits) - parts[i + LOW];
    return above >= 0 && above < 1 << parts[i + BITS] ? above : NONE;
  }

  /**
   * Decodes a short record of `length` bytes into `stored`. `word`: its first 24 or 32 bits; `lateMs`: the other 32 of 64.
   * @returns false: it does not belong to this base
   */
  unpack(word: number, length: number, lateMs: number, sequence: number, stored: StoredSample): boolean {
    if ((word & NUMBER) !== this.number) return false;
    if (this.isSingle) return this.unpackSingle(word, length, lateMs, sequence, stored);
    if (stored.base !== this) this.share(stored);
    stored.milli[this.channel] = (this.low + ((word >>> CHANNEL_AT) & (this.limit - 1))) * this.milliPerStep;
    if (this.parts.length > PARTS) this.unpackRest(word, stored);
    const late =
      length === 3
        ? ((word >>> this.timeAt) - this.half) << this.shift
        : this.lateMs(word, length, lateMs, this.timeAt);
    stored.uptimeMs = this.firstMs + this.intervalMs * (sequence - this.from) + late;
    return true;
  }

  private unpackRest(word: number, stored: StoredSample): void {
    const parts = this.parts;
    let rest = word >>> (CHANNEL_AT + parts[BITS]);
    for (let i = PARTS; i < parts.length; i += PARTS) {
      const width = parts[i + BITS];
      const steps = parts[i + LOW] + (rest & ((1 << width) - 1));
      stored.milli[parts[i]] = steps * MILLI_PER_STEP[parts[i + DECIMALS]];
      rest >>>= width;
    }
  }

  private unpackSingle(word: number, length: number, lateMs: number, sequence: number, stored: StoredSample): boolean {
    const channel = (word >>> CHANNEL_AT) & 7;
    const i = this.partOf(channel);
    if (i < 0) return false;
    this.share(stored);
    stored.base = undefined; // the next one may be of another channel
    stored.mask = 1 << channel;
    stored.origin |= channel << 24;
    const valueAt = CHANNEL_AT + CHANNEL_BITS;
    const bits = this.parts[i + BITS];
    const steps = this.parts[i + LOW] + ((word >>> valueAt) & ((1 << bits) - 1));
    stored.milli[channel] = steps * MILLI_PER_STEP[this.parts[i + DECIMALS]];
    const passed = Math.floor(((sequence - this.from) * PARTS) / this.parts.length);
    stored.uptimeMs = this.firstMs + this.intervalMs * passed + this.lateMs(word, length, lateMs, valueAt + bits);
    return true;
  }

  /** The values that all samples of this base share. */
  private share(stored: StoredSample): void {
    stored.base = this;
    stored.mask = this.mask;
    stored.isSingle = this.isSingle;
    stored.secondDigits = this.showsMilliseconds ? 3 : 0;
    stored.setOrigin(this.boot, this.room);
    const parts = this.parts;
    for (let i = 0; i < parts.length; i += PARTS) stored.decimals[parts[i]] = parts[i + DECIMALS];
  }

  private lateMs(word: number, length: number, lateMs: number, at: number): number {
    if (length === 8) return lateMs;
    const bits = (length === 3 ? SHORT_BITS : WORD_BITS) - at;
    return ((word >>> at) - halfOf(bits)) << shiftOf(bits, this.showsMilliseconds);
  }

  private clear(): void {
    this.parts.length = 0;
  }

  private add(channel: number, decimals: number, bits: number, steps: number): void {
    this.parts.push(channel, decimals, bits, steps - (1 << (bits - 1)));
  }

  private layOut(): void {
    const parts = this.parts;
    this.channel = parts[0];
    this.digits = parts[DECIMALS];
    this.low = parts[LOW];
    this.limit = 1 << parts[BITS];
    this.milliPerStep = MILLI_PER_STEP[this.digits];
    this.timeAt = CHANNEL_AT;
    for (let i = 0; i < parts.length; i += PARTS) this.timeAt += parts[i + BITS];
    this.half = halfOf(SHORT_BITS - this.timeAt);
    this.shift = shiftOf(SHORT_BITS - this.timeAt, this.showsMilliseconds);
  }
}

/** Writes the longer forms: 32 bits, or 64, of which the upper 32 are the time. `roundedMs`: the delay plus half a unit of 2^`roundedBy` ms. */
function packLate(
  showsMilliseconds: boolean,
  roundedMs: number,
  roundedBy: number,
  word: number,
  at: number,
  out: DataView,
): number {
  const lateMs = roundedMs - ((1 << roundedBy) >> 1);
  if (!(lateMs > -FAR_MS && lateMs < FAR_MS)) return 0;
  const shift = shiftOf(WORD_BITS - at, showsMilliseconds);
  const half = halfOf(WORD_BITS - at);
  const ticks = ((lateMs + ((1 << shift) >> 1)) >> shift) + half;
  if (ticks >= 0 && ticks < 2 * half) {
    out.setInt32(0, word | (ticks << at), true);
    return 4;
  }
  out.setInt32(0, word, true);
  out.setInt32(4, lateMs, true);
  return 8;
}

/** Half of the range of so many bits of time; 0: too few bits. */
function halfOf(bits: number): number {
  return bits < MIN_TIME_BITS ? 0 : 1 << (bits - 1);
}

/** A unit of so many bits of time is 2^shift milliseconds. */
function shiftOf(bits: number, showsMilliseconds: boolean): number {
  return showsMilliseconds || bits >= FINE_BITS || bits < MIN_TIME_BITS ? 0 : FINE_BITS - bits;
}

/** Whether a short record can have this length, in bytes. */
export function isShortLength(length: number): boolean {
  return length === 3 || length === 4 || length === 8;
}

/** Sequence number of the first entry under a note's base. */
export function fromOf(note: Uint8Array): number {
  return note.length < CHANNELS_AT ? 0 : sixBytes(new DataView(note.buffer, note.byteOffset, note.length), 6);
}

/** Number of a note's base, modulo 4. */
export function numberOf(note: Uint8Array | undefined): number {
  return note === undefined || note.length < CHANNELS_AT ? 0 : note[1] & NUMBER;
}

/** Bits for the deviation of a channel shown with this many decimals. */
function bitsOf(channel: number, decimals: number): number {
  const steps = (2 * channels[channel].deviation * 1000) / MILLI_PER_STEP[decimals];
  return Math.max(2, Math.ceil(Math.log2(steps)));
}

function setSixBytes(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint16(at + 4, value / HIGH, true);
}

function sixBytes(view: DataView, at: number): number {
  return view.getUint16(at + 4, true) * HIGH + view.getUint32(at, true);
}
