/* A position: where the next entry is written, for a run that does not mount. Flash has to confirm it. */

import { blockSeed, CLEAN_BYTES, ERASED, firstIn, HEAD_BYTES, isHeader, isWhole, sequenceIn } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import type { FreeSpace } from "./free-space.js";
import type { Position } from "./options.js";

const OPEN_WORD = CLEAN_BYTES >> 2;

/** The position in a log that this run has prepared for writing; otherwise undefined: a later run has to mount it. */
export function positionOf(space: FreeSpace): Position | undefined {
  const { log } = space;
  if (!log.resumed || log.newest.sequence === 0) return undefined;
  const { newestBlock: block, end, number } = log;
  const { sequence, first, version } = log.newest;
  return { block, sequence, first, version, end, freeEnd: space.entriesEnd, number };
}

/** See `Appender.isConfirmed`. Afterwards the medium's head buffer contains the newest block's head. */
export function isConfirmed(medium: Medium, { block, sequence, first, end, freeEnd }: Position): boolean {
  const start = block * medium.blockLength;
  const isWithin = end >= start + HEAD_BYTES && freeEnd <= start + medium.blockLength;
  if (!(block < medium.blocks && isWithin && (end & 3) === 0 && (end & (medium.unit - 1)) === 0)) return false;
  medium.readHead(block);
  const head = medium.head;
  if (!isHeader(head, OPEN_WORD) || sequenceIn(head, OPEN_WORD) !== sequence) return false;
  if (firstIn(head, OPEN_WORD) !== (first | 0)) return false;
  if (medium.unit === 16 && !isWhole(head, 0, sequence)) return false;
  return medium.unit === 16 || medium.wordAt(end - 4) !== ERASED;
}

/**
 * Whether nothing was appended at `end` since. In unit mode, where erased flash need not read as ones, a record with the next
 * number is searched, twice, because a wrong bit in a read would hide it.
 */
export function isFree(medium: Medium, position: Position, end: number, size: number, number: number): boolean {
  if (medium.unit === 1) return medium.isBlank(end, end + size);
  const seed = blockSeed(position.sequence);
  for (let tries = 2; tries > 0; tries--) {
    if (medium.load(end, position.freeEnd, seed) && medium.number === (number | 0)) return false;
    medium.demand();
  }
  return true;
}
