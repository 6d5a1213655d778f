/*
 * The Gregorian calendar in whole numbers: RFC 3339 dates and times of day as ASCII digits, written in place.
 * A Date object a reading would cost slots on a small heap. Pure, no allocation. Years 0 to 9999.
 * Source: RFC 3339 §5.6; the day count is the well-known one by eras of 400 years beginning on 1 March.
 */

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const DAYS_PER_ERA = 146_097; // 400 years
const DAYS_TO_1970 = 719_468; // from 0000-03-01

/** Writes `YYYY-MM-DDT` at `at` and `:`, `:` and `Z` where `writeTimeOfDay` leaves them. `day`: days since 1970-01-01. */
export function writeDate(bytes: Uint8Array, at: number, day: number): void {
  const days = day + DAYS_TO_1970;
  const era = Math.floor(days / DAYS_PER_ERA);
  const dayOfEra = days - era * DAYS_PER_ERA;
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const marchMonth = ((5 * dayOfYear + 2) / 153) | 0; // 0 is March
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  writePair(bytes, at, (year / 100) | 0);
  writePair(bytes, at + 2, year % 100);
  bytes[at + 4] = DASH;
  writePair(bytes, at + 5, month);
  bytes[at + 7] = DASH;
  writePair(bytes, at + 8, dayOfYear - (((153 * marchMonth + 2) / 5) | 0) + 1);
  bytes[at + 10] = 0x54; // T
  bytes[at + 13] = COLON;
  bytes[at + 16] = COLON;
  bytes[at + 19] = 0x5a; // Z
}

/** Writes the six digits of `hh:mm:ss` into a text that `writeDate` prepared at `at`. `second`: of the day, 0..86,399. */
export function writeTimeOfDay(bytes: Uint8Array, at: number, second: number): void {
  const minute = (second / 60) | 0;
  const hour = (minute / 60) | 0;
  writePair(bytes, at + 11, hour);
  writePair(bytes, at + 14, minute - hour * 60);
  writePair(bytes, at + 17, second - minute * 60);
}

function writePair(bytes: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0;
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - tens * 10;
}
