/*
 * Counters of the device's whole life, as a note of the outbox. The note survives the eviction of blocks, and costs no write
 * per sample.
 *
 *   note, tag 3   boots, possible doubles, dead letters: 4 bytes each, little-endian
 */
import { bootOfClock, CLOCK } from "../journal/notes.js";
import type { Sticky } from "../journal/sticky.js";

const COUNTERS = 3;
const LENGTH = 12;
const BOOTS = 0;
const POSSIBLE_DOUBLES = 4;
const DEAD_LETTERS = 8;

/** What the counters need of the outbox. */
export interface LifetimeStore {
  readNote(tag: number): Uint8Array | undefined;
}

/** Counters of the device's whole life. Each change is written to flash as a note. */
export class Lifetime {
  /** Including the current one. */
  readonly boots: number;
  private readonly store: LifetimeStore;
  private readonly notes: Sticky;
  /** The note with the latest changes; undefined until it is first used. */
  private known: DataView | undefined;

  /**
   * Counts a boot. `goesOn`: the number of a boot that continues after a sleep; it is not counted again if flash has it.
   * `isCertain`: flash certainly has it, and is not read.
   */
  constructor(store: LifetimeStore, notes: Sticky, goesOn?: number, isCertain = false) {
    this.store = store;
    this.notes = notes;
    if (goesOn !== undefined && isCertain) {
      this.boots = goesOn;
      return;
    }
    const { counters } = this;
    const boots = counters.getUint32(BOOTS, true);
    this.boots = boots + bootsSince(boots, store.readNote(CLOCK));
    if (this.boots === goesOn && boots === goesOn) return;
    this.boots++;
    counters.setUint32(BOOTS, this.boots, true);
    this.notes.writeVital(COUNTERS, bytesOf(counters));
  }

  /** Samples that were sent again although the broker may already have them. */
  get possibleDoubles(): number {
    return this.counters.getUint32(POSSIBLE_DOUBLES, true);
  }

  get deadLetters(): number {
    return this.counters.getUint32(DEAD_LETTERS, true);
  }

  countDeadLetter(): void {
    this.count(DEAD_LETTERS, 1);
  }

  countPossibleDoubles(count: number): void {
    if (count !== 0) this.count(POSSIBLE_DOUBLES, count);
  }

  private count(at: number, count: number): void {
    const { counters } = this;
    counters.setUint32(at, counters.getUint32(at, true) + count, true);
    this.notes.write(COUNTERS, bytesOf(counters));
  }

  /** Without a note, or with one of another layout, counting starts at 0. */
  private get counters(): DataView {
    if (this.known === undefined) {
      const note = this.store.readNote(COUNTERS);
      this.known = new DataView((note?.length === LENGTH ? note.slice() : new Uint8Array(LENGTH)).buffer);
    }
    return this.known;
  }
}

/** A copy, because the caller of `Sticky` must not change notes that flash has refused. */
function bytesOf({ buffer }: DataView): Uint8Array {
  return new Uint8Array(buffer).slice();
}

/** Boots that only the clock's note has recorded, because the latest counters were damaged. Their numbers must not be used again. */
function bootsSince(boots: number, clock: Uint8Array | undefined): number {
  const clockBoot = clock === undefined ? -1 : bootOfClock(clock); // modulo 65,536
  if (clockBoot < 0) return 0;
  const ahead = (clockBoot - boots) & 0xffff;
  return boots === 0 || ahead < 0x8000 ? ahead : 0;
}
