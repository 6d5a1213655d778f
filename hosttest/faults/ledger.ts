/*
 * The required content of an outbox, by the promises of src/outbox/README.md: a list of entries that may still be there.
 * An operation is announced before it is called and confirmed when it has returned. If power is cut in between, it may be done or not, and
 * the next look at the outbox decides. An entry that was seen, or removed, must stay so.
 */

import { WINDOW } from "../../src/outbox/blocks/marks.js";
import type { Entry } from "../../src/outbox/outbox.js";

/** A promise that was broken. */
export class Violation extends Error {}

/** In units of 16: number of settles that a cut may undo, see README.md of src/outbox. */
const MAX_DEFERRED = 7;

type Certainty = "no" | "maybe" | "yes";

interface Expected {
  readonly sequence: number;
  readonly qos: 1 | 2;
  readonly salt: number;
  readonly length: number;
  /** Value of the note in force. */
  note: number;
  /** Whether it has to be there: the entry of an interrupted append need not. */
  stored: Certainty;
  settled: Certainty;
  released: Certainty;
  /** The outbox reported that it evicts the entry, and the power was cut before the call returned. */
  dropped: Certainty;
  /**
   * Power was cut while the releases were made void, and this one was certain: if it is gone, all are. One that was not certain may be
   * half-programmed cells, whose value may change later.
   */
  requeued: boolean;
  /** An earlier append of the same number that was interrupted. */
  rival: Expected | undefined;
}

export class Ledger {
  /** In order of their numbers; settled ones are removed. */
  open: Expected[] = [];
  /** Entries of the last settles that returned and may wait: the next boot may bring back these, and no others. */
  deferred: Expected[] = [];
  /** Number of settled entries that have come back. */
  returned = 0;
  readonly #unit: 1 | 16;
  appended = 0;
  dropped = 0;
  /** The highest number that a completed call has used, for an entry or for a refused one. */
  used = -1;
  /** Value of the note, and one that a cut call may have stored. */
  note = -1;
  maybeNote = -1;
  #pending: (() => void) | undefined;
  #droppedNow: Expected[] = [];

  /** `unit`: in units of 16 bytes, some settles wait for the next mark. */
  constructor(unit: 1 | 16) {
    this.#unit = unit;
  }

  /** Announces an append. */
  appending(sequence: number, qos: 1 | 2, salt: number, length: number): void {
    let rival: Expected | undefined;
    for (let last = this.open.at(-1); last !== undefined && sequence <= last.sequence; last = this.open.at(-1)) {
      if (last.stored === "yes") throw new Violation(`number ${sequence} would be given again`);
      rival = last; // interrupted, and not there; until this call returns it may still appear
      this.open.pop();
    }
    const entry: Expected = {
      sequence,
      qos,
      salt,
      length,
      note: this.note,
      stored: "maybe",
      settled: "no",
      released: "no",
      dropped: "no",
      requeued: false,
      rival: rival?.sequence === sequence ? rival : undefined,
    };
    this.open.push(entry);
    this.#pending = () => {
      entry.rival = undefined;
      entry.stored = "yes";
      this.appended++;
    };
  }

  /** The append was refused. */
  refused(): void {
    this.open.pop();
    this.#done();
  }

  settling(sequence: number): void {
    const entry = this.find(sequence);
    if (entry === undefined) return;
    entry.settled = "maybe";
    this.#pending = () => {
      if (!this.#mayWait(entry))
        this.deferred.length = 0; // that entry's mark includes them all
      else if (this.deferred.push(entry) > MAX_DEFERRED) this.deferred.shift();
      this.open.splice(this.open.indexOf(entry), 1);
    };
  }

  /** Whether the settle of an entry may wait: nothing older is open, and sending it again does no harm. */
  #mayWait({ sequence, qos, released }: Expected): boolean {
    if (this.#unit === 1 || (qos === 2 && released === "no")) return false;
    const [oldest] = this.open;
    return oldest.sequence === sequence || !isSurelyOpen(oldest);
  }

  /** All waiting settles are made durable. */
  closing(): void {
    this.#pending = () => {
      this.deferred.length = 0;
    };
  }

  /** Power returns. */
  boot(): void {
    if (this.deferred.length === 0) return;
    for (const entry of this.deferred) entry.settled = "maybe";
    this.open = [...this.deferred, ...this.open].sort((a, b) => a.sequence - b.sequence);
    this.deferred = [];
  }

  releasing(sequence: number): void {
    const entry = this.find(sequence);
    if (entry === undefined) return;
    if (entry.released === "no") entry.released = "maybe";
    this.#pending = () => {
      entry.released = "yes";
      this.deferred.length = 0;
    };
  }

  requeueing(): void {
    const released = this.open.filter((entry) => entry.released !== "no");
    for (const entry of released) {
      entry.requeued ||= entry.released === "yes";
      entry.released = "maybe";
    }
    this.#pending = () => {
      this.deferred.length = 0;
      for (const entry of released) {
        entry.released = "no";
        entry.requeued = false;
      }
    };
  }

  noting(value: number): void {
    this.maybeNote = value;
    this.#pending = () => {
      this.note = value;
      this.maybeNote = -1;
    };
  }

  /** The outbox evicts the entries from `first` to before `end`. */
  dropping(first: number, end: number): void {
    for (const entry of this.open) {
      if (entry.sequence < first || entry.sequence >= end) continue;
      entry.dropped = "maybe";
      this.#droppedNow.push(entry);
    }
  }

  /** A copy, to be restored later. */
  clone(): Ledger {
    const copy = new Ledger(this.#unit);
    copy.open = this.open.map((entry) => ({ ...entry }));
    copy.deferred = this.deferred.map((entry) => ({ ...entry }));
    copy.returned = this.returned;
    copy.appended = this.appended;
    copy.dropped = this.dropped;
    copy.used = this.used;
    copy.note = this.note;
    copy.maybeNote = this.maybeNote;
    return copy;
  }

  /** The call returned. */
  confirmed(): void {
    this.#pending?.();
    if (this.#droppedNow.length > 0) {
      this.dropped += this.#droppedNow.length;
      this.open = this.open.filter((entry) => !this.#droppedNow.includes(entry));
    }
    this.#done();
  }

  /** The power was cut during the call, or between calls. */
  cut(): void {
    this.#done();
  }

  #done(): void {
    this.#pending = undefined;
    this.#droppedNow.length = 0;
  }

  find(sequence: number): Expected | undefined {
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i].sequence === sequence) return this.open[i];
    return undefined;
  }

  /** Checks an entry that `seek` has returned. */
  sees(entry: Entry): Expected {
    let expected = this.find(entry.sequence);
    if (expected === undefined) throw new Violation(`entry ${entry.sequence} came back, or never was`);
    while (expected.rival !== undefined && !isSame(entry, expected)) expected = this.#replace(expected, expected.rival);
    expected.rival = undefined;
    if (entry.qos !== expected.qos) throw new Violation(`entry ${entry.sequence}: QoS ${entry.qos}`);
    if (!isPayload(entry.payload, expected)) throw new Violation(`entry ${entry.sequence}: content changed`);
    if (entry.released && expected.released === "no") throw new Violation(`entry ${entry.sequence} was not released`);
    if (!entry.released && expected.released === "yes") throw new Violation(`entry ${entry.sequence} lost its release`);
    return expected;
  }

  #replace(entry: Expected, rival: Expected): Expected {
    this.open[this.open.indexOf(entry)] = rival;
    return rival;
  }

  /** Compares with all entries that the outbox returns after a boot, in order, and resolves uncertain ones. */
  compare(walk: (from: number) => Entry | undefined): number {
    let count = 0;
    let at = 0;
    let last = -1;
    const start = this.open.length === 0 ? 0 : Math.max(0, this.open[0].sequence - 3);
    for (let entry = walk(start); entry !== undefined; entry = walk(last + 1)) {
      if (entry.sequence <= last) throw new Violation(`entry ${entry.sequence} after ${last}`);
      last = entry.sequence;
      const expected = this.sees(entry);
      for (; this.open[at] !== expected; ) this.#absent(at);
      at++;
      count++;
      expected.stored = "yes";
      expected.dropped = "no";
      if (expected.settled === "maybe" && this.#unit === 16) {
        expected.settled = "no"; // the boot has copied the block: the state of the others cannot change any more
        this.returned++;
      }
      if (entry.released) expected.released = "yes";
      else if (expected.requeued) expected.released = "no";
      expected.requeued = false;
    }
    const end = count === 0 ? Number.POSITIVE_INFINITY : this.open[0].sequence + WINDOW;
    while (at < this.open.length && this.open[at].sequence < end) this.#absent(at);
    return count;
  }

  /** The outbox does not have an entry any more. */
  misses(sequence: number): void {
    const at = this.open.findIndex((entry) => entry.sequence === sequence);
    if (this.open[at].stored === "yes") this.#absent(at); // otherwise it may still appear: its append was interrupted
  }

  #absent(at: number): void {
    const { sequence, stored, settled, dropped } = this.open[at];
    if (stored === "yes" && settled === "no" && dropped === "no") throw new Violation(`entry ${sequence} is lost`);
    this.open.splice(at, 1);
  }
}

function isSurelyOpen({ stored, settled, dropped }: Expected): boolean {
  return stored === "yes" && settled === "no" && dropped === "no";
}

/** Fills `buffer` with the content of an entry. */
export function fillPayload(buffer: Uint8Array, salt: number): void {
  for (let i = 0; i < buffer.length; i++) buffer[i] = contentAt(i, buffer.length, salt);
}

function isSame(entry: Entry, expected: Expected): boolean {
  return entry.qos === expected.qos && isPayload(entry.payload, expected);
}

function isPayload(payload: Uint8Array, { salt, length }: Expected): boolean {
  if (payload.length !== length) return false;
  for (let i = 0; i < length; i++) if (payload[i] !== contentAt(i, length, salt)) return false;
  return true;
}

/** Seven of eight payloads of three bytes fit a short frame. */
function contentAt(at: number, length: number, salt: number): number {
  const mask = length === 3 && at === 2 && (salt & 7) !== 0 ? 0x3f : 0xff;
  return (salt + Math.imul(at, 0x35)) & mask;
}
