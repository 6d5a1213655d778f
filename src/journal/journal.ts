/*
 * The journal: stores samples in the outbox, and renders them as messages. A sample is stored as a record of a few bytes or,
 * with `topics` = `each`, as one per channel; when it is rendered, it gets its room's topic and its time. One message object
 * and one buffer for all; nothing is allocated for a sample. Flash that is full or cannot be written throws no exception: notes
 * are written again later, and no sample is stored before the notes that it needs. Flash that cannot be read does: the
 * constructor, `append`, `render`, `describe`, `utcMsOf` and `lastBootUtcMs` then throw the outbox's ReadFailure.
 */
import { TEMPERATURE } from "../channels/channels.js";
import { type Sample, sampleText } from "../channels/sample.js";
import { type BaseStore, Bases } from "./bases.js";
import { type ClockNotes, type ClockState, CRYSTAL, copyClock, Dating, type Oscillator } from "./dating.js";
import { NEWEST, type WritableFormats } from "./formats.js";
import { bootOfClock, CLOCK, originOfClock } from "./notes.js";
import { encodeOrigin, encodeSample, MAX_RECORD_LENGTH } from "./record.js";
import { MAX_PAYLOAD, type PayloadFormat, Renderer } from "./render.js";
import { Rooms, type TopicOf, topicChannel } from "./rooms.js";
import type { Sticky } from "./sticky.js";
import { type SecondDigits, StoredSample } from "./stored.js";

/** Samples taken at shorter intervals show milliseconds; with whole seconds, two of them would have the same time. */
const FINE_INTERVAL_MS = 2000;
/** So does a sample taken out of turn this soon after another. If they are further apart, their whole seconds differ, even as stored. */
const CLOSE_MS = 1500;
/** The channel for which every firmware has a record. */
const ALONE = 1 << TEMPERATURE;
/** Uptime of the last sample while there is none. */
const NONE_YET = Number.NEGATIVE_INFINITY;

/** Nothing of the sample was passed to the outbox yet. */
const UNTRIED = -2;

/** What the journal needs of the outbox. */
export interface JournalStore extends ClockNotes, BaseStore {
  /** Returns the sequence number, durable; -1 if refused. */
  append(payload: Uint8Array, qos: 1 | 2): number;
  /** Uses up a sequence number for a sample that was refused before. */
  skip?(): number;
}

/** An entry as the outbox returns it. */
export interface JournalEntry {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly payloadLength: number;
}

/** A message to send. The object is reused: read it before the next call. */
export interface SampleMessage {
  topic: Uint8Array;
  payload: Uint8Array;
  payloadLength: number;
  retain: boolean;
  /** The properties of MQTT 5, encoded; set by the sender. */
  properties?: Uint8Array | undefined;
}

/** How samples are stored and sent. */
export interface SamplePolicy {
  readonly format: PayloadFormat;
  /** Each channel of a sample becomes an entry, with its own number and topic; otherwise a sample is one entry. */
  readonly isEach: boolean;
  /** Time from one sample to the next, in milliseconds. */
  readonly intervalMs: number;
}

/** The journal's store and clock (milliseconds), and the numbers of boot and room. */
export interface JournalOptions extends SamplePolicy {
  readonly store: JournalStore;
  /** Writes notes, the journal's and others'. */
  readonly notes: Sticky;
  readonly clock: { uptimeMs(): number; utcMs(): number | undefined };
  /** Number of this boot. It is in flash, or owed as a vital note. */
  readonly boot: number;
  /** The oscillator that counts uptime. Default: a crystal. */
  readonly oscillator?: Oscillator;
  /** Only if the boot continues after a sleep: the state from `keepClock`. Default: a new boot. */
  readonly clockState?: ClockState;
  /** What may be written. Default: everything. */
  readonly formats?: WritableFormats;
  /** Only if the boot continues after a sleep: uptime of its last sample. Default: a new boot. */
  readonly lastMs?: number;
  /** Only with `lastMs`: the base of the boot's samples, as a note; absent or empty: the latest in flash. */
  readonly base?: Uint8Array;
  /** The room's name, checked, as UTF-8: 1..64 bytes. */
  readonly room: Uint8Array;
  readonly topicOf: TopicOf;
}

/** Sends the message of a QoS 0 sample. Returns whether it was sent. */
export interface Sender {
  sendNow(message: SampleMessage): boolean;
}

/** Stores samples in the outbox and renders them as messages. Writes that fail are return values; reads that fail throw ReadFailure. */
export class Journal {
  // SamplePolicy
  private format: PayloadFormat = "json";
  private isEach = false;
  private intervalMs = 0;
  private readonly store: JournalStore;
  private readonly notes: Sticky;
  private readonly clock: JournalOptions["clock"];
  private readonly boot: number;
  private readonly rooms: Rooms;
  private readonly bases: Bases;
  private readonly formats: WritableFormats;
  private readonly dating: Dating;
  private readonly renderer: Renderer;
  private readonly record: DataView; // behind the message in one buffer, for fewer objects
  private written: Uint8Array; // a view on `record`, as long as the last record
  private readonly outgoing = new StoredSample();
  private readonly message: SampleMessage;
  private lastMs = NONE_YET; // uptime of the last sample
  private payload: Uint8Array | undefined; // of the last entry, with a view on it: the outbox reuses one array
  private payloadView: DataView;
  // Boot, room and channel of the last entry, for which topic and dating are known; -1: none.
  private origin = -1;

  /** Begins a boot whose samples are of this room. If the room has changed, it writes a note. */
  constructor(options: JournalOptions) {
    const { store, notes, boot, formats = NEWEST } = options;
    this.formats = formats;
    this.store = store;
    this.notes = notes;
    this.clock = options.clock;
    this.boot = boot & 0xffff;
    this.rooms = new Rooms(store, notes, this.boot, options.room, options.topicOf);
    const buffer = new ArrayBuffer(MAX_PAYLOAD + MAX_RECORD_LENGTH);
    this.renderer = new Renderer(buffer);
    this.record = this.payloadView = new DataView(buffer, MAX_PAYLOAD);
    this.written = new Uint8Array(buffer, MAX_PAYLOAD, 3);
    this.bases = new Bases(store, this.boot, this.rooms.number, this.record, formats);
    const payload = this.renderer.bytes;
    this.message = { topic: payload, payload, payloadLength: 0, retain: false };
    this.dating = new Dating(store, boot, store.nextSequence, notes, options.oscillator ?? CRYSTAL, formats);
    if (options.clockState !== undefined) this.dating.goOn(options.clockState);
    this.follow(options);
    if (options.lastMs !== undefined) {
      this.lastMs = options.lastMs;
      this.bases.goOn(options.base);
    }
    this.clockSet();
  }

  /** The format applies to messages from now on, everything else to samples taken from now on. */
  follow({ format, isEach, intervalMs }: SamplePolicy): void {
    this.format = format;
    this.isEach = isEach;
    this.intervalMs = intervalMs;
    this.bases.follow(intervalMs, isEach);
  }

  /** The wall clock was set: dates all unsent samples of this boot. */
  clockSet(): void {
    const utcMs = this.clock.utcMs();
    if (utcMs !== undefined) this.dating.setClock(this.clock.uptimeMs(), utcMs, this.store.nextSequence);
  }

  /** Before a sleep: stores in `state` what the boot needs to continue. */
  keepClock(state: ClockState): void {
    copyClock(this.dating, state);
  }

  /** The channels of `mask` that can be stored in the formats that may be written now. */
  kept(mask: number): number {
    return this.formats.isOldest ? mask & ALONE : mask;
  }

  /**
   * Stores a sample, with the channels that can be stored. `takenMs`: uptime at which it was taken; default: now.
   * @returns its sequence number, durable; -1 if it was refused, and counted, or if none of its channels can be stored. If each
   * channel becomes an entry, the number of the first; the others follow, and each may be refused
   * @throws RangeError for a value beyond ±8388; ReadFailure if flash cannot be read
   */
  append(sample: Sample, qos: 1 | 2, takenMs?: number): number {
    if (this.notes.isOwing && !this.notes.isUnderstood()) {
      this.store.skip?.();
      return -1;
    }
    const uptimeMs = takenMs ?? this.clock.uptimeMs();
    const sinceLastMs = uptimeMs - this.lastMs;
    const showsMilliseconds = this.isClose(uptimeMs, sinceLastMs); // final, even if the interval changes
    this.lastMs = uptimeMs;
    let first = UNTRIED;
    let rest = this.kept(sample.mask);
    while (rest !== 0) {
      const mask = this.isEach ? rest & -rest : rest;
      rest &= ~mask;
      const length =
        this.bases.pack(sample, mask, uptimeMs, sinceLastMs, showsMilliseconds) ||
        this.encode(sample, mask, uptimeMs, showsMilliseconds);
      if (length !== this.written.length) this.written = new Uint8Array(this.record.buffer, MAX_PAYLOAD, length);
      const sequence = this.store.append(this.written, qos);
      if (first === UNTRIED) first = sequence;
    }
    return first === UNTRIED ? -1 : first;
  }

  /** Another sample may have the same time in whole seconds. */
  private isClose(uptimeMs: number, sinceLastMs: number): boolean {
    if (this.formats.isOldest) return false;
    return (
      this.intervalMs < FINE_INTERVAL_MS ||
      (sinceLastMs < CLOSE_MS && sinceLastMs > 0) ||
      (uptimeMs <= this.dating.repeatEndMs && uptimeMs >= this.dating.repeatStartMs)
    );
  }

  /** Encodes a record without a base. */
  private encode(sample: Sample, mask: number, uptimeMs: number, showsMilliseconds: boolean): number {
    encodeOrigin(this.boot, this.rooms.number, this.record);
    return encodeSample(sample, mask, this.isEach, uptimeMs, showsMilliseconds, this.record);
  }

  /** The message for an entry; undefined: its record is not valid, or its room is no longer known. @throws ReadFailure if flash cannot be read */
  render(entry: JournalEntry): SampleMessage | undefined {
    const payload = entry.payload;
    if (payload !== this.payload) {
      this.payload = payload;
      this.payloadView = viewOf(payload);
    }
    const outgoing = this.outgoing;
    const dating = this.dating;
    const sequence = entry.sequence;
    if (!this.bases.read(this.payloadView, entry.payloadLength, sequence, outgoing)) return undefined;
    const origin = outgoing.origin;
    if (origin !== this.origin && !this.findTopic(origin, sequence)) return undefined;
    if (sequence >= dating.end || sequence < dating.start) dating.find(outgoing.boot, sequence);
    if (sequence >= dating.sentEnd) dating.sentEnd = sequence + 1;
    const utcMs = dating.originMs + outgoing.uptimeMs * dating.pace;
    this.message.payloadLength =
      this.format === "json" ? this.renderer.json(outgoing, utcMs, sequence) : this.plain(outgoing, utcMs, sequence);
    return this.message;
  }

  /** Only the topic identifies a bare number. A sample without a temperature, stored under other settings, is therefore sent as JSON. */
  private plain(outgoing: StoredSample, utcMs: number, sequence: number): number {
    return outgoing.isSingle || outgoing.mask & ALONE
      ? this.renderer.plain(outgoing)
      : this.renderer.json(outgoing, utcMs, sequence);
  }

  /** An entry as text, for the prompt: "21.44 °C, 45.2 %, 2026-06-17T09:12:00Z". */
  describe(entry: JournalEntry): string {
    const stored = new StoredSample();
    if (!this.bases.read(viewOf(entry.payload), entry.payloadLength, entry.sequence, stored)) return "not readable";
    const utcMs = this.dating.utcMs(stored, entry.sequence);
    const when = Number.isNaN(utcMs) ? "time not known" : timeText(utcMs, stored.secondDigits);
    const { mask, decimals } = stored;
    return `${sampleText({ mask, values: stored.milli.map((milli) => milli / 1000), decimals })}, ${when}`;
  }

  /** When an entry was measured, in milliseconds since 1970; NaN: not known. */
  utcMsOf(entry: JournalEntry): number {
    const stored = new StoredSample();
    const isRead = this.bases.read(viewOf(entry.payload), entry.payloadLength, entry.sequence, stored);
    return isRead ? this.dating.utcMs(stored, entry.sequence) : Number.NaN;
  }

  /**
   * Makes the messages of a QoS 0 sample taken now: without a number, never in flash. The sender gets each, and returns whether
   * it was sent.
   */
  sendNow(sample: Sample, sender: Sender): boolean {
    const uptimeMs = this.clock.uptimeMs();
    const sinceLastMs = uptimeMs - this.lastMs;
    this.outgoing.secondDigits = this.isClose(uptimeMs, sinceLastMs) ? 3 : 0;
    this.outgoing.isSingle = this.isEach;
    this.lastMs = uptimeMs;
    this.origin = -1;
    if (!this.isEach) return this.sendChannels(sample, sample.mask, sender);
    let isSent = true;
    for (let rest = sample.mask; rest !== 0; rest &= rest - 1) {
      if (!this.sendChannels(sample, rest & -rest, sender)) isSent = false;
    }
    return isSent;
  }

  private sendChannels(sample: Sample, mask: number, sender: Sender): boolean {
    const outgoing = this.outgoing;
    outgoing.take(sample, mask);
    this.message.topic = this.rooms.topicNow(topicChannel(mask, outgoing.isSingle));
    this.message.payloadLength =
      this.format === "json"
        ? this.renderer.json(outgoing, this.clock.utcMs() ?? Number.NaN, -1)
        : this.renderer.plain(outgoing);
    return sender.sendNow(this.message);
  }

  /** The base for the next samples, as a note; undefined: none. */
  get base(): Uint8Array | undefined {
    return this.bases.note;
  }

  /** When the latest boot whose clock was set began, in milliseconds since 1970: certainly in the past. @throws ReadFailure if flash cannot be read */
  get lastBootUtcMs(): number | undefined {
    const clock = this.store.readNote(CLOCK);
    return clock !== undefined && bootOfClock(clock) >= 0 ? originOfClock(clock) : undefined;
  }

  /** Sets the message's topic for the outgoing sample; false: its room is not known. */
  private findTopic(origin: number, sequence: number): boolean {
    const topic = this.rooms.topicFor(this.outgoing, sequence);
    if (this.origin < 0 || ((this.origin ^ origin) & 0xffff) !== 0) this.dating.end = 0; // it may be of another boot
    this.origin = topic === undefined ? -1 : origin;
    if (topic !== undefined) this.message.topic = topic;
    return topic !== undefined;
  }
}

function timeText(utcMs: number, secondDigits: SecondDigits): string {
  const text = new Date(utcMs).toISOString();
  return secondDigits === 0 ? `${text.slice(0, 19)}Z` : text;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
