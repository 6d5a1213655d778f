/*
 * The outbox's bytes: the format of records and block heads, and the check that protects them. Pure functions on little-endian
 * 32-bit words. No I/O, no allocation. README.md shows every byte and explains the check. The check mixes words, not bytes: a
 * change within one word is always detected, any other is missed once in 2^32.
 */
/** Little-endian 32-bit words; signed, because XS stores these without a box. */
export type Words = Int32Array;

/**
 * Format version of the blocks that this firmware takes into use. It also reads, and continues to fill, blocks from
 * `OLDEST_VERSION` on.
 */
export const FORMAT_VERSION = 2;
/** The oldest format that this firmware reads. */
export const OLDEST_VERSION = 1;
/** The first version with short frames. */
export const SHORT_SINCE = 2;
/** The first version with carried notes. */
export const CARRIED_SINCE = 2;
/** The first version whose marks can settle further entries: see `encodeMark`. */
export const DEFERRED_SINCE = 2;

/** Head of a block: `CLEAN_BYTES` (byte mode: "erase finished"; unit mode: "the open header is whole"), `OPEN_BYTES`. */
export const CLEAN_BYTES = 16;
/** Length of a block's open header, in bytes. */
export const OPEN_BYTES = 32;
/** Length of a block's head, in bytes. */
export const HEAD_BYTES = CLEAN_BYTES + OPEN_BYTES;

/** A record is a header word, the payload in whole words, a check word. */
export const RECORD_OVERHEAD = 8;
/** Where a record's payload begins, in bytes from its start. */
export const PAYLOAD_AT = 4;
/** The longest payload of a record, in bytes. */
export const MAX_PAYLOAD_BYTES = 0xfff; // 12 bits of the header word

/**
 * A short frame: an entry of `SHORT_PAYLOAD` bytes, of which only the low 22 bits are used, in two words. The header word
 * contains the payload itself, a bit for the QoS, and a top bit that no other header has.
 */
export const SHORT_BYTES = 8;
/** Bytes of payload in a short frame. */
export const SHORT_PAYLOAD = 3;
/** Largest value of the payload's last byte. */
export const MAX_SHORT_TOP = 0x3f;
/** The payload, in the header word from bit 8 on. */
export const SHORT_MASK = 0x3f_ffff;
const SHORT_QOS2 = 1 << 30;
const SHORT_MARK = 1 << 31;
/** The bits that are the same in all frames of one QoS. */
export const SHORT_SHAPE = SHORT_MARK | SHORT_QOS2;
/** A word of erased flash. */
export const ERASED = -1;

/** An entry of QoS 1. The kinds of records take 4 bits of the header word; 0 and 10..15 are reserved for later versions. */
export const ENTRY_QOS1 = 1;
/** An entry of QoS 2: an entry's kind is its QoS. */
export const ENTRY_QOS2 = 2;
/** Numbers without an entry: how many, and how many of them were refused; 32 bits each. */
export const SKIP = 3;
/** A note: tag byte, value. */
export const NOTE = 4;
/** Counters and marks, see copy.ts. */
export const STATE = 5;
/** Entries are settled: see `encodeMark`; in byte mode see tail.ts. */
export const SETTLED = 6;
/** An entry is released: see `encodeMark`. */
export const RELEASED = 7;
/** The `released` marks of all earlier entries are void. */
export const REQUEUED = 8;
/** A note whose block was evicted, see carried.ts. */
export const CARRIED = 9;
const LAST_KIND = CARRIED;

/** First byte of a record: two bits cleared from the beginning, three by `released`, three by `done`. */
export const QUEUED_STATE = 0xfc;
/** Bits of the state byte that are programmed to 0 when the entry is released. */
export const RELEASED_BITS = 0x1c;
/** Bits of the state byte that are programmed to 0 when the entry is done. */
export const DONE_BITS = 0xe0;

const imul = Math.imul;
/** The multiplier of `mix`. */
export const PRIME = 0x9e3779b1 | 0; // 2^32 / golden ratio, odd: multiplying by it loses nothing
const FINISH_1 = 0x85ebca6b | 0; // the finisher of MurmurHash3 (public domain), and its inverse
const FINISH_2 = 0xc2b2ae35 | 0;
const UNDO_1 = 0xa5cb9243 | 0;
const UNDO_2 = 0x7ed1b41d | 0;

/** Mixes `words[from]` up to, but without, `words[to]` (at least one) into `hash`. A bijection in `hash` and in each word. */
export function mix(hash: number, words: Words, from: number, to: number): number {
  do {
    hash = imul(hash ^ words[from++], PRIME);
    hash ^= hash >>> 15;
  } while (from < to);
  return hash;
}

/** As `mix`, for one word. */
export function mixWord(hash: number, word: number): number {
  hash = imul(hash ^ word, PRIME);
  return hash ^ (hash >>> 15);
}

/** Spreads every bit of `hash` over the whole word. A bijection; `unfinish` inverts it. */
export function finish(hash: number): number {
  hash = imul(hash ^ (hash >>> 16), FINISH_1);
  hash = imul(hash ^ (hash >>> 13), FINISH_2);
  return hash ^ (hash >>> 16);
}

/** The inverse of `finish`. */
export function unfinish(check: number): number {
  let hash = imul(check ^ (check >>> 16), UNDO_2);
  hash = imul(hash ^ (hash >>> 13) ^ (hash >>> 26), UNDO_1);
  return hash ^ (hash >>> 16);
}

/** The initial hash of a block's records: records from an earlier use of the block never match. */
export function blockSeed(blockSequence: number): number {
  return imul(blockSequence ^ 0x0b0e, PRIME);
}

/** The header word of a queued record. */
export function headerWord(kind: number, length: number): number {
  const info = length | (kind << 12);
  return QUEUED_STATE | (info << 8) | (fold(info) << 24);
}

/** The bits that header words of short frames of one QoS have in common. */
export function shortShape(kind: number): number {
  return SHORT_MARK | (kind === ENTRY_QOS2 ? SHORT_QOS2 : 0);
}

/** Whether a word may be the header of a short frame. Only its top bit shows this, so the check decides. */
export function isShortHeader(word: number): boolean {
  return word < 0 && word !== ERASED;
}

/** The kind of record of a short frame, by its header word. */
export function shortKindOf(word: number): number {
  return (word & SHORT_QOS2) === 0 ? ENTRY_QOS1 : ENTRY_QOS2;
}

/** Whether a block of that format version has short frames. */
export function hasShortFrames(version: number): boolean {
  return version >= SHORT_SINCE;
}

/** Whether the payload of SHORT_PAYLOAD bytes (the first three bytes of `word`) of a record of that kind fits a short frame. */
export function fitsShort(kind: number, word: number): boolean {
  return kind <= ENTRY_QOS2 && (word & 0xff_ffff & ~SHORT_MASK) === 0;
}

/** The kind in a header word of a long record, or 0 if the word is no header. */
export function kindOf(word: number): number {
  const info = (word >>> 8) & 0xffff;
  if (word >>> 24 !== fold(info)) return 0;
  const kind = info >>> 12;
  return kind <= LAST_KIND ? kind : 0;
}

/** Payload bytes that the header word of a long record announces. */
export function lengthOf(word: number): number {
  return (word >>> 8) & MAX_PAYLOAD_BYTES;
}

/** The word with an untouched state byte, because the check does not include marks. */
export function withoutState(word: number): number {
  return word | 0xff;
}

/** Bytes of the payload of a SETTLED or RELEASED record. */
export const MARK_BYTES = 8;
/** The same for a tail record, which also counts entries: see queue/tail.ts. */
export const TAIL_BYTES = 12;
/** The limits of the fields of a mark: 8 bits each. */
const MAX_FIELD = 0xff;

/**
 * Writes the payload of a SETTLED or RELEASED record: the number (48 bits), its distance from the tail (8 bits, 0 below the
 * tail), and the number of entries settled below the tail that no earlier record includes (8 bits; 0 in byte mode).
 */
export function encodeMark(words: Words, number: number, tail: number, deferred: number): void {
  const distance = Math.max(0, number - tail);
  words[1] = number | 0;
  words[2] = Math.floor(number / 0x1_0000_0000) | (distance << 16) | (Math.min(deferred, MAX_FIELD) << 24);
}

/** The number in the payload of a SETTLED or RELEASED record. */
export function numberIn(words: Words): number {
  return (words[1] >>> 0) + (words[2] & 0xffff) * 0x1_0000_0000;
}

/** The tail when the record was made, or a lower number that is as useful: all entries below it are settled. */
export function tailIn(words: Words): number {
  return numberIn(words) - ((words[2] >>> 16) & MAX_FIELD);
}

/** Entries settled by the record beside its own, see `encodeMark`. */
export function deferredIn(words: Words): number {
  return words[2] >>> 24;
}

/** Index of the check word of a record with `length` payload bytes. */
export function checkIndex(length: number): number {
  return (length + 7) >> 2;
}

/** Seven bits: detects every single flipped bit of `info`; the top bit stays 0, so that erased bytes are no header. */
function fold(info: number): number {
  return ((info ^ (info >>> 7) ^ (info >>> 14)) & 0x7f) ^ 0x55;
}

/** Two of three bits decide: one flipped bit neither settles an entry nor brings it back. */
export function isReleased(state: number): boolean {
  return cleared((state & RELEASED_BITS) >> 2) >= 2;
}

/** Whether an entry with this state byte is done. Two of three bits decide. */
export function isDone(state: number): boolean {
  return cleared((state & DONE_BITS) >> 5) >= 2;
}

function cleared(three: number): number {
  return 3 - (three & 1) - ((three >> 1) & 1) - (three >> 2);
}

/** Properties that all open headers of an outbox share. */
export interface Geometry {
  /** 1 or 16. */
  readonly unit: number;
  readonly blockLength: number;
}

/** Contents of the first word of an open header. */
export interface BlockFormat extends Geometry {
  readonly version: number;
}

/** The other contents of a block's open header. Numbers are entries' sequence numbers, up to 2^48. */
export interface BlockHeader {
  /** Format version of the block. */
  version: number;
  /** Counts the blocks taken into use, 1 first. */
  sequence: number;
  /** Block sequence of the newest block before this one; 0: none. */
  from: number;
  /** Number of the block's first entry. */
  first: number;
  /** Every entry below it is settled. NaN: unknown, see `isHeadless`. */
  tail: number;
  /** `released` marks in the state byte of entries below it are void. */
  voidBelow: number;
  /** Index of a block that was evicted with its entries; NO_BLOCK: none. */
  retired: number;
  erases: number;
}

/** Whether the block's header was damaged and could not be computed: see blocks/headless.ts. */
export function isHeadless({ tail }: BlockHeader): boolean {
  return Number.isNaN(tail);
}

/** Value for "no block". */
export const NO_BLOCK = 0xffff;

/** An empty header, to be filled. */
export function emptyHeader(): BlockHeader {
  return {
    version: FORMAT_VERSION,
    sequence: 0,
    from: 0,
    first: 0,
    tail: 0,
    voidBelow: 0,
    retired: NO_BLOCK,
    erases: 0,
  };
}

/** Copies all fields of a header into another one. */
export function copyHeader(from: BlockHeader, to: BlockHeader): void {
  Object.assign(to, from);
}

const MAGIC = 0x4f48; // "HO"
/** The initial hash of an open header. */
export const HEADER_SEED = 0x4f48_0bed;
const NEAR = 0x7fff_ffff;

/** Writes `format` and `header` to the eight words of `words` from `at` on. */
export function encodeHeader({ unit, blockLength }: Geometry, header: BlockHeader, words: Words, at: number): void {
  words[at] = formatWord({ version: header.version, unit, blockLength });
  words[at + 1] = header.sequence;
  words[at + 2] = (header.erases & 0xffffff) | (Math.min(header.sequence - header.from, 255) << 24);
  words[at + 3] = header.first;
  words[at + 4] = Math.floor(header.first / 0x1_0000_0000) | (header.retired << 16);
  words[at + 5] = nearby(header.first, header.tail);
  words[at + 6] = nearby(header.first, header.voidBelow);
  words[at + 7] = finish(mix(HEADER_SEED, words, at, at + 7));
}

/** The first word of an open header. */
export function formatWord({ version, unit, blockLength }: BlockFormat): number {
  const shift = 31 - Math.clz32(blockLength);
  return MAGIC | (version << 16) | ((unit === 16 ? 0x80 : 0) << 24) | (shift << 24);
}

/** Whether the eight words from `at` on are an open header, of any format. */
export function isHeader(words: Words, at: number): boolean {
  return (words[at] & 0xffff) === MAGIC && words[at + 7] === finish(mix(HEADER_SEED, words, at, at + 7));
}

/** Reads eight words from `at` on into `header`; false if they are no header. The caller checks the format. */
export function decodeHeader(header: BlockHeader, words: Words, at: number): boolean {
  if (!isHeader(words, at)) return false;
  header.version = (words[at] >>> 16) & 0xff;
  header.sequence = sequenceIn(words, at);
  header.erases = erasesIn(words, at);
  header.from = header.sequence - (words[at + 2] >>> 24);
  header.first = (words[at + 3] >>> 0) + (words[at + 4] & 0xffff) * 0x1_0000_0000;
  header.retired = words[at + 4] >>> 16;
  header.tail = header.first + words[at + 5];
  header.voidBelow = header.first + words[at + 6];
  return true;
}

/** Block sequence of a header that passes `isHeader`. */
export function sequenceIn(words: Words, at: number): number {
  return words[at + 1] >>> 0;
}

/** Erase count of the block, from the clean header at word `at`. */
export function erasesIn(words: Words, at: number): number {
  return words[at + 2] & 0xffffff;
}

/** The low 32 bits of the number of the block's first entry. */
export function firstIn(words: Words, at: number): number {
  return words[at + 3];
}

/** The format in a header that `decodeHeader` has read. */
export function decodeFormat(words: Words, at: number): BlockFormat {
  const word = words[at];
  return { version: (word >>> 16) & 0xff, unit: word < 0 ? 16 : 1, blockLength: 1 << ((word >>> 24) & 0x1f) };
}

/** `number` as a distance from `first`. If it is too far below, the result is too low, which is safe for lower bounds. */
function nearby(first: number, number: number): number {
  return Math.max(number - first, -NEAR);
}

const CLEAN_MAGIC = 0x4e4c_4331; // "1CLN"
const WHOLE_MAGIC = 0x4c4f_4831; // "1HOL"

/** Byte mode, after a finished erase: the block's erase count, and the newest block's sequence at that time. */
export function encodeClean(words: Words, at: number, erases: number, newest: number): void {
  words[at] = CLEAN_MAGIC;
  words[at + 1] = erases;
  words[at + 2] = newest;
  words[at + 3] = finish(mix(CLEAN_MAGIC, words, at + 1, at + 3));
}

/** Whether there is a clean header at word `at`. */
export function isClean(words: Words, at: number): boolean {
  return words[at] === CLEAN_MAGIC && words[at + 3] === finish(mix(CLEAN_MAGIC, words, at + 1, at + 3));
}

/** Unit mode, behind the open header: that was programmed completely. */
export function encodeWhole(words: Words, at: number, sequence: number): void {
  words[at] = WHOLE_MAGIC;
  words[at + 1] = sequence;
  words[at + 2] = ~sequence;
  words[at + 3] = finish(mix(WHOLE_MAGIC, words, at + 1, at + 3));
}

/** Whether the four words from `at` on were probably a whole header: half of its magic, or of the sequence against its complement, is right. */
export function looksWhole(words: Words, at: number): boolean {
  return isHalfRight(words[at] ^ WHOLE_MAGIC) || isHalfRight(words[at + 1] ^ ~words[at + 2]);
}

function isHalfRight(wrong: number): boolean {
  return (wrong & 0xffff) === 0 || wrong >>> 16 === 0;
}

/** Whether the header at word `at` marks block `sequence` as whole. */
export function isWhole(words: Words, at: number, sequence: number): boolean {
  return (
    words[at] === WHOLE_MAGIC &&
    words[at + 1] === (sequence | 0) &&
    words[at + 3] === finish(mix(WHOLE_MAGIC, words, at + 1, at + 3))
  );
}
