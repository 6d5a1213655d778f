/*
 * The journal: readings on their way into the outbox, and out of it as messages.
 * Going in, a reading becomes twelve bytes, with its boot, uptime and room number; coming out, it gets back its room's
 * topic and its time. Owns the outbox's notes (room, clock, session, counters). One message object and one buffer for
 * all; nothing is allocated per reading. Nothing throws because flash is full or fails: what cannot be noted is tried
 * again, and no reading goes in before what it needs in order to be understood later.
 */
import { type ClockNotes, Dating } from "./dating.js";
import {
  bootOfClock,
  CLOCK,
  COUNTERS,
  type Counters,
  decodeCounters,
  encodeCounters,
  encodeRoom,
  encodeSession,
  originOfClock,
  ROOM,
  SESSION,
  sameNote,
  sameSession,
  windowOfSession,
} from "./notes.js";
import {
  bootOf,
  decodeReading,
  encodeOrigin,
  encodeSample,
  MILLISECONDS,
  newReading,
  noteUptime,
  RECORD_LENGTH,
  type Reading,
  roomOf,
  type SecondDigits,
  secondDigitsOf,
  uptimeOf,
} from "./record.js";
import { type PayloadFormat, Renderer } from "./render.js";
import { type NoteStore, Sticky } from "./sticky.js";

/** Readings taken at shorter intervals show milliseconds: whole seconds would give two of them one time. */
const FINE_INTERVAL_MS = 2000;
/** So does one that was taken out of turn within a second after another. Further apart, their whole seconds differ. */
const CLOSE_MS = 1000;
/** Uptime of the last reading before there is one: 24.8 days, within a second after which no first reading is taken. */
const NONE_YET = 0x8000_0000;

/** What the journal needs of the outbox. */
export interface JournalStore extends ClockNotes, NoteStore {
  /** The sequence number, durable on return; -1 if refused. */
  append(payload: Uint8Array, qos: 1 | 2): number;
  /** Uses up a sequence number: a reading was refused before it got here. */
  skip?(): number;
  /** The number that the next entry will have. */
  readonly nextSequence: number;
  /** The latest value. */
  readNote(tag: number): Uint8Array | undefined;
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
  /** From one reading to the next, milliseconds. */
  readonly intervalMs: number;
  /** `home/<room>/temperature` for a room's UTF-8 name, as UTF-8. */
  topicOf(room: Uint8Array): Uint8Array;
}

export class Journal {
  /** Counted over the device's life. Changed only through the count methods. */
  readonly counters: Readonly<Counters>;
  format: PayloadFormat;
  /** From one reading to the next, milliseconds: of those taken from now on. */
  intervalMs: number;
  private readonly store: JournalStore;
  private readonly clock: JournalOptions["clock"];
  private readonly topicOf: JournalOptions["topicOf"];
  private readonly sticky: Sticky;
  private readonly dating: Dating;
  private readonly renderer = new Renderer();
  private readonly record = new Uint8Array(RECORD_LENGTH); // the last reading's; this boot and room are in it from the start
  private readonly recordView = new DataView(this.record.buffer);
  private readonly outgoing = newReading();
  private readonly message: ReadingMessage;
  private readonly topic: Uint8Array; // of the room that readings taken now belong to
  private payload: Uint8Array | undefined; // the last entry's, and a view on it: the outbox hands out one and the same
  private payloadView: DataView = this.recordView;
  private told = -1; // `shared` of the readings whose topic is in the message; -1: none
  // Numbers are modulo something: only together do they tell rooms apart.
  private pastBoot = -1; // of the reading whose room was looked up last
  private pastRoom = -1;
  private pastTopic: Uint8Array | undefined;

  /** A boot: counts it, and readings from now on are of this room. Notes in flash: one, and one if the room changed. */
  constructor(options: JournalOptions) {
    this.store = options.store;
    this.clock = options.clock;
    this.topicOf = options.topicOf;
    this.format = options.format;
    this.intervalMs = options.intervalMs;
    this.sticky = new Sticky(options.store);
    this.counters = this.countBoot();
    noteUptime(this.recordView, NONE_YET);
    encodeOrigin(this.counters.boots & 0xffff, this.enter(options.room), this.recordView);
    this.topic = options.topicOf(options.room);
    this.message = { topic: this.topic, payload: this.renderer.bytes, payloadLength: 0, retain: false };
    this.dating = new Dating(options.store, this.counters.boots, this.sticky);
    this.clockSet();
  }

  /** The wall clock was set: dates this boot's readings, the earlier ones too, but those that have been told. */
  clockSet(): void {
    const utcMs = this.clock.utcMs();
    if (utcMs !== undefined) this.dating.setClock(this.clock.uptimeMs(), utcMs, this.store.nextSequence);
  }

  /**
   * Writes a reading taken now to flash.
   * @returns its sequence number, durable; -1 if it was refused, and counted
   * @throws RangeError for a temperature that is none
   */
  append(milliCelsius: number, decimals: number, qos: 1 | 2): number {
    if (this.sticky.isOwing && !this.isUnderstood()) {
      this.store.skip?.();
      return -1;
    }
    const uptimeMs = this.clock.uptimeMs();
    encodeSample(milliCelsius, decimals, uptimeMs, this.secondDigitsAt(uptimeMs), this.recordView);
    return this.store.append(this.record, qos);
  }

  /** The message for an entry; undefined if the entry cannot be understood, or nobody knows its room any more. */
  render(entry: JournalEntry): ReadingMessage | undefined {
    const payload = entry.payload;
    if (payload !== this.payload) {
      this.payload = payload;
      this.payloadView = viewOf(payload);
    }
    const reading = this.outgoing;
    if (!decodeReading(this.payloadView, entry.payloadLength, reading)) return undefined;
    const sequence = entry.sequence;
    if (reading.shared !== this.told && !this.tellTopic(reading, sequence)) return undefined;
    const { dating, message } = this;
    if (sequence >= dating.end || sequence < dating.start) dating.find(reading.boot, sequence);
    if (sequence >= dating.toldEnd) dating.toldEnd = sequence + 1;
    message.payloadLength =
      this.format === "json"
        ? this.renderer.json(
            reading.milliCelsius,
            reading.decimals,
            dating.originMs + reading.uptimeMs,
            (reading.shared & MILLISECONDS) === 0 ? 0 : 3, // as secondDigitsOf, without the call
            sequence,
          )
        : this.renderer.plain(reading.milliCelsius, reading.decimals);
    return message;
  }

  /** An entry in words, for the prompt: "21.44 °C, 2026-06-17T09:12:00Z". */
  describe(entry: JournalEntry): string {
    const reading = newReading();
    if (!decodeReading(viewOf(entry.payload), entry.payloadLength, reading)) return "not readable";
    const utcMs = this.dating.utcMs(reading, entry.sequence);
    const when = Number.isNaN(utcMs) ? "time not known" : timeText(utcMs, secondDigitsOf(reading));
    return `${(reading.milliCelsius / 1000).toFixed(reading.decimals)} °C, ${when}`;
  }

  /** The message for a QoS 0 reading taken now: no number, never in flash. */
  renderNow(milliCelsius: number, decimals: number): ReadingMessage {
    const { message, renderer } = this;
    const uptimeMs = this.clock.uptimeMs();
    const secondDigits = this.secondDigitsAt(uptimeMs);
    noteUptime(this.recordView, uptimeMs); // which the record has of those that are kept
    this.told = -1;
    message.topic = this.topic;
    message.payloadLength =
      this.format === "json"
        ? renderer.json(milliCelsius, decimals, this.clock.utcMs() ?? Number.NaN, secondDigits, -1)
        : renderer.plain(milliCelsius, decimals);
    return message;
  }

  /** When the latest boot with a clock began, as flash knows it, milliseconds since 1970: a time that is over. */
  get lastBootUtcMs(): number | undefined {
    const clock = this.store.readNote(CLOCK);
    return clock !== undefined && bootOfClock(clock) >= 0 ? originOfClock(clock) : undefined;
  }

  /** For a reading taken now; the same for one that flash did not take, and that is sent at once. It stays so, whatever the interval becomes. */
  private secondDigitsAt(uptimeMs: number): SecondDigits {
    if (this.intervalMs < FINE_INTERVAL_MS) return 3;
    const sinceLastMs = (uptimeMs - uptimeOf(this.recordView)) >>> 0;
    return sinceLastMs < CLOSE_MS && sinceLastMs > 0 ? 3 : 0;
  }

  /** True if the packet ids in flight belong to this client's session at this broker. */
  sessionIs(clientId: string, host: string, port: number): boolean {
    return sameSession(this.store.readNote(SESSION), encodeSession(clientId, host, port, 0));
  }

  /** So many entries, the oldest, may have been sent in a session that somebody may still know; 0: there is none. */
  get perhapsSent(): number {
    return windowOfSession(this.store.readNote(SESSION));
  }

  /** No session is in force that may go on. Durable on return, if flash takes it. */
  forgetSession(): void {
    if (this.perhapsSent > 0) this.sticky.write(SESSION, new Uint8Array(0));
  }

  /** The session in force is this one, with at most `window` in flight at once. Durable on return, if flash takes it. */
  recordSession(clientId: string, host: string, port: number, window: number): void {
    const isKnown = this.sessionIs(clientId, host, port);
    const known = isKnown ? this.perhapsSent : 0; // what was in flight in a larger window may be so still
    if (!isKnown || window > known) this.sticky.write(SESSION, encodeSession(clientId, host, port, window));
  }

  countDeadLetter(): void {
    (this.counters as Counters).deadLetters++;
    this.writeCounters();
  }

  countPossibleDoubles(count: number): void {
    if (count === 0) return;
    (this.counters as Counters).possibleDoubles += count;
    this.writeCounters();
  }

  /** Where the latest count was damaged, the clock's note may still know the last boot: its number must not come again. */
  private countBoot(): Counters {
    const counters = decodeCounters(this.store.readNote(COUNTERS));
    const clock = this.store.readNote(CLOCK);
    if (clock !== undefined) counters.boots += bootsBetween(counters.boots, bootOfClock(clock));
    counters.boots++;
    this.sticky.write(COUNTERS, encodeCounters(counters));
    return counters;
  }

  /** The number of a room: the one that it has, if it is the last room's. */
  private enter(room: Uint8Array): number {
    const last = this.store.readNote(ROOM);
    if (last === undefined || last.length === 0) {
      this.sticky.write(ROOM, encodeRoom(0, room));
      return 0;
    }
    if (sameNote(last, encodeRoom(last[0], room))) return last[0];
    const number = (last[0] + 1) & 0xff;
    this.sticky.write(ROOM, encodeRoom(number, room));
    return number;
  }

  /** A later boot will find this boot's number and room. */
  private isUnderstood(): boolean {
    this.sticky.retry();
    return !this.sticky.owes(COUNTERS) && !this.sticky.owes(ROOM);
  }

  /** Puts the topic of the reading's room into the message; false: nobody knows it. */
  private tellTopic(reading: Reading, sequence: number): boolean {
    const isOurs = reading.boot === bootOf(this.recordView);
    const topic = isOurs ? this.topicOfThisBoot() : this.topicOfPast(sequence);
    this.told = topic === undefined ? -1 : reading.shared;
    if (topic !== undefined) this.message.topic = topic;
    this.dating.end = 0; // what dates the last reading may be another boot's
    return topic !== undefined;
  }

  private topicOfThisBoot(): Uint8Array | undefined {
    return this.outgoing.room === roomOf(this.recordView) ? this.topic : undefined;
  }

  private topicOfPast(sequence: number): Uint8Array | undefined {
    const { boot, room } = this.outgoing;
    if (boot !== this.pastBoot || room !== this.pastRoom) {
      const note = this.store.noteAt(sequence, ROOM);
      this.pastTopic = note !== undefined && note[0] === room ? this.topicIn(note) : undefined;
      this.pastBoot = this.pastTopic === undefined ? -1 : boot;
      this.pastRoom = room;
    }
    return this.pastTopic;
  }

  /** The topic of the room that a note names; mostly it is the room that the device is still in. */
  private topicIn(note: Uint8Array): Uint8Array {
    const topic = this.topicOf(note.slice(1));
    return sameNote(topic, this.topic) ? this.topic : topic;
  }

  private writeCounters(): void {
    this.sticky.write(COUNTERS, encodeCounters(this.counters));
  }
}

/** How many boots `clockBoot`, modulo 65,536, comes after `boots`; 0 if it does not. */
function bootsBetween(boots: number, clockBoot: number): number {
  if (clockBoot < 0) return 0;
  const ahead = (clockBoot - boots) & 0xffff;
  return boots === 0 || ahead < 0x8000 ? ahead : 0;
}

function timeText(utcMs: number, secondDigits: SecondDigits): string {
  const text = new Date(utcMs).toISOString();
  return secondDigits === 0 ? `${text.slice(0, 19)}Z` : text;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
