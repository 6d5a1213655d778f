/*
 * When a reading was taken: its boot and uptime, set against what is known of that boot's clock.
 * A clock that was set late dates the readings taken before, too; readings of earlier boots are dated by the clock
 * notes in flash. Allocates nothing while the readings are of one boot. What can never be dated has no time: NaN.
 * Boots are numbered modulo 65,536; notes of an outbox are in the order of their boots.
 */
import { bootOfClock, CLOCK, encodeClock, originOfClock } from "./notes.js";
import type { Reading } from "./record.js";

const RESOLUTION_MS = 1000; // `ts` shows whole seconds: a clock note is rewritten only when it would show
const LATEST_MS = Date.UTC(9999, 0, 1); // RFC 3339 has four digits for the year
/** An earlier boot's clock is looked up again after so many entries: it may have been corrected while it ran. */
const LOOK_UP_EVERY = 64;

/** What dating reads of the outbox. */
export interface ClockNotes {
  /** The value in force when the entry was appended. */
  noteAt(sequence: number, tag: number): Uint8Array | undefined;
  /** Later values, in order, until `visit` returns true; tells whether it did. */
  findNoteAfter(sequence: number, tag: number, visit: (value: Uint8Array) => boolean): boolean;
}

/** Where dating notes what it knows. */
export interface NoteWriter {
  write(tag: number, value: Uint8Array): void;
}

export class Dating {
  private readonly notes: ClockNotes;
  private readonly writer: NoteWriter;
  private readonly boot: number;
  private originMs = Number.NaN; // milliseconds since 1970 at uptime 0, of this boot; NaN: not known
  private writtenMs = Number.NaN; // as it stands in flash
  private pastBoot = -1; // the earlier boot that was looked up last
  private pastSequence = 0; // the entry for which it was
  private pastOriginMs = Number.NaN;
  private undatedFrom = -1; // boots from this one to before the other have no clock note that comes after their entries
  private undatedEnd = -1;

  /** `boot`: number of the boot that runs. `writer`: makes a note, durable or told otherwise by its owner. */
  constructor(notes: ClockNotes, boot: number, writer: NoteWriter) {
    this.notes = notes;
    this.boot = boot & 0xffff;
    this.writer = writer;
  }

  /** The clock is set, or set anew: milliseconds since 1970 at an uptime. */
  setClock(uptimeMs: number, utcMs: number): void {
    const originMs = utcMs - uptimeMs;
    if (!(originMs > 0 && utcMs < LATEST_MS)) return; // no clock that anybody set
    this.originMs = originMs;
    if (Math.abs(originMs - this.writtenMs) < RESOLUTION_MS) return;
    this.writtenMs = originMs;
    this.writer.write(CLOCK, encodeClock(this.boot, originMs));
  }

  /** When an entry of the outbox was taken, in milliseconds since 1970; NaN if nobody knows. */
  utcMs(reading: Reading, sequence: number): number {
    const originMs = reading.boot === this.boot ? this.originMs : this.originOf(reading.boot, sequence);
    const utcMs = originMs + reading.uptimeMs;
    return utcMs < LATEST_MS ? utcMs : Number.NaN;
  }

  private originOf(boot: number, sequence: number): number {
    const ahead = sequence - this.pastSequence;
    if (boot !== this.pastBoot || ahead < 0 || ahead >= LOOK_UP_EVERY) this.lookUp(boot, sequence);
    return this.pastOriginMs;
  }

  private lookUp(boot: number, sequence: number): void {
    const inForce = this.notes.noteAt(sequence, CLOCK);
    if (inForce !== undefined && bootOfClock(inForce) === boot) this.pastOriginMs = originOfClock(inForce);
    else if (boot !== this.pastBoot) this.pastOriginMs = this.findLater(boot, sequence);
    this.pastBoot = boot;
    this.pastSequence = sequence;
  }

  /** The clock was set after the entry, or never. A long way through flash, so what it tells of later boots is kept. */
  private findLater(boot: number, sequence: number): number {
    if (before(boot, this.undatedEnd) && !before(boot, this.undatedFrom)) return Number.NaN;
    let dated = -1;
    let originMs = Number.NaN;
    const found = this.notes.findNoteAfter(sequence, CLOCK, (note) => {
      dated = bootOfClock(note);
      originMs = originOfClock(note);
      return dated === boot || before(boot, dated); // an earlier boot's is only repeated
    });
    if (found && dated === boot) return originMs;
    this.undatedFrom = boot;
    this.undatedEnd = found ? dated : this.boot;
    return Number.NaN;
  }
}

/** True if boot `a` came before boot `b`. */
function before(a: number, b: number): boolean {
  return b >= 0 && a !== b && ((b - a) & 0xffff) < 0x8000;
}
