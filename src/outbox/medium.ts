/*
 * The flash as the outbox uses it: one record buffer, programs that are read back, erases that are looked at.
 * A call that the flash fails, or reports done and does not do, is a `false` here and never an exception: the caller goes
 * round it. Allocates its buffers once (and a longer one if a record on flash needs it); nothing a record.
 */
import type { Flash } from "./flash.js";
import {
  CLEAN_BYTES,
  checkIndex,
  finish,
  HEAD_BYTES,
  headerWord,
  kindOf,
  lengthOf,
  mix,
  mixWord,
  OPEN_BYTES,
  PAYLOAD_AT,
  RECORD_OVERHEAD,
  unfinish,
  type Words,
  withoutState,
} from "./layout.js";

const SCRATCH_BYTES = 128;
const READ_TRIES = 3;
const SCRATCH_WORDS = SCRATCH_BYTES >> 2;

/** A flash, its geometry and the buffers for it. */
export class Medium {
  readonly blocks: number;
  readonly blockLength: number;
  readonly unit: 1 | 16;
  /** Flash calls that failed or did nothing since boot. */
  failures = 0;

  /** The record buffer, as bytes and as words: what `load` read or `seal` made. */
  bytes: Uint8Array;
  words: Words;
  /** What `load` found. */
  kind = 0;
  length = 0;
  size = 0;
  state = 0;
  /** Low 32 bits, signed, of the number that the record was sealed with. */
  number = 0;
  /** Number of the entry that the record buffer holds, as far as its reader knows; -1: the buffer was used since. */
  held = -1;

  /** A block's head: clean (or whole) header in words 0..3, open header in words 4..11. */
  readonly head: Words = new Int32Array(HEAD_BYTES >> 2);
  private readonly headBytes = new Uint8Array(this.head.buffer);
  private readonly flash: Flash;
  private readonly roundUp: number;
  private readonly scratch = new Int32Array(SCRATCH_BYTES >> 2);
  private readonly scratchBytes = new Uint8Array(this.scratch.buffer);
  private readonly stateByte = new Uint8Array(1);
  /** Views on the record buffer and on the scratch, kept from record to record as long as the sizes are the same. */
  private firstWord: Uint8Array;
  private rest: Uint8Array;
  private restSize = 0;
  private image: Uint8Array;
  private imageSize = 0;
  private readBack: Uint8Array = this.scratchBytes;
  private sealedInfo = -1;
  private sealedSeed = 0;
  private sealedWord = 0;
  private sealedHash = 0;

  constructor(flash: Flash, blocks: number, blockLength: number, unit: 1 | 16, longestPayload: number) {
    this.flash = flash;
    this.blocks = blocks;
    this.blockLength = blockLength;
    this.unit = unit;
    this.roundUp = Math.max(unit, 4) - 1;
    this.words = new Int32Array(this.sizeOf(longestPayload) >> 2);
    this.bytes = new Uint8Array(this.words.buffer);
    this.firstWord = this.bytes.subarray(0, 4);
    this.rest = this.image = this.firstWord; // until the first is wanted
  }

  /** Bytes that a record with `length` payload bytes takes on flash. */
  sizeOf(length: number): number {
    return (((length + 3) & ~3) + RECORD_OVERHEAD + this.roundUp) & ~this.roundUp;
  }

  /**
   * Reads the record at `address`, which lies before `end`, into the buffer; false: there is none whose check could
   * pass. Whether it does pass, `number` tells: another number than expected is damage, or another block's record.
   */
  load(address: number, end: number, seed: number): boolean {
    this.held = -1;
    if (!this.read(this.firstWord, address)) return false;
    const word = this.words[0];
    const kind = kindOf(word);
    if (kind === 0) return false;
    const length = lengthOf(word);
    const size = this.sizeOf(length);
    if (address + size > end) return false;
    const check = checkIndex(length);
    if (check >= this.words.length) this.grow(size, word);
    const wanted = check << 2; // the check word, not the rest of its unit
    if (this.restSize !== wanted) {
      this.restSize = wanted;
      this.rest = this.bytes.subarray(4, 4 + wanted);
    }
    if (!this.read(this.rest, address + 4)) return false;
    const { words } = this;
    const start = mixWord(seed, withoutState(word));
    const hash = check > 1 ? mix(start, words, 1, check) : start;
    this.kind = kind;
    this.length = length;
    this.size = size;
    this.state = word & 0xff;
    this.number = (unfinish(words[check]) - hash) | 0;
    return true;
  }

  /** The word at `address`. */
  wordAt(address: number): number {
    this.held = -1;
    return this.read(this.firstWord, address) ? this.words[0] : 0;
  }

  /** Call before the payload is set: what pads it reads as erased. */
  pad(length: number): void {
    this.held = -1;
    const check = checkIndex(length);
    if (length & 3) this.words[check - 1] = -1;
    for (let i = check + 1, end = this.sizeOf(length) >> 2; i < end; i++) this.words[i] = -1;
  }

  /**
   * Puts header and check round the payload in the buffer. `number`: its low 32 bits count. What records of one kind,
   * length and block have in common is kept: readings are all alike.
   */
  seal(kind: number, length: number, seed: number, number: number): void {
    const { words } = this;
    const info = length | (kind << 12);
    if (info !== this.sealedInfo || seed !== this.sealedSeed) {
      this.sealedInfo = info;
      this.sealedSeed = seed;
      this.sealedWord = headerWord(kind, length);
      this.sealedHash = mixWord(seed, withoutState(this.sealedWord));
    }
    const check = (length + 7) >> 2;
    const hash = this.sealedHash;
    this.held = -1;
    words[0] = this.sealedWord;
    words[check] = finish((check > 1 ? mix(hash, words, 1, check) : hash) + number);
  }

  /** A view on the payload in the record buffer. */
  payload(length: number): Uint8Array {
    return this.bytes.subarray(PAYLOAD_AT, PAYLOAD_AT + length);
  }

  /** Programs the first `size` bytes of the record buffer and reads them back. */
  program(address: number, size: number): boolean {
    if (this.imageSize !== size) this.view(size);
    const flash = this.flash;
    try {
      flash.write(this.image, address);
      if (size > SCRATCH_BYTES) return this.holds(address, this.words, size >> 2);
      flash.read(this.readBack, address);
      if (areSame(this.scratch, this.words, size >> 2)) return true;
    } catch {
      // counted below
    }
    this.failures++;
    return false;
  }

  readState(address: number): number {
    return this.read(this.stateByte, address) ? this.stateByte[0] : 0;
  }

  /** Programs a record's state byte, of which only bits that were 1 may become 0, and reads it back. */
  programState(address: number, state: number): boolean {
    const byte = this.stateByte;
    const flash = this.flash;
    byte[0] = state;
    try {
      flash.write(byte, address);
      flash.read(byte, address);
      if (byte[0] === state) return true;
    } catch {
      // counted below
    }
    this.failures++;
    return false;
  }

  /** Reads the head of `block` into `head`; words that cannot be read are zeros. */
  readHead(block: number): void {
    if (!this.read(this.headBytes, block * this.blockLength)) this.head.fill(0);
  }

  /** Programs the clean (unit mode: whole) header from `head`. */
  programClean(block: number): boolean {
    return this.programHead(block, 0, CLEAN_BYTES);
  }

  /** Programs the open header from `head`. */
  programOpen(block: number): boolean {
    return this.programHead(block, CLEAN_BYTES, OPEN_BYTES);
  }

  /** Erases `block`. In byte mode, looks at its head whether the flash did anything: what follows is read back anyway. */
  erase(block: number): boolean {
    try {
      this.flash.eraseBlock(block, block + 1);
    } catch {
      return this.failed();
    }
    if (this.unit === 16) return true;
    this.readHead(block);
    for (let i = 0; i < this.head.length; i++) if (this.head[i] !== -1) return this.failed();
    return true;
  }

  /** Byte mode: whether everything from `from` to `end` reads as erased. */
  isBlank(from: number, end: number): boolean {
    return this.usedEnd(from, end) === from;
  }

  /** Byte mode: the end of the last word that does not read as erased, or `from`. */
  usedEnd(from: number, end: number): number {
    const { words } = this;
    this.held = -1;
    while (end > from) {
      const length = Math.min(end - from, words.length << 2);
      const view = length === this.bytes.byteLength ? this.bytes : this.bytes.subarray(0, length);
      if (!this.read(view, end - length)) return end;
      for (let i = length >> 2; i > 0; i--) if (words[i - 1] !== -1) return end - length + (i << 2);
      end -= length;
    }
    return from;
  }

  /** Byte mode: programs zeros from `from` to `end`; the first word last, as it tells how much there is to do. */
  programZeros(from: number, end: number): void {
    if (from >= end) return;
    const zeros = this.scratchBytes.fill(0);
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
    if (!this.write(this.headBytes.subarray(offset, offset + length), address)) return false;
    const from = offset >> 2;
    return this.holds(address, this.head.subarray(from, from + (length >> 2)), length >> 2);
  }

  /** Whether flash at `address` holds the first `count` words of `words`: for what is longer than the scratch. */
  private holds(address: number, words: Words, count: number): boolean {
    this.imageSize = 0; // its view on the scratch is of no use here
    for (let from = 0; from < count; from += SCRATCH_WORDS) {
      const some = Math.min(count - from, SCRATCH_WORDS);
      if (!this.read(this.scratchBytes.subarray(0, some << 2), address + (from << 2))) return false;
      if (!areSame(this.scratch, words.subarray(from, from + some), some)) return this.failed();
    }
    return true;
  }

  /** Views on the first `size` bytes of the record buffer, and of the scratch. */
  private view(size: number): void {
    this.imageSize = size;
    this.image = this.bytes.subarray(0, size);
    if (size <= SCRATCH_BYTES) this.readBack = this.scratchBytes.subarray(0, size);
  }

  private failed(): false {
    this.failures++;
    return false;
  }

  /** What cannot be read counts as damaged: it is tried again first. */
  private read(buffer: Uint8Array, address: number): boolean {
    for (let tries = READ_TRIES; tries > 0; tries--) {
      try {
        this.flash.read(buffer, address);
        return true;
      } catch {
        this.failures++;
      }
    }
    return false;
  }

  private write(buffer: Uint8Array, address: number): boolean {
    try {
      this.flash.write(buffer, address);
      return true;
    } catch {
      this.failures++;
      return false;
    }
  }

  /** A record that an earlier firmware wrote with a larger `maxPayload`. */
  private grow(size: number, firstWord: number): void {
    this.words = new Int32Array(size >> 2);
    this.bytes = new Uint8Array(this.words.buffer);
    this.words[0] = firstWord;
    this.firstWord = this.bytes.subarray(0, 4);
    this.restSize = this.imageSize = 0;
  }
}

/** Whether the first `count` words are the same. */
function areSame(some: Words, others: Words, count: number): boolean {
  do {
    count--;
    if (some[count] !== others[count]) return false;
  } while (count > 0);
  return true;
}
