/*
 * The reading as it lies in flash: twelve bytes, all of one size, so that the outbox packs them densely.
 * What many readings share (the room's name, the clock of the boot) lies in the outbox's notes; the record holds the
 * number under which to find it. Pure: no I/O, no allocation after construction.
 *
 *   byte 0      bits 0-1 decimals, bit 2: the time is shown with milliseconds, bits 3-7 zero (a later layout sets them)
 *   byte 1      room number, modulo 256: which room note is meant
 *   bytes 2-3   boot number, modulo 65,536
 *   bytes 4-8   uptime at the sample, milliseconds, modulo 2^40 (34 years)
 *   bytes 9-11  temperature, thousandths of a degree Celsius, two's complement
 *
 * Numbers are little-endian.
 */

export const RECORD_LENGTH = 12;
export const DECIMALS_MOST = 3;
const MILLI_LIMIT = 0x80_0000; // 24 bits, signed: ±8,388 °C
const UPTIME_HIGH = 0x1_0000_0000;
/** Of byte 0: `ts` shows milliseconds. Records of firmware 0.1 never have it. */
export const MILLISECONDS = 4;
const UNKNOWN_BITS = 0xf8; // of byte 0

/** Digits after the second's point in a time that is shown. */
export type SecondDigits = 0 | 3;

/** One reading, decoded. Owners keep one object and decode into it. */
export interface Reading {
  /** Bytes 0 to 3 as they lie in flash: decimals, digits of the second, room and boot, which successive readings share. -1: not from flash. */
  shared: number;
  /** Temperature in thousandths of a degree Celsius, a whole number. */
  milliCelsius: number;
  /** Digits after the decimal point that the sensor is good for, 0..3. */
  decimals: number;
  /** Milliseconds from the boot to the sample. */
  uptimeMs: number;
  /** Boot number modulo 65,536. */
  boot: number;
  /** Room number modulo 256. */
  room: number;
}

export function newReading(): Reading {
  return { shared: -1, milliCelsius: 0, decimals: 0, uptimeMs: 0, boot: 0, room: 0 };
}

/** Writes the numbers of boot and room, which all readings of a boot share, into a record. */
export function encodeOrigin(boot: number, room: number, out: DataView): void {
  out.setUint8(1, room);
  out.setUint16(2, boot, true);
}

/**
 * Writes all else into the first RECORD_LENGTH bytes of `out`.
 * @throws RangeError for a temperature that 24 bits do not hold, or a buffer too short
 */
export function encodeSample(
  milliCelsius: number,
  decimals: number,
  uptimeMs: number,
  secondDigits: SecondDigits,
  out: DataView,
): void {
  if (!(milliCelsius >= -MILLI_LIMIT && milliCelsius < MILLI_LIMIT)) {
    throw new RangeError(`milliCelsius ${milliCelsius}: expected ±8388607`);
  }
  out.setInt32(8, ((uptimeMs / UPTIME_HIGH) & 0xff) | (milliCelsius << 8), true); // the last one first: it throws if it does not fit
  out.setUint8(0, secondDigits === 0 ? decimals & 3 : (decimals & 3) | MILLISECONDS);
  out.setUint32(4, uptimeMs, true); // modulo 2^32
}

/** Number of the boot that a record is of, modulo 65,536. */
export function bootOf(record: DataView): number {
  return record.getUint16(2, true);
}

/** Number of the room that a record is of, modulo 256. */
export function roomOf(record: DataView): number {
  return record.getUint8(1);
}

/** Whole seconds, or milliseconds where another reading was taken close by: what `ts` of a decoded reading shows. */
export function secondDigitsOf(reading: Reading): SecondDigits {
  return (reading.shared & MILLISECONDS) === 0 ? 0 : 3;
}

/** Uptime of the sample in a record, milliseconds modulo 2^32; of a record that was not filled yet, what it was begun with. */
export function uptimeOf(record: DataView): number {
  return record.getUint32(4, true);
}

/** Remembers the uptime of a sample that is not kept. */
export function noteUptime(record: DataView, uptimeMs: number): void {
  record.setUint32(4, uptimeMs, true); // modulo 2^32
}

/** Reads a record of RECORD_LENGTH bytes into `reading`; false, and `reading` untouched, if it is none of ours. */
export function decodeReading(record: DataView, length: number, reading: Reading): boolean {
  if (length !== RECORD_LENGTH) return false;
  const shared = record.getUint32(0, true);
  if (shared !== reading.shared) {
    if ((shared & UNKNOWN_BITS) !== 0) return false;
    reading.shared = shared;
    reading.decimals = shared & 3;
    reading.room = (shared >>> 8) & 0xff;
    reading.boot = shared >>> 16;
  }
  const last = record.getInt32(8, true);
  reading.uptimeMs = (last & 0xff) * UPTIME_HIGH + record.getUint32(4, true);
  reading.milliCelsius = last >> 8;
  return true;
}
