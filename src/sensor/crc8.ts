/*
 * Sensirion's CRC-8: polynomial 0x31 (x^8 + x^5 + x^4 + 1), initial value 0xFF, not reflected, no final XOR.
 * Bit by bit: two bytes at a time do not pay for a table. Source: SHT3x-DIS datasheet, §4.12; 0xBEEF gives 0x92.
 */

const POLYNOMIAL = 0x31;
const INITIAL = 0xff;

/** The checksum of the two bytes of `bytes` at `offset`. */
export function crc8OfWord(bytes: Uint8Array, offset: number): number {
  return step(step(INITIAL, bytes[offset]), bytes[offset + 1]);
}

function step(crc: number, byte: number): number {
  crc ^= byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ POLYNOMIAL) & 0xff : crc << 1;
  return crc;
}
