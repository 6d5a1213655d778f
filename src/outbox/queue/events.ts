/*
 * The outbox's reports to its owner: events about entries or the flash, each with one line for a log; and its statistics. Types
 * only, no byte code.
 */

/** `message`: one line, for people. */
export type OutboxEvent =
  /**
   * The outbox was full: the oldest block not in flight was evicted, with its `count` unsettled entries from `first` up to, but
   * without, `end`.
   */
  | {
      readonly kind: "dropped";
      readonly first: number;
      readonly end: number;
      readonly count: number;
      readonly message: string;
    }
  /** The outbox was full, or the flash failed: a reading was not stored; its number is used up. */
  | { readonly kind: "refused"; readonly message: string }
  /** Flash could not be read, again and again: nothing is taken for damaged, and the same call may succeed later. */
  | { readonly kind: "unreadable"; readonly message: string }
  /** Damage on flash has destroyed `count` entries from number `first` on. */
  | { readonly kind: "damaged"; readonly first: number; readonly count: number; readonly message: string }
  /** The flash has no outbox, and `blocks` of its blocks are not empty: they are erased when they are needed. */
  | { readonly kind: "foreign"; readonly blocks: number; readonly message: string }
  /** A mark could not be made durable: the entry may come back after a reboot. */
  | { readonly kind: "unmarked"; readonly sequence: number; readonly message: string };

/** Counts of the outbox, exact after `exactCount`. */
export interface Statistics {
  /** Entries that are not settled. */
  readonly entries: number;
  /** Flash used by these and by settled entries between them, in bytes, in whole blocks. */
  readonly bytesUsed: number;
  /** Number of the oldest entry that is not settled; undefined if there is none. */
  readonly oldestSequence: number | undefined;
  readonly nextSequence: number;
  /** Over the outbox's life: evicted when full, refused, lost to damage. */
  readonly dropped: number;
  readonly refused: number;
  readonly damaged: number;
  /** Torn records that the mount found in the newest block. */
  readonly tornRecords: number;
  /** Failed calls of the flash since boot. */
  readonly flashFailures: number;
  readonly blocks: number;
  readonly blocksUsed: number;
  /** Erases per block, over the outbox's life. */
  readonly erases: { readonly max: number; readonly mean: number };
  /** 1: new, 0: the block erased most often has reached `endurance`. */
  readonly lifeLeft: number;
}

/** Receives the events. The object is kept and its method called on it, so that no closure is needed. */
export interface OutboxListener {
  /** Must not throw and must not call the outbox. */
  onEvent?(event: OutboxEvent): void;
}
