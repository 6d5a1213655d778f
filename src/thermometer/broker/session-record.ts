/*
 * The session record: the session and the broker in which entries may be in flight. Without a matching record, the first
 * connection wipes the broker's session, so that no old packet id makes the broker discard an entry. It also contains the
 * broker's MQTT version, so that a boot tries that version first.
 *
 *   note, tag 2   hash of client id and broker (8 bytes)
 *                 how many of the oldest entries may have been sent in the session; 255: all that the outbox delivers
 *                 (1 byte; absent in notes of 0.1: 64)
 *                 protocol level: 4 or 5; 0: not known (1 byte; absent in older notes)
 *                 day on which 4 was seen, in days since 1970, little-endian; 0: the clock was not set (2 bytes; absent in
 *                 older notes)
 *                 An empty note: no session
 *
 * Older firmware reads a note of this length as one without a window, and assumes 64.
 */
import type { Sticky } from "../../journal/sticky.js";

const SESSION = 2;
const HASH_LENGTH = 8;
const WINDOW = 8;
const LEVEL = 9;
const DAY = 10;
const LENGTH = 12;
const OLD_WINDOW = 64;
/** Stands for any number from here on. No more than ALL can be sent: the outbox delivers as many numbers from its oldest entry on. */
const MAX_WINDOW = 255;
const ALL = 256;
const DAY_MS = 86_400_000;
/** Days after which a broker without MQTT 5 is tried with version 5 again. */
const RETRY_DAYS = 3;

/** Protocol level in CONNECT: 4 is MQTT 3.1.1. */
export type Level = 4 | 5;

/** What is needed of the outbox. */
export interface SessionStore {
  readNote(tag: number): Uint8Array | undefined;
}

/** Reads and writes the session record. */
export class SessionRecord {
  private readonly store: SessionStore;
  private readonly notes: Sticky;
  /** The note, after its first use; empty: there is none. */
  private known: Uint8Array | undefined;

  constructor(store: SessionStore, notes: Sticky) {
    this.store = store;
    this.notes = notes;
  }

  /** Whether the packet ids in flight belong to this client's session at this broker. */
  is(clientId: string, host: string, port: number): boolean {
    const note = this.note;
    return note !== undefined && isSame(note, encode(clientId, host, port));
  }

  /** Number of oldest entries that may have been sent in a session that the broker still has; 0: none. */
  get perhapsSent(): number {
    const note = this.note;
    if (!note) return 0;
    const window = note.length > WINDOW ? note[WINDOW] : OLD_WINDOW;
    return window < MAX_WINDOW ? window : ALL;
  }

  /** The MQTT version of the recorded broker. `utcMs`: now. undefined: not known, or version 5 should be tried again. */
  level(utcMs: number | undefined): Level | undefined {
    const note = this.note;
    const level = note && note.length === LENGTH ? note[LEVEL] : 0;
    if (level === 5) return 5;
    return level === 4 && note && !isStale(note, dayOf(utcMs)) ? 4 : undefined;
  }

  /** No session may be continued. Durable on return, unless flash fails. */
  forget(): void {
    if (this.perhapsSent > 0) this.write(new Uint8Array(0));
  }

  /**
   * Records the current session, in which no others than the `window` oldest entries are sent. `level`: the broker's version; undefined:
   * unchanged. `utcMs`: now; undefined while the clock is not set. `isNew`: nothing was sent in this session before. Durable on
   * return, unless flash fails.
   */
  record(
    clientId: string,
    host: string,
    port: number,
    window: number,
    level?: Level,
    utcMs?: number,
    isNew?: boolean,
  ): void {
    const note = encode(clientId, host, port);
    const last = this.note;
    const before = last !== undefined && isSame(last, note) ? last : undefined;
    const day = dayOf(utcMs);
    // Entries of a larger window may still be in flight.
    note[WINDOW] = Math.min(before && !isNew ? Math.max(window, this.perhapsSent) : window, MAX_WINDOW);
    if (before?.length === LENGTH) note.set(before.subarray(LEVEL), LEVEL);
    if (level && (level !== note[LEVEL] || (level === 4 && isStale(note, day)))) {
      note[LEVEL] = level;
      note[DAY] = day;
      note[DAY + 1] = day >> 8;
    }
    if (!before || !isEqual(note, before)) this.write(note);
  }

  private get note(): Uint8Array | undefined {
    this.known ??= this.store.readNote(SESSION) ?? new Uint8Array(0);
    return this.known.length >= HASH_LENGTH ? this.known : undefined;
  }

  private write(note: Uint8Array): void {
    this.known = note;
    this.notes.write(SESSION, note);
  }
}

function dayOf(utcMs: number | undefined): number {
  return utcMs === undefined ? 0 : Math.floor(utcMs / DAY_MS);
}

/** Whether the level in `note` is RETRY_DAYS old. `day`: today; 0: not known, then it is not. A day in the future counts as old, too: the clock may have been ahead. */
function isStale(note: Uint8Array, day: number): boolean {
  return day > 0 && Math.abs(day - (note[DAY] | (note[DAY + 1] << 8))) >= RETRY_DAYS;
}

/** Whether both are of the same client and broker. */
function isSame(note: Uint8Array, other: Uint8Array): boolean {
  for (let i = 0; i < HASH_LENGTH; i++) if (note[i] !== other[i]) return false;
  return true;
}

/** A note of 0.1 is shorter; it is rewritten only if the new content differs. */
function isEqual(note: Uint8Array, before: Uint8Array): boolean {
  for (let i = 0; i < LENGTH; i++) if (note[i] !== (before[i] ?? (i === WINDOW ? OLD_WINDOW : 0))) return false;
  return true;
}

/** Two 32-bit FNV-1a hashes, one from each end of `client id, broker`; the rest is 0. */
function encode(clientId: string, host: string, port: number): Uint8Array {
  const name = `${clientId}\n${host}\n${port}`;
  const note = new Uint8Array(LENGTH);
  const view = new DataView(note.buffer);
  let forth = 0x811c9dc5;
  let back = 0x811c9dc5;
  for (let i = 0, j = name.length - 1; j >= 0; i++, j--) {
    forth = Math.imul(forth ^ name.charCodeAt(i), 0x01000193);
    back = Math.imul(back ^ name.charCodeAt(j), 0x01000193);
  }
  view.setUint32(0, forth >>> 0, true);
  view.setUint32(4, back >>> 0, true);
  return note;
}
