/*
 * A device as the journal sees it: an outbox on simulated flash, booted again and again, with a clock that a test sets
 * or not. True time continues through all boots; a boot knows only the time to which its clock was set.
 */
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { channels } from "../../src/channels/channels.js";
import type { Sample } from "../../src/channels/sample.js";
import { type ClockState, CRYSTAL, type Oscillator } from "../../src/journal/dating.js";
import { Journal } from "../../src/journal/journal.js";
import { appliesFrom } from "../../src/journal/notes.js";
import type { PayloadFormat } from "../../src/journal/render.js";
import { Sticky } from "../../src/journal/sticky.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { SessionRecord } from "../../src/thermometer/broker/session-record.js";
import { Lifetime } from "../../src/thermometer/lifetime.js";
import { sampleOf } from "../support/sample.js";

export const START_UTC_MS = Date.UTC(2026, 5, 17, 9, 0, 0);

/** A message as a subscriber would see it. */
export interface Seen {
  readonly sequence: number;
  readonly topic: string;
  readonly value: number;
  readonly ts: string | undefined;
  readonly humidity?: number;
}

export class ReadingDevice {
  readonly flash: NorFlash;
  room = "kitchen";
  format: PayloadFormat = "json";
  intervalMs = 60_000;
  isEach = false;
  lifetime!: Lifetime;
  sessionRecord!: SessionRecord;
  outbox!: Outbox;
  journal!: Journal;
  /** Boots since the beginning. */
  boots = 0;
  nowMs = 0;
  oscillator: Oscillator = CRYSTAL;
  /** How much faster than true time the uptime runs, as a fraction. */
  drift = 0;
  #uptimeMs = 0;
  #lastMs = 0; // of the last sample
  #clockAheadMs: number | undefined; // of the truth; undefined: not set in this boot

  constructor(
    options: { blocks?: number; blockLength?: number; bytes?: Uint8Array; writeUnit?: 1 | 16; room?: string } = {},
  ) {
    const { blocks = 16, blockLength = 1024, bytes, writeUnit, room } = options;
    this.flash = new NorFlash({ blocks, blockLength, bytes, writeUnit });
    this.boot(room);
  }

  /** True time, milliseconds since 1970. */
  get utcMs(): number {
    return START_UTC_MS + this.nowMs;
  }

  /** Power returns, with these settings. The clock is not set. */
  boot(room = this.room): void {
    this.flash.powerOn();
    this.room = room;
    this.boots++;
    this.#uptimeMs = 0;
    this.outbox = new Outbox({ flash: this.flash, writeUnit: this.flash.writeUnit, appliesFrom });
    const notes = new Sticky(this.outbox);
    this.lifetime = new Lifetime(this.outbox, notes);
    this.#open(notes);
  }

  /** It sleeps and wakes: the boot continues with the kept state. The clock is not set. */
  sleep(): void {
    const clockState: ClockState = { syncUptimeMs: 0, syncUtcMs: 0, syncNext: 0, sentEnd: 0 };
    this.journal.keepClock(clockState);
    this.outbox.close();
    this.flash.powerOn();
    this.outbox = new Outbox({ flash: this.flash, writeUnit: this.flash.writeUnit, appliesFrom });
    this.#open(new Sticky(this.outbox), clockState, this.#lastMs);
  }

  #open(notes: Sticky, clockState?: ClockState, lastMs?: number): void {
    this.#clockAheadMs = undefined;
    this.sessionRecord = new SessionRecord(this.outbox, notes);
    this.journal = new Journal({
      store: this.outbox,
      notes,
      boot: this.lifetime.boots,
      isEach: this.isEach,
      clock: {
        uptimeMs: () => this.#uptimeMs,
        utcMs: () => (this.#clockAheadMs === undefined ? undefined : this.utcMs + this.#clockAheadMs),
      },
      oscillator: this.oscillator,
      clockState,
      lastMs,
      room: utf8(this.room),
      format: this.format,
      intervalMs: this.intervalMs,
      topicOf: (name, channel) => utf8(`home/${text(name, name.length)}/${channels[channel].name}`),
    });
  }

  /** The clock is set, right or `aheadMs` wrong. */
  setClock(aheadMs = 0): void {
    this.#clockAheadMs = aheadMs;
    this.journal.clockSet();
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.#uptimeMs += ms * (1 + this.drift);
  }

  append(celsius: number, qos: 1 | 2 = 1): number {
    return this.take(sampleOf({ temperature: celsius }), qos);
  }

  take(sample: Sample, qos: 1 | 2 = 1): number {
    this.#lastMs = this.#uptimeMs;
    return this.journal.append(sample, qos);
  }

  /** Sets the interval of samples from now on. */
  setInterval(intervalMs: number): void {
    this.intervalMs = intervalMs;
    this.journal.follow(this);
  }

  /** The messages of a QoS 0 sample taken now: topic and payload. */
  sendNow(sample: Sample): string[] {
    const sent: string[] = [];
    this.journal.sendNow(sample, {
      sendNow({ topic, payload, payloadLength }) {
        sent.push(text(topic, topic.length), text(payload, payloadLength));
        return true;
      },
    });
    return sent;
  }

  /** The sequence numbers that wait. */
  waiting(): number[] {
    const found: number[] = [];
    for (let entry = this.outbox.seek(0); entry !== undefined; entry = this.outbox.seek(entry.sequence + 1)) {
      found.push(entry.sequence);
    }
    return found;
  }

  /** The message of an entry; undefined: a dead letter. */
  see(sequence: number): Seen | undefined {
    const entry = this.outbox.seek(sequence);
    if (entry?.sequence !== sequence) throw new Error(`no entry ${sequence}`);
    const message = this.journal.render(entry);
    if (message === undefined) return undefined;
    const { seq, ts, ...values } = JSON.parse(text(message.payload, message.payloadLength));
    return { sequence: seq, topic: text(message.topic, message.topic.length), ts, ...values };
  }
}

/** `ts` of a reading taken at `utcMs`, with or without milliseconds. */
export function stamp(utcMs: number, secondDigits: 0 | 3 = 0): string {
  return `${new Date(utcMs).toISOString().slice(0, secondDigits === 0 ? 19 : 23)}Z`;
}

export function utf8(characters: string): Uint8Array {
  const escaped = unescape(encodeURIComponent(characters));
  return Uint8Array.from(escaped, (character) => character.charCodeAt(0));
}

export function text(bytes: Uint8Array, length: number): string {
  return decodeURIComponent(escape(String.fromCharCode(...bytes.slice(0, length))));
}
