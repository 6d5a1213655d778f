/*
 * When a sample was taken: its boot and uptime, set against what is known of that boot's clock.
 * That is a line: a time at uptime 0, and how fast time goes. Between two synchronisations it leads from the one to the other: a clock
 * that drifts is right at both ends, and between them as far as it drifts evenly. After the last one it goes on as it went. Samples that
 * wait while the clock is set are dated anew, but those that have been sent by then: a message that is sent again says what it said the
 * first time (exactly once is once with one content). So each clock note in flash has the number of the first entry that it
 * dates, and the last one of a boot whose number is not above the entry's dates it, now and after any reboot. Where a clock
 * is found wrong by more than any drift, it had been set wrong, and all that wait are dated by the new time.
 * Allocates nothing while the entries are of one boot. What can never be dated has no time: NaN.
 * Boots are numbered modulo 65,536; notes of an outbox are in the order of their boots.
 *
 * How wrong a time is at most, between two synchronisations that are L apart, each right within S, while the drift stays within a range
 * of R: resolutionMs + S + L * R / 4. (Furthest from a straight line is a clock that runs at one end of that range for the first half
 * and at the other for the second.) What is shown is cut to a second. With an even drift, R is 0: less than 2 s on the slow clock, whatever L is.
 */
import { NEWEST, type WritableFormats } from "./formats.js";
import { bootOfClock, CLOCK, driftOfClock, encodeClock, nearestDrift, originOfClock, startOfClock } from "./notes.js";
import type { StoredSample } from "./stored.js";

/** What uptime is counted by. */
export interface Oscillator {
  /** Further than it drifts, a fraction. */
  readonly maxDrift: number;
  /** A time that moves by less is not worth a note. */
  readonly resolutionMs: number;
}

/** A bad one, in the cold: 200 millionths. */
export const CRYSTAL: Oscillator = Object.freeze({ maxDrift: 0.0002, resolutionMs: 1000 });
/** By which a chip counts its sleep: 5 % when it is warm or cold. It is corrected each time, so each time counts. */
export const SLOW_CLOCK: Oscillator = Object.freeze({ maxDrift: 0.1, resolutionMs: 500 });

const SHOWN_MS = 1000; // two times that are closer may look the same
const LATEST_MS = Date.UTC(9900, 0, 1); // RFC 3339 has four digits for the year, and a record 34 years for the uptime
const END = Number.POSITIVE_INFINITY;

/** What dating reads of the outbox. */
export interface ClockNotes {
  /** The latest value. */
  readNote(tag: number): Uint8Array | undefined;
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

/** What is known of a boot's clock that flash does not say: kept over a sleep, it lets the boot go on. All 0: nothing. */
export interface ClockState {
  /**
   * When the clock was set last, by uptime; what it was set to, milliseconds since 1970; the number that the next entry had then. Before
   * that, 0, 0 and the number that the next entry had when the boot began: its notes apply to no entry before that one.
   */
  syncUptimeMs: number;
  syncUtcMs: number;
  syncNext: number;
  /** One above the highest number that has been sent. */
  sentEnd: number;
}

/** Turns boot and uptime into a time: milliseconds since 1970, NaN where the clock of that boot was never set. */
export class Dating implements ClockState {
  // What was found last: it dates the samples of one boot, from one number to before another.
  start = 0;
  end = 0;
  /** Milliseconds since 1970 at uptime 0 of their boot; NaN if it is not known. */
  originMs = Number.NaN;
  /** Milliseconds that pass in a millisecond of uptime. */
  pace = 1;
  private readonly notes: ClockNotes;
  private readonly writer: NoteWriter;
  private readonly boot: number;
  private readonly oscillator: Oscillator;
  private readonly formats: WritableFormats;
  private ownOriginMs = Number.NaN; // this boot's, as it stands in flash
  private ownDrift = 0;
  private ownStart: number; // the first entry that it dates
  syncUptimeMs = 0;
  syncUtcMs = 0;
  syncNext: number;
  /** Since the boot: all below says the same for ever. */
  sentEnd = 0;
  /** This boot's samples between these uptimes have times that others of it may have had, before the clock was set back. */
  repeatStartMs = 0;
  repeatEndMs = -1;
  private earliestMs = Number.POSITIVE_INFINITY; // of all times that this boot's samples may have had
  private latestMs = 0;
  private undatedFrom = -1; // boots from this one to before the other have no clock note that comes after their entries
  private undatedEnd = -1;

  /**
   * @param boot number of the boot that runs
   * @param next number of the next entry
   * @param writer makes a note, durable, or tried again
   * @param oscillator of the clock that uptime is read from
   * @param formats what the notes may say
   */
  constructor(
    notes: ClockNotes,
    boot: number,
    next: number,
    writer: NoteWriter,
    oscillator: Oscillator,
    formats: WritableFormats = NEWEST,
  ) {
    this.notes = notes;
    this.formats = formats;
    this.boot = boot & 0xffff;
    this.ownStart = this.syncNext = next;
    this.writer = writer;
    this.oscillator = oscillator;
    const latest = notes.readNote(CLOCK);
    const drift = latest && !formats.isOldest ? driftOfClock(latest) : 0;
    if (Math.abs(drift) <= oscillator.maxDrift) this.ownDrift = drift; // in the boot before, and most likely so now
  }

  /** The boot is not a new one, but goes on: with what it knew when it fell asleep. Before anything else. */
  goOn(state: ClockState): void {
    copyClock(state, this);
    this.ownStart = this.syncUtcMs > 0 ? 0 : this.syncNext;
    const latest = this.notes.readNote(CLOCK);
    if (!latest || bootOfClock(latest) !== this.boot) return;
    this.ownOriginMs = originOfClock(latest);
    this.ownDrift = driftOfClock(latest);
    this.ownStart = startOfClock(latest);
  }

  /** The clock is set, or set anew: milliseconds since 1970 at an uptime. `next`: number of the next entry. */
  setClock(uptimeMs: number, utcMs: number, next: number): void {
    if (!(utcMs > uptimeMs && utcMs < LATEST_MS)) return; // not a clock that was set
    const wasMs = this.ownOriginMs + uptimeMs * (1 + this.ownDrift); // NaN: it was not set before
    if (!(Math.abs(utcMs - wasMs) < this.oscillator.resolutionMs)) this.turn(uptimeMs, utcMs, next, wasMs);
    this.syncUptimeMs = uptimeMs;
    this.syncUtcMs = utcMs;
    this.syncNext = next;
  }

  /** Another line from the last synchronisation on, or, if there is none that it can lead from, for all that has not been sent. */
  private turn(uptimeMs: number, utcMs: number, next: number, wasMs: number): void {
    let start = Math.max(this.ownStart, this.sentEnd);
    let drift = (utcMs - this.syncUtcMs) / (uptimeMs - this.syncUptimeMs) - 1;
    if (this.formats.isOldest) drift = 0;
    else if (this.syncUtcMs > 0 && Math.abs(drift) <= this.oscillator.maxDrift) {
      drift = nearestDrift(drift);
      start = Math.max(start, this.syncNext);
    } else drift = this.ownDrift;
    const originMs = Math.round(utcMs - uptimeMs * (1 + drift)); // whole, as flash holds it: the same after a reboot
    this.findRepeats(originMs, drift, wasMs);
    this.ownStart = Math.min(start, next);
    this.ownOriginMs = originMs;
    this.ownDrift = drift;
    this.end = 0;
    this.writer.write(CLOCK, encodeClock(this.boot, originMs, this.ownStart, drift));
  }

  /** `originMs`, `drift`: the line to come. `wasMs`: the time by the line before. */
  private findRepeats(originMs: number, drift: number, wasMs: number): void {
    if (Number.isNaN(wasMs)) return; // nothing has a time yet
    this.earliestMs = Math.min(this.earliestMs, this.ownOriginMs);
    this.latestMs = Math.max(this.latestMs, wasMs + SHOWN_MS);
    this.repeatStartMs = (this.earliestMs - originMs) / (1 + drift);
    this.repeatEndMs = (this.latestMs - originMs) / (1 + drift);
  }

  /** Finds what dates an entry: `originMs`, and from `start` to `end`. */
  find(boot: number, sequence: number): void {
    if (boot === this.boot && sequence >= this.ownStart) {
      this.start = this.ownStart;
      this.end = END;
      this.originMs = this.ownOriginMs;
      this.pace = 1 + this.ownDrift;
    } else this.lookUp(boot, sequence);
  }

  /** The same for one that is only looked at. Milliseconds since 1970, or NaN. */
  utcMs(stored: StoredSample, sequence: number): number {
    this.find(stored.boot, sequence);
    this.end = 0;
    return this.originMs + stored.uptimeMs * this.pace;
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
    this.pace = 1 + driftOfClock(note);
    return true;
  }
}

/** True if boot `a` came before boot `b`. */
function before(a: number, b: number): boolean {
  return b >= 0 && a !== b && ((b - a) & 0xffff) < 0x8000;
}

/** Takes over what is known of a boot's clock. */
export function copyClock(from: Readonly<ClockState>, to: ClockState): void {
  to.syncUptimeMs = from.syncUptimeMs;
  to.syncUtcMs = from.syncUtcMs;
  to.syncNext = from.syncNext;
  to.sentEnd = from.sentEnd;
}
