/*
 * Continues appending where an earlier run stopped, without a mount, for a device that slept meanwhile and kept the position in
 * memory that survives the sleep. It uses the position only if flash confirms it: the newest block's head, something before the
 * position and nothing behind it. Otherwise, or if the block is full, the outbox must be mounted. Its entries are the same as
 * the outbox's: a mount finds them.
 */
import type { Flash } from "./flash/flash.js";
import { mediumFor } from "./flash/geometry.js";
import { blockSeed, PAYLOAD_AT, SHORT_PAYLOAD } from "./flash/layout.js";
import type { Medium } from "./flash/medium.js";
import type { Position } from "./queue/options.js";
import { isConfirmed, isFree } from "./queue/position.js";

export type { Position } from "./queue/options.js";

/** The flash and how it is programmed, as in `OutboxOptions`. */
export interface AppenderOptions {
  readonly flash: Flash;
  readonly writeUnit?: 1 | 16;
  /** Longest payload, in bytes. */
  readonly maxPayload: number;
}

/** Appends entries at a known position. `append` returns -1 where the outbox must be mounted instead; it never throws. */
export class Appender {
  /** Number and address of the next entry; address 0: flash failed, the outbox has to be mounted. */
  number: number;
  end: number;
  private readonly medium: Medium;
  private readonly position: Position;

  /** @throws RangeError for a flash that no outbox can use */
  constructor({ flash, writeUnit, maxPayload }: AppenderOptions, position: Position) {
    this.medium = mediumFor(flash, writeUnit, maxPayload);
    this.position = position;
    this.number = position.number;
    this.end = position.end;
  }

  /** Whether flash matches the position: two reads. If not, nothing may be appended. */
  isConfirmed(): boolean {
    return isConfirmed(this.medium, this.position);
  }

  /**
   * Stores an entry; durable on return. Only after `isConfirmed`, and never again after it has returned -1.
   * @returns its sequence number; -1: mount the outbox, and append the entry there
   */
  append(payload: Uint8Array, qos: 1 | 2): number {
    const { medium, position, end, number } = this;
    const { version, freeEnd } = position;
    const length = payload.byteLength;
    const size = length === SHORT_PAYLOAD ? medium.shortEntrySize(payload, version) : medium.sizeOf(length);
    if (length > medium.maxPayload || end + size > freeEnd || !isFree(medium, position, end, size, number)) return -1;
    medium.pad(length);
    medium.bytes.set(payload, PAYLOAD_AT);
    medium.prepare(qos, length, blockSeed(position.sequence), version);
    if (!medium.put(end, number)) {
      // as in the log: a badly programmed record must not appear beside its repetition
      if (medium.unit === 1) medium.programZeros(end, end + 4);
      this.end = 0;
      return -1;
    }
    this.end = end + size;
    this.number = number + 1;
    return number;
  }

  close(): void {
    this.medium.close();
  }
}
