/*
 * Records in the flash: one record buffer, in which a record is made, programmed and read back, or found.
 * Allocates its buffers once (and a longer one if a record on flash needs it); nothing a record.
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
/** `Medium.held` when the buffer holds no entry: equal to no number. */
export const NONE = Number.NaN;
const NO_SHAPE = 0; // a header word whose state is set aside is never 0
const STATE_BITS = 0xff;
const QUEUED_WORD = ~0xff | QUEUED_STATE;
const imul = Math.imul;

/** A flash, its geometry and the buffers for it. */
export class Medium extends FlashCalls {
  /** Bytes of the longest payload that is written. */
  readonly maxPayload: number;
  /** The record buffer, as bytes and as words: what `load` read or `put` made. The payload is at PAYLOAD_AT in any record. */
  bytes: Uint8Array;
  words: Words;
  /** The record that `load` found, or for which `prepare` was called. */
  kind = 0;
  length = 0;
  size = 0;
  seed = 0;
  /** Whether it is a short frame. */
  isShort = false;
  /** `kind` if that is an entry's and such a record fills its size without padding, so that another one needs no preparation. Else 0. */
  plainKind = 0;
  /** Its header word, queued; a short frame's without its payload. */
  header = 0;
  /** As `load` found it; and the low 32 bits, signed, of the number that the record was sealed with. */
  state = 0;
  number = 0;
  /** Number of the entry that the record buffer holds, as far as its reader knows; NONE: the buffer was used since. */
  held = NONE;

  private readonly roundUp: number;
  /** Bytes of a short frame. */
  readonly shortSize: number;
  private readonly flashEnd: number;
  // What else records of one header word and block have in common: readings are all alike, so it is seldom worked out.
  private shape = NO_SHAPE; // the header word, its state set aside; a short frame's without its payload, too
  private headerHash = 0;
  private check = 0; // index of the check word
  /** Views on a record of that size: in the record buffer, and in the scratch when it is read back. */
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
    this.image = this.readBack = bytesOf(this.words, 0, 4); // until a record is wanted
  }

  /** Bytes that an entry with a payload of SHORT_PAYLOAD bytes takes in a block of that format version. */
  shortEntrySize(payload: Uint8Array, version: number): number {
    if (payload[2] <= MAX_SHORT_TOP && hasShortFrames(version)) return this.shortSize;
    return this.sizeOf(SHORT_PAYLOAD);
  }

  /** Bytes that a record which begins with `word` would take; 0: that is no header. */
  sizeAnnounced(word: number): number {
    if (isShortHeader(word)) return this.shortSize;
    return kindOf(word) === 0 ? 0 : this.sizeOf(lengthOf(word));
  }

  /** Bytes that a record with `length` payload bytes takes on flash, if it is no short frame. */
  sizeOf(length: number): number {
    return (((length + 3) & ~3) + RECORD_OVERHEAD + this.roundUp) & ~this.roundUp;
  }

  /**
   * Reads the record at `address`, which lies before `end`, into the buffer; false: there is none whose check could
   * pass. Whether it does pass, `number` shows: another number than expected is damage, or another block's record.
   */
  load(address: number, end: number, seed: number): boolean {
    this.held = NONE;
    // Most are as long as the one before: one read for all of it.
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

  /** The rest of `load`, for a short frame: its header word is in the buffer, if `isWhole` all of it. */
  private loadShort(address: number, end: number, seed: number, isWhole: boolean): boolean {
    const words = this.words;
    if (!isWhole || (words[0] & SHORT_SHAPE) !== this.shape || seed !== this.seed) {
      const shape = words[0] & SHORT_SHAPE;
      if (address + this.shortSize > end) return false;
      if (shape !== this.shape || seed !== this.seed) this.takeShort(shape, seed);
      if (!isWhole && !(this.read(this.image, address) && this.isAlike())) return false;
    }
    const word = words[0];
    // What units of 16 leave free holds the frame once more, inverted; one flipped bit does not take an entry.
    if (this.unit === 16 && words[2] !== ~word && words[3] !== ~words[1]) return false;
    const hash = imul(seed ^ (word | STATE_BITS), PRIME);
    this.state = word & STATE_BITS;
    this.number = (unfinish(words[1]) - (hash ^ (hash >>> 15))) | 0;
    words[1] = (word >>> 8) & SHORT_MASK;
    return true;
  }

  /**
   * How many short frames lie at `address` and behind it, in the order of their numbers from `number` on: at most `limit`. Many are
   * read at once: there are hundreds in a block. The buffer holds none of them afterwards.
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
      if (!this.read(view, at)) return count;
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

  /** Whether the short frame just read is of the shape taken over: it may read otherwise now. */
  private isAlike(): boolean {
    const word = this.words[0];
    return word !== ERASED && (word & SHORT_SHAPE) === this.shape;
  }

  /** The word at `address`. */
  wordAt(address: number): number {
    this.held = NONE;
    return this.readWord(address) ? this.words[0] : 0;
  }

  /** Kind of the record at `address`; 0: there is none, or it cannot be read. */
  kindAt(address: number): number {
    const word = this.wordAt(address);
    return isShortHeader(word) ? shortKindOf(word) : kindOf(word);
  }

  /** Call before the payload is set: what pads it reads as erased. */
  pad(length: number): void {
    this.held = NONE;
    const check = checkIndex(length);
    if (length & 3) this.words[check - 1] = -1;
    for (let i = check + 1, end = this.sizeOf(length) >> 2; i < end; i++) this.words[i] = -1;
  }

  /**
   * For a record that is not like the last one: its header goes into the buffer; the payload is there. `version`: format of
   * the block that it is for.
   */
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
   * Adds the check to the record whose header and payload are in the buffer, programs it and reads it back.
   * `number`: its low 32 bits count.
   * @returns whether it is on flash
   */
  put(address: number, number: number): boolean {
    return this.isShort ? this.putShort(address, number) : this.putLong(address, number);
  }

  /** As `put`, a long record. In one piece: XS spends as much on a call as on a word. */
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
      if (this.size > SCRATCH_BYTES) return this.holds(address, words, 0, this.size >> 2);
      this.flash.read(this.readBack, address);
    } catch {
      return this.failed();
    }
    const scratch = this.scratch;
    if (scratch[0] !== words[0]) return this.failed();
    at = (this.size >> 2) - 1;
    do {
      if (((scratch[at] ^ words[at]) | (scratch[at - 1] ^ words[at - 1])) !== 0) return this.failed();
      at -= 2;
    } while (at > 0);
    return true;
  }

  /** As `put`, a short frame: its header's state and the payload are in the buffer, where the payload is again afterwards. */
  putShort(address: number, number: number): boolean {
    const words = this.words;
    const scratch = this.scratch;
    const payload = words[1];
    const header = words[0] | ((payload & SHORT_MASK) << 8); // what is there already is the same
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
      return this.failed();
    }
    words[1] = payload;
    if (scratch[0] !== header || scratch[1] !== check) return this.failed();
    if (this.unit === 16 && (scratch[2] !== words[2] || scratch[3] !== words[3])) return this.failed();
    return true;
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
      if (!this.read(view, end - length)) return end;
      for (let i = length >> 2; i > 0; i--) if (words[i - 1] !== -1) return end - length + (i << 2);
      end -= length;
    }
    return from;
  }

  /** Takes over what follows from a header word; the record buffer is made long enough. */
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
    this.plainKind = 0; // what was read may be damage, in a block that takes none
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

  /** Reads a record of the shape taken over; false: it cannot be read, or its header reads otherwise now. */
  private reload(address: number): boolean {
    return this.read(this.image, address) && withoutState(this.words[0]) === this.shape;
  }

  /** Views on the first `size` bytes of the record buffer, and of the scratch. */
  private view(size: number): void {
    this.imageSize = size;
    this.image = this.bytes.subarray(0, size);
    if (size <= SCRATCH_BYTES) this.readBack = bytesOf(this.scratch, 0, size);
  }

  /** A record that an earlier firmware wrote with a larger `maxPayload`. */
  private grow(size: number): void {
    this.words = new Int32Array(size >> 2);
    this.bytes = new Uint8Array(this.words.buffer);
    this.imageSize = 0;
  }
}
