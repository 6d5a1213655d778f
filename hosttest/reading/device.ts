/*
 * A device as the journal sees it: an outbox on simulated flash, booted again and again, with a clock that somebody sets
 * or nobody. The world's time is true and goes on; what a boot knows of it is what the clock was told.
 */
import { NorFlash } from "../../boards/parts/nor-flash.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { Journal } from "../../src/reading/journal.js";
import type { PayloadFormat } from "../../src/reading/render.js";

export const WORLD_BEGINS_MS = Date.UTC(2026, 5, 17, 9, 0, 0);

/** A message as a subscriber would see it. */
export interface Seen {
  readonly sequence: number;
  readonly topic: string;
  readonly value: number;
  readonly ts: string | undefined;
}

export class ReadingDevice {
  readonly flash: NorFlash;
  room = "kitchen";
  format: PayloadFormat = "json";
  intervalMs = 60_000;
  outbox!: Outbox;
  journal!: Journal;
  /** Boots since the beginning. */
  boots = 0;
  nowMs = 0;
  #bootedMs = 0;
  #clockAheadMs: number | undefined; // of the truth; undefined: not set in this boot

  constructor(options: { blocks?: number; blockLength?: number; bytes?: Uint8Array } = {}) {
    const { blocks = 16, blockLength = 1024, bytes } = options;
    this.flash = new NorFlash({ blocks, blockLength, bytes });
    this.boot();
  }

  /** True time, milliseconds since 1970. */
  get utcMs(): number {
    return WORLD_BEGINS_MS + this.nowMs;
  }

  /** Power comes back, with these settings. The clock is not set. */
  boot(room = this.room): void {
    this.flash.powerOn();
    this.room = room;
    this.boots++;
    this.#bootedMs = this.nowMs;
    this.#clockAheadMs = undefined;
    this.outbox = new Outbox({ flash: this.flash });
    this.journal = new Journal({
      store: this.outbox,
      clock: {
        uptimeMs: () => this.nowMs - this.#bootedMs,
        utcMs: () => (this.#clockAheadMs === undefined ? undefined : this.utcMs + this.#clockAheadMs),
      },
      room: utf8(room),
      format: this.format,
      intervalMs: this.intervalMs,
      topicOf: (name) => utf8(`home/${text(name, name.length)}/temperature`),
    });
  }

  /** The clock is set, right or `aheadMs` wrong. */
  setClock(aheadMs = 0): void {
    this.#clockAheadMs = aheadMs;
    this.journal.clockSet();
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }

  append(celsius: number, qos: 1 | 2 = 1): number {
    return this.journal.append(Math.round(celsius * 1000), 2, qos);
  }

  /** The sequence numbers that wait. */
  waiting(): number[] {
    const found: number[] = [];
    for (let entry = this.outbox.seek(0); entry !== undefined; entry = this.outbox.seek(entry.sequence + 1)) {
      found.push(entry.sequence);
    }
    return found;
  }

  /** What would be sent for an entry; undefined: a dead letter. */
  see(sequence: number): Seen | undefined {
    const entry = this.outbox.seek(sequence);
    if (entry?.sequence !== sequence) throw new Error(`no entry ${sequence}`);
    const message = this.journal.render(entry);
    if (message === undefined) return undefined;
    const { value, ts, seq } = JSON.parse(text(message.payload, message.payloadLength));
    return { sequence: seq, topic: text(message.topic, message.topic.length), value, ts };
  }
}

/** `ts` of a reading taken then; with milliseconds, where readings are close together. */
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
