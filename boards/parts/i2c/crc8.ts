/* The checksum that Sensirion's and Aosong's chips send: CRC-8, polynomial 0x31, initial value 0xFF. */

/** `bytes`, followed by their checksum. */
export function withCRC(bytes: readonly number[]): number[] {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : crc << 1;
  }
  return [...bytes, crc];
}
