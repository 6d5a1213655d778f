/* Checks whether a flash can be used for an outbox. */
import type { Flash } from "./flash.js";
import { HEAD_BYTES, MAX_PAYLOAD_BYTES } from "./layout.js";
import { Medium } from "./medium.js";

/** Largest partition, in bytes: an address leaves a byte of a word for the state. */
export const MAX_FLASH = 0x100_0000;

/**
 * Makes a flash with buffers for payloads of `maxPayload` bytes, programmed in units of `writeUnit` bytes (default: as the
 * flash requires).
 * @throws RangeError for a flash that no outbox can use: names the value and what is expected
 */
export function mediumFor(flash: Flash, writeUnit: 1 | 16 | undefined, maxPayload: number): Medium {
  const { blocks, blockLength, writeAlign = 1 } = flash.status();
  const unit = writeUnit ?? (writeAlign > 1 ? 16 : 1);
  if (unit !== 1 && unit !== 16) throw new RangeError(`writeUnit ${unit}: expected 1 or 16`);
  if (writeAlign > unit || writeAlign > 16) throw new RangeError(`writeAlign ${writeAlign}: expected at most ${unit}`);
  const least = unit === 1 ? 3 : 4;
  if (blocks < least) throw new RangeError(`flash of ${blocks} blocks: expected at least ${least}`);
  if (blocks * blockLength > MAX_FLASH) throw new RangeError(`flash of ${blocks} blocks: expected at most 16 MiB`);
  if (blockLength < 256 || blockLength > 65536 || (blockLength & (blockLength - 1)) !== 0) {
    throw new RangeError(`blocks of ${blockLength} bytes: expected a power of two, 256..65536`);
  }
  const longest = Math.min(MAX_PAYLOAD_BYTES, (blockLength - HEAD_BYTES) >> 1);
  if (!(maxPayload >= 0 && maxPayload <= longest)) {
    throw new RangeError(`maxPayload ${maxPayload}: expected 0..${longest}`);
  }
  return new Medium(flash, blocks, blockLength, unit, maxPayload);
}
