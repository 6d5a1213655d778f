/*
 * A flash chip in a file: what is programmed is in the file when the call returns, so that it survives the process,
 * however that ends. (It is in the operating system's hands then: a power cut of the computer itself is not covered.)
 * Keeps NOR's law: programming clears bits, erasing a block sets them. One process at a time, kept by a lock file.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { FileLock } from "./file-lock.js";

export const BLOCK_LENGTH = 4096;

/** The file cannot serve as a chip; the message is one line for the user. */
export class ImageError extends Error {}

/** A whole chip: partitions are taken from it by offset and size. */
export class FlashFile {
  readonly path: string;
  /** True if the file was made by this call: a factory-new chip. */
  readonly created: boolean;
  readonly #bytes: Uint8Array;
  readonly #lock: FileLock;
  #file: number | undefined;

  /**
   * Opens the chip, or makes one, erased.
   * @param sizeBytes a multiple of BLOCK_LENGTH
   * @throws ImageError if the file cannot be read and written, is in use, or is of another size
   */
  constructor(path: string, sizeBytes: number) {
    this.path = path;
    refuseReadOnly(path);
    this.#lock = lock(path);
    try {
      this.created = !existsSync(path);
      const file = openSync(path, this.created ? "wx+" : "r+");
      this.#file = file;
      const { size } = fstatSync(file);
      const fresh = this.created || size === 0;
      if (!fresh && size !== sizeBytes) {
        throw new ImageError(`${path}: ${size} bytes, expected a flash image of ${sizeBytes}; name another file`);
      }
      this.#bytes = new Uint8Array(sizeBytes).fill(0xff);
      if (fresh) writeAll(file, this.#bytes, 0);
      else readSync(file, this.#bytes, 0, sizeBytes, 0);
    } catch (error) {
      this.close();
      throw error instanceof ImageError ? error : new ImageError(`${path}: ${reason(error)}`);
    }
  }

  /** A window of `sizeBytes` from `offsetBytes`, shaped like an opened `embedded:storage/flash` partition. */
  partition(offsetBytes: number, sizeBytes: number): Partition {
    return new Partition(this, offsetBytes, sizeBytes);
  }

  /** @internal for Partition */
  read(buffer: Uint8Array, offsetBytes: number): void {
    buffer.set(this.#bytes.subarray(offsetBytes, offsetBytes + buffer.length));
  }

  /** @internal for Partition */
  program(buffer: Uint8Array, offsetBytes: number): void {
    const target = this.#bytes.subarray(offsetBytes, offsetBytes + buffer.length);
    for (let i = 0; i < buffer.length; i++) target[i] &= buffer[i];
    this.#store(target, offsetBytes);
  }

  /** @internal for Partition */
  erase(offsetBytes: number, sizeBytes: number): void {
    this.#store(this.#bytes.subarray(offsetBytes, offsetBytes + sizeBytes).fill(0xff), offsetBytes);
  }

  /** Gives the file and its lock back. Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#lock.release();
  }

  #store(bytes: Uint8Array, offsetBytes: number): void {
    if (this.#file === undefined) throw new Error("closed");
    writeAll(this.#file, bytes, offsetBytes);
  }
}

/** `embedded:storage/flash` over a part of the chip. Errors as the ESP32's: "read failed", "write failed", "erase failed". */
export class Partition {
  readonly #chip: FlashFile;
  readonly #start: number;
  readonly #size: number;

  constructor(chip: FlashFile, offsetBytes: number, sizeBytes: number) {
    this.#chip = chip;
    this.#start = offsetBytes;
    this.#size = sizeBytes;
  }

  read(buffer: Uint8Array, offsetBytes: number): number {
    this.#check(offsetBytes, buffer.length, "read failed");
    this.#chip.read(buffer, this.#start + offsetBytes);
    return buffer.length;
  }

  write(buffer: Uint8Array, offsetBytes: number): void {
    this.#check(offsetBytes, buffer.length, "write failed");
    this.#chip.program(buffer, this.#start + offsetBytes);
  }

  /** Blocks `first` to `end`, which is not erased itself. */
  eraseBlock(first: number, end = first + 1): void {
    this.#check(first * BLOCK_LENGTH, (end - first) * BLOCK_LENGTH, "erase failed");
    this.#chip.erase(this.#start + first * BLOCK_LENGTH, (end - first) * BLOCK_LENGTH);
  }

  status(): { size: number; blockLength: number; blocks: number } {
    return { size: this.#size, blockLength: BLOCK_LENGTH, blocks: this.#size / BLOCK_LENGTH };
  }

  /** The chip stays open: it has other partitions. */
  close(): void {}

  #check(offsetBytes: number, length: number, failed: string): void {
    if (!(offsetBytes >= 0 && length >= 0 && offsetBytes + length <= this.#size)) throw new Error(failed);
  }
}

/** Root may write where the mode says nobody may; an owner who made a file read-only means it. */
function refuseReadOnly(path: string): void {
  let mode: number;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw new ImageError(`${path}: is a folder; name a file`);
    mode = stat.mode;
  } catch (error) {
    if (error instanceof ImageError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return; // it will be made
    throw new ImageError(`${path}: ${reason(error)}`);
  }
  if ((mode & 0o222) === 0) throw new ImageError(`${path}: is read-only; make it writable (chmod u+w) or name another`);
}

function lock(path: string): FileLock {
  try {
    return new FileLock(`${path}.lock`);
  } catch (error) {
    throw new ImageError(`${path}: ${reason(error)}`);
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
  if (code === "ENOSPC") return "the disk is full";
  return error instanceof Error ? error.message : String(error);
}
