/* What an outbox is made of, and what it hands out. */

import type { NoteOwner } from "../blocks/carried.js";
import type { Flash } from "../flash/flash.js";
import type { OutboxListener } from "./events.js";

/** An entry as `seek` hands it out. One object per outbox: copy what you keep. */
export interface Entry {
  /** Counted over the outbox's whole life, from 0, below 2^48. */
  readonly sequence: number;
  readonly qos: 1 | 2;
  /** PUBREC was recorded, in the session in force. */
  readonly released: boolean;
  /** On the outbox's record buffer: valid until the next call of any method. */
  readonly payload: Uint8Array;
  /** Bytes in `payload`. */
  readonly payloadLength: number;
}

/** Where the next entry goes, as numbers that the owner can keep during a sleep. */
export interface Position {
  /** The newest block: its index on flash, its block sequence, the number of its first entry, its format version. */
  readonly block: number;
  readonly sequence: number;
  readonly first: number;
  readonly version: number;
  /** Address of the next record; up to where entries may go. */
  readonly end: number;
  readonly freeEnd: number;
  /** Sequence number of the next entry. */
  readonly number: number;
}

/** An outbox that sleeps. */
export interface Suspension extends Position {
  /** At most MAX_STATE_BYTES (suspended.ts); empty: the next run mounts, and an `Appender` goes by the position alone. */
  readonly outboxState: Uint8Array;
}

/** Kept: `onEvent` and `appliesFrom` are called on it, and `endurance` asked. All else is read once. */
export interface OutboxOptions extends OutboxListener, NoteOwner {
  /** The open partition. The outbox's from now on; `close` closes it. */
  readonly flash: Flash;
  /** 16: flash is programmed in units of 16 bytes, each once (encryption, ECC). Default: the flash's `writeAlign`, else 1. */
  readonly writeUnit?: 1 | 16;
  /** Default: "dropOldest", the oldest block without entries in flight. */
  readonly whenFull?: "dropOldest" | "refuse";
  /** Longest payload in bytes; the record buffer is that long. Default 256, at most about half a block. */
  readonly maxPayload?: number;
  /** Erases that a block is good for. Default 100,000. Only `lifeLeft` follows from it. */
  readonly endurance?: number;
  /** Writes blocks in the format of the newest existing block, until `useNewestFormat`. Default: the newest format. */
  readonly keepsFormat?: boolean | undefined;
  /** Number of the first entry on a flash that holds no outbox yet. Default 0. */
  readonly firstSequence?: number;
  /** What `suspend` returned, in an earlier run after which an `Appender` alone wrote: if flash confirms it, nothing is mounted. */
  readonly suspension?: Suspension;
}

/** The Entry that is handed out; its fields are readonly to the owner. */
export class EntryView {
  sequence = -1;
  qos: 1 | 2 = 1;
  released = false;
  payload: Uint8Array = new Uint8Array(0);
  payloadLength = 0;
}
