/*
 * What many readings share, as sticky notes of the outbox: the outbox repeats the latest of each tag at the head of
 * every block, so that a note outlives the block it was written in. Numbers are little-endian.
 *
 *   ROOM      number (1 byte, modulo 256), name (UTF-8, 1..64 bytes)
 *   CLOCK     boot (2 bytes), milliseconds since 1970 at uptime 0 of that boot (6 bytes), number of the first reading that it
 *             dates (6 bytes; absent in notes of old: all of that boot)
 *   SESSION   hash of broker and client id (8 bytes): whose session the packet ids in flight belong to; the largest window
 *             there was in it (1 byte; absent in notes of old: 64). Empty: nobody's, whoever had them has been forgotten
 *   COUNTERS  boots, possible doubles, dead letters (4 bytes each)
 */

export const ROOM = 0;
export const CLOCK = 1;
export const SESSION = 2;
export const COUNTERS = 3;

const CLOCK_LENGTH = 14;
const OLD_CLOCK_LENGTH = 8;
const SESSION_LENGTH = 9;
const OLD_SESSION_LENGTH = 8;
const OLD_WINDOW = 64;
const COUNTERS_LENGTH = 12;
const HIGH = 0x1_0000_0000;

/** What is counted over the device's whole life. */
export interface Counters {
  boots: number;
  possibleDoubles: number;
  deadLetters: number;
}

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

/** Names a session: two 32-bit FNV-1a hashes, one from each end of `client id, broker`; and `window`, 1..255. */
export function encodeSession(clientId: string, host: string, port: number, window: number): Uint8Array {
  const name = `${clientId}\n${host}\n${port}`;
  const note = new Uint8Array(SESSION_LENGTH);
  const view = new DataView(note.buffer);
  let forth = 0x811c9dc5;
  let back = 0x811c9dc5;
  for (let i = 0, j = name.length - 1; j >= 0; i++, j--) {
    forth = Math.imul(forth ^ name.charCodeAt(i), 0x01000193);
    back = Math.imul(back ^ name.charCodeAt(j), 0x01000193);
  }
  view.setUint32(0, forth >>> 0, true);
  view.setUint32(4, back >>> 0, true);
  note[OLD_SESSION_LENGTH] = window;
  return note;
}

/** Whether both name the same session. */
export function sameSession(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a === undefined || a.length < OLD_SESSION_LENGTH) return false;
  for (let i = 0; i < OLD_SESSION_LENGTH; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The largest window in the session; 0: there is none. */
export function windowOfSession(note: Uint8Array | undefined): number {
  if (note === undefined || note.length < OLD_SESSION_LENGTH) return 0;
  return note.length === SESSION_LENGTH ? note[OLD_SESSION_LENGTH] : OLD_WINDOW;
}

export function encodeCounters(counters: Counters): Uint8Array {
  const note = new Uint8Array(COUNTERS_LENGTH);
  const view = new DataView(note.buffer);
  view.setUint32(0, counters.boots, true);
  view.setUint32(4, counters.possibleDoubles, true);
  view.setUint32(8, counters.deadLetters, true);
  return note;
}

/** Zeros where there is no note, or one of another layout: counting starts again, nothing else is lost. */
export function decodeCounters(note: Uint8Array | undefined): Counters {
  if (note?.length !== COUNTERS_LENGTH) return { boots: 0, possibleDoubles: 0, deadLetters: 0 };
  const view = new DataView(note.buffer, note.byteOffset, COUNTERS_LENGTH);
  return {
    boots: view.getUint32(0, true),
    possibleDoubles: view.getUint32(4, true),
    deadLetters: view.getUint32(8, true),
  };
}

/** True if both hold the same bytes. */
export function sameNote(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a?.length !== b.length) return false;
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
