/*
 * Records that are not entries: skipped numbers, marks and, in units of 16, settles that wait for a mark. There, every mark
 * contains the tail, and so records all settles below it. The settle of the oldest entry may therefore wait for the next mark,
 * so that many settles share one unit. After a power cut these entries are sent once more, which does no harm.
 */
import { fillSkip } from "../blocks/copy.js";
import { NOWHERE } from "../blocks/cursor.js";
import type { Log } from "../blocks/log.js";
import {
  DEFERRED_SINCE,
  ENTRY_QOS1,
  encodeMark,
  MARK_BYTES,
  RELEASED,
  REQUEUED,
  SETTLED,
  SKIP,
} from "../flash/layout.js";
import type { FreeSpace } from "./free-space.js";

/** Units of 16: number of settles that may wait for a mark, and that a power cut may undo. */
export const MAX_DEFERRED = 7;
const TRIES = 3;

type Kind = typeof SKIP | typeof SETTLED | typeof RELEASED | typeof REQUEUED;

/**
 * Programs a record that is not an entry. `value`: for SKIP, how many numbers; for SETTLED and RELEASED, the number; for
 * REQUEUED, 0.
 * @returns whether it is on flash
 */
export function putMark(space: FreeSpace, kind: Kind, value: number): boolean {
  const { log, walk } = space;
  const length = kind === REQUEUED ? 0 : MARK_BYTES;
  const size = log.medium.sizeOf(length);
  for (let tries = TRIES; tries > 0; tries--) {
    space.resume();
    if (!space.forMark(size)) return false;
    fill(log, kind, value); // a block opened meanwhile may have changed the contents
    const address = log.end;
    if (!log.put(kind, length)) continue;
    const numbers = kind === SKIP ? value : 0;
    walk.followed(address, size, kind, numbers);
    log.number += numbers;
    if (kind === SETTLED || kind === RELEASED) log.deferred = 0;
    return true;
  }
  return false;
}

/** Programs the mark of a released entry; undefined: there is no such entry, or it is settled. */
export function putReleased(space: FreeSpace, sequence: number): boolean | undefined {
  if (space.walk.addressOf(sequence) === NOWHERE) return undefined;
  return putMark(space, RELEASED, sequence);
}

/** As `putReleased`, for a settle in units of 16, which may wait. */
export function putSettled(space: FreeSpace, sequence: number): boolean | undefined {
  const { log, walk } = space;
  const marks = log.marks;
  const address = walk.addressOf(sequence);
  if (address === NOWHERE) return undefined;
  // At QoS 2, before PUBREC was recorded, it would be published once more.
  const isHarmless = marks.isReleased(sequence) || log.medium.kindAt(address) === ENTRY_QOS1;
  if (sequence !== marks.tail || !isHarmless || log.version < DEFERRED_SINCE) return putMark(space, SETTLED, sequence);
  log.deferred++;
  log.lastDeferred = sequence;
  return log.deferred <= MAX_DEFERRED || putDeferred(space);
}

/** Makes waiting settles durable, if any; false: they could not be stored. */
export function putDeferred(space: FreeSpace): boolean {
  const { deferred, lastDeferred } = space.log;
  return deferred === 0 || putMark(space, SETTLED, lastDeferred);
}

function fill({ medium, marks, deferred, lastDeferred }: Log, kind: Kind, value: number): void {
  switch (kind) {
    case SKIP:
      fillSkip(medium, value, value);
      return;
    case REQUEUED:
      medium.pad(0);
      return;
    case SETTLED:
    case RELEASED:
      medium.pad(MARK_BYTES);
      encodeMark(medium.words, value, marks.tail, deferred > 0 && value === lastDeferred ? deferred - 1 : deferred);
      return;
    default:
      kind satisfies never;
  }
}
