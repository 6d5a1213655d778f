/*
 * What distinguishes a wake record from noise, and from one of another version: its first word, and the checks over the others.
 */

/** The first word: "HTW", version 4. Hashes begin with it. */
export const MAGIC = 0x0457_5448;

/**
 * A polynomial of the words from `at` (even) to before `end`: a change of one word is always found, noise passes once in 2^32. Multiplied by
 * shifts: a call for each word would be a tenth of what a wake costs.
 */
export function checkOf(words: Int32Array, at: number, end: number): number {
  let hash = MAGIC;
  do {
    hash = ((hash << 5) - hash + words[at]) | 0; // by pairs: there is one more word, if need be
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
