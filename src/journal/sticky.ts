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
  private vital = 0; // tags of notes without which entries cannot be read, a bit each
  /** Some note is not in flash. */
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

  /** As `write`. Entries cannot be read without this note. */
  writeVital(tag: number, value: Uint8Array): void {
    this.vital |= 1 << tag;
    this.write(tag, value);
  }

  /** Writes pending notes again. Returns whether all vital ones are in flash now. */
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
