/*
 * Notes on their way into the outbox. One that flash does not take (it is full, or fails) is kept here and tried again
 * before the next reading: nothing throws into whoever had something to note.
 */

/** What is needed of the outbox. */
export interface NoteStore {
  /** Durable on return; throws if there is no room. */
  note(tag: number, value: Uint8Array): void;
}

const TAGS = 4; // those in notes.ts

export class Sticky {
  private readonly store: NoteStore;
  private owed: (Uint8Array | undefined)[] | undefined; // by tag, while there are any
  /** Some note is not on flash. */
  isOwing = false;

  constructor(store: NoteStore) {
    this.store = store;
  }

  /** Takes the place of an earlier value of the tag. */
  write(tag: number, value: Uint8Array): void {
    this.owed ??= new Array(TAGS).fill(undefined);
    this.owed[tag] = value;
    this.retry();
  }

  /** True while the latest value of the tag is not on flash. */
  owes(tag: number): boolean {
    return this.owed?.[tag] !== undefined;
  }

  /** Tries what is not on flash, in the order of the tags. */
  retry(): void {
    const { owed } = this;
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
