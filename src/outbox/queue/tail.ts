/*
 * The tail record, in byte mode: the position of the tail, recorded now and then while a backlog drains, so that a boot need
 * not read every settled entry again. (In unit mode each SETTLED record contains it.) It is a SETTLED record of the last entry
 * below the tail, followed by the number of entries from the tail on, including settled ones. Firmware 0.1 reads the number and
 * ignores the count.
 */

import { type Log, TAIL_LAG } from "../blocks/log.js";
import { SETTLED, TAIL_BYTES } from "../flash/layout.js";
import type { FreeSpace } from "./free-space.js";
import { reportUnread } from "./guard.js";
import type { Walk } from "./walk.js";

const TWO_TO_32 = 0x1_0000_0000;

/** Programs a tail record. If there is no space, or flash fails, it is tried again TAIL_LAG later. */
export function recordTail(log: Log, walk: Walk, space: FreeSpace): void {
  const { medium, marks, counters } = log;
  const size = medium.sizeOf(TAIL_BYTES);
  log.tailDue = marks.tail + TAIL_LAG;
  const sequence = log.newest.sequence;
  try {
    if (!space.forTail(size) || log.newest.sequence !== sequence) return; // a new block's header contains it already
  } catch (error) {
    reportUnread(space.listener, error);
    return;
  }
  const last = marks.tail - 1;
  const words = medium.words;
  medium.pad(TAIL_BYTES);
  words[1] = last | 0;
  words[2] = Math.floor(last / TWO_TO_32);
  words[3] = counters.entries + marks.settledCount;
  const address = log.end;
  if (!log.put(SETTLED, TAIL_BYTES)) return;
  walk.followed(address, size, SETTLED, 0);
  log.recordedTail(marks.tail);
}
