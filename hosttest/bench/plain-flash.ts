/* Flash that never fails and keeps no books, for measurements: bits go from 1 to 0. */
import type { Flash, FlashStatus } from "../../src/outbox/flash.js";

const BLOCK_BYTES = 4_096;

export class PlainFlash implements Flash {
  readonly #bytes: Uint8Array;
  constructor(blocks: number) {
    this.#bytes = new Uint8Array(blocks * BLOCK_BYTES).fill(0xff);
  }
  read(buffer: Uint8Array, offsetBytes: number): number {
    for (let i = 0; i < buffer.length; i++) buffer[i] = this.#bytes[offsetBytes + i];
    return buffer.length;
  }
  write(buffer: Uint8Array, offsetBytes: number): void {
    for (let i = 0; i < buffer.length; i++) this.#bytes[offsetBytes + i] &= buffer[i];
  }
  eraseBlock(first: number, end = first + 1): void {
    this.#bytes.fill(0xff, first * BLOCK_BYTES, end * BLOCK_BYTES);
  }
  status(): FlashStatus {
    return { size: this.#bytes.length, blockLength: BLOCK_BYTES, blocks: this.#bytes.length / BLOCK_BYTES };
  }
  close(): void {}
}
