/*
 * Notes that outlive their block. Most values apply to the entries that follow, and go with them. But what is learnt late applies to
 * entries that were there before, also in older blocks: if these are kept when the note's block is evicted, it is carried on in the head
 * of each block that is taken into use, as long as one of them may be open. Its first copy comes with the header that evicts its
 * block: a power cut finds it in the one or in the other.
 *
 *   CARRIED   low 32 bits of `before` (4 bytes), tag (1 byte), value
 */
import { type BlockHeader, CARRIED, CARRIED_SINCE, NOTE, PAYLOAD_AT, QUEUED_STATE } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { type Cursor, NOWHERE } from "./cursor.js";
import type { Marks } from "./marks.js";
import type { Target } from "./target.js";

/** What the outbox has to know of its owner's values. */
export interface NoteOwner {
  /**
   * Number of the first entry that a value applies to, where it applies to entries that were there before it; NaN: to none of them. It
   * never falls from one value of a tag to the next.
   */
  appliesFrom?(tag: number, value: Uint8Array): number;
}

/** A note whose block was evicted. */
export interface Carried {
  readonly tag: number;
  readonly value: Uint8Array;
  /** It was made when the entries below this number were there, and before those that are kept from it on. */
  readonly before: number;
}

/** The log, as far as notes are carried by it. */
export interface Carrier {
  readonly medium: Medium;
  readonly marks: Marks;
  readonly walker: Cursor;
  readonly newest: BlockHeader;
  readonly owner: NoteOwner;
  carried: Carried[] | undefined;
}

/** Bytes before the value. */
export const HEADING = 5;

/** Whether the walker is at a note that applies to entries before it which may be open. */
export function isLate(log: Carrier): boolean {
  const { walker, marks, owner } = log;
  if (walker.kind !== NOTE || owner.appliesFrom === undefined) return false;
  const { tag, value } = noteIn(log);
  return Math.max(owner.appliesFrom(tag, value), marks.tail) < walker.nextNumber;
}

/** The note that the walker has come to. */
export function noteIn({ medium, walker }: Carrier): { tag: number; value: Uint8Array } {
  const bytes = medium.bytes;
  return { tag: bytes[PAYLOAD_AT], value: bytes.slice(PAYLOAD_AT + 1, PAYLOAD_AT + walker.length) };
}

/** Writes what is carried, but what applied to entries that are all settled. A block of an older format has no record for it. */
export function putCarried({ medium, marks, carried }: Carrier, target: Target): boolean {
  if (carried === undefined || target.version < CARRIED_SINCE) return true;
  for (let i = 0; i < carried.length; i++) {
    const { tag, value, before } = carried[i];
    if (before <= marks.tail) continue;
    const length = HEADING + value.length;
    medium.pad(length);
    medium.words[1] = before | 0;
    medium.bytes[PAYLOAD_AT + HEADING - 1] = tag;
    medium.bytes.set(value, PAYLOAD_AT + HEADING);
    if (target.put(CARRIED, length, QUEUED_STATE) === NOWHERE) return false;
  }
  return true;
}

/** Takes what `putCarried` wrote, from the record buffer, while mounting. */
export function takeCarried(log: Carrier): void {
  const { medium, walker } = log;
  const { first } = log.newest;
  const bytes = medium.bytes;
  log.carried ??= [];
  log.carried.push({
    tag: bytes[PAYLOAD_AT + HEADING - 1],
    value: bytes.slice(PAYLOAD_AT + HEADING, PAYLOAD_AT + walker.length),
    before: first + ((medium.words[1] - (first | 0)) | 0),
  });
}
