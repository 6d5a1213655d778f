/*
 * Writes one image into the slot that does not run, and reads it back. Made for an update, and released after it. A chunk is a
 * block of flash (the last one may be shorter). It is written as it arrives, a page at a time. An interrupted chunk is sent
 * again, and its block is erased first. Exceptions of the flash go to the caller, which ends the update.
 *
 *   chunk:  0 id of the offer (4 bytes, in the order of its digits), 4 offset in the image (4, little-endian), 8- bytes of the image
 */
import { toHex } from "../common/ascii.js";
import { SHA256 } from "../common/sha256.js";
import type { SlotFlash } from "./io.js";
import type { UpdateRecord } from "./record.js";

/** Bytes before the image's own in a chunk. */
export const CHUNK_HEAD = 8;
/** Bytes that are programmed or read at once. */
const PAGE = 1024;
/** Where flash is encrypted, only whole units are programmed or read. */
const UNIT = 16;

/** A part of a message, as the MQTT client passes it on. */
export interface Piece {
  readonly payload: Uint8Array;
  readonly offsetBytes: number;
  readonly totalBytes: number;
  readonly last: boolean;
}

/** One image that is being written to flash. */
export class ImageWriter {
  readonly flash: SlotFlash;
  readonly blockLength: number;
  /** Bytes written, or read back. */
  at: number;
  /** Bytes that were written before the boot. */
  readonly beganAt: number;
  /** Uptime until which the device stays awake for the next chunk, in milliseconds. */
  patienceEndMs = 0;
  readonly record: UpdateRecord;
  /** The head of a chunk, then bytes that are not programmed yet. */
  private readonly page = new Uint8Array(CHUNK_HEAD + PAGE);
  private hash: SHA256 | undefined;
  private filled = 0;
  /** Whether the chunk being received is the expected one; undefined: its head is not complete yet. */
  private isWanted: boolean | undefined;
  /** Bytes of the chunk already written. */
  private written = 0;
  /** The block that was erased for the next chunk; -1: none. */
  private erased = -1;

  /** Continues where `record` ends. `flash`: opened. */
  constructor(flash: SlotFlash, record: UpdateRecord) {
    this.flash = flash;
    this.record = record;
    this.blockLength = flash.status().blockLength;
    this.at = this.beganAt = record.at;
  }

  /** A part of a chunk. */
  take({ payload, offsetBytes, totalBytes, last }: Piece): void {
    const { page } = this;
    if (offsetBytes === 0) {
      this.filled = this.written = 0;
      this.isWanted = undefined;
    }
    for (let from = 0; from < payload.length; ) {
      const count = Math.min(page.length - this.filled, payload.length - from);
      page.set(payload.subarray(from, from + count), this.filled);
      this.filled += count;
      from += count;
      if (this.filled === page.length) this.program(totalBytes - CHUNK_HEAD);
    }
    if (!last) return;
    if (this.filled > CHUNK_HEAD) this.program(totalBytes - CHUNK_HEAD);
    if (this.isWanted) this.at += this.written;
    this.isWanted = undefined;
  }

  /** Erases the block of the next chunk, unless one is being written. */
  eraseAhead(): void {
    const block = this.at / this.blockLength;
    if (this.isWanted || this.erased === block) return;
    this.flash.eraseBlock(block);
    this.erased = block;
  }

  /** Reads the next page; after the last one, returns the image's digest in hexadecimal. */
  readBack(): string | undefined {
    const page = this.page.subarray(0, Math.min(PAGE, this.record.offer.size - this.at));
    if (page.length === 0) return toHex((this.hash as SHA256).digest());
    this.flash.read(this.page.subarray(0, unitsOf(page.length)), this.at);
    this.hash ??= new SHA256();
    this.hash.write(page);
    this.at += page.length;
    return;
  }

  /** Programs waiting bytes of the expected chunk, which has `length` bytes. */
  private program(length: number): void {
    const { page, filled, flash } = this;
    this.isWanted ??= this.begin(length);
    this.filled = CHUNK_HEAD;
    if (!this.isWanted) return;
    const end = CHUNK_HEAD + unitsOf(filled - CHUNK_HEAD);
    page.fill(0xff, filled, end);
    flash.write(page.subarray(CHUNK_HEAD, end), this.at + this.written);
    this.written += filled - CHUNK_HEAD;
  }

  /** The chunk's head is complete. */
  private begin(length: number): boolean {
    const { page, record, blockLength, at, erased } = this;
    const { id, size } = record.offer;
    if (toHex(page.subarray(0, 4)) !== id || new DataView(page.buffer).getUint32(4, true) !== at) return false;
    if (length !== Math.min(blockLength, size - at)) return false;
    if (erased * blockLength !== at) this.flash.eraseBlock(at / blockLength);
    this.erased = -1;
    return true;
  }
}

function unitsOf(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}
