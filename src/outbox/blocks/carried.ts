/*
 * Notes that are kept after their block is evicted. Most values apply to later entries, and are removed with them. But a value
 * that becomes known late applies to earlier entries, also in older blocks. If these entries are kept when the note's block is
 * evicted, the head of each new block repeats the note as long as one of them may be unsettled. Its first copy is made with the
 * header that evicts its block, so a power cut leaves it in one of the two.
 *
 *   CARRIED   low 32 bits of `before` (4 bytes), tag (1 byte), value
 */
import { type BlockHeader, CARRIED, CARRIED_SINCE, NOTE, PAYLOAD_AT, QUEUED_STATE } from "../flash/layout.js";
import type { Medium } from "../flash/medium.js";
import { type Cursor, NOWHERE } from "./cursor.js";
import type { Marks } from "./marks.js";
import type { Target } from "./target.js";

/** What the outbox needs to know about its owner's values. */
export interface NoteOwner {
  /**
   * Number of the first entry to which a value applies, if it applies to earlier entries; NaN: it does not. It never decreases
   * from one value of a tag to the next.
   */
  appliesFrom?(tag: number, value: Uint8Array): number;
}

/** A note whose block was evicted. */
export interface Carried {
  readonly tag: number;
  readonly value: Uint8Array;
  /** It was written after the entries below this number, and before all kept entries from this number on. */
  readonly before: number;
}

/** What is needed of the log to carry notes. */
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

/** Whether the walker is at a note that applies to earlier entries which may be unsettled. */
export function isLate(log: Carrier): boolean {
  const { walker, marks, owner } = log;
  if (walker.kind !== NOTE || owner.appliesFrom === undefined) return false;
  const { tag, value } = noteIn(log);
  return Math.max(owner.appliesFrom(tag, value), marks.tail) < walker.nextNumber;
}

/** The note at which the walker is. */
export function noteIn({ medium, walker }: Carrier): { tag: number; value: Uint8Array } {
  const bytes = medium.bytes;
  return { tag: bytes[PAYLOAD_AT], value: bytes.slice(PAYLOAD_AT + 1, PAYLOAD_AT + walker.length) };
}

/** Writes the carried notes, except those that only apply to settled entries. A block of an older format has no record for them. */
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

/** While mounting: reads what `putCarried` wrote, from the record buffer. */
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
