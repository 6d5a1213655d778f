/*
 * The flash for the outbox, opened by the owner: the shape of Moddable's `embedded:storage/flash`. Declared structurally, so
 * that the outbox works with any object of this shape. Types only, no byte code. Source: Moddable SDK, modules/io/storage, and
 * its implementation for ESP32.
 */

/** Properties of a partition. */
export interface FlashStatus {
  /** Bytes in the partition. */
  readonly size: number;
  /** Bytes per erase: 4096 on an ESP32. */
  readonly blockLength: number;
  readonly blocks: number;
  /** Bytes that must be programmed together and only once; absent on ESP32, where single bytes can be programmed. */
  readonly writeAlign?: number;
  /** Value of erased bytes; not used. */
  readonly eraseValue?: number;
}

/** An open partition. Every call is synchronous and throws an `Error` when the flash reports one. */
export interface Flash {
  /** Fills `buffer` from `offsetBytes`; returns the count of bytes read. */
  read(buffer: Uint8Array, offsetBytes: number): number;
  /** Programs `buffer` at `offsetBytes`: bits go from 1 to 0 only. Not atomic: a power cut leaves a prefix. */
  write(buffer: Uint8Array, offsetBytes: number): void;
  /** Erases the blocks `first` up to, not including, `end` (default: one block). Not atomic. */
  eraseBlock(first: number, end?: number): void;
  status(): FlashStatus;
  close(): void;
}
