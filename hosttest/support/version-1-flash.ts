/*
 * A flash as firmware 0.1 leaves it: what an outbox writes through it becomes blocks of format version 1, but the outbox reads back its own
 * version. Only the version in the open headers differs, as long as no payload fits a short frame.
 */
import type { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import type { Flash, FlashStatus } from "../../src/outbox/flash/flash.js";
import {
  CLEAN_BYTES,
  decodeFormat,
  decodeHeader,
  emptyHeader,
  encodeHeader,
  FORMAT_VERSION,
  HEAD_BYTES,
  isHeader,
  OPEN_BYTES,
} from "../../src/outbox/flash/layout.js";

export class Version1Flash implements Flash {
  readonly #flash: NorFlash;

  constructor(flash: NorFlash) {
    this.#flash = flash;
  }

  read(buffer: Uint8Array, offset: number): number {
    const count = this.#flash.read(buffer, offset);
    const at = offset % this.#flash.blockLength === 0 ? CLEAN_BYTES : 0;
    const isHead = offset % this.#flash.blockLength === 0 || offset % this.#flash.blockLength === CLEAN_BYTES;
    if (isHead && buffer.byteLength >= at + OPEN_BYTES && buffer.byteLength <= HEAD_BYTES) {
      buffer.set(inVersion(FORMAT_VERSION, buffer.subarray(at, at + OPEN_BYTES)), at);
    }
    return count;
  }

  write(buffer: Uint8Array, offset: number): void {
    const isOpen = offset % this.#flash.blockLength === CLEAN_BYTES && buffer.byteLength === OPEN_BYTES;
    this.#flash.write(isOpen ? inVersion(1, buffer) : buffer, offset);
  }

  eraseBlock(first: number, end?: number): void {
    this.#flash.eraseBlock(first, end);
  }

  status(): FlashStatus {
    return this.#flash.status();
  }

  close(): void {
    this.#flash.close();
  }
}

/** Changes the version of the open header in `bytes`; other bytes are unchanged. */
function inVersion(version: number, bytes: Uint8Array): Uint8Array {
  const words = new Int32Array(bytes.slice().buffer);
  const header = emptyHeader();
  if (isHeader(words, 0) && decodeHeader(header, words, 0)) {
    encodeHeader(decodeFormat(words, 0), { ...header, version }, words, 0);
  }
  return new Uint8Array(words.buffer);
}
