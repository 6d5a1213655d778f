/*
 * Decides which notes are carried on when a block is evicted: those that apply to kept entries, see carried.ts. Reads the block
 * and the one before it. Only runs at evictions.
 */
import { type Carried, HEADING, noteIn } from "../blocks/carried.js";
import { NOWHERE } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import { NOTE } from "../flash/layout.js";

/** All of them use at most this part of a block: the oldest are left out first. */
const SHARE_SHIFT = 2;

/** The notes to carry once the block in use at `place` (not the oldest) is evicted; undefined: none. Changes nothing yet. */
export function carriedWithout(log: Log, place: number): Carried[] | undefined {
  const { blocks, marks, carried = [], owner } = log;
  const first = blocks.firstAt(place, marks.tail);
  const isLast = place === blocks.live - 1;
  const end = isLast ? Number.POSITIVE_INFINITY : blocks.firstAt(place + 1, first);
  const kept = carried.filter(({ before }) => before <= first);
  const moved = lateNotes(log, place, first).concat(carried.filter(({ before }) => before > first && before <= end));
  if (moved.length > 0 && owner.appliesFrom !== undefined) {
    const before = endOfEntries(log, place - 1, first);
    moved.forEach(({ tag, value }) => {
      add(log, kept, { tag, value, before });
    });
  }
  return limited(log, kept.concat(carried.filter(({ before }) => before > end)));
}

/** Adds a note of an evicted block, later than all in `list`, if it applies to kept entries; removes those that it replaces. */
function add({ owner, marks }: Log, list: Carried[], note: Carried): void {
  const { tag, value, before } = note;
  const fromOf = (of: Uint8Array): number => owner.appliesFrom?.(tag, of) ?? Number.NaN;
  const from = fromOf(value);
  if (!(from < before)) return;
  for (let i = list.length - 1; i >= 0; i--) {
    const other = list[i];
    if (other.tag === tag && other.before === before && from <= Math.max(fromOf(other.value), marks.tail))
      list.splice(i, 1);
  }
  list.push(note);
}

/** The notes in the block at `place` that apply to entries before `first`, the block's first. */
function lateNotes(log: Log, place: number, first: number): Carried[] {
  const { walker, owner } = log;
  const found: Carried[] = [];
  if (owner.appliesFrom === undefined) return found;
  walk(log, place, first, () => {
    if (walker.kind !== NOTE) return;
    const { tag, value } = noteIn(log);
    if ((owner.appliesFrom?.(tag, value) ?? first) < first) found.push({ tag, value, before: first });
  });
  return found;
}

/** Number behind the last entry of the block at `place`. `near`: a number near it. */
function endOfEntries(log: Log, place: number, near: number): number {
  return walk(log, place, near, () => {}) ? log.walker.nextNumber : near;
}

/** Walks through the block at `place` and calls `at` at each record. Returns false if the block's head is damaged. */
function walk(log: Log, place: number, near: number, at: () => void): boolean {
  const { blocks, walker, medium } = log;
  const block = blocks.at(place);
  if (!walker.enter(block, log)) return false;
  const isLast = place === blocks.live - 1;
  const end = isLast ? log.end : (block + 1) * medium.blockLength;
  // One above the last number: notes may follow the last entry, and a torn record may lie before them.
  const limit = isLast ? Number.POSITIVE_INFINITY : blocks.firstAt(place + 1, near) + 1;
  while (walker.next(end, limit)) {
    at();
    if (walker.isEntry) walker.pass(end, limit, false);
  }
  walker.block = NOWHERE; // the next record is not in the buffer any more
  return true;
}

/** As many of the newest as fit the head of a block. */
function limited({ medium }: Log, list: Carried[]): Carried[] | undefined {
  let rest = medium.blockLength >> SHARE_SHIFT;
  let from = list.length;
  while (from > 0) {
    rest -= medium.sizeOf(HEADING + list[from - 1].value.length);
    if (rest < 0) break;
    from--;
  }
  return from === list.length ? undefined : list.slice(from);
}
