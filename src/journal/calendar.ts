/*
 * The Gregorian calendar in integers: RFC 3339 dates and times of day as ASCII digits, written in place. A Date object per
 * reading would use slots on a small heap. Pure, no allocation. Years 0 to 9999. Digits are written in pairs, with one native call
 * for each pair: in XS a division and two stores take four times as long.
 * Source: RFC 3339 §5.6; the day count is the well-known one by eras of 400 years beginning on 1 March.
 */

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const POINT = 0x2e;
const DAYS_PER_ERA = 146_097; // 400 years
const DAYS_TO_1970 = 719_468; // from 0000-03-01

/** The two digits of 0 to 99 as one big-endian word: `view.setUint16(at, PAIRS[number])`. */
export const PAIRS = new Uint16Array(100).map(
  (_, number) => ((ZERO + ((number / 10) | 0)) << 8) | (ZERO + (number % 10)),
);

/** Writes `YYYY-MM-DDT` at `at`, and the two colons that `writeTimeOfDay` does not write. `day`: days since 1970-01-01. */
export function writeDate(view: DataView, at: number, day: number): void {
  const days = day + DAYS_TO_1970;
  const era = Math.floor(days / DAYS_PER_ERA);
  const dayOfEra = days - era * DAYS_PER_ERA;
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const marchMonth = ((5 * dayOfYear + 2) / 153) | 0; // 0 is March
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  view.setUint16(at, PAIRS[(year / 100) | 0]);
  view.setUint16(at + 2, PAIRS[year % 100]);
  view.setUint8(at + 4, DASH);
  view.setUint16(at + 5, PAIRS[month]);
  view.setUint8(at + 7, DASH);
  view.setUint16(at + 8, PAIRS[dayOfYear - (((153 * marchMonth + 2) / 5) | 0) + 1]);
  view.setUint8(at + 10, 0x54); // T
  view.setUint8(at + 13, COLON);
  view.setUint8(at + 16, COLON);
}

/** Writes the six digits of `hh:mm:ss` into a text that `writeDate` prepared at `at`. `minute`, `second`: of the day. */
export function writeTimeOfDay(view: DataView, at: number, minute: number, second: number): void {
  const hour = (minute / 60) | 0;
  view.setUint16(at + 11, PAIRS[hour]);
  view.setUint16(at + 14, PAIRS[minute - hour * 60]);
  view.setUint16(at + 17, PAIRS[second - minute * 60]);
}

/** Writes `.mmm` behind the seconds of a text that `writeDate` prepared at `at`. `milli`: 0 to 999. */
export function writeMilliseconds(view: DataView, at: number, milli: number): void {
  const tens = (milli / 10) | 0;
  view.setUint8(at + 19, POINT);
  view.setUint16(at + 20, PAIRS[tens]);
  view.setUint8(at + 22, ZERO + milli - tens * 10);
}
