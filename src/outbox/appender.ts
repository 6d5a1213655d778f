/*
 * Goes on appending where an earlier run stopped, without a mount: for a device that slept in between and has kept the position
 * in memory that lives through sleep. It believes nothing that flash does not confirm: the newest block's head, that something
 * lies before the position and nothing behind it. Where anything is otherwise, and where the block has no free space, the outbox must
 * be mounted. What it writes is what the outbox writes: a mount finds these entries like any others.
 */
import type { Flash } from "./flash/flash.js";
import { mediumFor } from "./flash/geometry.js";
import { blockSeed, PAYLOAD_AT, SHORT_PAYLOAD } from "./flash/layout.js";
import type { Medium } from "./flash/medium.js";
import type { Position } from "./queue/options.js";
import { isConfirmed, isFree } from "./queue/position.js";

export type { Position } from "./queue/options.js";

/** The flash, and how it is programmed: as `OutboxOptions` has them. */
export interface AppenderOptions {
  readonly flash: Flash;
  readonly writeUnit?: 1 | 16;
  /** Bytes of the longest payload. */
  readonly maxPayload: number;
}

/** Appends entries at a known position. `append` returns false where the outbox must be mounted instead; it never throws. */
export class Appender {
  /** Of the next entry, and where it goes; 0: flash failed, the outbox is to be mounted. */
  number: number;
  end: number;
  private readonly medium: Medium;
  private readonly position: Position;

  /** @throws RangeError for a flash that no outbox can live on */
  constructor({ flash, writeUnit, maxPayload }: AppenderOptions, position: Position) {
    this.medium = mediumFor(flash, writeUnit, maxPayload);
    this.position = position;
    this.number = position.number;
    this.end = position.end;
  }

  /** Whether flash is as the position says: two reads. Nothing may be appended otherwise. */
  isConfirmed(): boolean {
    return isConfirmed(this.medium, this.position);
  }

  /**
   * Stores an entry; durable on return. Only after `isConfirmed`, and never again once it has returned -1.
   * @returns its sequence number; -1: mount the outbox, and append it there
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
      // As the log does: what was not programmed well is not to turn up beside its repetition.
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
