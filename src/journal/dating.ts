/*
 * When a sample was taken: its boot and uptime, set against what is known of that boot's clock.
 * A clock that was set late dates the samples taken before, too, but those that have been sent by then: a message that is
 * sent again says what it said the first time (exactly once is once with one content). So each clock note in flash has the
 * number of the first entry that it dates, and the last one of a boot whose number is not above the entry's dates it, now and
 * after any reboot. Allocates nothing while the entries are of one boot. What can never be dated has no time: NaN.
 * Boots are numbered modulo 65,536; notes of an outbox are in the order of their boots.
 */
import { bootOfClock, CLOCK, encodeClock, originOfClock, startOfClock } from "./notes.js";
import type { StoredSample } from "./stored.js";

const RESOLUTION_MS = 1000; // as `ts` mostly shows: a clock that moves by less is not worth a note
const LATEST_MS = Date.UTC(9900, 0, 1); // RFC 3339 has four digits for the year, and a record 34 years for the uptime
const END = Number.POSITIVE_INFINITY;

/** What dating reads of the outbox. */
export interface ClockNotes {
  /** The value in force when the entry was appended. */
  noteAt(sequence: number, tag: number): Uint8Array | undefined;
  /**
   * Finds the first later value for which `isPast` returns true, as it does for all that come after; returns whether there is
   * one. The last calls that return false and true are for the value before it and for itself.
   */
  findNoteAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean;
}

/** Where dating notes what it knows. */
export interface NoteWriter {
  write(tag: number, value: Uint8Array): void;
}

export class Dating {
  // What was found last: it dates the samples of one boot, from one number to before another.
  start = 0;
  end = 0;
  /** Milliseconds since 1970 at uptime 0 of their boot; NaN if it is not known. */
  originMs = Number.NaN;
  private readonly notes: ClockNotes;
  private readonly writer: NoteWriter;
  private readonly boot: number;
  private ownOriginMs = Number.NaN; // this boot's, as it stands in flash
  private ownStart = 0; // the first entry that it dates
  /** One above the highest number that has been rendered since the boot: all below says the same for ever. */
  sentEnd = 0;
  /** This boot's samples between these uptimes have times that others of it may have had, before the clock was set back. */
  repeatStartMs = 0;
  repeatEndMs = -1;
  private earliestMs = Number.POSITIVE_INFINITY; // of all times that this boot's samples may have had
  private latestMs = 0;
  private undatedFrom = -1; // boots from this one to before the other have no clock note that comes after their entries
  private undatedEnd = -1;

  /** `boot`: number of the boot that runs. `writer`: makes a note, durable, or tried again. */
  constructor(notes: ClockNotes, boot: number, writer: NoteWriter) {
    this.notes = notes;
    this.boot = boot & 0xffff;
    this.writer = writer;
  }

  /** The clock is set, or set anew: milliseconds since 1970 at an uptime. `next`: number of the next entry. */
  setClock(uptimeMs: number, utcMs: number, next: number): void {
    const originMs = Math.round(utcMs - uptimeMs); // whole, as flash holds it: the same after a reboot
    if (!(originMs > 0 && utcMs < LATEST_MS)) return; // not a clock that was set
    if (Math.abs(originMs - this.ownOriginMs) < RESOLUTION_MS) return;
    this.ownStart = Math.min(Math.max(this.ownStart, this.sentEnd), next);
    this.findRepeats(originMs, uptimeMs);
    this.ownOriginMs = originMs;
    this.end = 0;
    this.writer.write(CLOCK, encodeClock(this.boot, originMs, this.ownStart));
  }

  private findRepeats(originMs: number, uptimeMs: number): void {
    const ownOriginMs = this.ownOriginMs;
    if (Number.isNaN(ownOriginMs)) return; // nothing has a time yet
    this.earliestMs = Math.min(this.earliestMs, ownOriginMs);
    this.latestMs = Math.max(this.latestMs, ownOriginMs + uptimeMs + RESOLUTION_MS);
    this.repeatStartMs = this.earliestMs - originMs;
    this.repeatEndMs = this.latestMs - originMs;
  }

  /** Finds what dates an entry: `originMs`, and from `start` to `end`. */
  find(boot: number, sequence: number): void {
    if (boot === this.boot && sequence >= this.ownStart) {
      this.start = this.ownStart;
      this.end = END;
      this.originMs = this.ownOriginMs;
    } else this.lookUp(boot, sequence);
  }

  /** The same for one that is only looked at. Milliseconds since 1970, or NaN. */
  utcMs(stored: StoredSample, sequence: number): number {
    this.find(stored.boot, sequence);
    this.end = 0;
    return this.originMs + stored.uptimeMs;
  }

  private lookUp(boot: number, sequence: number): void {
    this.start = 0;
    this.end = boot === this.boot ? this.ownStart : END; // also where flash did not take the note that says so
    this.originMs = Number.NaN;
    const inForce = this.notes.noteAt(sequence, CLOCK);
    const isDated = inForce !== undefined && bootOfClock(inForce) === boot && this.take(inForce, sequence);
    if (!isDated && before(boot, this.undatedEnd) && !before(boot, this.undatedFrom)) return;
    this.lookAhead(boot, sequence, isDated);
  }

  /** Later notes of the boot may date the entry as well. What it finds of later boots is kept: it holds for their entries, too. */
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
      this.end = start;
      return false;
    }
    this.start = start;
    this.originMs = originOfClock(note);
    return true;
  }
}

/** True if boot `a` came before boot `b`. */
function before(a: number, b: number): boolean {
  return b >= 0 && a !== b && ((b - a) & 0xffff) < 0x8000;
}
