/*
 * A hash for texts that are compared with themselves later: FNV-1a, 32 bits, over UTF-16 code units.
 * Source: draft-eastlake-fnv, "The FNV Non-Cryptographic Hash Algorithm".
 */

/** 32 bits, signed. Two texts have the same hash with a probability of 1 in 2^32. */
export function textHash(text: string): number {
  const { imul } = Math; // a report computes two hashes before its first reading: few byte codes in the loop
  const { length } = text;
  let hash = 0x811c9dc5;
  let n = 0;
  while (n < length) hash = imul(hash ^ text.charCodeAt(n++), 0x01000193);
  return hash;
}
