/* Counts entries one by one where the stored counts are not exact. */

import { WINDOW } from "../blocks/marks.js";
import type { Finder } from "./finder.js";

/**
 * Makes the number of entries exact. In byte mode a mount does not read the state bytes, so entries settled behind the tail are
 * still counted; they can only be in the window. Needed once after a mount; then the marks are complete.
 */
export function exactCount(finder: Finder): void {
  if (finder.hasCounted) return;
  finder.exactTail();
  const tail = finder.log.marks.tail;
  countOpen(finder, tail, tail + WINDOW);
  finder.hasCounted = true; // not if a read has failed
}

/** Makes the number of entries and the oldest one exact. */
export function exactStatistics(finder: Finder): void {
  finder.exactTail();
  exactCount(finder);
}

/** Released entries in the window. */
export function countReleased(finder: Finder): number {
  const { marks, walker, medium } = finder.log;
  let count = 0;
  for (let from = marks.tail; finder.find(walker, from) && walker.number < marks.tail + WINDOW; ) {
    if (finder.isReleased(walker.number, walker.state)) count++;
    from = walker.number + 1;
    // In byte mode, entries queued by their state byte are released by a mark at most.
    if (medium.unit === 1 && from >= marks.top)
      from += walker.pass(finder.endOf(walker), Math.min(marks.tail + WINDOW, walker.limit), true);
  }
  return count;
}

/** Unsettled entries from `from` up to `end`. */
export function countOpen(finder: Finder, from: number, end: number): number {
  const { walker, marks, medium } = finder.log;
  let count = 0;
  while (finder.find(walker, from) && walker.number < end) {
    count++;
    from = walker.number + 1;
    // Entries queued by their state byte are not settled, except by the marks of unit mode.
    if (medium.unit === 1 || from >= marks.tail + WINDOW) {
      const run = walker.pass(finder.endOf(walker), Math.min(end, walker.limit), true);
      count += run;
      from += run;
    }
  }
  return count;
}
