/*
 * What is counted over the device's whole life: a note of the outbox, which outlives the blocks and costs nothing a sample.
 *
 *   note, tag 3   boots, possible doubles, dead letters: 4 bytes each, little-endian
 */
import { bootOfClock, CLOCK } from "../journal/notes.js";
import type { Sticky } from "../journal/sticky.js";

const COUNTERS = 3;
const LENGTH = 12;

/** What is needed of the outbox. */
export interface LifetimeStore {
  readNote(tag: number): Uint8Array | undefined;
}

export class Lifetime {
  /** This one is the latest. */
  readonly boots: number;
  private readonly notes: Sticky;
  private _possibleDoubles: number;
  private _deadLetters: number;

  /** A boot: counts it. `goesOn`: the number of one that goes on after a sleep, and is not counted again if flash knows it. */
  constructor(store: LifetimeStore, notes: Sticky, goesOn?: number) {
    this.notes = notes;
    const note = store.readNote(COUNTERS);
    const view = note?.length === LENGTH ? new DataView(note.buffer, note.byteOffset, LENGTH) : undefined;
    const boots = view?.getUint32(0, true) ?? 0; // without a note, or with one of another layout, counting starts again
    this._possibleDoubles = view?.getUint32(4, true) ?? 0;
    this._deadLetters = view?.getUint32(8, true) ?? 0;
    this.boots = boots + bootsSince(boots, store.readNote(CLOCK));
    if (this.boots === goesOn && boots === goesOn) return;
    this.boots++;
    this.notes.writeVital(COUNTERS, this.encode());
  }

  /** Samples that were sent again without knowing whether the broker has them. */
  get possibleDoubles(): number {
    return this._possibleDoubles;
  }

  get deadLetters(): number {
    return this._deadLetters;
  }

  countDeadLetter(): void {
    this._deadLetters++;
    this.notes.write(COUNTERS, this.encode());
  }

  countPossibleDoubles(count: number): void {
    if (count === 0) return;
    this._possibleDoubles += count;
    this.notes.write(COUNTERS, this.encode());
  }

  private encode(): Uint8Array {
    const note = new Uint8Array(LENGTH);
    const view = new DataView(note.buffer);
    view.setUint32(0, this.boots, true);
    view.setUint32(4, this._possibleDoubles, true);
    view.setUint32(8, this._deadLetters, true);
    return note;
  }
}

/** Boots that only the clock's note knows of, where the latest count was damaged: their numbers must not come again. */
function bootsSince(boots: number, clock: Uint8Array | undefined): number {
  const clockBoot = clock === undefined ? -1 : bootOfClock(clock); // modulo 65,536
  if (clockBoot < 0) return 0;
  const ahead = (clockBoot - boots) & 0xffff;
  return boots === 0 || ahead < 0x8000 ? ahead : 0;
}
