/*
 * What the outbox reports to its owner: things that happened to entries or to the flash, each with one line for a log; and its
 * statistics. Types only, no byte code.
 */

/** `message`: one line, for people. */
export type OutboxEvent =
  /** The outbox was full: the oldest block not in flight, with the `count` open entries from `first` to before `end`, is evicted. */
  | {
      readonly kind: "dropped";
      readonly first: number;
      readonly end: number;
      readonly count: number;
      readonly message: string;
    }
  /** The outbox was full, or the flash failed: a reading was not stored; its number is used up. */
  | { readonly kind: "refused"; readonly message: string }
  /** Damage on flash took `count` entries from number `first` on. */
  | { readonly kind: "damaged"; readonly first: number; readonly count: number; readonly message: string }
  /** The flash holds no outbox, and `blocks` of its blocks do not look erased: they are erased when they are needed. */
  | { readonly kind: "foreign"; readonly blocks: number; readonly message: string }
  /** A mark could not be made durable: the entry may come back after a reboot. */
  | { readonly kind: "unmarked"; readonly sequence: number; readonly message: string };

/** Counts of the outbox, exact after `exactCount`. */
export interface Statistics {
  /** Entries that are not settled. */
  readonly entries: number;
  /** Bytes of flash that these and what is settled between them take, in whole blocks. */
  readonly bytesUsed: number;
  /** Number of the oldest entry that is not settled; undefined if there is none. */
  readonly oldestSequence: number | undefined;
  readonly nextSequence: number;
  /** Over the outbox's life: evicted when full, refused, lost to damage. */
  readonly dropped: number;
  readonly refused: number;
  readonly damaged: number;
  /** Records cut short that the mount found in the newest block. */
  readonly tornRecords: number;
  /** Calls that the flash failed since boot. */
  readonly flashFailures: number;
  readonly blocks: number;
  readonly blocksUsed: number;
  /** Erases a block, over its life. */
  readonly erases: { readonly max: number; readonly mean: number };
  /** 1: new, 0: the block erased most often has reached `endurance`. */
  readonly lifeLeft: number;
}

/** What events are reported to. Kept, and called as it stands: no closure in between. */
export interface OutboxListener {
  /** Must not throw and must not call the outbox. */
  onEvent?(event: OutboxEvent): void;
}
