/* The options of an outbox, and the entries that it delivers. */

import type { NoteOwner } from "../blocks/carried.js";
import type { Flash } from "../flash/flash.js";
import type { OutboxListener } from "./events.js";

/** An entry as `seek` returns it. There is one object per outbox: copy what you keep. */
export interface Entry {
  /** Counted over the outbox's whole life, from 0, below 2^48. */
  readonly sequence: number;
  readonly qos: 1 | 2;
  /** PUBREC was recorded in the current session. */
  readonly released: boolean;
  /** A view on the outbox's record buffer: valid until the next call of any method. */
  readonly payload: Uint8Array;
  /** Length of `payload`. */
  readonly payloadLength: number;
}

/** The place of the next entry, as numbers that the owner can keep during a sleep. */
export interface Position {
  /** The newest block: its index on flash, its block sequence, the number of its first entry, its format version. */
  readonly block: number;
  readonly sequence: number;
  readonly first: number;
  readonly version: number;
  /** Address of the next record; address up to which entries may be written. */
  readonly end: number;
  readonly freeEnd: number;
  /** Sequence number of the next entry. */
  readonly number: number;
}

/** The state of a suspended outbox. */
export interface Suspension extends Position {
  /** At most MAX_STATE_BYTES (suspended.ts); empty: the next run mounts, but an `Appender` can use the position. */
  readonly outboxState: Uint8Array;
}

/** The object is kept: `onEvent`, `appliesFrom` and `endurance` are used later. Everything else is read once. */
export interface OutboxOptions extends OutboxListener, NoteOwner {
  /** The open partition. It belongs to the outbox from now on; `close` closes it. */
  readonly flash: Flash;
  /** 16: flash is programmed in units of 16 bytes, each once (encryption, ECC). Default: the flash's `writeAlign`, else 1. */
  readonly writeUnit?: 1 | 16;
  /** Default: "dropOldest", the oldest block without entries in flight. */
  readonly whenFull?: "dropOldest" | "refuse";
  /** Longest payload in bytes; the record buffer has that length. Default 256, at most about half a block. */
  readonly maxPayload?: number;
  /** Erases that a block endures. Default 100,000. Only `lifeLeft` depends on it. */
  readonly endurance?: number;
  /** New blocks have the format of the newest existing block, until `useNewestFormat`. Default: the newest format. */
  readonly keepsFormat?: boolean | undefined;
  /** Number of the first entry on a flash without an outbox. Default 0. */
  readonly firstSequence?: number;
  /**
   * What cannot be read while mounting counts as damaged, if more than half of the heads can be read: for use after minutes of
   * mounts that failed. Default: the mount throws a ReadFailure.
   */
  readonly passesUnreadable?: boolean | undefined;
  /**
   * What `suspend` returned in an earlier run. Since then, only an `Appender` may have written. If flash confirms it, nothing
   * is mounted.
   */
  readonly suspension?: Suspension;
}

/** The Entry that is returned; its fields are readonly to the owner. */
export class EntryView {
  sequence = -1;
  qos: 1 | 2 = 1;
  released = false;
  payload: Uint8Array = new Uint8Array(0);
  payloadLength = 0;
}
