/*
 * A firmware's handling of samples: stores them in its outbox, and returns the waiting ones. Today's firmware, on trial or not, or
 * firmware 0.1's own code. Samples have a temperature and a humidity; 0.1 knows only the first channel.
 */
import type { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { Formats } from "../../../src/journal/formats.js";
import { Journal } from "../../../src/journal/journal.js";
import { appliesFrom } from "../../../src/journal/notes.js";
import { MAX_RECORD_LENGTH } from "../../../src/journal/record.js";
import { Sticky } from "../../../src/journal/sticky.js";
import { Outbox, type Statistics } from "../../../src/outbox/outbox.js";
import { Lifetime } from "../../../src/thermometer/lifetime.js";
import { sampleOf } from "../../support/sample.js";
import { firmware01, type OldJournal, type OldOutbox, type OldStatistics } from "./firmware-0.1.js";

const ROOM = Uint8Array.from(Buffer.from("kitchen"));
const topicOf = (room: Uint8Array): Uint8Array => room;
export const INTERVAL_MS = 10_000;

export interface RecorderOptions {
  readonly flash: Pick<NorFlash, "read" | "write" | "eraseBlock" | "status">;
  readonly writeUnit?: 1 | 16;
  readonly whenFull?: "dropOldest" | "refuse";
  readonly clock: { uptimeMs(): number; utcMs(): number | undefined };
  /** These entries of the queue were evicted. */
  onEvicted?(first: number, end: number): void;
}

/** A waiting sample, as a subscriber would see it. */
export interface Waiting {
  readonly sequence: number;
  readonly released: boolean;
  readonly value: number;
  readonly humidity?: number;
  readonly ts?: string;
}

/** The samples of one life of a firmware. */
export interface Recorder {
  /** The number of the next sample. */
  readonly next: number;
  readonly statistics: Statistics | OldStatistics;
  /** Its number; -1: refused. */
  take(temperature: number, humidity?: number): number;
  /** The first waiting sample from that number on. @throws Error if its record is not understood */
  waiting(from?: number): Waiting | undefined;
  released(sequence: number): void;
  settle(sequence: number): void;
  idle(): void;
  clockSet(): void;
  /** The trial is over: the firmware is confirmed. */
  confirmed(): void;
}

function closed(flash: RecorderOptions["flash"]) {
  return {
    read: (buffer: Uint8Array, at: number) => flash.read(buffer, at),
    write: (buffer: Uint8Array, at: number) => flash.write(buffer, at),
    eraseBlock: (first: number, end?: number) => flash.eraseBlock(first, end),
    status: () => flash.status(),
    close: () => {},
  };
}

function seen(sequence: number, released: boolean, payload: Uint8Array, length: number): Waiting {
  const { value, humidity, ts } = JSON.parse(Buffer.from(payload.subarray(0, length)).toString());
  return { sequence, released, value, humidity, ts };
}

/** Today's firmware. `isTrial`: it writes nothing that the previous image cannot read. */
export class TodaysRecorder implements Recorder {
  readonly outbox: Outbox;
  readonly #journal: Journal;
  readonly #formats: Formats;

  constructor(options: RecorderOptions, isTrial: boolean) {
    this.#formats = new Formats(isTrial);
    this.outbox = new Outbox({
      flash: closed(options.flash),
      writeUnit: options.writeUnit,
      whenFull: options.whenFull,
      maxPayload: MAX_RECORD_LENGTH,
      keepsFormat: this.#formats.isOldest,
      appliesFrom,
      onEvent: (event) => {
        if (event.kind === "dropped") options.onEvicted?.(event.first, event.end);
      },
    });
    if (this.outbox.isNewestFormat) this.#formats.foundNewest();
    const notes = new Sticky(this.outbox);
    this.#journal = new Journal({
      store: this.outbox,
      notes,
      clock: options.clock,
      boot: new Lifetime(this.outbox, notes).boots,
      formats: this.#formats,
      room: ROOM,
      topicOf,
      format: "json",
      isEach: false,
      intervalMs: INTERVAL_MS,
    });
  }

  get next(): number {
    return this.outbox.nextSequence;
  }

  get statistics(): Statistics {
    return this.outbox.statistics();
  }

  take(temperature: number, humidity?: number): number {
    return this.#journal.append(sampleOf(humidity === undefined ? { temperature } : { temperature, humidity }), 2);
  }

  waiting(from = 0): Waiting | undefined {
    const entry = this.outbox.seek(from);
    if (entry === undefined) return undefined;
    const { sequence, released } = entry;
    const message = this.#journal.render(entry);
    if (message === undefined) throw new Error(`entry ${sequence} is not understood`);
    return seen(sequence, released, message.payload, message.payloadLength);
  }

  released(sequence: number): void {
    this.outbox.released(sequence);
  }

  settle(sequence: number): void {
    this.outbox.settle(sequence);
  }

  idle(): void {
    this.outbox.idle();
  }

  clockSet(): void {
    this.#journal.clockSet();
  }

  confirmed(): void {
    this.outbox.useNewestFormat();
    this.#formats.confirm();
  }
}

/** Firmware 0.1's own code. */
export class OldRecorder implements Recorder {
  readonly #outbox: OldOutbox;
  readonly #journal: OldJournal;

  /** @throws Error if it does not read the flash */
  constructor(options: RecorderOptions) {
    this.#outbox = new firmware01.Outbox({
      flash: closed(options.flash),
      writeUnit: options.writeUnit,
      whenFull: options.whenFull,
      maxPayload: 12,
      onEvent: ({ kind, first, end }) => {
        if (kind === "dropped") options.onEvicted?.(first, end);
      },
    });
    this.#journal = new firmware01.Journal({
      store: this.#outbox,
      clock: options.clock,
      room: ROOM,
      format: "json",
      topicOf,
    });
  }

  get next(): number {
    return this.#outbox.nextSequence;
  }

  get statistics(): OldStatistics {
    return this.#outbox.statistics();
  }

  get boots(): number {
    return this.#journal.counters.boots;
  }

  take(temperature: number): number {
    return this.#journal.append(Math.round(temperature * 1000), 2, 2);
  }

  waiting(from = 0): Waiting | undefined {
    const entry = this.#outbox.seek(from);
    if (entry === undefined) return undefined;
    const { sequence, released } = entry;
    const message = this.#journal.render(entry);
    if (message === undefined) throw new Error(`entry ${sequence} is not understood by 0.1`);
    return seen(sequence, released, message.payload, message.payloadLength);
  }

  released(sequence: number): void {
    this.#outbox.released(sequence);
  }

  settle(sequence: number): void {
    this.#outbox.settle(sequence);
  }

  idle(): void {
    this.#outbox.idle();
  }

  clockSet(): void {
    this.#journal.clockSet();
  }

  confirmed(): void {}
}
