/*
 * Sensirion's CRC-8, which Aosong uses too: polynomial 0x31 (x^8 + x^5 + x^4 + 1), initial value 0xFF, not reflected, no
 * final XOR. Computed bit by bit: for so few bytes, a table would not be worth its memory.
 * Source: SHT3x-DIS datasheet, §4.12; 0xBEEF gives 0x92. AHT20 datasheet, §5.4.4.
 */

const POLYNOMIAL = 0x31;
const INITIAL = 0xff;

/** The checksum of `bytes` from `start` up to `end`, exclusive. */
export function crc8(bytes: Uint8Array, start: number, end: number): number {
  let crc = INITIAL;
  for (let at = start; at < end; at++) {
    crc ^= bytes[at];
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ POLYNOMIAL) & 0xff : crc << 1;
  }
  return crc;
}

/** Whether the two bytes at `offset` are followed by their checksum, as Sensirion sends every word. */
export function isWordIntact(bytes: Uint8Array, offset: number): boolean {
  return crc8(bytes, offset, offset + 2) === bytes[offset + 2];
}
