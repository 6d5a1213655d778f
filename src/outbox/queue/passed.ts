/*
 * Entries that a mount has skipped: they are settled, according to the last recorded tail.
 * If no record is available (byte mode, an outbox that firmware 0.1 drained, or damaged tail records), it searches: instead of
 * every settled entry, it reads the first entries of some blocks. Entries are settled within WINDOW of the oldest, so a settled
 * entry shows that all entries up to WINDOW before it are settled. This requires that WINDOW never grows. Reads only.
 */
import { NOWHERE } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { has, SETTLED_AT, WINDOW } from "../blocks/marks.js";
import { isDone, isHeadless } from "../flash/layout.js";

/** So many entries are read one by one, and their count is exact. Tail records are never further apart. */
const MAX_PASSED = 1024;
/** So many entries must all be settled to count, so that a single damaged byte does not lose a queue. */
const PROBED = 8;

/** Entries that the mount skipped are settled and no longer counted. Call it before a block is copied. */
export function countPassed(log: Log): void {
  if (log.surveyed) return;
  if (isHeadless(log.newest)) recount(log);
  else if (log.passed !== undefined) survey(log, log.passed);
  log.passed = undefined;
  leap(log);
  log.surveyed = true; // not if a read has failed
  log.walker.block = NOWHERE;
}

function survey(log: Log, { from, end, settled }: NonNullable<Log["passed"]>): void {
  const { blocks, walker, counters, medium } = log;
  if (end - from > MAX_PASSED) {
    countAtMost(log, log.number - end);
    return;
  }
  let gone = 0;
  for (let place = blocks.placeOf(from); place < blocks.live && blocks.firstAt(place, end) < end; place++) {
    if (!walker.enter(blocks.at(place), log)) continue;
    const blockEnd = place === blocks.live - 1 ? log.end : (blocks.at(place) + 1) * medium.blockLength;
    while (walker.next(blockEnd, end) && walker.number < end) {
      if (!walker.isEntry || walker.number < from) continue;
      if (walker.number >= from + WINDOW || !has(settled, walker.number, SETTLED_AT)) gone++;
    }
  }
  counters.entries = Math.max(0, counters.entries - gone);
}

/** With the newest block's head the count of entries was lost: counts all from the tail on. */
function recount(log: Log): void {
  const { blocks, walker, marks, medium } = log;
  let entries = 0;
  for (let place = blocks.placeOf(marks.tail); place < blocks.live; place++) {
    const block = blocks.at(place);
    if (!walker.enter(block, log)) continue;
    const isLast = place === blocks.live - 1;
    const end = isLast ? log.end : (block + 1) * medium.blockLength;
    const limit = isLast ? Number.POSITIVE_INFINITY : blocks.firstAt(place + 1, marks.tail);
    while (walker.next(end, limit)) if (walker.isEntry && !marks.isSettled(walker.number)) entries++;
  }
  log.counters.entries = entries;
}

/** Moves the tail near the oldest unsettled entry. The number of reads grows with the logarithm of the number of blocks. */
function leap(log: Log): void {
  const { blocks, marks } = log;
  if (log.medium.unit !== 1) return;
  const end = blocks.live - 1; // not the newest, which is read one by one anyway
  const start = blocks.placeOf(marks.tail);
  let low = start; // the last block that is known to begin with settled entries
  let high = start + 1; // the first one not known to
  for (let stride = 1; high < end && beginsSettled(log, high); stride *= 2) {
    low = high;
    high += stride;
  }
  high = Math.min(high, end);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (beginsSettled(log, middle)) low = middle;
    else high = middle;
  }
  const reached = low === start ? 0 : blocks.firstAt(low, marks.tail) - WINDOW;
  if (reached <= marks.tail + MAX_PASSED) return;
  marks.advance(reached);
  countAtMost(log, log.number - reached);
}

/** Skipped entries are not known one by one: some numbers may have had none. */
function countAtMost({ counters }: Log, entries: number): void {
  if (entries < counters.entries) counters.entries = entries;
}

function beginsSettled(log: Log, place: number): boolean {
  const { blocks, walker } = log;
  const block = blocks.at(place);
  if (!walker.enter(block, log)) return false;
  const end = (block + 1) * log.medium.blockLength;
  const limit = blocks.firstAt(place + 1, walker.nextNumber);
  let seen = 0;
  while (seen < PROBED && walker.next(end, limit)) {
    if (!walker.isEntry) continue;
    if (!isDone(walker.state)) return false;
    seen++;
  }
  return seen > 0;
}
