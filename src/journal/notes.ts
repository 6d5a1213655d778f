/*
 * Values that many samples share, as notes of the outbox. The outbox repeats the latest note of each tag at the head of every
 * block, so a note survives its block. Numbers are little-endian.
 *
 *   ROOM      number (1 byte, modulo 256), name (UTF-8, 1..64 bytes)
 *   CLOCK     a line from uptime to time: boot (2 bytes), milliseconds since 1970 at uptime 0 of that boot (6 bytes), number of the
 *             first entry that it dates (6 bytes; absent in old notes: all of that boot), drift of the clock (4 bytes, signed, in
 *             units of 2^-34; absent if 0): how much more than a millisecond passes in a millisecond of uptime
 *   BASE      the base of short records: see short.ts
 *
 * Tags 2 and 3 belong to the product: see session-record.ts and lifetime.ts in src/thermometer.
 */

/** Tag of the note that names a room. */
export const ROOM = 0;
/** Tag of the note that dates the samples of a boot. */
export const CLOCK = 1;
/** Tag of the note with the base of short records. */
export const BASE = 4;

const OLD_CLOCK_LENGTH = 8;
const CLOCK_LENGTH = 14;
const DRIFTING_CLOCK_LENGTH = 18;
const DRIFT_UNIT = 2 ** -34; // 1 ms in half a year; the largest drift is 12.5 %
const HIGH = 0x1_0000_0000;

/** The ROOM note. `number`: modulo 256; `name`: UTF-8, 1 to 64 bytes. */
export function encodeRoom(number: number, name: Uint8Array): Uint8Array {
  const note = new Uint8Array(1 + name.length);
  note[0] = number;
  note.set(name, 1);
  return note;
}

/** The nearest drift that a clock note can contain, a fraction of at most 0.12. */
export function nearestDrift(drift: number): number {
  return Math.round(drift / DRIFT_UNIT) * DRIFT_UNIT;
}

/**
 * `originMs`: milliseconds since 1970 at uptime 0. `from`: the first sequence number that it dates. `drift`: how much more than
 * a millisecond passes in a millisecond of uptime, from `nearestDrift`.
 */
export function encodeClock(boot: number, originMs: number, from: number, drift = 0): Uint8Array {
  const note = new Uint8Array(drift === 0 ? CLOCK_LENGTH : DRIFTING_CLOCK_LENGTH);
  const view = new DataView(note.buffer);
  view.setUint16(0, boot & 0xffff, true);
  view.setUint32(2, originMs >>> 0, true);
  view.setUint16(6, originMs / HIGH, true);
  view.setUint32(8, from >>> 0, true);
  view.setUint16(12, from / HIGH, true);
  if (drift !== 0) view.setInt32(CLOCK_LENGTH, drift / DRIFT_UNIT, true);
  return note;
}

/** The boot of a clock note, modulo 65,536; -1 if it is damaged. */
export function bootOfClock(note: Uint8Array): number {
  switch (note.length) {
    case OLD_CLOCK_LENGTH:
    case CLOCK_LENGTH:
    case DRIFTING_CLOCK_LENGTH:
      return note[0] | (note[1] << 8);
    default:
      return -1;
  }
}

/** Milliseconds since 1970 at uptime 0 of the note's boot. */
export function originOfClock(note: Uint8Array): number {
  return sixBytes(note, 2);
}

/** The first sequence number that a clock note dates. */
export function startOfClock(note: Uint8Array): number {
  return note.length > OLD_CLOCK_LENGTH ? sixBytes(note, 8) : 0;
}

/**
 * Number of the first entry to which a note applies, if that may be older than the note; otherwise NaN. The outbox asks, because it
 * carries such notes along when it evicts blocks.
 */
export function appliesFrom(tag: number, note: Uint8Array): number {
  return tag === CLOCK ? startOfClock(note) : Number.NaN;
}

/** How much more than a millisecond passes in a millisecond of uptime, by a clock note. */
export function driftOfClock(note: Uint8Array): number {
  if (note.length < DRIFTING_CLOCK_LENGTH) return 0;
  return (note[14] | (note[15] << 8) | (note[16] << 16) | (note[17] << 24)) * DRIFT_UNIT;
}

function sixBytes(note: Uint8Array, at: number): number {
  const low = note[at] | (note[at + 1] << 8) | (note[at + 2] << 16) | (note[at + 3] << 24);
  return (note[at + 4] | (note[at + 5] << 8)) * HIGH + (low >>> 0);
}

/** What `nextNote` needs of the outbox. */
interface LaterNotes {
  findNoteAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean;
}

/** The first value of a tag after an entry, mostly the repetition at the head of the next block; undefined: there is none. */
export function nextNote(store: LaterNotes, sequence: number, tag: number): Uint8Array | undefined {
  let next: Uint8Array | undefined;
  store.findNoteAfter(sequence, tag, (later) => {
    next = later;
    return true;
  });
  return next;
}

/** Whether both contain the same bytes. */
export function sameNote(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a?.length !== b.length) return false;
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
