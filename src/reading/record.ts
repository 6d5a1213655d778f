/*
 * The reading as it lies in flash: twelve bytes, all of one size, so that the outbox packs them densely.
 * What many readings share (the room's name, the clock of the boot) lies in the outbox's notes; the record holds the
 * number under which to find it. Pure: no I/O, no allocation after construction.
 *
 *   byte 0      bits 0-1 decimals, bits 2-7 zero (a later layout sets them)
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

/** One reading, decoded. Owners keep one object and decode into it. */
export interface Reading {
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
  return { milliCelsius: 0, decimals: 0, uptimeMs: 0, boot: 0, room: 0 };
}

/**
 * Writes `reading` into the first RECORD_LENGTH bytes of `out`.
 * @throws RangeError for a temperature that 24 bits do not hold, or a buffer too short
 */
export function encodeReading(reading: Reading, out: Uint8Array): void {
  const milli = reading.milliCelsius;
  if (!(milli >= -MILLI_LIMIT && milli < MILLI_LIMIT)) throw new RangeError(`milliCelsius ${milli}: expected ±8388607`);
  if (out.length < RECORD_LENGTH) throw new RangeError(`buffer of ${out.length}: expected ${RECORD_LENGTH}`);
  const low = reading.uptimeMs >>> 0; // modulo 2^32
  out[0] = reading.decimals & 3;
  out[1] = reading.room;
  out[2] = reading.boot;
  out[3] = reading.boot >> 8;
  out[4] = low;
  out[5] = low >> 8;
  out[6] = low >> 16;
  out[7] = low >>> 24;
  out[8] = reading.uptimeMs / UPTIME_HIGH;
  out[9] = milli;
  out[10] = milli >> 8;
  out[11] = milli >> 16;
}

/** Reads a record of RECORD_LENGTH bytes into `reading`; false, and `reading` untouched, if it is none of ours. */
export function decodeReading(record: Uint8Array, length: number, reading: Reading): boolean {
  if (length !== RECORD_LENGTH || record[0] > DECIMALS_MOST) return false;
  reading.decimals = record[0];
  reading.room = record[1];
  reading.boot = record[2] | (record[3] << 8);
  reading.uptimeMs =
    record[8] * UPTIME_HIGH + ((record[4] | (record[5] << 8) | (record[6] << 16) | (record[7] << 24)) >>> 0);
  reading.milliCelsius = ((record[9] | (record[10] << 8) | (record[11] << 16)) << 8) >> 8;
  return true;
}
