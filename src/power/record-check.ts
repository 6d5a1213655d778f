/* Distinguishes a wake record from random content and from other versions: its first word, and the checksums of the others. */

/** The first word: "HTW", version 4. Hashes begin with it. */
export const MAGIC = 0x0457_5448;

/**
 * A polynomial of the words from `at` (even) up to, but without, `end`. A change of one word is always detected, random content
 * is missed once in 2^32. It multiplies by shifts, because a call for each word would take a tenth of a wake's time.
 */
export function checkOf(words: Int32Array, at: number, end: number): number {
  let hash = MAGIC;
  do {
    hash = ((hash << 5) - hash + words[at]) | 0; // in pairs; there is one more word if necessary
    hash = ((hash << 5) - hash + words[at + 1]) | 0;
    at += 2;
  } while (at < end);
  return hash;
}

/** Four bytes from `at` on, little-endian. */
export function wordOf(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** @throws RangeError for more than `maxBytes` */
export function requireFit(what: string, { length }: Uint8Array, maxBytes: number): void {
  if (length > maxBytes) throw new RangeError(`${what} of ${length} bytes: expected at most ${maxBytes}`);
}
