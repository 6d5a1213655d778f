/*
 * Byte mode, before the first write of a run: cells that a power cut left half programmed may read differently after the next
 * boot. Valid data is programmed again, so that it stays; invalid data is programmed to zeros, so that it never becomes valid.
 * Flash is read again first, because nothing here can be undone: what reads otherwise now than at the mount is not touched.
 */

import { ReadFailure } from "../flash/flash-calls.js";
import { CLEAN_BYTES, isClean, isHeader, OPEN_BYTES } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { NOWHERE } from "./cursor.js";

const OPEN_WORD = CLEAN_BYTES >> 2;

/** What the mount found in the newest block, and the blocks that an earlier run was about to take into use. */
export interface Mounted {
  readonly medium: Medium;
  readonly newest: { readonly sequence: number };
  readonly newestBlock: number;
  readonly lastAddress: number;
  readonly lastCheck: number;
  readonly blockEnd: number;
  readonly seed: number;
  readonly tornFrom: number;
  readonly end: number;
  openings: number[] | undefined;
}

/**
 * Makes what the mount found stay as it is. May be repeated.
 * @returns whether the newest block's head is right now; if not, the block should be copied
 * @throws ReadFailure if flash cannot be read, or a block reads as one that is newer than the newest found: the next boot mounts it
 */
export function refresh(log: Mounted): boolean {
  const { medium, newestBlock, lastAddress, blockEnd, seed } = log;
  log.openings?.forEach((block) => {
    spoilOpening(log, block);
  });
  log.openings = undefined;
  // A head that a cut has left one bit short must be complete before anything else is programmed.
  const isRight = medium.mendHead(newestBlock) && medium.programOpen(newestBlock);
  if (lastAddress !== NOWHERE && medium.load(lastAddress, blockEnd, seed) && medium.number === log.lastCheck) {
    medium.put(lastAddress, medium.number); // the same bytes
  }
  medium.demand();
  medium.programZeros(log.tornFrom, log.end);
  return isRight;
}

/** The last run was about to take this block into use: it must not read as the newest later. */
function spoilOpening({ medium, newest }: Mounted, block: number): void {
  medium.readHead(block);
  const head = medium.head;
  if (!isClean(head, 0) || head[2] !== (newest.sequence | 0)) return;
  if (isHeader(head, OPEN_WORD)) throw new ReadFailure();
  const at = block * medium.blockLength + CLEAN_BYTES;
  if (!medium.isBlank(at, at + OPEN_BYTES)) medium.programZeros(at, at + OPEN_BYTES);
}
