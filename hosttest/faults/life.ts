/*
 * The life of one device, drawn from a seed: an outbox on a small ring of simulated flash, a client that settles out of
 * order, sessions that get lost, and power that goes at any byte, again and again, also during recovery.
 * The same seed is the same life on every machine.
 */
import { generator, NorFlash, PowerCut } from "../../boards/parts/nor-flash.js";
import { WINDOW } from "../../src/outbox/marks.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { fillPayload, Ledger, Violation } from "./ledger.js";

export interface Tally {
  cuts: number;
  /** Cuts that fell inside a program or an erase that had begun. */
  inside: number;
  operations: number;
  appended: number;
  dropped: number;
  refused: number;
  erases: number;
}

export function newTally(): Tally {
  return { cuts: 0, inside: 0, operations: 0, appended: 0, dropped: 0, refused: 0, erases: 0 };
}

/** Where numbers begin: also where they wrap in 16 bits of packet ids, in 32 bits, and near their end. */
const FIRST_SEQUENCES = [0, 61_400, 65_500, 2 ** 31 - 40, 2 ** 32 - 40, 2 ** 47];
const MAX_PAYLOAD = 64;

export class Life {
  readonly flash: NorFlash;
  readonly ledger = new Ledger();
  readonly random: () => number;
  readonly #unit: 1 | 16;
  readonly #whenFull: "dropOldest" | "refuse";
  readonly #firstSequence: number;
  readonly #payload = new Uint8Array(MAX_PAYLOAD);
  readonly #views: Uint8Array[] = [];
  readonly #tally: Tally;
  readonly #usualLength: number;
  readonly #keepsUp: number;
  #outbox: Outbox;
  #next = 0;

  constructor(seed: number, unit: 1 | 16, tally: Tally) {
    this.random = generator(seed);
    this.#unit = unit;
    this.#tally = tally;
    this.#whenFull = this.#chance(0.5) ? "dropOldest" : "refuse";
    this.#firstSequence = FIRST_SEQUENCES[this.#below(FIRST_SEQUENCES.length)];
    this.#usualLength = [12, 12, 5, 40][this.#below(4)];
    this.#keepsUp = [0.2, 0.45, 0.6][this.#below(3)];
    for (let length = 0; length <= MAX_PAYLOAD; length++) this.#views.push(this.#payload.subarray(0, length));
    const blocks = (unit === 1 ? 3 : 4) + this.#below(3);
    const blockLength = unit === 1 ? 512 : 1024;
    this.flash = new NorFlash({ blocks, blockLength, writeUnit: unit, random: this.random });
    if (this.#chance(0.5)) fillWithNoise(this.flash.bytes, this.random);
    this.flash.eraseCost = this.#chance(0.5) ? 16 : 128;
    this.#outbox = this.#mount();
  }

  /** Lives until power goes, and boots again. @throws Violation */
  cut(): void {
    const bits = (["none", "some", "some", "all"] as const)[this.#below(4)];
    const calls = 1 + this.#below(this.#chance(0.3) ? 4 : 60);
    this.flash.cutAfter(this.#chance(0.35) ? this.#below(80) : this.#below(600), bits);
    for (let i = 0; i < calls && !this.flash.isOff; i++) this.#act();
    if (!this.flash.isOff) this.flash.powerOff();
    this.#tally.cuts++;
    if (this.flash.cutInside) this.#tally.inside++;
    this.flash.powerOn();
    this.#outbox = this.#mount();
    if (this.#chance(0.2)) return; // a boot that looks at nothing
    if (this.#chance(0.3)) this.flash.cutAfter(this.#below(200), bits); // and again, during recovery
    this.#compare();
    this.flash.cutAfter(Number.POSITIVE_INFINITY);
    if (!this.flash.isOff) return;
    this.#tally.cuts++;
    if (this.flash.cutInside) this.#tally.inside++;
    this.flash.powerOn();
    this.#outbox = this.#mount();
    this.#compare();
  }

  /** Called once, at the end. */
  end(): void {
    this.#compare();
    this.#tally.appended += this.ledger.appended;
    this.#tally.dropped += this.ledger.dropped;
    for (const erases of this.flash.erases) this.#tally.erases += erases;
  }

  #mount(): Outbox {
    const outbox = new Outbox({
      flash: this.flash,
      writeUnit: this.#unit,
      whenFull: this.#whenFull,
      maxPayload: MAX_PAYLOAD,
      firstSequence: this.#firstSequence,
      onEvent: (event) => {
        if (event.kind === "dropped") this.ledger.dropping(event.first, event.end);
        if (event.kind === "damaged" || event.kind === "unmarked") {
          if (!this.flash.isOff) throw new Violation(event.message);
        }
      },
    });
    return outbox;
  }

  /** The outbox after a boot against the ledger. */
  #compare(): void {
    this.#guarded(() => {
      const outbox = this.#outbox;
      const { ledger } = this;
      const count = ledger.compare((from) => {
        const entry = outbox.seek(from);
        if (this.flash.isOff) throw new PowerCut(); // what was read since means nothing
        return entry;
      });
      const { damaged, entries } = outbox.statistics();
      if (this.flash.isOff) throw new PowerCut();
      outbox.setInFlight((ledger.open[0]?.sequence ?? 0) + this.#below(8));
      if (damaged > 0) throw new Violation(`${damaged} entries damaged, by power cuts alone`);
      if (count === ledger.open.length && entries !== count)
        throw new Violation(`${entries} entries counted, ${ledger.open.length} there`);
      if (count > 0) this.#checkNote(ledger.open[this.#below(count)].sequence);
      this.#checkLatestNote();
    });
    if (this.flash.violations > 0) throw new Violation("programmed a bit from 0 to 1, or a unit twice");
  }

  #checkNote(sequence: number): void {
    const expected = this.ledger.find(sequence);
    const note = this.#outbox.noteAt(sequence, 0);
    const value = note === undefined ? -1 : note[0] | (note[1] << 8);
    if (this.flash.isOff) throw new PowerCut();
    if (value !== expected?.note) throw new Violation(`entry ${sequence}: note ${value}, not ${expected?.note}`);
  }

  #checkLatestNote(): void {
    const { ledger } = this;
    const note = this.#outbox.readNote(0);
    const value = note === undefined ? -1 : note[0] | (note[1] << 8);
    if (this.flash.isOff) throw new PowerCut();
    if (value !== ledger.note && value !== ledger.maybeNote) throw new Violation(`note ${value}, not ${ledger.note}`);
    ledger.note = value;
    ledger.maybeNote = -1;
  }

  /** One call of the outbox, or a few. */
  #act(): void {
    this.#tally.operations++;
    const draw = this.random();
    this.#guarded(() => {
      if (draw < 0.45) this.#append();
      else if (draw < 0.45 + this.#keepsUp) this.#acknowledge();
      else if (draw < 0.94) this.#outbox.idle();
      else if (draw < 0.96) this.#note();
      else if (draw < 0.97) this.#requeue();
      else if (draw < 0.98) this.#outbox.skip();
      else this.#restart();
    });
  }

  /** Runs `act`; a power cut ends it, anything else that is thrown is a violation. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof Violation) throw error;
      if (!(error instanceof PowerCut) && !this.flash.isOff) throw error;
    }
    if (this.flash.isOff) this.ledger.cut();
    else this.ledger.confirmed();
  }

  #append(): void {
    const { ledger } = this;
    const outbox = this.#outbox;
    const length = this.#chance(0.8) ? this.#usualLength : this.#below(MAX_PAYLOAD + 1);
    const salt = this.#below(256);
    const payload = this.#views[length];
    fillPayload(payload, salt);
    if (ledger.maybeNote !== -1) this.#checkLatestNote();
    const next = outbox.nextSequence;
    ledger.appending(next, this.#chance(0.5) ? 1 : 2, salt, length);
    const sequence = outbox.append(payload, ledger.open[ledger.open.length - 1].qos);
    if (this.flash.isOff) return;
    if (sequence === -1) {
      ledger.refused();
      this.#tally.refused++;
    } else if (sequence !== next) throw new Violation(`appended as ${sequence}, not ${next}`);
  }

  /** What a client does with the entries at the head of the queue: settles them, more or less in order. */
  #acknowledge(): void {
    const { ledger } = this;
    const outbox = this.#outbox;
    const count = ledger.open.length;
    if (count === 0) return;
    const at = this.#chance(0.7) ? 0 : this.#below(Math.min(count, 12));
    const { sequence } = ledger.open[at];
    const entry = outbox.seek(sequence);
    if (this.flash.isOff) return;
    if (entry?.sequence !== sequence) {
      if (sequence < ledger.open[0].sequence + WINDOW) ledger.misses(sequence);
      return;
    }
    ledger.sees(entry);
    if (entry.qos === 2 && !entry.released && this.#chance(0.8)) {
      ledger.releasing(sequence);
      outbox.released(sequence);
      if (this.flash.isOff) return;
      ledger.confirmed();
      if (this.#chance(0.5)) return;
    }
    ledger.settling(sequence);
    outbox.settle(sequence);
  }

  #note(): void {
    const value = this.#next++ & 0x7fff;
    this.ledger.noting(value);
    try {
      this.#outbox.note(0, Uint8Array.of(value, value >> 8, 1, 2, 3).subarray(0, 2 + this.#below(4)));
    } catch (error) {
      if (this.flash.isOff) return;
      if (!(error instanceof Error) || !error.message.includes("could not be stored")) throw error;
      throw new Violation(error.message);
    }
  }

  #requeue(): void {
    this.ledger.requeueing();
    this.#outbox.requeue();
  }

  /** A restart without a cut. */
  #restart(): void {
    this.flash.powerOn();
    this.#outbox = this.#mount();
    this.#compare();
  }

  #below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  #chance(odds: number): boolean {
    return this.random() < odds;
  }
}

/** A partition that nobody ever erased. */
function fillWithNoise(bytes: Uint8Array, random: () => number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
}
