/*
 * One device under test: an outbox on simulated flash, and the ledger with which it is compared. Every operation is announced to the
 * ledger; power may be cut in any of them. Results of a device without power are ignored.
 */
import { type NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { WINDOW } from "../../src/outbox/blocks/marks.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { Version1Flash } from "../support/version-1-flash.js";
import { fillPayload, Ledger, Violation } from "./ledger.js";

export const MAX_PAYLOAD = 64;
const HAS_NO_ROOM = "could not be stored";

export interface RigOptions {
  readonly flash: NorFlash;
  readonly whenFull: "dropOldest" | "refuse";
  readonly firstSequence: number;
}

export class Rig {
  readonly flash: NorFlash;
  ledger: Ledger;
  refused = 0;
  /** Entries at the head that count as in flight. */
  inFlight = 4;
  /** The firmware to boot: 0.1 leaves blocks of format version 1. */
  firmware: "0.1" | "this" = "this";
  readonly #options: RigOptions;
  readonly #payload = new Uint8Array(MAX_PAYLOAD);
  readonly #views: Uint8Array[] = [];
  #outbox: Outbox;

  constructor(options: RigOptions) {
    this.flash = options.flash;
    this.ledger = new Ledger(options.flash.writeUnit);
    this.#options = options;
    for (let length = 0; length <= MAX_PAYLOAD; length++) this.#views.push(this.#payload.subarray(0, length));
    this.#outbox = this.#mount();
  }

  /** Power returns: a boot. */
  boot(): void {
    this.ledger.boot();
    this.flash.powerOn();
    this.#outbox = this.#mount();
  }

  /** The owner closes the outbox and opens it again. */
  reopen(): void {
    this.#guarded(() => {
      this.ledger.closing();
      this.#outbox.close();
    });
    this.boot();
  }

  /** Compares the whole outbox with the ledger, and resolves what a cut has left uncertain. @throws Violation */
  compare(): void {
    this.#guarded(() => {
      const { ledger } = this;
      const outbox = this.#outbox;
      const count = ledger.compare((from) => this.#read(outbox.seek(from)));
      const { damaged, entries, nextSequence } = this.#read(outbox.statistics());
      if (nextSequence <= ledger.used)
        throw new Violation(`${nextSequence} comes next, ${ledger.used} was used before`);
      outbox.setInFlight((ledger.open[0]?.sequence ?? 0) + this.inFlight);
      if (damaged > 0) throw new Violation(`${damaged} entries damaged, by power cuts alone`);
      if (count === ledger.open.length && entries !== count) {
        throw new Violation(`${entries} entries counted, ${count} there`);
      }
      if (count > 0) this.#compareNote(ledger.open[(count * 7) >> 3].sequence);
      this.#compareLatestNote();
    });
    if (this.flash.violations > 0) throw new Violation("programmed a bit from 0 to 1, or a unit twice");
  }

  append(length: number, qos: 1 | 2, salt: number): void {
    this.#guarded(() => {
      const { ledger } = this;
      const outbox = this.#outbox;
      if (ledger.maybeNote !== -1) {
        this.#recover(outbox);
        this.#compareLatestNote();
      }
      const payload = this.#views[length];
      fillPayload(payload, salt);
      const next = outbox.nextSequence;
      ledger.appending(next, qos, salt, length);
      const sequence = this.#read(outbox.append(payload, qos));
      ledger.used = next;
      if (sequence === -1) {
        ledger.refused();
        this.refused++;
      } else if (sequence !== next) throw new Violation(`appended as ${sequence}, not ${next}`);
    });
  }

  /**
   * Does what a client does with an entry near the head of the queue: at QoS 2 it may record PUBREC, or PUBREC and PUBCOMP.
   * `at`: how many entries are before it.
   */
  acknowledge(at: number, steps: "release" | "settle" | "both"): void {
    this.#guarded(() => {
      const { ledger } = this;
      const outbox = this.#outbox;
      if (at >= ledger.open.length) return;
      const { sequence } = ledger.open[at];
      const entry = this.#read(outbox.seek(sequence));
      if (entry?.sequence !== sequence) {
        if (sequence < ledger.open[0].sequence + WINDOW) ledger.misses(sequence);
        return;
      }
      ledger.sees(entry);
      if (entry.qos === 2 && !entry.released && steps !== "settle") {
        ledger.releasing(sequence);
        this.#read(outbox.released(sequence));
        ledger.confirmed();
      }
      if (steps === "release") return;
      ledger.settling(sequence);
      outbox.settle(sequence);
    });
  }

  note(value: number): void {
    this.#guarded(() => {
      this.ledger.noting(value);
      try {
        this.#outbox.note(0, Uint8Array.of(value, value >> 8, 1, 2, 3).subarray(0, 2 + (value & 3)));
      } catch (error) {
        if (!this.flash.isOff && error instanceof Error && error.message.includes(HAS_NO_ROOM)) {
          throw new Violation(error.message);
        }
        throw error;
      }
    });
  }

  requeue(): void {
    this.#guarded(() => {
      this.ledger.requeueing();
      this.#outbox.requeue();
    });
  }

  skip(): void {
    this.#guarded(() => {
      this.ledger.used = this.#read(this.#outbox.skip());
    });
  }

  idle(): void {
    this.#guarded(() => this.#outbox.idle());
  }

  /** At the end everything can be settled, and then there is free space. */
  drain(): void {
    this.compare();
    while (this.ledger.open.length > 0) {
      const { length } = this.ledger.open;
      this.acknowledge(0, "both");
      if (this.ledger.open.length === length) this.compare(); // the entry of an interrupted append, which is not there
    }
    const { refused } = this;
    this.append(12, 1, 7);
    if (this.refused > refused) throw new Violation("refused, with nothing left to settle");
    this.boot();
    this.compare();
  }

  #mount(): Outbox {
    const { flash, whenFull, firstSequence } = this.#options;
    return new Outbox({
      flash: this.firmware === "0.1" ? new Version1Flash(flash) : flash,
      writeUnit: flash.writeUnit,
      whenFull,
      maxPayload: MAX_PAYLOAD,
      firstSequence,
      onEvent: (event) => {
        if (event.kind === "dropped") this.ledger.dropping(event.first, event.end);
        const isBroken = event.kind === "damaged" || event.kind === "unmarked";
        if (isBroken && !flash.isOff) throw new Violation(event.message);
      },
    });
  }

  /** The result of a call; ignored if power was cut. */
  #read<T>(value: T): T {
    if (this.flash.isOff) throw new PowerCut();
    return value;
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

  /** Recovers: before that, a note may be in half-programmed cells, and differ at the next boot. */
  #recover(outbox: Outbox): void {
    if (outbox.nextSequence > 0) this.#read(outbox.seek(0));
    else this.#read(outbox.idle());
  }

  #compareNote(sequence: number): void {
    const expected = this.ledger.find(sequence)?.note;
    const value = noteValue(this.#read(this.#outbox.noteAt(sequence, 0)));
    if (value !== expected) throw new Violation(`entry ${sequence}: note ${value}, not ${expected}`);
  }

  #compareLatestNote(): void {
    const { ledger } = this;
    const value = noteValue(this.#read(this.#outbox.readNote(0)));
    if (value !== ledger.note && value !== ledger.maybeNote) throw new Violation(`note ${value}, not ${ledger.note}`);
    ledger.note = value;
    ledger.maybeNote = -1;
  }
}

function noteValue(note: Uint8Array | undefined): number {
  return note === undefined ? -1 : note[0] | (note[1] << 8);
}
