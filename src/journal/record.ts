/*
 * A sample as a record without a base: the record of firmware 0.1, and of samples that do not fit a short one (short.ts): the
 * first samples of a boot, and values and times too far from the base. Pure: no I/O, no allocation. Values that many samples
 * share (the room's name, the clock of the boot) are in the outbox's notes; the record contains their numbers.
 *
 *   byte 0      bits 0-1 decimals of a temperature without other channels, bit 2: the time is shown with milliseconds, bit 3: bytes
 *               9 and following contain channels, bit 4: one channel of a sample, under its own topic, bits 5-7 zero
 *   byte 1      room number, modulo 256: identifies the room note
 *   bytes 2-3   boot number, modulo 65,536
 *   bytes 4-8   uptime at the sample, milliseconds, modulo 2^40 (34 years)
 *   bytes 9-11  bit 3 is 0, as in all records of 0.1: temperature, thousandths of a degree Celsius, two's complement
 *   byte 9      bit 3 is 1: the channels, a bit each; behind it for each channel, the lowest bit first, 4 bytes: thousandths of
 *               its unit (30 bits, two's complement) above 2 bits of decimals
 *
 * Numbers are little-endian.
 */
import { channels, TEMPERATURE } from "../channels/channels.js";
import { toMilli } from "../channels/rounding.js";
import type { Sample } from "../channels/sample.js";
import { firstChannel, type StoredSample } from "./stored.js";

/** Length of a temperature's record. */
export const RECORD_LENGTH = 12;
const CHANNELS_AT = 9;
/** Length of the longest record. */
export const MAX_RECORD_LENGTH = CHANNELS_AT + 1 + 4 * channels.length;
const MILLI_LIMIT = 0x80_0000; // 24 bits, signed
const UPTIME_HIGH = 0x1_0000_0000;
const DECIMALS = 3; // of byte 0
const MILLISECONDS = 4;
const CHANNELS = 8;
const SINGLE = 16;
const UNKNOWN_BITS = 0xe0;
const ALONE = 1 << TEMPERATURE;

/** Writes the numbers of boot and room into a record. */
export function encodeOrigin(boot: number, room: number, out: DataView): void {
  out.setUint8(1, room);
  out.setUint16(2, boot, true);
}

/**
 * Writes the rest of a record, after `encodeOrigin`. `mask`: the channels to be stored. `isSingle`: see StoredSample.
 * @returns the length in bytes
 * @throws RangeError for a value that does not fit 24 bits of thousandths
 */
export function encodeSample(
  sample: Sample,
  mask: number,
  isSingle: boolean,
  uptimeMs: number,
  showsMilliseconds: boolean,
  out: DataView,
): number {
  const isAlone = mask === ALONE;
  const end = isAlone ? encodeAlone(sample, out) : encodeChannels(sample, mask, out);
  const flags = (showsMilliseconds ? MILLISECONDS : 0) | (isSingle && !isAlone ? SINGLE : 0);
  out.setUint8(0, isAlone ? flags | sample.decimals[TEMPERATURE] : flags | CHANNELS);
  out.setUint32(4, uptimeMs, true); // modulo 2^32
  out.setUint8(8, (uptimeMs / UPTIME_HIGH) & 0xff);
  return end;
}

function encodeAlone({ values, decimals }: Sample, out: DataView): number {
  out.setInt32(8, milliOf(values[TEMPERATURE], decimals[TEMPERATURE], TEMPERATURE) << 8, true);
  return RECORD_LENGTH;
}

function encodeChannels(sample: Sample, mask: number, out: DataView): number {
  let at = CHANNELS_AT;
  out.setUint8(at++, mask);
  for (let rest = mask; rest !== 0; rest &= rest - 1) {
    const channel = firstChannel(rest);
    const decimals = sample.decimals[channel];
    out.setInt32(at, (milliOf(sample.values[channel], decimals, channel) << 2) | decimals, true);
    at += 4;
  }
  return at;
}

function milliOf(value: number, decimals: number, channel: number): number {
  const milli = toMilli(value, decimals);
  if (milli >= -MILLI_LIMIT && milli < MILLI_LIMIT) return milli;
  throw new RangeError(`${channels[channel].name} ${value}: expected ±8388 ${channels[channel].unit}`);
}

/** The boot number of a record, modulo 65,536. */
export function bootOf(record: DataView): number {
  return record.getUint16(2, true);
}

/** The room number of a record, modulo 256. */
export function roomOf(record: DataView): number {
  return record.getUint8(1);
}

/** Reads a record of `length` bytes into `stored`; false, and `stored` unchanged, if it is not one of ours. */
export function decodeRecord(record: DataView, length: number, stored: StoredSample): boolean {
  if (length < RECORD_LENGTH) return false;
  const flags = record.getUint8(0);
  if ((flags & UNKNOWN_BITS) !== 0) return false;
  if ((flags & CHANNELS) !== 0) {
    if (!decodeChannels(record, length, stored)) return false;
  } else {
    if (length > RECORD_LENGTH) return false;
    stored.mask = ALONE;
    stored.decimals[TEMPERATURE] = flags & DECIMALS;
    stored.milli[TEMPERATURE] = record.getInt32(8, true) >> 8;
  }
  stored.base = undefined;
  stored.isSingle = (flags & SINGLE) !== 0;
  stored.secondDigits = (flags & MILLISECONDS) === 0 ? 0 : 3;
  stored.setOrigin(record.getUint16(2, true), record.getUint8(1));
  if (stored.isSingle) stored.origin |= firstChannel(stored.mask) << 24;
  stored.uptimeMs = record.getUint8(8) * UPTIME_HIGH + record.getUint32(4, true);
  return true;
}

function decodeChannels(record: DataView, length: number, stored: StoredSample): boolean {
  const mask = record.getUint8(CHANNELS_AT);
  if (mask === 0 || mask >>> channels.length !== 0 || length !== CHANNELS_AT + 1 + 4 * countOf(mask)) return false;
  stored.mask = mask;
  let at = CHANNELS_AT + 1;
  for (let rest = mask; rest !== 0; rest &= rest - 1, at += 4) {
    const channel = firstChannel(rest);
    const word = record.getInt32(at, true);
    stored.decimals[channel] = word & DECIMALS;
    stored.milli[channel] = word >> 2;
  }
  return true;
}

/** Number of channels in a mask. */
export function countOf(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
