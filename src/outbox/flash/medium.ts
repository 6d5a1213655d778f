/*
 * Records in flash: one record buffer, in which a record is made, programmed and read back, or found. The buffers are allocated
 * once (and a longer one if a record on flash needs it), nothing per record.
 */
import type { Flash } from "./flash.js";
import { bytesOf, FlashCalls, RECORD_AT, SCRATCH_BYTES } from "./flash-calls.js";
import {
  checkIndex,
  ENTRY_QOS2,
  ERASED,
  finish,
  fitsShort,
  hasShortFrames,
  headerWord,
  isShortHeader,
  kindOf,
  lengthOf,
  MAX_SHORT_TOP,
  mixWord,
  PAYLOAD_AT,
  PRIME,
  QUEUED_STATE,
  RECORD_OVERHEAD,
  SHORT_BYTES,
  SHORT_MASK,
  SHORT_PAYLOAD,
  SHORT_SHAPE,
  shortKindOf,
  shortShape,
  unfinish,
  type Words,
  withoutState,
} from "./layout.js";

const MAX_MARK_BYTES = 104; // the longest note, carried
/** Value of `Medium.held` if the buffer contains no entry: equal to no number. */
export const NONE = Number.NaN;
const NO_SHAPE = 0; // a header word without its state is never 0
const STATE_BITS = 0xff;
const QUEUED_WORD = ~0xff | QUEUED_STATE;
const imul = Math.imul;

/** A flash, its geometry and its buffers. */
export class Medium extends FlashCalls {
  /** Longest payload that is written, in bytes. */
  readonly maxPayload: number;
  /** The record buffer, as bytes and as words: the result of `load` or `put`. In any record, the payload is at PAYLOAD_AT. */
  bytes: Uint8Array;
  words: Words;
  /** The record that `load` found, or for which `prepare` was called. */
  kind = 0;
  length = 0;
  size = 0;
  seed = 0;
  /** Whether it is a short frame. */
  isShort = false;
  /** `kind` if it is an entry's and the record needs no padding, so that another one needs no preparation; otherwise 0. */
  plainKind = 0;
  /** Its header word, in state queued; of a short frame without the payload. */
  header = 0;
  /** The state that `load` found; and the low 32 bits, signed, of the number in the record's check. */
  state = 0;
  number = 0;
  /** Number of the entry in the record buffer, as its reader knows it; NONE: the buffer was used since. */
  held = NONE;

  private readonly roundUp: number;
  /** Size of a short frame, in bytes. */
  readonly shortSize: number;
  private readonly flashEnd: number;
  // What else records with the same header word and block have in common. Readings are all alike, so it is seldom computed.
  private shape = NO_SHAPE; // the header word without state; of a short frame also without payload
  private headerHash = 0;
  private check = 0; // index of the check word
  /** Views on a record of that size: in the record buffer, and in the scratch for the read-back. */
  private image: Uint8Array;
  private imageSize = 0;
  private readBack: Uint8Array;

  constructor(flash: Flash, blocks: number, blockLength: number, unit: 1 | 16, maxPayload: number) {
    const longest = Math.max(maxPayload, MAX_MARK_BYTES) + RECORD_OVERHEAD;
    super(flash, blocks, blockLength, unit, (longest + 15) & ~15);
    this.maxPayload = maxPayload;
    this.flashEnd = blocks * blockLength;
    this.roundUp = Math.max(unit, 4) - 1;
    this.shortSize = Math.max(unit, SHORT_BYTES);
    const buffer = this.head.buffer;
    this.words = new Int32Array(buffer, RECORD_AT);
    this.bytes = new Uint8Array(buffer, RECORD_AT);
    this.image = this.readBack = bytesOf(this.words, 0, 4); // until the first record
  }

  /** Size on flash of an entry with a payload of SHORT_PAYLOAD bytes, in a block of that format version. */
  shortEntrySize(payload: Uint8Array, version: number): number {
    if (payload[2] <= MAX_SHORT_TOP && hasShortFrames(version)) return this.shortSize;
    return this.sizeOf(SHORT_PAYLOAD);
  }

  /** Size of a record that begins with `word`, in bytes; 0: that is no header. */
  sizeAnnounced(word: number): number {
    if (isShortHeader(word)) return this.shortSize;
    return kindOf(word) === 0 ? 0 : this.sizeOf(lengthOf(word));
  }

  /** Size on flash of a long record with `length` payload bytes. */
  sizeOf(length: number): number {
    return (((length + 3) & ~3) + RECORD_OVERHEAD + this.roundUp) & ~this.roundUp;
  }

  /**
   * Reads the record at `address` (before `end`) into the buffer; false: there is no record, or it cannot be read, which `demand`
   * finds out. `number` shows whether the check matches: another number than expected means damage, or another block's record.
   */
  load(address: number, end: number, seed: number): boolean {
    this.held = NONE;
    // Most records are as long as the one before: one read is enough.
    const guessed = address + this.imageSize;
    let isWhole = guessed !== address && guessed <= end && guessed <= this.flashEnd && this.read(this.image, address);
    if (!isWhole && !this.readWord(address)) return false;
    const word = this.words[0];
    if (word < 0) return word !== ERASED && this.loadShort(address, end, seed, isWhole);
    if ((word | STATE_BITS) !== this.shape || seed !== this.seed) {
      if (kindOf(word) === 0 || address + this.sizeOf(lengthOf(word)) > end) return false;
      this.take(word, seed);
      isWhole = false;
    }
    if (!isWhole && (address + this.size > end || !this.reload(address))) return false;
    const words = this.words;
    const check = this.check;
    let hash = this.headerHash;
    let at = 1;
    while (at < check) {
      hash = imul(hash ^ words[at], PRIME);
      hash ^= hash >>> 15;
      at++;
    }
    this.state = words[0] & 0xff;
    this.number = (unfinish(words[check]) - hash) | 0;
    return true;
  }

  /** The rest of `load`, for a short frame: its header word is in the buffer and, if `isWhole`, all of it. */
  private loadShort(address: number, end: number, seed: number, isWhole: boolean): boolean {
    const words = this.words;
    if (!isWhole || (words[0] & SHORT_SHAPE) !== this.shape || seed !== this.seed) {
      const shape = words[0] & SHORT_SHAPE;
      if (address + this.shortSize > end) return false;
      if (shape !== this.shape || seed !== this.seed) this.takeShort(shape, seed);
      if (!isWhole && !(this.read(this.image, address) && this.isAlike())) return false;
    }
    const word = words[0];
    // The unused bytes of a unit of 16 repeat the frame, inverted; one flipped bit does not lose an entry.
    if (this.unit === 16 && words[2] !== ~word && words[3] !== ~words[1]) return false;
    const hash = imul(seed ^ (word | STATE_BITS), PRIME);
    this.state = word & STATE_BITS;
    this.number = (unfinish(words[1]) - (hash ^ (hash >>> 15))) | 0;
    words[1] = (word >>> 8) & SHORT_MASK;
    return true;
  }

  /**
   * Number of short frames at `address` and behind it, in the order of their numbers from `number` on: at most `limit`. Many
   * are read at once, because a block contains hundreds. Afterwards the buffer contains none of them.
   * @param onlyQueued stops at one that is released or settled
   */
  countShorts(address: number, end: number, seed: number, number: number, limit: number, onlyQueued: boolean): number {
    const words = this.words;
    const shortSize = this.shortSize;
    const step = shortSize >> 2;
    const ignored = onlyQueued ? 0 : STATE_BITS;
    this.held = NONE;
    let view = this.bytes.subarray(0, (words.length << 2) & -shortSize);
    let count = 0;
    for (let at = address; ; at += view.length) {
      if (at + view.length > end) {
        if (end - at < shortSize) return count;
        view = this.bytes.subarray(0, (end - at) & -shortSize);
      }
      if (!this.read(view, at)) {
        this.demand();
        return count;
      }
      for (let i = 0; i < view.length >> 2; i += step) {
        const word = words[i];
        if (!isShortHeader(word) || ((word | ignored) & STATE_BITS) !== (QUEUED_STATE | ignored)) return count;
        let hash = imul(seed ^ (word | STATE_BITS), PRIME);
        hash ^= hash >>> 15;
        if (finish(hash + number + count) !== words[i + 1]) return count;
        if (step > 2 && words[i + 2] !== ~word && words[i + 3] !== ~words[i + 1]) return count;
        if (++count >= limit) return count;
      }
    }
  }

  /** Whether the short frame just read still has the prepared shape. */
  private isAlike(): boolean {
    const word = this.words[0];
    return word !== ERASED && (word & SHORT_SHAPE) === this.shape;
  }

  /** The word at `address`. */
  wordAt(address: number): number {
    this.held = NONE;
    if (this.readWord(address)) return this.words[0];
    this.demand();
    return 0;
  }

  /** Kind of the record at `address`; 0: there is none, or it cannot be read. */
  kindAt(address: number): number {
    const word = this.wordAt(address);
    return isShortHeader(word) ? shortKindOf(word) : kindOf(word);
  }

  /** Call this before the payload is set: padding reads as erased. */
  pad(length: number): void {
    this.held = NONE;
    const check = checkIndex(length);
    if (length & 3) this.words[check - 1] = -1;
    for (let i = check + 1, end = this.sizeOf(length) >> 2; i < end; i++) this.words[i] = -1;
  }

  /** For a record unlike the last one: writes its header into the buffer; the payload is there already. `version`: format of its block. */
  prepare(kind: number, length: number, seed: number, version: number): void {
    const isShort = length === SHORT_PAYLOAD && hasShortFrames(version) && fitsShort(kind, this.words[1]);
    if (kind !== this.kind || length !== this.length || seed !== this.seed || isShort !== this.isShort) {
      if (isShort) this.takeShort(shortShape(kind), seed);
      else this.take(headerWord(kind, length), seed);
    }
    if (isShort) this.plainKind = kind; // more of them may follow in this block
    this.words[0] = this.header;
  }

  /** A view on the payload in the record buffer. */
  payload(length: number): Uint8Array {
    return this.bytes.subarray(PAYLOAD_AT, PAYLOAD_AT + length);
  }

  /**
   * Adds the check to the record in the buffer, programs it and reads it back. `number`: its low 32 bits count.
   * @returns whether it is on flash
   */
  put(address: number, number: number): boolean {
    return this.isShort ? this.putShort(address, number) : this.putLong(address, number);
  }

  /** As `put`, for a long record. In one piece, because XS spends as much on a call as on a word. */
  putLong(address: number, number: number): boolean {
    const words = this.words;
    const check = this.check;
    let hash = this.headerHash;
    let at = 1;
    while (at < check) {
      hash = imul(hash ^ words[at], PRIME);
      hash ^= hash >>> 15;
      at++;
    }
    words[check] = finish(hash + number);
    this.held = NONE;
    try {
      this.flash.write(this.image, address);
      if (this.size > SCRATCH_BYTES) return this.again(address, words[1]) || this.again(address, words[1]);
      this.flash.read(this.readBack, address);
    } catch {
      return this.again(address, words[1]);
    }
    const scratch = this.scratch;
    if (scratch[0] !== words[0]) return this.again(address, words[1]);
    at = (this.size >> 2) - 1;
    do {
      if (((scratch[at] ^ words[at]) | (scratch[at - 1] ^ words[at - 1])) !== 0) return this.again(address, words[1]);
      at -= 2;
    } while (at > 0);
    return true;
  }

  /** As `put`, for a short frame: the header's state and the payload are in the buffer; the payload is there again afterwards. */
  putShort(address: number, number: number): boolean {
    const words = this.words;
    const scratch = this.scratch;
    const payload = words[1];
    const header = words[0] | ((payload & SHORT_MASK) << 8); // what is already there is the same
    const hash = imul(this.seed ^ (header | STATE_BITS), PRIME);
    const check = finish((hash ^ (hash >>> 15)) + number);
    words[0] = header;
    words[1] = check;
    if (this.unit === 16) {
      words[2] = ~header;
      words[3] = ~check;
    }
    this.held = NONE;
    try {
      this.flash.write(this.image, address);
      this.flash.read(this.readBack, address);
    } catch {
      return this.again(address, payload);
    }
    if (scratch[0] !== header || scratch[1] !== check) return this.again(address, payload);
    if (this.unit === 16 && (scratch[2] !== words[2] || scratch[3] !== words[3])) return this.again(address, payload);
    words[1] = payload;
    return true;
  }

  /** Looks again, if a program or its read-back has failed. `word`: the second word of the buffer afterwards. */
  private again(address: number, word: number): boolean {
    const isThere = this.holds(address, this.words, 0, this.size >> 2);
    this.words[1] = word;
    return isThere;
  }

  /** Byte mode: whether everything from `from` to `end` reads as erased. */
  isBlank(from: number, end: number): boolean {
    return this.usedEnd(from, end) === from;
  }

  /** Byte mode: the end of the last word that does not read as erased, or `from`. */
  usedEnd(from: number, end: number): number {
    const words = this.words;
    this.held = NONE;
    while (end > from) {
      const length = Math.min(end - from, words.length << 2);
      const view = length === this.bytes.byteLength ? this.bytes : this.bytes.subarray(0, length);
      if (!this.read(view, end - length)) {
        this.demand();
        return end;
      }
      for (let i = length >> 2; i > 0; i--) if (words[i - 1] !== -1) return end - length + (i << 2);
      end -= length;
    }
    return from;
  }

  /** Prepares for records with this header word; the record buffer is made long enough. */
  private take(word: number, seed: number): void {
    const kind = kindOf(word);
    const length = lengthOf(word);
    const size = this.sizeOf(length);
    if (size > this.words.byteLength) this.grow(size);
    this.isShort = false;
    this.kind = kind;
    this.length = length;
    this.size = size;
    this.seed = seed;
    this.plainKind =
      this.unit === 1 && kind <= ENTRY_QOS2 && (length & 3) === 0 && length <= this.maxPayload ? kind : 0;
    this.check = checkIndex(length);
    this.headerHash = mixWord(seed, withoutState(word));
    if (this.imageSize !== size) this.view(size);
    this.shape = withoutState(word);
    this.header = this.shape & QUEUED_WORD;
  }

  /** As `take`, for short frames. */
  private takeShort(shape: number, seed: number): void {
    const kind = shortKindOf(shape);
    this.isShort = true;
    this.kind = kind;
    this.plainKind = 0; // the word may be damage, in a block without short frames
    this.length = SHORT_PAYLOAD;
    this.size = this.shortSize;
    this.seed = seed;
    this.shape = shape;
    this.header = shape | QUEUED_STATE;
    if (this.imageSize !== this.size) this.view(this.size);
  }

  /** Reads the word at `address` into the record buffer, as its first. */
  private readWord(address: number): boolean {
    return this.read(bytesOf(this.words, 0, 4), address);
  }

  /** Reads a record of the prepared shape; false: it cannot be read, or its header differs. */
  private reload(address: number): boolean {
    return this.read(this.image, address) && withoutState(this.words[0]) === this.shape;
  }

  /** Views on the first `size` bytes of the record buffer, and of the scratch. */
  private view(size: number): void {
    this.imageSize = size;
    this.image = this.bytes.subarray(0, size);
    if (size <= SCRATCH_BYTES) this.readBack = bytesOf(this.scratch, 0, size);
  }

  /** For a record that an earlier firmware wrote with a larger `maxPayload`. */
  private grow(size: number): void {
    this.words = new Int32Array(size >> 2);
    this.bytes = new Uint8Array(this.words.buffer);
    this.imageSize = 0;
  }
}
