/*
 * Notes on their way to the outbox. A note that flash refuses (it is full, or fails) is kept here and tried again before the
 * next sample, so that no exception reaches the caller.
 */

/** What is needed of the outbox. */
export interface NoteStore {
  /** Durable on return; throws if there is no free space. */
  note(tag: number, value: Uint8Array): void;
}

const TAGS = 8; // as many as the outbox has

/** Writes notes, and keeps those that flash refused for the next attempt. */
export class Sticky {
  private readonly store: NoteStore;
  private owed: (Uint8Array | undefined)[] | undefined; // by tag; exists while some are pending
  private vital = 0; // the tags, a bit each, without which entries cannot be read
  /** Some note is not on flash. */
  isOwing = false;

  constructor(store: NoteStore) {
    this.store = store;
  }

  /** Replaces an earlier value of the tag. */
  write(tag: number, value: Uint8Array): void {
    this.owed ??= new Array(TAGS).fill(undefined);
    this.owed[tag] = value;
    this.retry();
  }

  /** As `write`; entries cannot be read before the note is on flash. */
  writeVital(tag: number, value: Uint8Array): void {
    this.vital |= 1 << tag;
    this.write(tag, value);
  }

  /** Tries again. Returns true if all notes that entries need are on flash. */
  isUnderstood(): boolean {
    this.retry();
    const owed = this.owed;
    const vital = this.vital;
    return owed === undefined || owed.every((value, tag) => value === undefined || (vital & (1 << tag)) === 0);
  }

  /** Writes pending notes, in the order of the tags. */
  private retry(): void {
    const owed = this.owed;
    this.isOwing = false;
    if (owed === undefined) return;
    for (let tag = 0; tag < TAGS; tag++) {
      const value = owed[tag];
      if (value === undefined) continue;
      try {
        this.store.note(tag, value);
        owed[tag] = undefined;
      } catch {
        this.isOwing = true;
      }
    }
    if (!this.isOwing) this.owed = undefined;
  }
}
