/* A part of a simulated flash, as a partition: its blocks count from 0. */
import type { NorFlash } from "../../boards/parts/flash/nor-flash.js";

export class Region {
  /** The key-value store that is open on it. */
  mountedBy: object | undefined;
  readonly #flash: Pick<NorFlash, "read" | "write" | "eraseBlock" | "status">;
  readonly #first: number;
  readonly #blocks: number;

  constructor(flash: Pick<NorFlash, "read" | "write" | "eraseBlock" | "status">, first: number, blocks: number) {
    this.#flash = flash;
    this.#first = first;
    this.#blocks = blocks;
  }

  read(buffer: Uint8Array, offset: number): number {
    return this.#flash.read(buffer, this.#at(offset, buffer.length));
  }

  write(buffer: Uint8Array, offset: number): void {
    this.#flash.write(buffer, this.#at(offset, buffer.length));
  }

  eraseBlock(first: number, end = first + 1): void {
    const { blockLength } = this.status();
    this.#at(first * blockLength, (end - first) * blockLength);
    this.#flash.eraseBlock(this.#first + first, this.#first + end);
  }

  status(): { size: number; blockLength: number; blocks: number } {
    const { blockLength } = this.#flash.status();
    return { size: this.#blocks * blockLength, blockLength, blocks: this.#blocks };
  }

  #at(offset: number, length: number): number {
    const { size, blockLength } = this.status();
    if (offset < 0 || offset + length > size) throw new Error("outside of the partition");
    return this.#first * blockLength + offset;
  }
}
