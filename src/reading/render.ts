/*
 * A reading as the payload that subscribers see: `{"value":21.44,"ts":"2026-06-17T09:12:00Z","seq":1234}`, or `21.44`.
 * Rendered at the moment of sending into one buffer that lives as long as the renderer. Successive readings mostly look
 * alike, so that what did not change stays where it is: the braces and names while the value keeps its width, the date
 * while it is the same day. No allocation, no string, in the steady state.
 * Source: the payload is ours; the time is RFC 3339, UTC, whole seconds (later fractions of a second are cut off).
 */
import { writeDate, writeTimeOfDay } from "./calendar.js";

export const PAYLOAD_MOST = 80; // the longest JSON of ours: 10 for the value, 20 for the time, 15 for the number

export type PayloadFormat = "json" | "plain";

const MS_PER_DAY = 86_400_000;
const QUOTE = 0x22;
const ZERO = 0x30;
const MINUS = 0x2d;
const POINT = 0x2e;
const BRACE = 0x7d;
const VALUE = ascii('{"value":');
const TS = ascii(',"ts":"');
const SEQ = ascii(',"seq":');
const TS_LENGTH = 20; // 2026-06-17T09:12:00Z
const STEP = [1, 10, 100, 1000]; // thousandths to the last digit shown: 10^(3 - decimals) = STEP[3 - decimals]

export class Renderer {
  /** The payload; bytes 0 to `length` count. Valid until the next call. */
  readonly bytes = new Uint8Array(PAYLOAD_MOST);
  private format: PayloadFormat | undefined;
  private valueEnd = -1; // where the value of the last JSON ended; -1: nothing in the buffer can be kept
  private day = -1; // days since 1970 of the date in the buffer; -1: none

  /** Renders as JSON. `utcMs`: milliseconds since 1970, undefined: no `ts`. `sequence`: undefined: no `seq`. @returns the length in bytes */
  json(milliCelsius: number, decimals: number, utcMs: number | undefined, sequence: number | undefined): number {
    const bytes = this.bytes;
    if (this.format !== "json") {
      copyInto(bytes, 0, VALUE);
      this.format = "json";
      this.valueEnd = -1;
    }
    let at = writeFixed(bytes, VALUE.length, milliCelsius, decimals);
    const kept = at === this.valueEnd;
    if (utcMs === undefined) {
      this.valueEnd = -1;
    } else {
      if (!kept) {
        this.valueEnd = at;
        this.day = -1;
        copyInto(bytes, at, TS);
      }
      at += TS.length;
      this.writeTime(at, utcMs);
      at += TS_LENGTH;
      bytes[at++] = QUOTE;
    }
    if (sequence !== undefined) at = writeWhole(bytes, copyInto(bytes, at, SEQ), sequence);
    bytes[at++] = BRACE;
    return at;
  }

  /** Renders the value alone. @returns the length in bytes */
  plain(milliCelsius: number, decimals: number): number {
    this.format = "plain";
    return writeFixed(this.bytes, 0, milliCelsius, decimals);
  }

  private writeTime(at: number, utcMs: number): void {
    const day = Math.floor(utcMs / MS_PER_DAY);
    if (day !== this.day) {
      writeDate(this.bytes, at, day);
      this.day = day;
    }
    writeTimeOfDay(this.bytes, at, ((utcMs - day * MS_PER_DAY) / 1000) | 0);
  }
}

/** Writes thousandths as a decimal with `decimals` digits after the point, rounded half away from zero. @returns the end */
function writeFixed(bytes: Uint8Array, start: number, milli: number, decimals: number): number {
  const step = STEP[3 - decimals];
  let rest = milli < 0 ? -milli : milli;
  rest = ((rest + (step >> 1)) / step) | 0;
  let at = start;
  if (milli < 0 && rest > 0) bytes[at++] = MINUS; // never "-0.00"
  let unit = STEP[decimals];
  let whole = (rest / unit) | 0;
  at = writeWhole(bytes, at, whole);
  if (decimals === 0) return at;
  bytes[at++] = POINT;
  rest -= whole * unit;
  while (unit > 1) {
    unit = (unit / 10) | 0;
    whole = (rest / unit) | 0;
    bytes[at++] = ZERO + whole;
    rest -= whole * unit;
  }
  return at;
}

/** Writes a whole number, 0 to 2^53. @returns the end */
function writeWhole(bytes: Uint8Array, start: number, value: number): number {
  let end = start + 1;
  for (let power = 10; power <= value; power *= 10) end++;
  let rest = value;
  let at = end;
  while (rest > 0x7fff_ffff) {
    const tens = Math.floor(rest / 10);
    bytes[--at] = rest - tens * 10 + ZERO;
    rest = tens;
  }
  while (at > start) {
    const tens = (rest / 10) | 0;
    bytes[--at] = rest - tens * 10 + ZERO;
    rest = tens;
  }
  return end;
}

function copyInto(bytes: Uint8Array, at: number, text: Uint8Array): number {
  bytes.set(text, at);
  return at + text.length;
}

function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
