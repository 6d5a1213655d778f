/*
 * When a reading was taken: its boot and uptime, set against what is known of that boot's clock.
 * A clock that was set late dates the readings taken before, too; readings of earlier boots are dated by the clock
 * notes in flash. Allocates nothing while the readings are of one boot. What can never be dated has no time.
 */
import { bootOfClock, CLOCK, encodeClock, originOfClock } from "./notes.js";
import type { Reading } from "./record.js";

const RESOLUTION_MS = 1000; // `ts` shows whole seconds: a clock note is rewritten only when it would show

/** What dating needs of the outbox. */
export interface ClockNotes {
  readNote(tag: number): Uint8Array | undefined;
  /** The value in force when the entry was appended. */
  noteAt(sequence: number, tag: number): Uint8Array | undefined;
  /** Later values, in order, until `visit` returns true; tells whether it did. */
  findNoteAfter(sequence: number, tag: number, visit: (value: Uint8Array) => boolean): boolean;
  note(tag: number, value: Uint8Array): void;
}

export class Dating {
  readonly #notes: ClockNotes;
  readonly #boot: number; // modulo 65,536
  #originMs: number | undefined; // of this boot
  #writtenMs: number | undefined; // as it stands in flash
  #pastBoot = -1; // the earlier boot that was looked up last
  #pastOriginMs: number | undefined;

  /** `boot`: number of the boot that runs. */
  constructor(notes: ClockNotes, boot: number) {
    this.#notes = notes;
    this.#boot = boot & 0xffff;
  }

  /** The clock is set, or set anew: milliseconds since 1970 at an uptime. Durable on return. */
  setClock(uptimeMs: number, utcMs: number): void {
    const originMs = utcMs - uptimeMs;
    if (!(originMs > 0)) return; // before 1970: no clock that anybody set
    this.#originMs = originMs;
    if (this.#writtenMs !== undefined && Math.abs(originMs - this.#writtenMs) < RESOLUTION_MS) return;
    this.#writtenMs = originMs;
    this.#notes.note(CLOCK, encodeClock(this.#boot, originMs));
  }

  /** When an entry of the outbox was taken, in milliseconds since 1970; undefined if nobody knows. */
  utcMs(reading: Reading, sequence: number): number | undefined {
    const originMs = reading.boot === this.#boot ? this.#originMs : this.#originOf(reading.boot, sequence);
    return originMs === undefined ? undefined : originMs + reading.uptimeMs;
  }

  #originOf(boot: number, sequence: number): number | undefined {
    if (boot !== this.#pastBoot) {
      this.#pastOriginMs = this.#lookUp(boot, sequence);
      this.#pastBoot = boot;
    }
    return this.#pastOriginMs;
  }

  #lookUp(boot: number, sequence: number): number | undefined {
    const inForce = this.#notes.noteAt(sequence, CLOCK);
    if (inForce !== undefined && bootOfClock(inForce) === boot) return originOfClock(inForce);
    let originMs: number | undefined;
    this.#notes.findNoteAfter(sequence, CLOCK, (later) => {
      if (bootOfClock(later) === boot) originMs = originOfClock(later);
      return originMs !== undefined;
    });
    return originMs;
  }
}
