/*
 * One wrong bit in a block's head. Without its head, all entries of a block are lost: so a head that does not match is read
 * again and, if a single bit is wrong, corrected. The check is a bijection in each of its words: for each word there is one
 * value with which it matches, and that is computed, not searched.
 */
import { encodeWhole, finish, HEADER_SEED, isHeader, mixWord, unfinish, type Words } from "./layout.js";

const CHECKED = 7; // words before the check
const PRIME_INVERSE = 0x0e8b2f51; // of layout.ts's PRIME, modulo 2^32
/**
 * Bits that are not corrected, 28 to 31 and 13 to 16 of a word: a wrong one is the same to the check as two in it and the next word,
 * because `mixWord` shifts by 15 and no product carries from the top bits. A block that is half erased has such pairs.
 */
const UNSURE = 0xf001_e000 | 0;
const imul = Math.imul;

/** For each of the eight words of an open header, from word `at` on: the value with which it matches the other seven. */
export function matchingWords(words: Words, at: number): Words {
  const before = new Int32Array(CHECKED + 1);
  before[0] = HEADER_SEED;
  for (let i = 0; i < CHECKED; i++) before[i + 1] = mixWord(before[i], words[at + i]);
  let after = unfinish(words[at + CHECKED]);
  before[CHECKED] = finish(before[CHECKED]);
  for (let i = CHECKED - 1; i >= 0; i--) {
    // The inverse of `mixWord`: the hash before this word, mixed with it.
    const mixed = imul(after ^ (after >>> 15) ^ (after >>> 30), PRIME_INVERSE);
    before[i] ^= mixed;
    after = mixed ^ words[at + i];
  }
  return before;
}

/**
 * Corrects one wrong bit in the eight words of an open header, from word `at` on; false, and unchanged: it is none, or more is
 * wrong. No two wrong bits pass for one, other content does once in 2^24 times. For that, 56 of the 256 bits are left wrong.
 */
export function correctHeader(words: Words, at: number): boolean {
  const right = matchingWords(words, at);
  let i = CHECKED;
  while (i > 0 && !isOneBit(words[at + i] ^ right[i])) i--;
  const wrong = words[at + i] ^ right[i];
  if (!isOneBit(wrong) || (i < CHECKED && (wrong & UNSURE) !== 0)) return false;
  words[at + i] ^= wrong;
  if (isHeader(words, at)) return true;
  words[at + i] ^= wrong;
  return false;
}

/** Unit mode: whether the four words from `at` on are the header behind block `sequence`'s open header, but for one wrong bit. */
export function isNearlyWhole(words: Words, at: number, sequence: number): boolean {
  const right = new Int32Array(4);
  encodeWhole(right, 0, sequence);
  let wrong = 0;
  for (let i = 0; i < 4; i++) {
    const bits = words[at + i] ^ right[i];
    if (bits === 0) continue;
    if (wrong !== 0 || !isOneBit(bits)) return false;
    wrong = bits;
  }
  return true;
}

function isOneBit(word: number): boolean {
  return word !== 0 && (word & (word - 1)) === 0;
}
