/*
 * Calls of the flash with checks: a program or erase that fails, or reports success without being done, returns `false` and is
 * counted. Programs are read back, failed reads are repeated, erases are checked. A read that fails again and again throws, so
 * that it is not taken for damage. Knows heads and state bytes, but no records: these are in medium.ts.
 */

import { correctHeader } from "./correct.js";
import type { Flash } from "./flash.js";
import { CLEAN_BYTES, HEAD_BYTES, isHeader, OPEN_BYTES, type Words } from "./layout.js";

/** Length of the buffer for reads and read-backs, in bytes. */
export const SCRATCH_BYTES = 128;
const SCRATCH_WORDS = SCRATCH_BYTES >> 2;
/** Where the record buffer begins in the shared buffer. */
export const RECORD_AT = HEAD_BYTES + SCRATCH_BYTES;
const READ_TRIES = 3;
const OPEN_WORD = CLEAN_BYTES >> 2;
/** Failed reads throw. */
export const PATIENT = 1;
/** A read has failed, and `demand` was not called since. */
const UNREAD = 2;
/** See `isUnchecked`. */
const UNCHECKED = 4;

/** Flash reports that it cannot read: what is stored there is unknown, which is not the same as damaged. It may be readable later. */
export class ReadFailure extends Error {
  constructor() {
    super("flash cannot be read");
  }
}

/**
 * Reads, programs and erases with their checks. Addresses and lengths in bytes of the partition; `false` is a failure.
 * Reads throw a ReadFailure while `isPatient`, except to check a program or an erase, and `load`, see `demand`.
 */
export class FlashCalls {
  readonly blocks: number;
  readonly blockLength: number;
  readonly unit: 1 | 16;
  /** Flash calls that failed or did nothing since boot. */
  failures = 0;
  /** PATIENT, UNREAD and UNCHECKED. One field: a short wake has no RAM to spare. */
  reading = 0;
  /** A block's head: clean (or whole) header in words 0..3, open header in words 4..11. */
  readonly head: Words;
  protected readonly flash: Flash;
  protected readonly scratch: Words;
  private readonly stateByte: Uint8Array;

  /** `recordBytes`: the subclass's part of the shared buffer, behind head and scratch. */
  constructor(flash: Flash, blocks: number, blockLength: number, unit: 1 | 16, recordBytes: number) {
    this.flash = flash;
    this.blocks = blocks;
    this.blockLength = blockLength;
    this.unit = unit;
    const all = new ArrayBuffer(RECORD_AT + recordBytes); // one buffer: fewer objects
    this.head = new Int32Array(all, 0, HEAD_BYTES >> 2);
    this.scratch = new Int32Array(all, HEAD_BYTES, SCRATCH_WORDS);
    this.stateByte = new Uint8Array(all, HEAD_BYTES, 1);
  }

  /** Programs a record's state byte, in which only 1 bits can become 0, and reads it back. */
  programState(address: number, state: number): boolean {
    const byte = this.stateByte;
    byte[0] = state;
    try {
      this.flash.write(byte, address);
      this.flash.read(byte, address);
      if (byte[0] === state) return true;
    } catch {
      // counted below
    }
    this.failures++;
    return false;
  }

  /** A view on `head`, for `readHead`. */
  headView(): Uint8Array {
    return bytesOf(this.head, 0, HEAD_BYTES);
  }

  /** Reads the head of `block` into `head`; if that fails without patience, it is all zeros. `view`: `headView()`, made once for many heads. */
  readHead(block: number, view: Uint8Array = this.headView()): boolean {
    if (this.read(view, block * this.blockLength)) return true;
    this.demand();
    this.head.fill(0);
    return false;
  }

  /**
   * For a head whose open header does not match: reads it again into `head`, and corrects one wrong bit of the open header.
   * @returns whether there is an open header now
   */
  mendHead(block: number, view: Uint8Array = this.headView()): boolean {
    this.readHead(block, view);
    return isHeader(this.head, OPEN_WORD) || correctHeader(this.head, OPEN_WORD);
  }

  /** Programs the clean (unit mode: whole) header from `head`. */
  programClean(block: number): boolean {
    return this.programHead(block, 0, CLEAN_BYTES);
  }

  /** Programs the open header from `head`. */
  programOpen(block: number): boolean {
    return this.programHead(block, CLEAN_BYTES, OPEN_BYTES);
  }

  /** Erases `block`. In byte mode, checks in its head that the flash did it; all else is read back when programmed. */
  erase(block: number): boolean {
    try {
      this.flash.eraseBlock(block, block + 1);
    } catch {
      return this.failed();
    }
    if (this.unit === 16) return true;
    if (!this.readToCheck(this.headView(), block * this.blockLength)) return false;
    for (let i = 0; i < this.head.length; i++) if (this.head[i] !== -1) return this.failed();
    return true;
  }

  /** Byte mode: programs zeros from `from` to `end`. The first word comes last, because it shows how much there is to do. */
  programZeros(from: number, end: number): void {
    if (from >= end) return;
    const zeros = bytesOf(this.scratch, 0, SCRATCH_BYTES).fill(0);
    for (let at = from + 4; at < end; at += SCRATCH_BYTES) {
      this.write(zeros.subarray(0, Math.min(SCRATCH_BYTES, end - at)), at);
    }
    this.write(zeros.subarray(0, 4), from);
  }

  close(): void {
    this.flash.close();
  }

  private programHead(block: number, offset: number, length: number): boolean {
    const address = block * this.blockLength + offset;
    return (
      this.write(bytesOf(this.head, offset, length), address) &&
      this.holds(address, this.head, offset >> 2, length >> 2)
    );
  }

  /** Whether flash at `address` contains `count` words of `words`, from `first` on; they may be longer than the scratch. */
  protected holds(address: number, words: Words, first: number, count: number): boolean {
    for (let from = 0; from < count; from += SCRATCH_WORDS) {
      const some = Math.min(count - from, SCRATCH_WORDS);
      const at = address + (from << 2);
      if (!this.readToCheck(bytesOf(this.scratch, 0, some << 2), at)) return false;
      for (let i = 0; i < some; i++) if (this.scratch[i] !== words[first + from + i]) return this.failed();
    }
    return true;
  }

  protected failed(): false {
    this.failures++;
    return false;
  }

  /** False: it cannot be read, see `demand`. */
  protected read(buffer: Uint8Array, address: number): boolean {
    try {
      this.flash.read(buffer, address);
      return true;
    } catch {
      return this.readAgain(buffer, address);
    }
  }

  /** As `read`, to check what was just programmed or erased: if it cannot be read, that has failed. */
  private readToCheck(buffer: Uint8Array, address: number): boolean {
    const isRead = this.read(buffer, address);
    this.reading = (this.reading & PATIENT) | (isRead ? 0 : UNCHECKED);
    return isRead;
  }

  /** The last check of a program or erase could not read: it may have succeeded. */
  get isUnchecked(): boolean {
    return (this.reading & UNCHECKED) !== 0;
  }

  /** Failed reads throw; otherwise what cannot be read counts as damaged. */
  get isPatient(): boolean {
    return (this.reading & PATIENT) !== 0;
  }

  set isPatient(is: boolean) {
    this.reading = is ? PATIENT : 0;
  }

  /**
   * Call this before anything is concluded from a `read` or `load` that returned false. In a function of its own, because a `try` in those
   * that read every entry would cost too much.
   * @throws ReadFailure if the last read has failed, while `isPatient`
   */
  demand(): void {
    const { reading } = this;
    this.reading &= PATIENT;
    if ((reading & (PATIENT | UNREAD)) === (PATIENT | UNREAD)) throw new ReadFailure();
  }

  /** Runs `act`, for which what cannot be read counts as damaged, if more than half of the heads can be read. */
  withoutPatience(act: () => void): void {
    this.isPatient = false;
    let unreadable = 0;
    for (let block = 0; block < this.blocks; block++) if (!this.readHead(block)) unreadable++;
    try {
      if (unreadable * 2 < this.blocks) act();
    } finally {
      this.isPatient = true;
    }
  }

  /** Tries a failed read again. */
  private readAgain(buffer: Uint8Array, address: number): boolean {
    if (address + buffer.byteLength > this.blocks * this.blockLength) return false; // the log ends where the flash ends
    for (let tries = READ_TRIES - 1; tries > 0; tries--) {
      this.failures++;
      try {
        this.flash.read(buffer, address);
        return true;
      } catch {
        // already counted
      }
    }
    this.reading |= UNREAD;
    return this.failed();
  }

  protected write(buffer: Uint8Array, address: number): boolean {
    try {
      this.flash.write(buffer, address);
      return true;
    } catch {
      this.failures++;
      return false;
    }
  }
}

/** A view on bytes of `words`. Made when needed, because keeping one would use RAM permanently, and none is made per record. */
export function bytesOf(words: Words, offset: number, length: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset + offset, length);
}
