/*
 * The bases of short records: the one for new entries, and the last one found for older entries. A base costs about 40 bytes of
 * flash and saves 12 for each sample. It is written when the second sample in a row needs more than a short record, and the
 * samples come at regular intervals again. A device that boots for each sample therefore writes none.
 */
import type { Sample } from "../channels/sample.js";
import type { WritableFormats } from "./formats.js";
import { BASE, nextNote } from "./notes.js";
import { decodeRecord } from "./record.js";
import { Base, fromOf, numberOf } from "./short.js";
import type { StoredSample } from "./stored.js";

/** What is needed of the outbox. */
export interface BaseStore {
  note(tag: number, value: Uint8Array): void;
  /** The latest value. */
  readNote(tag: number): Uint8Array | undefined;
  noteAt(sequence: number, tag: number): Uint8Array | undefined;
  /** Number of the next entry. */
  readonly nextSequence: number;
  findNoteAfter(sequence: number, tag: number, isPast: (value: Uint8Array) => boolean): boolean;
}

/**
 * Bytes of flash that consecutive records may need beyond short ones before a base is written, for evenly spaced samples and
 * for others.
 */
const MAX_WASTE = 24;
const MAX_UNEVEN_WASTE = 120;
/** Samples are evenly spaced if the last interval was exact within this, in milliseconds. */
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
  private usualLength = 3; // of a record under `own`, in bytes
  private waste = 0; // bytes of flash, since the last record of that length
  // The base found last, and its entries: from `start` up to, but without, `end`.
  private found: Base | undefined;
  private start = 0;
  private end = 0;
  private readonly formats: WritableFormats;

  /** `boot`, `room`: numbers for new samples. `out`: buffer for records. */
  constructor(store: BaseStore, boot: number, room: number, out: DataView, formats: WritableFormats) {
    this.store = store;
    this.formats = formats;
    this.out = out;
    this.boot = boot;
    this.room = room;
  }

  /** New samples are `intervalMs` apart; `isSingle`: each channel becomes an entry. */
  follow(intervalMs: number, isSingle: boolean): void {
    this.own = undefined;
    this.end = 0;
    this.intervalMs = Math.round(intervalMs);
    this.isSingle = isSingle;
  }

  /**
   * The boot continues after a sleep, with its last base if that has the same room and interval. If an evenly spaced sample
   * does not fit it, a new base is begun at once: for each such sample, a device that sleeps has to start the whole
   * thermometer. `last`: that base as a note; undefined or empty: the latest in flash.
   */
  goOn(last?: Uint8Array): void {
    const note = last?.length ? last : this.store.readNote(BASE);
    const base = new Base();
    if (note !== undefined && base.decode(note) && this.isRight(base)) this.use(base);
    this.waste = MAX_WASTE;
  }

  /** The base for new entries, as a note. */
  get note(): Uint8Array | undefined {
    return this.own?.encode();
  }

  /**
   * Writes the short record of a sample to `out`, after a new base if that saves flash.
   * @param mask the channels of the record
   * @param sinceLastMs time since the last sample
   * @returns its length in bytes; 0: the sample needs a record without a base
   * @throws ReadFailure if flash cannot be read
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

  /**
   * Reads the record of an entry into `stored`; false: it is not one of ours, or its base is damaged.
   * @throws ReadFailure if flash cannot be read
   */
  read(record: DataView, length: number, sequence: number, stored: StoredSample): boolean {
    // Read before the base is searched, which reuses the outbox's buffer that contains the record.
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

  /** Begins a base with this sample; undefined: flash has refused it. */
  private begin(sample: Sample, uptimeMs: number, showsMilliseconds: boolean): Base | undefined {
    this.waste = 0; // also if flash refuses it: then it is tried later
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
    this.end = 0; // `found` may end here
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

  /** The note in force at the entry is damaged: finds its repetition at the head of the next block. */
  private repetition(sequence: number): Uint8Array | undefined {
    const next = nextNote(this.store, sequence, BASE);
    return next !== undefined && fromOf(next) <= sequence ? next : undefined;
  }
}

/** Flash used for a short record, in bytes; 0: for one that needs no base. */
function flashBytes(length: number): number {
  return length === 0 ? 20 : length === 3 ? 8 : length + 8;
}
