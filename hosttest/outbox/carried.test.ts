/*
 * Values that are learnt late: a note contains the number of the first entry to which it applies, which may be far before it, in an older
 * block. A full outbox that evicts the block with the note, and keeps the older entries because they are in flight, must carry the note
 * along. Compared with a list of all notes, over evictions, copied blocks, boots and power cuts at any byte.
 */
import { describe, expect, test } from "vitest";
import { type CutBits, generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Outbox } from "../../src/outbox/outbox.js";
import type { Suspension } from "../../src/outbox/queue/options.js";
import { SEED } from "../support/seed.js";

const TAG = 3;
const NO_SPACE = "could not be stored"; // everything is in flight
const LIVES = 14;
const CUT_BITS: readonly CutBits[] = ["none", "some", "some", "all"];

interface Noted {
  readonly id: number;
  readonly from: number;
  /** Number of the next entry when it was made. */
  readonly at: number;
}

/** A value: the first entry to which it applies, an id, and further bytes. */
function encode({ id, from }: Pick<Noted, "id" | "from">): Uint8Array {
  const value = new Uint8Array(12 + (id % 9));
  const view = new DataView(value.buffer);
  view.setUint32(0, from, true);
  view.setUint32(4, id, true);
  return value;
}

function decode(value: Uint8Array): Pick<Noted, "id" | "from"> {
  const view = new DataView(value.buffer, value.byteOffset);
  return { from: view.getUint32(0, true), id: view.getUint32(4, true) };
}

/** The value that applies to an entry, found as by dating: the one in force, or the last of the later ones that apply to it. */
function appliedTo(outbox: Outbox, sequence: number): number {
  const inForce = outbox.noteAt(sequence, TAG);
  let id = inForce === undefined ? -1 : decode(inForce).id;
  outbox.findNoteAfter(sequence, TAG, (value) => {
    const later = decode(value);
    if (later.from > sequence) return true;
    id = later.id;
    return false;
  });
  return id;
}

class NotedLife {
  evicted = 0;
  cuts = 0;
  checked = 0;
  readonly #random: () => number;
  readonly #flash: NorFlash;
  readonly #notes: Noted[] = [];
  #outbox: Outbox;
  #inFlight: number;

  constructor(seed: number, unit: 1 | 16) {
    this.#random = generator(seed);
    const blocks = (unit === 1 ? 4 : 5) + this.#below(3);
    this.#flash = new NorFlash({ blocks, blockLength: unit === 1 ? 512 : 1024, writeUnit: unit, random: this.#random });
    this.#inFlight = 1 + this.#below(this.#below(3) === 0 ? 240 : 30);
    this.#outbox = this.#mount();
  }

  live(): void {
    for (let left = 700; left > 0; left--) {
      if (this.#random() < 0.04) this.#flash.cutAfter(this.#below(300), CUT_BITS[this.#below(CUT_BITS.length)]);
      try {
        this.#act();
      } catch (error) {
        if (!this.#flash.isOff && !`${error}`.includes(NO_SPACE)) throw error;
        if (!this.#flash.isOff) this.#notes.pop();
      }
      if (this.#flash.isOff || this.#random() < 0.02) this.#boot();
      else if (left % 40 === 0) this.#sleep();
      if (left % 90 === 0) this.#compare();
    }
  }

  #act(): void {
    const outbox = this.#outbox;
    const draw = this.#random();
    if (draw < 0.7) outbox.append(Uint8Array.of(1, 2, 3), this.#random() < 0.8 ? 1 : 2);
    else if (draw < 0.8) this.#note();
    else if (draw < 0.86) this.#settle();
    else if (draw < 0.93) outbox.idle();
    else this.#send();
  }

  /**
   * Makes a note that applies from the next entry on, from the entry at which the last note was made, as a clock's line does, or from the
   * same entry as the last one.
   */
  #note(): void {
    const outbox = this.#outbox;
    const last = this.#notes.at(-1);
    const next = outbox.nextSequence;
    const draw = this.#random();
    const from = draw < 0.3 ? next : draw < 0.9 ? (last?.at ?? 0) : (last?.from ?? 0);
    const noted = { id: (last?.id ?? -1) + 1, from, at: next };
    this.#notes.push(noted);
    outbox.note(TAG, encode(noted));
  }

  #settle(): void {
    const outbox = this.#outbox;
    let entry = outbox.seek(0);
    for (let skip = this.#below(this.#below(8) === 0 ? 240 : 6); skip > 0 && entry !== undefined; skip--) {
      entry = outbox.seek(entry.sequence + 1);
    }
    if (entry !== undefined) outbox.settle(entry.sequence);
    this.#send();
  }

  #send(): void {
    const oldest = this.#outbox.seek(0);
    if (oldest !== undefined) this.#outbox.setInFlight(oldest.sequence + this.#inFlight);
  }

  /** Goes on where it was suspended, as far as it can. */
  #sleep(): void {
    this.#flash.cutAfter(Number.POSITIVE_INFINITY);
    this.#outbox = this.#mount(this.#outbox.suspend());
    this.#send();
  }

  #boot(): void {
    this.#flash.cutAfter(Number.POSITIVE_INFINITY);
    this.#flash.powerOn();
    this.cuts++;
    this.#outbox = this.#mount();
    this.#outbox.idle(); // recovers: before that, what a cut has left may change
    const latest = this.#outbox.readNote(TAG);
    const id = latest === undefined ? -1 : decode(latest).id;
    while ((this.#notes.at(-1)?.id ?? -1) > id) this.#notes.pop(); // the cut was before it
    this.#send();
  }

  #compare(): void {
    this.#flash.cutAfter(Number.POSITIVE_INFINITY);
    const outbox = this.#outbox;
    for (let entry = outbox.seek(0); entry !== undefined; ) {
      const { sequence } = entry;
      const right = this.#notes.findLast(({ from }) => from <= sequence)?.id ?? -1;
      expect(appliedTo(outbox, sequence), `entry ${sequence}`).toBe(right);
      this.checked++;
      entry = outbox.seek(sequence + 1 + this.#below(4));
    }
    this.#send();
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #mount(suspension?: Suspension): Outbox {
    return new Outbox({
      flash: this.#flash,
      writeUnit: this.#flash.writeUnit,
      maxPayload: 16,
      suspension,
      appliesFrom: (tag, value) => (tag === TAG ? decode(value).from : Number.NaN),
      onEvent: ({ kind }) => {
        if (kind === "dropped") this.evicted++;
        if (kind === "damaged" && !this.#flash.isOff) throw new Error("damaged by power cuts alone");
      },
    });
  }
}

describe.each([1, 16] as const)("write unit %i", (unit) => {
  test("the value that applies to an entry stays the same, through evictions, copies and cuts", () => {
    let evicted = 0;
    let cuts = 0;
    let checked = 0;
    for (let seed = SEED; seed < SEED + LIVES; seed++) {
      const life = new NotedLife(seed, unit);
      try {
        life.live();
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
      evicted += life.evicted;
      cuts += life.cuts;
      checked += life.checked;
    }
    expect(evicted).toBeGreaterThan(LIVES);
    expect(cuts).toBeGreaterThan(LIVES);
    expect(checked).toBeGreaterThan(LIVES);
  });
});
