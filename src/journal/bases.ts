/*
 * The bases of short records: the one that entries are written under now, and the one that was found last for older entries.
 * A base costs about 40 bytes of flash and saves 12 for each sample: it is written when the second sample in a row is found to need
 * more than a short record, and the samples come evenly again. So a device that boots for each sample writes none.
 */
import type { Sample } from "../channels/sample.js";
import type { WritableFormats } from "./formats.js";
import { BASE } from "./notes.js";
import { decodeRecord } from "./record.js";
import { Base, fromOf, numberOf } from "./short.js";
import type { StoredSample } from "./stored.js";

/** What is needed of the outbox. */
export interface BaseStore {
  note(tag: number, value: Uint8Array): void;
  /** The latest value. */
  readNote(tag: number): Uint8Array | undefined;
  noteAt(sequence: number, tag: number): Uint8Array | undefined;
  /** The number that the next entry will have. */
  readonly nextSequence: number;
  findNoteAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean;
}

/** Bytes of flash that records may take beyond short ones, one after another, before a base is written: evenly spaced samples, others. */
const MAX_WASTE = 24;
const MAX_UNEVEN_WASTE = 120;
/** Samples come evenly if the last interval was this exact, milliseconds. */
const EVEN_MS = 64;
const END = Number.POSITIVE_INFINITY;

/** The bases of short records, for writing and for reading. Times in milliseconds of uptime. */
export class Bases {
  private readonly store: BaseStore;
  private readonly boot: number;
  private readonly room: number;
  private readonly out: DataView;
  private own: Base | undefined;
  private intervalMs = 0;
  private isSingle = false;
  private usualLength = 3; // of records under it
  private waste = 0;
  // What was found last: entries from `start` to before `end` are under it.
  private found: Base | undefined;
  private start = 0;
  private end = 0;
  private readonly formats: WritableFormats;

  /** `boot`, `room`: the numbers of those that samples are taken in from now on. `out`: where records are written. */
  constructor(store: BaseStore, boot: number, room: number, out: DataView, formats: WritableFormats) {
    this.store = store;
    this.formats = formats;
    this.out = out;
    this.boot = boot;
    this.room = room;
  }

  /** Samples are taken so far apart from now on; `isSingle`: their channels become an entry each. */
  follow(intervalMs: number, isSingle: boolean): void {
    this.own = undefined;
    this.end = 0;
    this.intervalMs = Math.round(intervalMs);
    this.isSingle = isSingle;
  }

  /**
   * The boot goes on after a sleep: so does its last base, if that is right for the samples to come. An evenly spaced one that does not
   * fit it begins another at once: a device that sleeps between its samples takes few in a row, and each that does not fit costs a whole start.
   * `last`: that base as a note, if it is known.
   */
  goOn(last?: Uint8Array): void {
    const note = last?.length ? last : this.store.readNote(BASE);
    const base = new Base();
    if (note !== undefined && base.decode(note) && this.isRight(base)) this.use(base);
    this.waste = MAX_WASTE;
  }

  /** The base that entries are written under now, as a note. */
  get note(): Uint8Array | undefined {
    return this.own?.encode();
  }

  /**
   * Writes the short record of a sample into `out`; a base before it, if that is worth it.
   * @param mask the channels that the record is to have
   * @param sinceLastMs from the sample before to this one
   * @returns its length in bytes; 0: the sample needs a record of its own
   */
  pack(sample: Sample, mask: number, uptimeMs: number, sinceLastMs: number, showsMilliseconds: boolean): number {
    const own = this.own;
    const length =
      own === undefined || own.showsMilliseconds !== showsMilliseconds
        ? 0
        : own.pack(sample, mask, uptimeMs, this.store.nextSequence, this.out);
    if (length === this.usualLength) {
      this.waste = 0;
      return length;
    }
    this.waste += flashBytes(length) - flashBytes(this.usualLength);
    const lateMs = sinceLastMs - this.intervalMs;
    const isEven = lateMs <= EVEN_MS && lateMs >= -EVEN_MS;
    if (this.waste < (isEven ? MAX_WASTE : MAX_UNEVEN_WASTE)) return length;
    const base = this.begin(sample, uptimeMs, showsMilliseconds);
    return base === undefined ? length : base.pack(sample, mask, uptimeMs, this.store.nextSequence, this.out);
  }

  /** Reads the record of an entry into `stored`; false: it is none of ours, or damage has taken its base. */
  read(record: DataView, length: number, sequence: number, stored: StoredSample): boolean {
    // Read before the base is looked for: the record lies in the outbox's buffer, which that needs.
    let word: number;
    let lateMs = 0;
    if (length === 3) word = record.getUint16(0, true) | (record.getUint8(2) << 16);
    else if (length === 4) word = record.getInt32(0, true);
    else if (length === 8) {
      word = record.getInt32(0, true);
      lateMs = record.getInt32(4, true);
    } else return decodeRecord(record, length, stored);
    if (sequence >= this.end || sequence < this.start) this.find(sequence, word & 3);
    const found = this.found;
    if (!found) return false;
    return found.unpack(word, length, lateMs, sequence, stored);
  }

  /** The sample begins a base; undefined: flash did not take it. */
  private begin(sample: Sample, uptimeMs: number, showsMilliseconds: boolean): Base | undefined {
    this.waste = 0; // also where flash does not take it: then it is tried later
    if (this.formats.isOldest) return undefined;
    const own = this.own;
    const base = new Base();
    base.begin(sample, (own === undefined ? numberOf(this.store.readNote(BASE)) : own.number) + 1, {
      boot: this.boot,
      room: this.room,
      intervalMs: this.intervalMs,
      showsMilliseconds,
      isSingle: this.isSingle,
      uptimeMs,
      sequence: this.store.nextSequence,
    });
    try {
      this.store.note(BASE, base.encode());
    } catch {
      return undefined;
    }
    this.end = 0; // what was found may end here
    this.use(base);
    return base;
  }

  private use(base: Base): void {
    this.own = base;
    this.usualLength = base.usualLength;
  }

  private isRight({ boot, room, intervalMs, isSingle }: Base): boolean {
    return boot === this.boot && room === this.room && intervalMs === this.intervalMs && isSingle === this.isSingle;
  }

  private find(sequence: number, number: number): void {
    const own = this.own;
    if (own !== undefined && sequence >= own.from) {
      this.found = own;
      this.start = own.from;
      this.end = END;
    } else this.lookUp(sequence, number);
  }

  private lookUp(sequence: number, number: number): void {
    this.found = undefined;
    this.end = 0;
    const note = this.store.noteAt(sequence, BASE);
    const right = note !== undefined && numberOf(note) === number ? note : this.repetition(sequence);
    const past = new Base();
    if (right === undefined || !past.decode(right)) return;
    let end = END;
    this.store.findNoteAfter(sequence, BASE, (later) => {
      const from = fromOf(later);
      if (from > sequence) end = from;
      return from > sequence;
    });
    this.found = past;
    this.start = past.from;
    this.end = end;
  }

  /** Damage took the note in force where the entry lies: each block repeats it, until it has another. */
  private repetition(sequence: number): Uint8Array | undefined {
    let next: Uint8Array | undefined;
    this.store.findNoteAfter(sequence, BASE, (later) => {
      next = later;
      return true;
    });
    return next !== undefined && fromOf(next) <= sequence ? next : undefined;
  }
}

/** Bytes that the outbox takes for a short record; 0: for one that needs no base. */
function flashBytes(length: number): number {
  return length === 0 ? 20 : length === 3 ? 8 : length + 8;
}
