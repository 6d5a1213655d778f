/*
 * The journal: samples on their way into the outbox, and out of it as messages.
 * Going in, a sample becomes a record of a few bytes, or, with `topics` = `each`, one for each channel; coming out, it gets back its
 * room's topic and its time. One message object and one buffer for all; nothing is allocated for a sample. Nothing throws because
 * flash is full or fails: what cannot be noted is tried again, and no sample goes in before what it needs in order to be
 * understood later.
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

/** Samples taken at shorter intervals show milliseconds: whole seconds would give two of them one time. */
const FINE_INTERVAL_MS = 2000;
/** So does one that was taken out of turn so soon after another. Further apart, their whole seconds differ, as exact as flash has them. */
const CLOSE_MS = 1500;
/** The channel that every firmware has a record for. */
const ALONE = 1 << TEMPERATURE;
/** Uptime of the last sample before there is one. */
const NONE_YET = Number.NEGATIVE_INFINITY;

/** Of the first of a sample's channels, before it is handed to the outbox. */
const UNTRIED = -2;

/** What the journal needs of the outbox. */
export interface JournalStore extends ClockNotes, BaseStore {
  /** The sequence number, durable on return; -1 if refused. */
  append(payload: Uint8Array, qos: 1 | 2): number;
  /** Uses up a sequence number: a sample was refused before it got here. */
  skip?(): number;
}

/** An entry as the outbox hands it out. */
export interface JournalEntry {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly payloadLength: number;
}

/** Ready to go; reused: read it before the next call. */
export interface SampleMessage {
  topic: Uint8Array;
  payload: Uint8Array;
  payloadLength: number;
  retain: boolean;
  /** What is said of it in MQTT 5, encoded: the sender's. */
  properties?: Uint8Array | undefined;
}

/** How samples are kept and sent. */
export interface SamplePolicy {
  readonly format: PayloadFormat;
  /** Each channel of a sample becomes an entry, with a number and a topic of its own; else a sample is one entry. */
  readonly isEach: boolean;
  /** From one sample to the next, milliseconds. */
  readonly intervalMs: number;
}

/** What the journal writes to, whose clock it reads (milliseconds), and the numbers of boot and room. */
export interface JournalOptions extends SamplePolicy {
  readonly store: JournalStore;
  /** Writes notes, this one's and others'. */
  readonly notes: Sticky;
  readonly clock: { uptimeMs(): number; utcMs(): number | undefined };
  /** Number of this boot, durable or noted as vital. */
  readonly boot: number;
  /** What uptime is counted by. Default: a crystal. */
  readonly oscillator?: Oscillator;
  /** The boot goes on after a sleep: what `keepClock` kept. Default: a boot begins. */
  readonly clockState?: ClockState;
  /** What may be written. Default: all that this firmware knows. */
  readonly formats?: WritableFormats;
  /** The boot goes on after a sleep: uptime of its last sample. Default: a boot begins. */
  readonly lastMs?: number;
  /** The base that its samples were written under, as a note; empty: the latest on flash. */
  readonly base?: Uint8Array;
  /** The room's name, checked, as UTF-8: 1..64 bytes. */
  readonly room: Uint8Array;
  readonly topicOf: TopicOf;
}

/** What takes the message of a QoS 0 sample. Returns whether it was sent. */
export interface Sender {
  sendNow(message: SampleMessage): boolean;
}

/** Samples into the outbox, and out of it as messages. Trouble with flash is a return value, never an exception. */
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
  private readonly record: DataView; // behind the message in one buffer: fewer objects
  private written: Uint8Array; // on the record, of the last one's length
  private readonly outgoing = new StoredSample();
  private readonly message: SampleMessage;
  private lastMs = NONE_YET; // uptime of the last sample
  private payload: Uint8Array | undefined; // the last entry's, and a view on it: the outbox hands out one and the same
  private payloadView: DataView;
  // Whose topic is in the message, and what dates it: boot, room and channel of the last entry; -1: none.
  private origin = -1;

  /** A boot: samples from now on are of this room. Notes in flash: one if the room changed. */
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

  /** The format, of messages from now on; all else, of samples taken from now on. */
  follow({ format, isEach, intervalMs }: SamplePolicy): void {
    this.format = format;
    this.isEach = isEach;
    this.intervalMs = intervalMs;
    this.bases.follow(intervalMs, isEach);
  }

  /** The wall clock was set: dates this boot's samples, the earlier ones too, but those that have been sent. */
  clockSet(): void {
    const utcMs = this.clock.utcMs();
    if (utcMs !== undefined) this.dating.setClock(this.clock.uptimeMs(), utcMs, this.store.nextSequence);
  }

  /** Before a sleep: `state` takes what the boot needs in order to go on. */
  keepClock(state: ClockState): void {
    copyClock(this.dating, state);
  }

  /** The channels of a sample that there is a record for: others are not kept. */
  kept(mask: number): number {
    return this.formats.isOldest ? mask & ALONE : mask;
  }

  /**
   * Writes a sample to flash, the channels that can be kept. `takenMs`: uptime at which it was taken; default: now.
   * @returns its sequence number, durable; -1 if it was refused, and counted, or if none of its channels can be kept. Where its channels
   *   become entries, the first one's: those behind it have the numbers behind it, and each may be refused on its own
   * @throws RangeError for a value beyond ±8388
   */
  append(sample: Sample, qos: 1 | 2, takenMs?: number): number {
    if (this.notes.isOwing && !this.notes.isUnderstood()) {
      this.store.skip?.();
      return -1;
    }
    const uptimeMs = takenMs ?? this.clock.uptimeMs();
    const sinceLastMs = uptimeMs - this.lastMs;
    const showsMilliseconds = this.isClose(uptimeMs, sinceLastMs); // for good, whatever the interval becomes
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

  /** A record of its own. */
  private encode(sample: Sample, mask: number, uptimeMs: number, showsMilliseconds: boolean): number {
    encodeOrigin(this.boot, this.rooms.number, this.record);
    return encodeSample(sample, mask, this.isEach, uptimeMs, showsMilliseconds, this.record);
  }

  /** The message for an entry; undefined if the entry cannot be understood, or its room is not known any more. */
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

  /** A bare number means what its topic says: one kept in other days may have none for it, and says what it is. */
  private plain(outgoing: StoredSample, utcMs: number, sequence: number): number {
    return outgoing.isSingle || outgoing.mask & ALONE
      ? this.renderer.plain(outgoing)
      : this.renderer.json(outgoing, utcMs, sequence);
  }

  /** An entry in words, for the prompt: "21.44 °C, 45.2 %, 2026-06-17T09:12:00Z". */
  describe(entry: JournalEntry): string {
    const stored = new StoredSample();
    if (!this.bases.read(viewOf(entry.payload), entry.payloadLength, entry.sequence, stored)) return "not readable";
    const utcMs = this.dating.utcMs(stored, entry.sequence);
    const when = Number.isNaN(utcMs) ? "time not known" : timeText(utcMs, stored.secondDigits);
    const { mask, decimals } = stored;
    return `${sampleText({ mask, values: stored.milli.map((milli) => milli / 1000), decimals })}, ${when}`;
  }

  /** When an entry was measured, milliseconds since 1970; NaN: not known. */
  utcMsOf(entry: JournalEntry): number {
    const stored = new StoredSample();
    const isRead = this.bases.read(viewOf(entry.payload), entry.payloadLength, entry.sequence, stored);
    return isRead ? this.dating.utcMs(stored, entry.sequence) : Number.NaN;
  }

  /** Makes the messages of a QoS 0 sample taken now: no number, never in flash. The sender gets each, and returns whether it was sent. */
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

  /** What short records of the next samples deviate from, as a note; undefined: they are not short. */
  get base(): Uint8Array | undefined {
    return this.bases.note;
  }

  /** When the latest boot with a clock began, as flash knows it, milliseconds since 1970: a time that is over. */
  get lastBootUtcMs(): number | undefined {
    const clock = this.store.readNote(CLOCK);
    return clock !== undefined && bootOfClock(clock) >= 0 ? originOfClock(clock) : undefined;
  }

  /** Puts the topic of the outgoing sample into the message; false: its room is not known. */
  private findTopic(origin: number, sequence: number): boolean {
    const topic = this.rooms.topicFor(this.outgoing, sequence);
    if (this.origin < 0 || ((this.origin ^ origin) & 0xffff) !== 0) this.dating.end = 0; // it may be for another boot
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
