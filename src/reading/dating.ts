/*
 * When a reading was taken: its boot and uptime, set against what is known of that boot's clock.
 * A clock that was set late dates the readings taken before, too, but for those that have been told: a message that is sent
 * again says what it said the first time (exactly once is once with one content). So each clock note in flash has the number
 * of the first reading that it dates, and the last one of a boot whose number is not above the reading's dates it, now and after any
 * reboot. Allocates nothing while the readings are of one boot. What can never be dated has no time: NaN.
 * Boots are numbered modulo 65,536; notes of an outbox are in the order of their boots.
 */
import { bootOfClock, CLOCK, encodeClock, originOfClock, startOfClock } from "./notes.js";
import type { Reading } from "./record.js";

const RESOLUTION_MS = 1000; // `ts` shows whole seconds: the clock of a boot moves only when it would show
const LATEST_MS = Date.UTC(9999, 0, 1); // RFC 3339 has four digits for the year
const END = Number.POSITIVE_INFINITY;

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
  /** All below have been told, as far as this boot knows: the owner raises it with each reading that it tells. */
  toldEnd = 0;
  private readonly notes: ClockNotes;
  private readonly writer: NoteWriter;
  private readonly boot: number;
  private originMs = Number.NaN; // milliseconds since 1970 at uptime 0, of this boot, as it stands in flash; NaN: not known
  private start = END; // the first reading that it dates
  // What was looked up last: it holds for readings of one boot from one number to before another.
  private pastBoot = -1;
  private pastStart = 0;
  private pastEnd = 0;
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
    if (Math.abs(originMs - this.originMs) < RESOLUTION_MS) return;
    this.originMs = originMs;
    this.start = this.toldEnd;
    this.pastBoot = -1;
    this.writer.write(CLOCK, encodeClock(this.boot, originMs, this.start));
  }

  /** When an entry of the outbox was taken, in milliseconds since 1970; NaN if nobody knows. */
  utcMs(reading: Reading, sequence: number): number {
    const isThis = reading.boot === this.boot && sequence >= this.start;
    const utcMs = (isThis ? this.originMs : this.originOf(reading.boot, sequence)) + reading.uptimeMs;
    return utcMs < LATEST_MS ? utcMs : Number.NaN;
  }

  private originOf(boot: number, sequence: number): number {
    if (boot !== this.pastBoot || sequence < this.pastStart || sequence >= this.pastEnd) this.lookUp(boot, sequence);
    return this.pastOriginMs;
  }

  private lookUp(boot: number, sequence: number): void {
    this.pastBoot = boot;
    this.pastStart = 0;
    this.pastEnd = END;
    this.pastOriginMs = Number.NaN;
    const inForce = this.notes.noteAt(sequence, CLOCK);
    const isDated = inForce !== undefined && bootOfClock(inForce) === boot && this.take(inForce, sequence);
    if (!isDated && before(boot, this.undatedEnd) && !before(boot, this.undatedFrom)) return;
    this.lookAhead(boot, sequence, isDated);
  }

  /** Later notes of the boot may date the entry as well. A long way through flash, so what it tells of later boots is kept. */
  private lookAhead(boot: number, sequence: number, wasDated: boolean): void {
    let isDated = wasDated;
    let dated = -1;
    const found = this.notes.findNoteAfter(sequence, CLOCK, (note) => {
      dated = bootOfClock(note);
      if (dated !== boot) return before(boot, dated); // an earlier boot's is only repeated
      isDated = true;
      return !this.take(note, sequence);
    });
    if (isDated) return;
    this.undatedFrom = boot;
    this.undatedEnd = found ? dated : this.boot;
  }

  /** A note of the entry's boot: it dates the entry, or begins after it, as all later ones do; returns which. */
  private take(note: Uint8Array, sequence: number): boolean {
    const start = startOfClock(note);
    if (start > sequence) {
      this.pastEnd = start;
      return false;
    }
    this.pastStart = start;
    this.pastOriginMs = originOfClock(note);
    return true;
  }
}

/** True if boot `a` came before boot `b`. */
function before(a: number, b: number): boolean {
  return b >= 0 && a !== b && ((b - a) & 0xffff) < 0x8000;
}
