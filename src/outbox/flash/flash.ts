/*
 * The flash that the outbox lies on, as the owner opens it: the shape of Moddable's `embedded:storage/flash`.
 * Declared here structurally, so that the outbox can be used with any object of this shape. Types only, no byte code.
 * Source: Moddable SDK, modules/io/storage; what its ESP32 implementation does is in README.md of this folder.
 */

/** What a partition says about itself. */
export interface FlashStatus {
  /** Bytes in the partition. */
  readonly size: number;
  /** Bytes that one erase takes: 4096 on an ESP32. */
  readonly blockLength: number;
  readonly blocks: number;
  /** Bytes that must be programmed together and only once; absent on ESP32: bytes. */
  readonly writeAlign?: number;
  /** What erased bytes read as; not relied upon. */
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
