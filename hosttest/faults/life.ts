/*
 * The life of one device, determined by a seed: an outbox on a small ring of simulated flash, a client that settles out of order, lost
 * sessions, and power cuts at any byte, again and again, also during recovery. A seed gives the same life on every machine.
 */
import { type CutBits, generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { MAX_PAYLOAD, Rig } from "./rig.js";

export interface Tally {
  cuts: number;
  /** Cuts that fell inside a program or an erase that had begun. */
  inside: number;
  operations: number;
  appended: number;
  dropped: number;
  refused: number;
  erases: number;
  /** Settles, completed or interrupted, that a boot has undone. */
  returned: number;
}

export function newTally(): Tally {
  return { cuts: 0, inside: 0, operations: 0, appended: 0, dropped: 0, refused: 0, erases: 0, returned: 0 };
}

/** One life in so many has a long backlog, on a ring with more blocks than the outbox looks ahead. */
const LONG_ONE_IN = 8;
/** Entries settled in a row while a long backlog drains: enough for a tail record. */
const BURST = 300;

/** First sequence numbers: 0, just below the wraps of packet ids and of 32 bits, and far beyond. */
const FIRST_SEQUENCES = [0, 61_400, 65_500, 2 ** 31 - 40, 2 ** 32 - 40, 2 ** 47];

/** Lengths of the entries of a life, in bytes: three fit a short frame. */
export const LENGTHS: readonly number[] = [3, 3, 3, 12, 5, 40];
/** The lengths before there were short frames, for seeds that found an error then. */
export const LONG_LENGTHS: readonly number[] = [12, 12, 5, 40];
/** Upper limit of the calls of an earlier firmware, with which some lives begin. */
const OLD_CALLS = 150;

export class Life {
  readonly rig: Rig;
  readonly #random: () => number;
  readonly #tally: Tally;
  readonly #usualLength: number;
  readonly #keepsUp: number;
  readonly #isLong: boolean;
  #notes = 0;

  constructor(seed: number, unit: 1 | 16, tally: Tally, lengths: readonly number[] = LENGTHS) {
    this.#random = generator(seed);
    this.#tally = tally;
    this.#usualLength = lengths[this.#below(lengths.length)];
    this.#keepsUp = [0.2, 0.45, 0.6][this.#below(3)];
    this.#isLong = seed % LONG_ONE_IN === LONG_ONE_IN - 1;
    const blocks = (unit === 1 ? 3 : 4) + this.#below(3);
    const flash = new NorFlash({
      blocks: this.#isLong ? 6 * blocks : blocks,
      blockLength: unit === 1 ? 512 : 1024,
      writeUnit: unit,
      random: this.#random,
    });
    if (this.#chance(0.5)) fillWithNoise(flash.bytes, this.#random);
    flash.eraseCost = this.#chance(0.5) ? 16 : 128;
    this.rig = new Rig({
      flash,
      whenFull: this.#chance(0.5) ? "dropOldest" : "refuse",
      firstSequence: FIRST_SEQUENCES[this.#below(FIRST_SEQUENCES.length)],
    });
    if (lengths === LENGTHS && this.#chance(0.25)) this.#upgrade();
    if (this.#isLong) this.#fill();
  }

  /** Begins the life with an earlier firmware, which also loses power; this one then continues on its flash. */
  #upgrade(): void {
    const { rig } = this;
    rig.firmware = "0.1";
    rig.boot();
    for (let calls = this.#below(OLD_CALLS); calls > 0; calls--) {
      this.#act();
      if (this.#chance(0.05)) rig.flash.cutAfter(this.#below(40), "some");
      if (rig.flash.isOff) this.#reboot();
    }
    rig.firmware = "this";
    if (!rig.flash.isOff) rig.flash.powerOff();
    this.#reboot();
  }

  /** Runs until power is cut, and boots again. @throws Violation */
  cut(): void {
    const { rig } = this;
    const { flash } = rig;
    const bits = (["none", "some", "some", "all"] as const)[this.#below(4)];
    const calls = 1 + this.#below(this.#chance(0.3) ? 4 : 60);
    flash.cutAfter(this.#chance(0.35) ? this.#below(80) : this.#below(600), bits);
    for (let i = 0; i < calls && !flash.isOff; i++) this.#act();
    if (!flash.isOff) flash.powerOff();
    this.#reboot();
    if (this.#chance(0.2)) return; // a boot that reads nothing
    this.#recover(bits);
  }

  /** Called once, at the end. */
  end(): void {
    const { rig } = this;
    rig.drain();
    this.#tally.appended += rig.ledger.appended;
    this.#tally.dropped += rig.ledger.dropped;
    this.#tally.refused += rig.refused;
    this.#tally.returned += rig.ledger.returned;
    for (const erases of rig.flash.erases) this.#tally.erases += erases;
  }

  /** Compares everything; power may be cut again while the outbox recovers. */
  #recover(bits: CutBits): void {
    const { rig } = this;
    rig.inFlight = this.#below(8);
    if (this.#chance(0.3)) rig.flash.cutAfter(this.#below(200), bits);
    if (this.#chance(0.3)) rig.idle(); // an owner that erases in advance before it reads
    if (!rig.flash.isOff) rig.compare();
    if (rig.flash.isOff) {
      this.#reboot();
      rig.compare();
    }
    rig.flash.cutAfter(Number.POSITIVE_INFINITY);
  }

  #reboot(): void {
    this.#tally.cuts++;
    if (this.rig.flash.cutInside) this.#tally.inside++;
    this.rig.boot();
  }

  /** Makes a backlog of some hundred entries. */
  #fill(): void {
    for (let count = this.#below(700); count > 0 && !this.rig.flash.isOff; count--) this.#append();
  }

  /** Settles many entries, or appends many. */
  #burst(): void {
    if (this.#chance(0.4)) this.#fill();
    else for (let count = this.#below(BURST); count > 0 && !this.rig.flash.isOff; count--) this.#acknowledge();
  }

  /** One call of the outbox, or a few. */
  #act(): void {
    const { rig } = this;
    this.#tally.operations++;
    if (this.#isLong && this.#chance(0.06)) {
      this.#burst();
      return;
    }
    const draw = this.#random();
    if (draw < 0.45) this.#append();
    else if (draw < 0.45 + this.#keepsUp) this.#acknowledge();
    else if (draw < 0.94) rig.idle();
    else if (draw < 0.96) rig.note(this.#notes++ & 0x7fff);
    else if (draw < 0.97) rig.requeue();
    else if (draw < 0.98) rig.skip();
    else this.#restart(draw < 0.99);
  }

  #append(): void {
    let length = this.#chance(0.8) ? this.#usualLength : this.#below(MAX_PAYLOAD + 1);
    if (this.rig.firmware === "0.1" && length === 3) length = 4; // it knows no short frames
    this.rig.append(length, this.#chance(0.5) ? 1 : 2, this.#below(256));
  }

  #acknowledge(): void {
    const at = this.#chance(0.7) ? 0 : this.#below(12);
    const steps = this.#chance(0.2) ? "settle" : this.#chance(0.5) ? "release" : "both";
    this.rig.acknowledge(at, steps);
  }

  /** A restart without a cut in a call: power is cut between two calls, or the owner closes the outbox. */
  #restart(closes: boolean): void {
    if (closes) this.rig.reopen();
    else this.rig.boot();
    this.rig.compare();
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(odds: number): boolean {
    return this.#random() < odds;
  }
}

/** A partition that was never erased. */
function fillWithNoise(bytes: Uint8Array, random: () => number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
}
