/*
 * The journal: readings on their way into the outbox, and out of it as messages.
 * Going in, a reading becomes twelve bytes, with its boot, uptime and room number; coming out, it gets back its room's
 * topic and its time. Owns the outbox's notes (room, clock, session, counters). One message object and one buffer for
 * all; nothing is allocated per reading.
 */
import { type ClockNotes, Dating } from "./dating.js";
import {
  COUNTERS,
  type Counters,
  decodeCounters,
  encodeCounters,
  encodeRoom,
  encodeSession,
  ROOM,
  SESSION,
  sameNote,
} from "./notes.js";
import { decodeReading, encodeReading, newReading, RECORD_LENGTH } from "./record.js";
import { type PayloadFormat, Renderer } from "./render.js";

/** What the journal needs of the outbox. */
export interface JournalStore extends ClockNotes {
  /** The sequence number, durable on return; -1 if refused. */
  append(payload: Uint8Array, qos: 1 | 2): number;
}

/** An entry as the outbox hands it out. */
export interface JournalEntry {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly payloadLength: number;
}

/** Ready to go; reused: read it before the next call. */
export interface ReadingMessage {
  topic: Uint8Array;
  payload: Uint8Array;
  payloadLength: number;
  retain: boolean;
}

export interface JournalOptions {
  readonly store: JournalStore;
  readonly clock: { uptimeMs(): number; utcMs(): number | undefined };
  /** The room's name, checked, as UTF-8: 1..64 bytes. */
  readonly room: Uint8Array;
  readonly format: PayloadFormat;
  /** `home/<room>/temperature` for a room's UTF-8 name, as UTF-8. */
  topicOf(room: Uint8Array): Uint8Array;
}

export class Journal {
  /** Counted over the device's life. Changed only through the count methods. */
  readonly counters: Readonly<Counters>;
  format: PayloadFormat;
  readonly #store: JournalStore;
  readonly #clock: JournalOptions["clock"];
  readonly #topicOf: JournalOptions["topicOf"];
  readonly #dating: Dating;
  readonly #renderer = new Renderer();
  readonly #record = new Uint8Array(RECORD_LENGTH);
  readonly #incoming = newReading();
  readonly #outgoing = newReading();
  readonly #message: ReadingMessage;
  #room = 0; // number of the room that readings taken now belong to
  #topic: Uint8Array; // of that room
  #pastRoom = -1; // number of the room looked up last, when it is another
  #pastTopic: Uint8Array | undefined;

  /** Counts the boot: one note in flash. */
  constructor(options: JournalOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#topicOf = options.topicOf;
    this.format = options.format;
    const counters = decodeCounters(this.#store.readNote(COUNTERS));
    counters.boots++;
    this.counters = counters;
    this.#writeCounters();
    this.#incoming.boot = counters.boots & 0xffff;
    this.#dating = new Dating(this.#store, counters.boots);
    this.#topic = options.topicOf(options.room);
    this.#message = { topic: this.#topic, payload: this.#renderer.bytes, payloadLength: 0, retain: false };
    this.moveTo(options.room);
    this.clockSet();
  }

  /** Readings from now on are of this room; those in the outbox keep theirs. Durable on return. */
  moveTo(room: Uint8Array): void {
    const last = this.#store.readNote(ROOM);
    const number = last === undefined ? 0 : last[0];
    const same = last !== undefined && sameNote(encodeRoom(number, room), last);
    this.#room = same || last === undefined ? number : (number + 1) & 0xff;
    if (!same) this.#store.note(ROOM, encodeRoom(this.#room, room));
    this.#topic = this.#topicOf(room);
    this.#pastRoom = -1;
  }

  /** The wall clock was set: dates this boot's readings, the earlier ones too. */
  clockSet(): void {
    const utcMs = this.#clock.utcMs();
    if (utcMs !== undefined) this.#dating.setClock(this.#clock.uptimeMs(), utcMs);
  }

  /**
   * Writes a reading taken now to flash.
   * @returns its sequence number, durable; -1 if the outbox refused it
   * @throws RangeError for a temperature that is none
   */
  append(milliCelsius: number, decimals: number, qos: 1 | 2): number {
    const reading = this.#incoming;
    reading.milliCelsius = milliCelsius;
    reading.decimals = decimals;
    reading.uptimeMs = this.#clock.uptimeMs();
    reading.room = this.#room;
    encodeReading(reading, this.#record);
    return this.#store.append(this.#record, qos);
  }

  /** The message for an entry; undefined if the entry cannot be understood, or nobody knows its room any more. */
  render(entry: JournalEntry): ReadingMessage | undefined {
    const reading = this.#outgoing;
    if (!decodeReading(entry.payload, entry.payloadLength, reading)) return undefined;
    const topic = reading.room === this.#room ? this.#topic : this.#topicOfPast(reading.room, entry.sequence);
    if (topic === undefined) return undefined;
    const { sequence } = entry;
    return this.#fill(topic, reading.milliCelsius, reading.decimals, this.#dating.utcMs(reading, sequence), sequence);
  }

  /** An entry in words, for the prompt: "21.44 °C, 2026-06-17T09:12:00Z". */
  describe(entry: JournalEntry): string {
    const reading = newReading();
    if (!decodeReading(entry.payload, entry.payloadLength, reading)) return "not readable";
    const utcMs = this.#dating.utcMs(reading, entry.sequence);
    const when = utcMs === undefined ? "time not known" : `${new Date(utcMs).toISOString().slice(0, 19)}Z`;
    return `${(reading.milliCelsius / 1000).toFixed(reading.decimals)} °C, ${when}`;
  }

  /** The message for a QoS 0 reading taken now: no number, never in flash. */
  renderNow(milliCelsius: number, decimals: number): ReadingMessage {
    return this.#fill(this.#topic, milliCelsius, decimals, this.#clock.utcMs(), undefined);
  }

  /** True if the packet ids in flight belong to this client's session at this broker. */
  sessionIs(clientId: string, host: string, port: number): boolean {
    return sameNote(this.#store.readNote(SESSION), encodeSession(clientId, host, port));
  }

  /** The session in force is this one. Durable on return. */
  recordSession(clientId: string, host: string, port: number): void {
    if (!this.sessionIs(clientId, host, port)) this.#store.note(SESSION, encodeSession(clientId, host, port));
  }

  countDeadLetter(): void {
    (this.counters as Counters).deadLetters++;
    this.#writeCounters();
  }

  countPossibleDoubles(count: number): void {
    if (count === 0) return;
    (this.counters as Counters).possibleDoubles += count;
    this.#writeCounters();
  }

  #topicOfPast(room: number, sequence: number): Uint8Array | undefined {
    if (room !== this.#pastRoom) {
      const note = this.#store.noteAt(sequence, ROOM);
      this.#pastTopic = note !== undefined && note[0] === room ? this.#topicOf(note.slice(1)) : undefined;
      this.#pastRoom = this.#pastTopic === undefined ? -1 : room;
    }
    return this.#pastTopic;
  }

  #fill(
    topic: Uint8Array,
    milliCelsius: number,
    decimals: number,
    utcMs: number | undefined,
    sequence: number | undefined,
  ): ReadingMessage {
    const message = this.#message;
    message.topic = topic;
    message.payloadLength =
      this.format === "json"
        ? this.#renderer.json(milliCelsius, decimals, utcMs, sequence)
        : this.#renderer.plain(milliCelsius, decimals);
    return message;
  }

  #writeCounters(): void {
    this.#store.note(COUNTERS, encodeCounters(this.counters));
  }
}
