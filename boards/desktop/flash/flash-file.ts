/*
 * A flash chip in a file: programmed bytes are in the file when the call returns, so that they survive any end of the
 * process. (They are in the operating system's cache then: a power cut of the computer itself is not covered.)
 * As in NOR flash, programming clears bits, and erasing a block sets them. One process at a time (file-lock.ts), and each
 * partition once, so that no bytes have two owners.
 */

import { closeSync, fchmodSync, fstatSync, ftruncateSync, readSync, statSync, writeSync } from "node:fs";
import { messageOf } from "../../../src/common/message-of.js";
import { isAt, openLocked } from "./file-lock.js";
import { Supply } from "./supply.js";

export const BLOCK_LENGTH = 4096;
const ERASED = 0xff;
const OTHERS = 0o077; // permissions of all but the owner: the image contains passwords

/** The file cannot serve as a chip; the message is one line for the user. */
export class ImageError extends Error {}

/** A whole chip: partitions are taken from it by offset and size. */
export class FlashFile {
  readonly path: string;
  /** True if this call has made a factory-new chip. */
  readonly created: boolean;
  readonly supply = new Supply();
  readonly #bytes: Uint8Array;
  readonly #partitions: Partition[] = [];
  #file: number | undefined;
  #isMissing = false;

  /**
   * Opens the chip, or creates an erased one if the file is missing, empty, or was never completed.
   * @param sizeBytes a multiple of BLOCK_LENGTH
   * @param formerBytes size of an older chip without the last parts: these are appended, erased
   * @throws ImageError if the file cannot be read and written, is in use, or is of another size
   */
  constructor(path: string, sizeBytes: number, formerBytes = sizeBytes) {
    this.path = path;
    refuseReadOnly(path);
    try {
      const file = openLocked(path);
      this.#file = file;
      const found = contentOf(file, sizeBytes, formerBytes);
      this.created = found === undefined;
      this.#bytes = found ?? new Uint8Array(sizeBytes).fill(ERASED);
      if (found === undefined) make(file, this.#bytes);
      keepPrivate(file);
    } catch (error) {
      this.close();
      throw new ImageError(`${path}: ${reason(error)}`);
    }
  }

  /**
   * A window of `sizeBytes` from `offsetBytes`, shaped like an opened `embedded:storage/flash` partition.
   * @throws Error if a part of it is already in use: a region has one owner
   */
  partition(offsetBytes: number, sizeBytes: number): Partition {
    const end = offsetBytes + sizeBytes;
    if (this.#partitions.some((other) => offsetBytes < other.end && other.start < end)) {
      throw new Error(`flash ${offsetBytes} to ${end}: a part of it is another partition`);
    }
    const partition = new Partition(this, offsetBytes, sizeBytes);
    this.#partitions.push(partition);
    return partition;
  }

  /** The name does not lead to the chip any more: the file was deleted, or replaced by another. True once. */
  noticesLoss(): boolean {
    if (this.#isMissing || this.#file === undefined) return false;
    try {
      this.#isMissing = !isAt(this.path, this.#file);
    } catch {
      return false; // cannot be determined now
    }
    return this.#isMissing;
  }

  /** Whether the next process finds by the name what this one wrote. */
  get isReachable(): boolean {
    this.noticesLoss();
    return !this.#isMissing;
  }

  /** @internal for Partition */
  read(buffer: Uint8Array, offsetBytes: number): void {
    this.supply.require();
    buffer.set(this.#bytes.subarray(offsetBytes, offsetBytes + buffer.length));
  }

  /** @internal for Partition */
  program(buffer: Uint8Array, offsetBytes: number): void {
    const bytes = this.#bytes.slice(offsetBytes, offsetBytes + buffer.length);
    const end = this.supply.program(bytes, buffer);
    this.#store(bytes, offsetBytes, "write failed");
    end();
  }

  /** @internal for Partition */
  erase(offsetBytes: number, sizeBytes: number): void {
    const bytes = this.#bytes.slice(offsetBytes, offsetBytes + sizeBytes);
    const end = this.supply.erase(bytes);
    this.#store(bytes, offsetBytes, "erase failed");
    end();
  }

  /** The bytes from `offsetBytes` on, with or without power: for observers of the chip. */
  peek(offsetBytes: number, sizeBytes: number): Uint8Array {
    return this.#bytes.subarray(offsetBytes, offsetBytes + sizeBytes);
  }

  /** Closes the file and releases its lock. Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** To the file first: bytes that cannot be written there are not read back either. */
  #store(bytes: Uint8Array, offsetBytes: number, failed: string): void {
    if (this.#file === undefined) throw new Error("closed");
    try {
      writeAll(this.#file, bytes, offsetBytes);
    } catch (error) {
      throw new Error(`${failed}: ${reason(error)}`);
    }
    this.#bytes.set(bytes, offsetBytes);
  }
}

/** Is notified of each operation on a partition, even if power was cut in the middle of it. Addresses are the partition's. */
export interface FlashWatcher {
  programmed(offsetBytes: number, length: number): void;
  erased(first: number, end: number): void;
}

/** `embedded:storage/flash` over a part of the chip. Errors as the ESP32's: "read failed", "write failed", "erase failed". */
export class Partition {
  /** First byte in the chip, and the one behind the last. */
  readonly start: number;
  readonly end: number;
  /** The key-value store that is open on it. */
  mountedBy: object | undefined;
  watcher: FlashWatcher | undefined;
  readonly #chip: FlashFile;
  readonly #size: number;

  constructor(chip: FlashFile, offsetBytes: number, sizeBytes: number) {
    this.#chip = chip;
    this.start = offsetBytes;
    this.end = offsetBytes + sizeBytes;
    this.#size = sizeBytes;
  }

  read(buffer: Uint8Array, offsetBytes: number): number {
    this.#check(offsetBytes, buffer.length, "read failed");
    this.#chip.read(buffer, this.start + offsetBytes);
    return buffer.length;
  }

  write(buffer: Uint8Array, offsetBytes: number): void {
    this.#check(offsetBytes, buffer.length, "write failed");
    this.#chip.supply.require();
    try {
      this.#chip.program(buffer, this.start + offsetBytes);
    } finally {
      this.watcher?.programmed(offsetBytes, buffer.length);
    }
  }

  /** Blocks `first` to before `end`. */
  eraseBlock(first: number, end = first + 1): void {
    this.#check(first * BLOCK_LENGTH, (end - first) * BLOCK_LENGTH, "erase failed");
    this.#chip.supply.require();
    try {
      this.#chip.erase(this.start + first * BLOCK_LENGTH, (end - first) * BLOCK_LENGTH);
    } finally {
      this.watcher?.erased(first, end);
    }
  }

  status(): { size: number; blockLength: number; blocks: number } {
    return { size: this.#size, blockLength: BLOCK_LENGTH, blocks: this.#size / BLOCK_LENGTH };
  }

  /** The content, with or without power. Changes with the chip. */
  peek(): Uint8Array {
    return this.#chip.peek(this.start, this.#size);
  }

  /** The chip stays open: it has other partitions. */
  close(): void {}

  #check(offsetBytes: number, length: number, failed: string): void {
    if (!(offsetBytes >= 0 && length >= 0 && offsetBytes + length <= this.#size)) throw new Error(failed);
  }
}

/** Root may write even to a read-only file; but if its owner made it read-only, it is not to be changed. */
function refuseReadOnly(path: string): void {
  let mode: number;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw new ImageError(`${path}: is a folder; name a file`);
    if (!stat.isFile()) throw new ImageError(`${path}: is a device or pipe, which keeps nothing; name a file`);
    mode = stat.mode;
  } catch (error) {
    if (error instanceof ImageError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return; // it will be created
    throw new ImageError(`${path}: ${reason(error)}`);
  }
  if ((mode & 0o222) === 0) throw new ImageError(`${path}: is read-only; make it writable (chmod u+w) or name another`);
}

/** The chip in the file; undefined if there is none: the file is empty, or its creation was interrupted. */
function contentOf(file: number, sizeBytes: number, formerBytes: number): Uint8Array<ArrayBuffer> | undefined {
  const { size } = fstatSync(file);
  if (size > sizeBytes) throw otherSize(size, sizeBytes);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const read = readSync(file, bytes, at, size - at, at);
    if (read === 0) throw new Error("became shorter while it was read");
    at += read;
  }
  if (size === sizeBytes) return bytes;
  const isFormer = size >= formerBytes && bytes.subarray(formerBytes).every((byte) => byte === ERASED);
  if (isFormer && bytes.some((byte) => byte !== ERASED)) return grown(file, bytes, sizeBytes);
  if (bytes.some((byte) => byte !== ERASED)) throw otherSize(size, sizeBytes);
  return undefined;
}

/** Appends the chip's last parts. If it is interrupted, the next call completes it. */
function grown(file: number, bytes: Uint8Array, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(sizeBytes).fill(ERASED);
  all.set(bytes);
  writeAll(file, all.subarray(bytes.length), bytes.length);
  return all;
}

function otherSize(size: number, expected: number): Error {
  return new Error(`${size} bytes, expected a flash image of ${expected}; name another file`);
}

/** Writes all bytes to the file, or none. */
function make(file: number, bytes: Uint8Array): void {
  try {
    writeAll(file, bytes, 0);
  } catch (error) {
    ftruncateSync(file);
    throw error;
  }
}

function keepPrivate(file: number): void {
  const { mode } = fstatSync(file);
  if ((mode & OTHERS) === 0 || process.platform === "win32") return;
  try {
    fchmodSync(file, mode & ~OTHERS & 0o7777);
  } catch {
    // The file belongs to another user, who lets us write it and decides its mode.
  }
}

function writeAll(file: number, bytes: Uint8Array, offsetBytes: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, offsetBytes + done);
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EACCES" || code === "EROFS" || code === "EPERM") return `may not be written (${code})`;
  if (code === "ENOENT") return "its folder does not exist";
  if (code === "EISDIR") return "is a folder; name a file";
  if (code === "ENOSPC" || code === "EDQUOT") return "the disk is full";
  if (code === "EFBIG") return "files may not become so large here (EFBIG)";
  return messageOf(error);
}
