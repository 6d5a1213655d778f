/*
 * What many samples share, as notes of the outbox: the outbox repeats the latest of each tag at the head of every block, so that a
 * note outlives the block it was written in. Numbers are little-endian.
 *
 *   ROOM      number (1 byte, modulo 256), name (UTF-8, 1..64 bytes)
 *   CLOCK     boot (2 bytes), milliseconds since 1970 at uptime 0 of that boot (6 bytes), number of the first entry that it
 *             dates (6 bytes; absent in notes of old: all of that boot)
 *   BASE      what short records deviate from: see short.ts
 *
 * Tags 2 and 3 are the product's: see session-record.ts and lifetime.ts in src/thermometer.
 */

export const ROOM = 0;
export const CLOCK = 1;
export const BASE = 4;

const CLOCK_LENGTH = 14;
const OLD_CLOCK_LENGTH = 8;
const HIGH = 0x1_0000_0000;

export function encodeRoom(number: number, name: Uint8Array): Uint8Array {
  const note = new Uint8Array(1 + name.length);
  note[0] = number;
  note.set(name, 1);
  return note;
}

/** `originMs`: milliseconds since 1970 at uptime 0. `from`: the first sequence number that it dates. */
export function encodeClock(boot: number, originMs: number, from: number): Uint8Array {
  const note = new Uint8Array(CLOCK_LENGTH);
  const view = new DataView(note.buffer);
  view.setUint16(0, boot & 0xffff, true);
  view.setUint32(2, originMs >>> 0, true);
  view.setUint16(6, originMs / HIGH, true);
  view.setUint32(8, from >>> 0, true);
  view.setUint16(12, from / HIGH, true);
  return note;
}

/** The boot, modulo 65,536, that a clock note speaks of; -1 if it is damaged. */
export function bootOfClock(note: Uint8Array): number {
  return note.length === CLOCK_LENGTH || note.length === OLD_CLOCK_LENGTH ? note[0] | (note[1] << 8) : -1;
}

/** Milliseconds since 1970 at uptime 0 of the note's boot. */
export function originOfClock(note: Uint8Array): number {
  return sixBytes(note, 2);
}

/** The first sequence number that a clock note dates. */
export function startOfClock(note: Uint8Array): number {
  return note.length === CLOCK_LENGTH ? sixBytes(note, 8) : 0;
}

function sixBytes(note: Uint8Array, at: number): number {
  const low = note[at] | (note[at + 1] << 8) | (note[at + 2] << 16) | (note[at + 3] << 24);
  return (note[at + 4] | (note[at + 5] << 8)) * HIGH + (low >>> 0);
}

/** True if both hold the same bytes. */
export function sameNote(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a?.length !== b.length) return false;
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
