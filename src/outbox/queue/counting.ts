/* Counts entries one by one, where the figures that are kept do not say it. */

import { WINDOW } from "../blocks/marks.js";
import type { Finder } from "./finder.js";

/**
 * Makes the number of entries exact. In byte mode a mount does not read the state bytes, and what was settled behind the tail counts
 * until it is looked at; that can be in the window alone. Once after a mount: from then on the marks know.
 */
export function exactCount(finder: Finder): void {
  if (finder.hasCounted) return;
  finder.hasCounted = true;
  finder.exactTail();
  const tail = finder.log.marks.tail;
  countOpen(finder, tail, tail + WINDOW);
}

/** Entries in the window that are released. */
export function countReleased(finder: Finder): number {
  const { marks, walker, medium } = finder.log;
  let count = 0;
  for (let from = marks.tail; finder.find(walker, from) && walker.number < marks.tail + WINDOW; ) {
    if (finder.isReleased(walker.number, walker.state)) count++;
    from = walker.number + 1;
    // In byte mode, one that is queued by its state byte is not released.
    if (medium.unit === 1) from += walker.pass(finder.endOf(walker), Math.min(marks.tail + WINDOW, walker.limit), true);
  }
  return count;
}

/** Entries from `from` up to `end` that are not settled. */
export function countOpen(finder: Finder, from: number, end: number): number {
  const { walker, marks, medium } = finder.log;
  let count = 0;
  while (finder.find(walker, from) && walker.number < end) {
    count++;
    from = walker.number + 1;
    // Of those that are queued by their state byte, none is settled, but for the marks of unit mode.
    if (medium.unit === 1 || from >= marks.tail + WINDOW) {
      const run = walker.pass(finder.endOf(walker), Math.min(end, walker.limit), true);
      count += run;
      from += run;
    }
  }
  return count;
}
