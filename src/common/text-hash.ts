/*
 * A hash for texts that are compared with themselves later: FNV-1a, 32 bits, over UTF-16 code units.
 * Source: draft-eastlake-fnv, "The FNV Non-Cryptographic Hash Algorithm".
 */

/** 32 bits, signed. Two texts have the same hash with a probability of 1 in 2^32. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  return hash;
}
