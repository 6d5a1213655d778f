/*
 * Renders a sample as payload: `{"value":21.44,"humidity":45.2,"ts":"2026-06-17T09:12:00Z","seq":1234}`, or `21.44`;
 * `"2026-06-17T09:12:00.500Z"` if another sample was taken close by. A single channel is always `value`. It is rendered when it
 * is sent, into one buffer for all. Successive samples mostly look alike, so unchanged parts stay in the buffer: within the same
 * degree, minute and hundred of the sequence number, only three pairs of digits are written, and the values of other channels. No
 * allocation and no string in the steady state.
 * Source: the payload is ours; the time is RFC 3339, UTC, cut after its last digit.
 */
import { channels, TEMPERATURE } from "../channels/channels.js";
import { PAIRS, writeDate, writeMilliseconds, writeTimeOfDay } from "./calendar.js";
import { firstChannel, type SecondDigits, type StoredSample } from "./stored.js";

const VALUE_LENGTH = 10; // -8388.608 has 9
/** Above the longest JSON, in bytes: 4 for quotes, colon and comma of each key; 24 for the time, 15 for the number, 16 for the rest. */
export const MAX_PAYLOAD = channels.reduce((sum, { key }) => sum + key.length + 4 + VALUE_LENGTH, 24 + 15 + 16);

/** JSON with all values, or only the temperature's digits. */
export type PayloadFormat = "json" | "plain";

const MS_PER_MINUTE = 60_000;
const MS_PER_DAY = 86_400_000;
const QUOTE = 0x22;
const ZERO = 0x30;
const MINUS = 0x2d;
const COMMA = 0x2c;
const POINT = 0x2e;
const OPENING = 0x7b;
const BRACE = 0x7d;
const TS = ascii(',"ts":"');
const SEQ = ascii(',"seq":');
/** By channel: its key, with quotes and colon. */
const KEYS = Object.freeze(channels.map(({ key }) => ascii(`"${key}":`)));
const TS_LENGTH = 20; // 2026-06-17T09:12:00Z
const FRACTION_LENGTH = 4; // .500
const Z = 0x5a;
const SECONDS_AT = TS.length + 17; // from the value's end
const STEP = Object.freeze([1, 10, 100, 1000]); // thousandths to the last digit shown: 10^(3 - decimals) = STEP[3 - decimals]
const VALUE = KEYS[TEMPERATURE];
const VALUE_AT = 1 + VALUE.length;
const ALONE = 1 << TEMPERATURE;

/** Makes payloads in one buffer, which is valid until the next call. */
export class Renderer {
  /** The payload; bytes 0 to `length` are valid until the next call. */
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  // The contents of the buffer. NaN: not there, or not at its present place; NaN fails every comparison.
  private base: object = this; // of the last sample; `this`: it had none
  private mask = 0; // the channels; 0: none yet
  private channel = TEMPERATURE; // the first of them, or the single one
  private decimals = 0; // of that channel
  private valueEnd = 0; // of the first value, which is the temperature or a single channel's
  private sign = 1;
  private degree = Number.NaN; // lowest thousandths, without sign, that show the present digits before the point; only with two decimals
  private othersEnd = 0; // end of the last value
  private timeEnd = 0; // where `ts` ended, or the last value if there is none
  private day = Number.NaN; // its beginning, milliseconds since 1970
  private minute = Number.NaN; // its beginning, milliseconds since 1970
  private secondDigits: SecondDigits = 0; // of `ts`
  private hundred = Number.NaN; // the sequence number, rounded down to hundreds; the last two digits are in the buffer
  private end = 0;

  /** `buffer`: its first MAX_PAYLOAD bytes belong to the renderer. */
  constructor(buffer = new ArrayBuffer(MAX_PAYLOAD)) {
    this.bytes = new Uint8Array(buffer, 0, MAX_PAYLOAD);
    this.view = new DataView(buffer);
  }

  /** Renders as JSON. `utcMs`: milliseconds since 1970, NaN: no `ts`. `sequence`: -1: no `seq`. @returns the length in bytes */
  json(sample: StoredSample, utcMs: number, sequence: number): number {
    if (sample.base !== this.base) this.reshape(sample);
    const milli = sample.milli[this.channel];
    const above = milli * this.sign - this.degree;
    if (above >= 0 && above < 1000) this.view.setUint16(this.valueEnd - 2, PAIRS[(above / 10) | 0]);
    else this.writeValue(milli);
    if (this.mask !== ALONE) this.writeOthers(sample);
    const later = utcMs - this.minute;
    if (later >= 0 && later < MS_PER_MINUTE)
      this.view.setUint16(this.othersEnd + SECONDS_AT, PAIRS[(later / 1000) | 0]);
    else this.writeTime(utcMs);
    if (this.secondDigits !== 0) this.writeFraction(utcMs);
    const further = sequence - this.hundred;
    if (further >= 0 && further < 100) this.view.setUint16(this.end - 3, PAIRS[further]);
    else this.writeSequence(sequence);
    return this.end;
  }

  /** Renders only the first value, which is the temperature if the sample has one. @returns the length in bytes */
  plain({ mask, milli, decimals }: StoredSample): number {
    const channel = firstChannel(mask);
    this.mask = 0;
    this.base = this;
    return writeFixed(this.view, 0, milli[channel], decimals[channel]);
  }

  /** Prepares for samples of one base; parts that differ are written again. */
  private reshape(sample: StoredSample): void {
    const mask = sample.isSingle ? ALONE : sample.mask;
    this.base = sample.base ?? this;
    this.channel = firstChannel(sample.mask);
    if (mask !== this.mask) {
      this.mask = mask;
      this.valueEnd = 0;
      this.degree = Number.NaN;
      this.view.setUint8(0, OPENING);
      this.bytes.set(VALUE, 1);
    }
    if (sample.decimals[this.channel] !== this.decimals) {
      this.decimals = sample.decimals[this.channel];
      this.degree = Number.NaN;
    }
    if (sample.secondDigits === this.secondDigits) return;
    this.secondDigits = sample.secondDigits;
    this.moved(this.othersEnd); // the time is longer or shorter
  }

  /** The first value. A sample without a temperature has none, and `writeOthers` writes all. */
  private writeValue(milli: number): void {
    const decimals = this.decimals;
    const hasValue = (this.mask & ALONE) !== 0;
    const end = hasValue ? writeFixed(this.view, VALUE_AT, milli, decimals) : 1;
    if (end !== this.valueEnd) {
      this.valueEnd = end;
      this.moved(end);
    }
    this.sign = milli < 0 ? -1 : 1;
    const whole = ((milli * this.sign + 5) / 1000) | 0;
    this.degree = hasValue && decimals === 2 && whole > 0 ? whole * 1000 - 5 : Number.NaN; // near 0 the sign depends on the digits after the point
  }

  /** The values after the temperature, each with its key. */
  private writeOthers({ mask, milli, decimals }: StoredSample): void {
    const view = this.view;
    const bytes = this.bytes;
    let at = this.valueEnd;
    for (let rest = mask & ~ALONE; rest !== 0; rest &= rest - 1) {
      const channel = firstChannel(rest);
      if (at > 1) view.setUint8(at++, COMMA);
      const key = KEYS[channel];
      bytes.set(key, at);
      at = writeFixed(view, at + key.length, milli[channel], decimals[channel]);
    }
    if (at !== this.othersEnd) this.moved(at);
  }

  /** The values end at another place: all that follows has to be written again. */
  private moved(end: number): void {
    this.othersEnd = end;
    this.timeEnd = 0;
    this.day = this.minute = this.hundred = Number.NaN;
  }

  private writeFraction(utcMs: number): void {
    if (utcMs >= 0) writeMilliseconds(this.view, this.othersEnd + TS.length, (utcMs % 1000) | 0);
  }

  private writeTime(utcMs: number): void {
    const day = this.day;
    const later = utcMs - day;
    if (!(later >= 0 && later < MS_PER_DAY)) {
      this.writeDay(utcMs);
      return;
    }
    const minute = (later / MS_PER_MINUTE) | 0;
    writeTimeOfDay(this.view, this.othersEnd + TS.length, minute, (later / 1000) | 0);
    this.minute = day + minute * MS_PER_MINUTE;
  }

  /** Writes the day, then the time; or removes them if the time is not known. */
  private writeDay(utcMs: number): void {
    const isKnown = utcMs >= 0;
    const othersEnd = this.othersEnd;
    const length = this.secondDigits === 0 ? TS_LENGTH : TS_LENGTH + FRACTION_LENGTH;
    const end = isKnown ? othersEnd + TS.length + length + 1 : othersEnd;
    if (end !== this.timeEnd) {
      this.timeEnd = end;
      this.day = this.minute = this.hundred = Number.NaN;
    }
    if (!isKnown) return;
    const day = Math.floor(utcMs / MS_PER_DAY);
    this.bytes.set(TS, othersEnd);
    writeDate(this.view, othersEnd + TS.length, day);
    this.view.setUint8(end - 2, Z);
    this.view.setUint8(end - 1, QUOTE);
    this.day = day * MS_PER_DAY;
    this.writeTime(utcMs);
  }

  private writeSequence(sequence: number): void {
    let at = this.timeEnd;
    if (sequence >= 0) {
      this.bytes.set(SEQ, at);
      at = writeWhole(this.view, at + SEQ.length, sequence);
    }
    this.view.setUint8(at, BRACE);
    this.end = at + 1;
    this.hundred = sequence < 100 ? Number.NaN : sequence - (sequence % 100);
  }
}

/** Writes thousandths as a decimal with `decimals` digits after the point, rounded half away from zero. @returns the end */
function writeFixed(view: DataView, start: number, milli: number, decimals: number): number {
  const step = STEP[3 - decimals];
  const unit = STEP[decimals];
  const shown = (((milli < 0 ? -milli : milli) + (step >> 1)) / step) | 0;
  const whole = (shown / unit) | 0;
  let rest = shown - whole * unit;
  let at = start;
  if (milli < 0 && shown > 0) view.setUint8(at++, MINUS); // never "-0.00"
  at = writeWhole(view, at, whole);
  if (decimals === 0) return at;
  view.setUint8(at++, POINT);
  if (decimals !== 2) {
    const tenths = decimals === 1 ? rest : (rest / 100) | 0;
    view.setUint8(at++, ZERO + tenths);
    rest -= tenths * 100;
  }
  if (decimals === 1) return at;
  view.setUint16(at, PAIRS[rest]);
  return at + 2;
}

/** Writes a whole number, 0 to 2^53. @returns the end */
function writeWhole(view: DataView, start: number, value: number): number {
  let end = start + 1;
  for (let power = 10; power <= value; power *= 10) end++;
  let rest = value;
  for (let at = end - 2; rest > 99; at -= 2) {
    const hundreds = Math.floor(rest / 100);
    view.setUint16(at, PAIRS[rest - hundreds * 100]);
    rest = hundreds;
  }
  if (rest > 9) view.setUint16(start, PAIRS[rest]);
  else view.setUint8(start, ZERO + rest);
  return end;
}

function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
