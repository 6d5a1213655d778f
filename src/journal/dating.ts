/*
 * Computes when a sample was taken, from its boot and uptime and the clock notes of that boot. A clock note is a line: a time
 * at uptime 0, and the drift of the clock. Between two synchronisations the line connects both: it is right at both ends and, if
 * the drift is constant, in between. After the last one it continues. When the clock is set, waiting samples are dated
 * again, except those already sent: a repeated message must have the same content as the first (exactly once means one
 * content). Therefore each clock note contains the number of the first entry that it dates, and an entry is dated by the boot's
 * last note whose number is not above the entry's, now and after any reboot. If the time differs by more than a clock can drift, the clock had
 * been set wrong, and all waiting samples are dated by the new time. No allocation while the entries are of one boot. A sample
 * that can never be dated has no time: NaN. Boots are numbered modulo 65,536; notes of an outbox are in the order of their
 * boots.
 *
 * Largest error of a time between two synchronisations that are L apart, each right within S, while the drift stays within a
 * range of R: resolutionMs + S + L * R / 4. (The worst case is a clock that runs at one end of that range for the first half
 * and at the other for the second.) The shown time is cut to a second. With a constant drift, R is 0: less than 2 s on the slow
 * clock, whatever L is.
 */
import { NEWEST, type WritableFormats } from "./formats.js";
import { bootOfClock, CLOCK, driftOfClock, encodeClock, nearestDrift, originOfClock, startOfClock } from "./notes.js";
import type { StoredSample } from "./stored.js";

/** The oscillator that counts uptime. */
export interface Oscillator {
  /** More than its largest drift, as a fraction. */
  readonly maxDrift: number;
  /** A smaller correction of the time is not worth a note. */
  readonly resolutionMs: number;
}

/** A bad crystal, in the cold: 200 millionths. */
export const CRYSTAL: Oscillator = Object.freeze({ maxDrift: 0.0002, resolutionMs: 1000 });
/** The chip's clock in sleep: 5 % off when it is warm or cold. Each synchronisation corrects it, so small corrections count. */
export const SLOW_CLOCK: Oscillator = Object.freeze({ maxDrift: 0.1, resolutionMs: 500 });

const SHOWN_MS = 1000; // two times that are closer may look the same
const LATEST_MS = Date.UTC(9900, 0, 1); // RFC 3339 has four digits for the year, and a record 34 years for the uptime
const END = Number.POSITIVE_INFINITY;

/** What dating reads from the outbox. */
export interface ClockNotes {
  /** The latest value. */
  readNote(tag: number): Uint8Array | undefined;
  /** The value in force when the entry was appended. */
  noteAt(sequence: number, tag: number): Uint8Array | undefined;
  /**
   * Finds the first later value for which `isPast` returns true, as it must for all later ones; returns whether there is one.
   * The last calls that return false and true are for the value before it and for the value itself.
   */
  findNoteAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean;
}

/** Where dating writes its notes. */
export interface NoteWriter {
  write(tag: number, value: Uint8Array): void;
}

/** What is known about a boot's clock but not in flash: kept over a sleep, so that the boot can continue. All 0: nothing. */
export interface ClockState {
  /**
   * When the clock was last set, by uptime; its time, in milliseconds since 1970; the number of the next entry at that moment.
   * Before that: 0, 0 and the number of the next entry when the boot began, because its notes apply to no earlier entry.
   */
  syncUptimeMs: number;
  syncUtcMs: number;
  syncNext: number;
  /** One above the highest number that was sent. */
  sentEnd: number;
}

/** Converts boot and uptime to a time: milliseconds since 1970, NaN if the clock of that boot was never set. */
export class Dating implements ClockState {
  // The result of the last search: it dates the samples of one boot within a range of numbers.
  start = 0;
  end = 0;
  /** Milliseconds since 1970 at uptime 0 of their boot; NaN if it is not known. */
  originMs = Number.NaN;
  /** Milliseconds of time per millisecond of uptime. */
  pace = 1;
  private readonly notes: ClockNotes;
  private readonly writer: NoteWriter;
  private readonly boot: number;
  private readonly oscillator: Oscillator;
  private readonly formats: WritableFormats;
  private ownOriginMs = Number.NaN; // this boot's, as it is in flash
  private ownDrift = 0;
  private ownStart: number; // the first entry that it dates
  syncUptimeMs = 0;
  syncUtcMs = 0;
  syncNext: number;
  /** The times of this boot's entries with lower numbers are final. */
  sentEnd = 0;
  /** Samples of this boot taken between these uptimes may have the same time as one before the clock was set back. */
  repeatStartMs = 0;
  repeatEndMs = -1;
  private earliestMs = Number.POSITIVE_INFINITY; // of all times that this boot's samples may have had
  private latestMs = 0;
  private undatedFrom = -1; // boots in this range have no clock note after their entries
  private undatedEnd = -1;

  /**
   * @param boot number of the running boot
   * @param next number of the next entry
   * @param writer writes a note durably, or tries again later
   * @param oscillator of the clock that counts uptime
   * @param formats what the notes may contain
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
    if (Math.abs(drift) <= oscillator.maxDrift) this.ownDrift = drift; // from the boot before; most likely the same now
  }

  /** The boot continues, with its state from before the sleep. Call this first. */
  goOn(state: ClockState): void {
    copyClock(state, this);
    this.ownStart = this.syncUtcMs > 0 ? 0 : this.syncNext;
    const latest = this.notes.readNote(CLOCK);
    if (!latest || bootOfClock(latest) !== this.boot) return;
    this.ownOriginMs = originOfClock(latest);
    this.ownDrift = driftOfClock(latest);
    this.ownStart = startOfClock(latest);
  }

  /** The clock is set, or set again: milliseconds since 1970 at an uptime. `next`: number of the next entry. */
  setClock(uptimeMs: number, utcMs: number, next: number): void {
    if (!(utcMs > uptimeMs && utcMs < LATEST_MS)) return; // not a valid time
    const wasMs = this.ownOriginMs + uptimeMs * (1 + this.ownDrift); // NaN: it was not set before
    if (!(Math.abs(utcMs - wasMs) < this.oscillator.resolutionMs)) this.turn(uptimeMs, utcMs, next, wasMs);
    this.syncUptimeMs = uptimeMs;
    this.syncUtcMs = utcMs;
    this.syncNext = next;
  }

  /** Begins another line: from the last synchronisation on, or for all unsent samples if there was none or the time has jumped. */
  private turn(uptimeMs: number, utcMs: number, next: number, wasMs: number): void {
    let start = Math.max(this.ownStart, this.sentEnd);
    let drift = (utcMs - this.syncUtcMs) / (uptimeMs - this.syncUptimeMs) - 1;
    if (this.formats.isOldest) drift = 0;
    else if (this.syncUtcMs > 0 && Math.abs(drift) <= this.oscillator.maxDrift) {
      drift = nearestDrift(drift);
      start = Math.max(start, this.syncNext);
    } else drift = this.ownDrift;
    const originMs = Math.round(utcMs - uptimeMs * (1 + drift)); // an integer, as flash stores it: the same after a reboot
    this.findRepeats(originMs, drift, wasMs);
    this.ownStart = Math.min(start, next);
    this.ownOriginMs = originMs;
    this.ownDrift = drift;
    this.end = 0;
    this.writer.write(CLOCK, encodeClock(this.boot, originMs, this.ownStart, drift));
  }

  /** `originMs`, `drift`: the new line. `wasMs`: the time by the old line. */
  private findRepeats(originMs: number, drift: number, wasMs: number): void {
    if (Number.isNaN(wasMs)) return; // nothing has a time yet
    this.earliestMs = Math.min(this.earliestMs, this.ownOriginMs);
    this.latestMs = Math.max(this.latestMs, wasMs + SHOWN_MS);
    this.repeatStartMs = (this.earliestMs - originMs) / (1 + drift);
    this.repeatEndMs = (this.latestMs - originMs) / (1 + drift);
  }

  /**
   * Finds the line that dates an entry: `originMs` and `pace`, and its range of numbers from `start` to `end`.
   * @throws ReadFailure if flash cannot be read
   */
  find(boot: number, sequence: number): void {
    if (boot === this.boot && sequence >= this.ownStart) {
      this.start = this.ownStart;
      this.end = END;
      this.originMs = this.ownOriginMs;
      this.pace = 1 + this.ownDrift;
      return;
    }
    try {
      this.lookUp(boot, sequence);
    } catch (error) {
      this.end = 0; // flash cannot be read: nothing is known, and it is looked up again
      throw error;
    }
  }

  /** The time of an entry that is only shown, in milliseconds since 1970; NaN: not known. @throws ReadFailure if flash cannot be read */
  utcMs(stored: StoredSample, sequence: number): number {
    this.find(stored.boot, sequence);
    this.end = 0;
    return this.originMs + stored.uptimeMs * this.pace;
  }

  private lookUp(boot: number, sequence: number): void {
    this.start = 0;
    this.end = boot === this.boot ? this.ownStart : END; // also if flash has refused the note
    this.originMs = Number.NaN;
    const inForce = this.notes.noteAt(sequence, CLOCK);
    const isDated = inForce !== undefined && bootOfClock(inForce) === boot && this.take(inForce, sequence);
    if (!isDated && before(boot, this.undatedEnd) && !before(boot, this.undatedFrom)) return;
    this.lookAhead(boot, sequence, isDated);
  }

  /**
   * Later notes of the boot may date the entry as well. Results about later boots are kept, because they are valid for their
   * entries, too.
   */
  private lookAhead(boot: number, sequence: number, wasDated: boolean): void {
    let isDated = wasDated;
    let dated = -1;
    const found = this.notes.findNoteAfter(sequence, CLOCK, (note) => {
      dated = bootOfClock(note);
      if (dated !== boot) return before(boot, dated); // an earlier boot's note is only a repetition
      isDated = true;
      return !this.take(note, sequence);
    });
    if (isDated) return;
    this.undatedFrom = boot;
    this.undatedEnd = found ? dated : this.boot;
  }

  /** Uses a note of the entry's boot if it dates the entry. Returns false if it begins after the entry, as all later notes then do. */
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

/** Whether boot `a` was before boot `b`. */
function before(a: number, b: number): boolean {
  return b >= 0 && a !== b && ((b - a) & 0xffff) < 0x8000;
}

/** Copies the state of a boot's clock. */
export function copyClock(from: Readonly<ClockState>, to: ClockState): void {
  to.syncUptimeMs = from.syncUptimeMs;
  to.syncUtcMs = from.syncUtcMs;
  to.syncNext = from.syncNext;
  to.sentEnd = from.sentEnd;
}
