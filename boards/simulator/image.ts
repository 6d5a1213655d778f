/*
 * The simulator's flash: one file with the partitions of a device, and a copy of it in memory. Programmed bytes are in the file
 * when the call returns, so that they survive any end of the simulator.
 * As in NOR flash, programming clears bits, and erasing a block sets them. Power can be cut during an operation, at any
 * byte: the bytes before it stay, and everything after it throws until the machine is started again.
 * Uses the module `file`, which the SDK has for Linux, macOS and Windows.
 */
import { File } from "file";
import type { Flash } from "../../src/outbox/flash/flash.js";

export const BLOCK_LENGTH = 4096;
const PIECE = 65_536; // bytes read at once: a second copy of the whole file would take memory

export class Image {
  readonly path: string;
  private readonly bytes: Uint8Array;
  private readonly file: File;
  private readonly taken: number[] = []; // blocks that a partition has
  private bytesUntilCut = Number.POSITIVE_INFINITY;
  private onCut: (() => void) | undefined;

  /**
   * Opens the image, or makes an erased one. A file that the simulator was making when it was killed is completed. So is one of
   * earlier firmware, which has `oldBytes`: the missing blocks are appended, erased.
   * @throws Error with one line if the file cannot be used
   */
  constructor(path: string, sizeBytes: number, oldBytes = sizeBytes) {
    this.path = path;
    const isNew = !File.exists(path);
    this.bytes = new Uint8Array(sizeBytes).fill(0xff);
    try {
      this.file = new File(path, true);
    } catch {
      throw new Error(`${path}: cannot be written; name another file with flash=`);
    }
    const length = isNew ? 0 : this.file.length;
    if (length <= sizeBytes) this.load(length);
    if (length > sizeBytes || (length < oldBytes && this.bytes.some((byte) => byte !== 0xff)))
      throw new Error(`${path}: ${length} bytes, expected a flash image of ${sizeBytes}`);
    if (length < sizeBytes) this.store(length, sizeBytes - length);
  }

  /**
   * `blocks` blocks from `firstBlock`, as an opened `embedded:storage/flash` partition.
   * @throws Error if a part of it is already in use: a region has one owner
   */
  partition(firstBlock: number, blocks: number): Flash {
    for (let block = firstBlock; block < firstBlock + blocks; block++) {
      if (this.taken.includes(block)) throw new Error(`flash block ${block}: a part of another partition`);
      this.taken.push(block);
    }
    return new Partition(this, firstBlock, blocks);
  }

  /** Power is cut when `bytes` more bytes were programmed or erased: the operation that needs more calls `onCut`, once, and throws, as all later ones do. */
  cutAfter(bytes: number, onCut: () => void): void {
    this.bytesUntilCut = bytes;
    this.onCut = onCut;
  }

  /** For partitions. */
  read(buffer: Uint8Array, offsetBytes: number): void {
    this.spend(0);
    buffer.set(this.bytes.subarray(offsetBytes, offsetBytes + buffer.length));
  }

  /** For partitions. */
  program(buffer: Uint8Array, offsetBytes: number): void {
    const done = this.spend(buffer.length);
    for (let i = 0; i < done; i++) this.bytes[offsetBytes + i] &= buffer[i];
    this.finish(offsetBytes, done, buffer.length);
  }

  /** For partitions. */
  erase(offsetBytes: number, sizeBytes: number): void {
    const done = this.spend(sizeBytes);
    this.bytes.fill(0xff, offsetBytes, offsetBytes + done);
    this.finish(offsetBytes, done, sizeBytes);
  }

  /** Returns how many of `bytes` can be processed before the power is cut. */
  private spend(bytes: number): number {
    if (this.bytesUntilCut <= 0) this.powerGone();
    const done = Math.min(bytes, this.bytesUntilCut);
    this.bytesUntilCut -= done;
    return done;
  }

  private finish(offsetBytes: number, done: number, wanted: number): void {
    this.store(offsetBytes, done);
    if (done < wanted) this.powerGone();
  }

  private powerGone(): never {
    this.onCut?.();
    this.onCut = undefined;
    throw new Error("no power");
  }

  private store(offsetBytes: number, length: number): void {
    this.file.position = offsetBytes;
    this.file.write(this.bytes.slice(offsetBytes, offsetBytes + length).buffer); // accepts whole ArrayBuffers only
  }

  private load(length: number): void {
    for (let at = 0; at < length; at += PIECE) {
      this.file.position = at;
      this.bytes.set(new Uint8Array(this.file.read(ArrayBuffer, Math.min(PIECE, length - at))), at);
    }
  }
}

class Partition implements Flash {
  /** The key-value store that is open on it. */
  mountedBy: object | undefined;
  private readonly image: Image;
  private readonly start: number;
  private readonly size: number;

  constructor(image: Image, firstBlock: number, blocks: number) {
    this.image = image;
    this.start = firstBlock * BLOCK_LENGTH;
    this.size = blocks * BLOCK_LENGTH;
  }

  read(buffer: Uint8Array, offsetBytes: number): number {
    this.check(offsetBytes, buffer.length, "read failed");
    this.image.read(buffer, this.start + offsetBytes);
    return buffer.length;
  }

  write(buffer: Uint8Array, offsetBytes: number): void {
    this.check(offsetBytes, buffer.length, "write failed");
    this.image.program(buffer, this.start + offsetBytes);
  }

  eraseBlock(first: number, end = first + 1): void {
    this.check(first * BLOCK_LENGTH, (end - first) * BLOCK_LENGTH, "erase failed");
    this.image.erase(this.start + first * BLOCK_LENGTH, (end - first) * BLOCK_LENGTH);
  }

  status(): { size: number; blockLength: number; blocks: number } {
    return { size: this.size, blockLength: BLOCK_LENGTH, blocks: this.size / BLOCK_LENGTH };
  }

  /** The image stays open: it has other partitions. */
  close(): void {}

  private check(offsetBytes: number, length: number, failed: string): void {
    if (!(offsetBytes >= 0 && length >= 0 && offsetBytes + length <= this.size)) throw new Error(failed);
  }
}
