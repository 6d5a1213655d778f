/*
 * The session record: in which session, at which broker, entries may be in flight. Without one that matches, the first connection
 * wipes what the broker may have kept, so that no stale packet id swallows an entry.
 *
 *   note, tag 2   hash of client id and broker (8 bytes); the largest window that was used in the session (1 byte; absent in
 *                 notes of 0.1: 64). Empty: no session
 */
import type { Sticky } from "../../journal/sticky.js";

const SESSION = 2;
const HASH_LENGTH = 8;
const LENGTH = 9;
const OLD_WINDOW = 64;

/** What is needed of the outbox. */
export interface SessionStore {
  readNote(tag: number): Uint8Array | undefined;
}

export class SessionRecord {
  private readonly store: SessionStore;
  private readonly notes: Sticky;

  constructor(store: SessionStore, notes: Sticky) {
    this.store = store;
    this.notes = notes;
  }

  /** True if the packet ids in flight belong to this client's session at this broker. */
  is(clientId: string, host: string, port: number): boolean {
    const note = this.store.readNote(SESSION);
    if (note === undefined || note.length < HASH_LENGTH) return false;
    const wanted = encode(clientId, host, port, 0);
    for (let i = 0; i < HASH_LENGTH; i++) if (note[i] !== wanted[i]) return false;
    return true;
  }

  /** Number of oldest entries that may have been sent in a session that the broker still holds; 0: there is none. */
  get perhapsSent(): number {
    const note = this.store.readNote(SESSION);
    if (note === undefined || note.length < HASH_LENGTH) return 0;
    return note.length === LENGTH ? note[HASH_LENGTH] : OLD_WINDOW;
  }

  /** No session is in force that may go on. Durable on return, if flash takes it. */
  forget(): void {
    if (this.perhapsSent > 0) this.notes.write(SESSION, new Uint8Array(0));
  }

  /** The session in force is this one, with at most `window` (1 to 255) in flight at once. Durable on return, if flash takes it. */
  record(clientId: string, host: string, port: number, window: number): void {
    const isKnown = this.is(clientId, host, port);
    const known = isKnown ? this.perhapsSent : 0; // what was in flight in a larger window may be so still
    if (!isKnown || window > known) this.notes.write(SESSION, encode(clientId, host, port, window));
  }
}

/** Two 32-bit FNV-1a hashes, one from each end of `client id, broker`; and the window. */
function encode(clientId: string, host: string, port: number, window: number): Uint8Array {
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
  note[HASH_LENGTH] = window;
  return note;
}
