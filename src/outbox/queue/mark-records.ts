/*
 * Records that are no entries: numbers used up, marks, and in units of 16 the settles that wait for one.
 * There every mark says where the tail is, and with that what was settled below it before. So the settle of the oldest entry
 * may wait for the next mark, and many settles share one unit: to send that entry once more does no harm.
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

/** Units of 16: settles that may wait for a mark. So many entries a power cut may bring back. */
export const MAX_DEFERRED = 7;
const TRIES = 3;

type Kind = typeof SKIP | typeof SETTLED | typeof RELEASED | typeof REQUEUED;

/**
 * Programs a record that is no entry. `value`: SKIP, how many numbers; SETTLED, RELEASED, which number; REQUEUED, 0.
 * @returns whether it is on flash
 */
export function putMark(space: FreeSpace, kind: Kind, value: number): boolean {
  const { log, walk } = space;
  const length = kind === REQUEUED ? 0 : MARK_BYTES;
  const size = log.medium.sizeOf(length);
  for (let tries = TRIES; tries > 0; tries--) {
    space.resume();
    if (!space.forMark(size)) return false;
    fill(log, kind, value); // a block that was opened for it has changed what there is to say
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

/** Programs the mark of an entry that was released; undefined: there is no such entry, or it is settled. */
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
  // At QoS 2 before PUBREC was recorded, it would be published once more.
  const isHarmless = marks.isReleased(sequence) || log.medium.kindAt(address) === ENTRY_QOS1;
  if (sequence !== marks.tail || !isHarmless || log.version < DEFERRED_SINCE) return putMark(space, SETTLED, sequence);
  log.deferred++;
  log.lastDeferred = sequence;
  return log.deferred <= MAX_DEFERRED || putDeferred(space);
}

/** Makes durable the settles that wait, if any; false: they could not be stored. */
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
