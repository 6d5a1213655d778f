/*
 * The store's entries on their way to the peer: window, packet ids, DUP, acknowledgements, dead letters.
 * Holds `window` numbers for what is in flight on this connection; the store holds the rest, and is read again from its begin
 * with every connection. Pure: bytes go into a transmit buffer; no clock, no I/O but the store's.
 * Source: MQTT 3.1.1 §4.3, §4.4, §4.6.
 */
import { DUP, PUBLISH, PUBREL, RETAIN } from "./codec.js";
import {
  AWAIT_PUBACK,
  AWAIT_PUBCOMP,
  AWAIT_PUBREC,
  FREE,
  IGNORE,
  onAcknowledgement,
  RELEASE,
  REPEAT_RELEASE,
  RESUMING,
  SETTLE,
} from "./flow.js";
import type { OutboundEntry, OutboundStore } from "./store.js";
import { LATER, type Message, NEVER, type Transmit } from "./transmit.js";

/** Entries have the packet ids 1 to this one, by sequence number; the others are for requests. */
export const ENTRY_IDS = 61_440;

/** Bytes of the shortest PUBLISH with a packet id; a PUBREL fits too. */
const SHORTEST = 7;

export type Outcome = "delivered" | "deadLetter";

/**
 * How a connection ended, as far as dead letters care. "peer": closed by the other side, after CONNACK. "stuck": closed by us, because
 * the peer answers pings but not the oldest entry. "other": anything that the network may be to blame for.
 */
export type Ending = "peer" | "stuck" | "other";

/** PINGRESPs in a row after which an entry that stays the oldest in flight is stuck. */
const PATIENCE = 3;

export interface OutboundOptions<E extends OutboundEntry> {
  outbound?: OutboundStore<E>;
  /** Makes the message of an entry; undefined: it cannot be made, the entry is given up. */
  render?(entry: E): Message | undefined;
  /** Entries in flight at most, 1 to 1,024; default 8. */
  window?: number;
  /** Connections that an entry may break before it is suspected; default 10. */
  deadLetterAfter?: number;
  /** After a reboot, in a session that goes on: the first `window` entries may have been sent, and get DUP 1. */
  resumed?: boolean;
  onSettled?(sequence: number, outcome: Outcome): void;
}

export class Outbound<E extends OutboundEntry> {
  readonly #options: OutboundOptions<E>;
  readonly #store: OutboundStore<E> | undefined;
  readonly #window: number;

  // In flight on this connection, in order: a ring. A settled entry between others stays as id 0 until the older ones are settled.
  readonly #ids: Uint16Array;
  readonly #states: Uint8Array;
  readonly #sequences: number[];
  #head = 0;
  #count = 0;
  /** The next sequence number to send on this connection. */
  #cursor = 0;
  /** The store may have an entry from the cursor on. */
  #mayHaveMore = true;

  // What outlives the connection
  /** All below were sent in this session. */
  #sentEnd = 0;
  /** So many more entries may have been sent before the reboot. */
  #perhapsSent: number;
  /** Connections in a row that ended with `#struck` as the oldest in flight. */
  #strikes = 0;
  #struck = -1;
  /** Held back on this connection; given up as soon as the connection proves to live without it. */
  #suspect = -1;
  /** The oldest in flight at the last PINGRESP, and at how many in a row. */
  #waiting = -1;
  #waited = 0;
  #heard = false;
  delivered = 0;
  deadLetters = 0;

  constructor(options: OutboundOptions<E>) {
    const window = options.window ?? 8;
    if (!(window >= 1 && window <= 1_024)) throw new RangeError(`window ${window}: expected 1..1024`);
    this.#options = options;
    this.#store = options.outbound;
    this.#window = window;
    this.#perhapsSent = options.resumed ? window : 0;
    this.#ids = new Uint16Array(window);
    this.#states = new Uint8Array(window);
    this.#sequences = new Array(window).fill(0);
  }

  get inFlight(): number {
    return this.#count;
  }

  /** Is an entry held back to see whether the connection lives without it? Then a PINGRESP is worth having. */
  get isSuspecting(): boolean {
    return this.#suspect >= 0;
  }

  /** Has anything been acknowledged on this connection? */
  get hasHeard(): boolean {
    return this.#heard;
  }

  /** The store has something new. */
  wake(): void {
    this.#mayHaveMore = true;
  }

  /** The peer's session is gone: everything goes as new. Returns how many QoS 2 messages the peer may already have. */
  begin(): number {
    const store = this.#store;
    if (store === undefined) return 0;
    let doubles = 0;
    for (let entry = store.seek(0); entry !== undefined && entry.sequence < this.#sentEnd; ) {
      if (entry.qos === 2 && !entry.released) doubles++;
      entry = store.seek(entry.sequence + 1);
    }
    this.#sentEnd = 0;
    this.#perhapsSent = 0;
    return doubles + store.requeue();
  }

  /** Adds what may go to `out`, in order. Returns true if it stopped for want of room. */
  fill(out: Transmit): boolean {
    while (this.#mayHaveMore && this.#count < this.#window) {
      if (out.room < SHORTEST) return true; // also: what is rendered last may still be on its way out
      const entry = this.#store?.seek(this.#cursor);
      if (entry === undefined) this.#mayHaveMore = false;
      else if (this.#count && entry.sequence - this.#sequences[this.#head] >= ENTRY_IDS)
        return false; // its id is in use
      else if (entry.sequence === this.#suspect) this.#cursor = entry.sequence + 1;
      else if (!this.#send(entry, out)) return true;
    }
    return false;
  }

  /** PUBACK, PUBREC or PUBCOMP of an entry. There is room for a PUBREL. Returns what was wrong. */
  acknowledgement(type: number, id: number, out: Transmit): string | undefined {
    const slot = this.#find(id);
    const state = slot >= 0 ? this.#states[slot] : this.#isResuming() ? RESUMING : FREE;
    switch (onAcknowledgement(state, type)) {
      case SETTLE:
        this.#settle(slot);
        return undefined;
      case RELEASE:
        this.#store?.released(this.#sequences[slot]);
        this.#states[slot] = AWAIT_PUBCOMP;
        this.#heard = true;
        this.prove();
        out.acknowledgement(PUBREL, id);
        return undefined;
      case REPEAT_RELEASE:
        out.acknowledgement(PUBREL, id);
        return undefined;
      case IGNORE:
        return undefined;
      default:
        return `packet ${type} for id ${id}: not awaited`;
    }
  }

  /** The connection lives: what was held back as a suspect is to blame for the end of those before. */
  prove(): void {
    const suspect = this.#suspect;
    if (suspect < 0) return;
    this.#suspect = -1;
    this.#giveUp(suspect);
  }

  /** PINGRESP came. Returns true if the oldest entry is stuck: the peer lives, and does not acknowledge it. */
  pingresp(): boolean {
    this.prove();
    const oldest = this.#count ? this.#sequences[this.#head] : -1;
    this.#waited = oldest >= 0 && oldest === this.#waiting ? this.#waited + 1 : 0;
    this.#waiting = oldest;
    return this.#waited >= PATIENCE;
  }

  /** The connection is over. */
  close(ending: Ending): void {
    // A suspect that was not there is not to blame: whatever breaks the connections, it is none of the entries.
    if (this.#suspect >= 0) this.#suspect = this.#struck = -1;
    else if (this.#count && (ending === "stuck" || (ending === "peer" && !this.#heard)))
      this.#strike(this.#sequences[this.#head]);
    else if (this.#heard) this.#strikes = 0;
    this.#heard = false;
    this.#waiting = -1;
    this.#count = 0;
    this.#ids.fill(0);
    this.#cursor = 0;
    this.#mayHaveMore = true;
  }

  #strike(oldest: number): void {
    if (this.#struck !== oldest) this.#strikes = 0;
    this.#struck = oldest;
    if (++this.#strikes < (this.#options.deadLetterAfter ?? 10)) return;
    this.#strikes = 0;
    this.#suspect = oldest;
  }

  /** Returns false if there is no room. */
  #send(entry: E, out: Transmit): boolean {
    const sequence = entry.sequence;
    const id = 1 + (sequence % ENTRY_IDS);
    let state = AWAIT_PUBCOMP;
    if (entry.released) {
      out.acknowledgement(PUBREL, id);
    } else {
      const { qos } = entry;
      const message = this.#options.render?.(entry);
      const first = (PUBLISH << 4) | (qos << 1) | (sequence < this.#sentEnd || this.#perhapsSent ? DUP : 0);
      const taken = message ? out.publish(message.retain ? first | RETAIN : first, id, message) : NEVER;
      if (taken === LATER) return false;
      if (taken === NEVER) {
        this.#cursor = sequence + 1;
        this.#giveUp(sequence);
        return true;
      }
      state = qos === 1 ? AWAIT_PUBACK : AWAIT_PUBREC;
    }
    let slot = this.#head + this.#count++;
    if (slot >= this.#window) slot -= this.#window;
    this.#ids[slot] = id;
    this.#states[slot] = state;
    this.#sequences[slot] = sequence;
    this.#cursor = sequence + 1;
    if (sequence >= this.#sentEnd) this.#sentEnd = sequence + 1;
    if (this.#perhapsSent) this.#perhapsSent--;
    return true;
  }

  #isResuming(): boolean {
    return this.#mayHaveMore && (this.#cursor < this.#sentEnd || this.#perhapsSent > 0);
  }

  #find(id: number): number {
    let slot = this.#head;
    for (let n = this.#count; n > 0; n--) {
      if (this.#ids[slot] === id) return slot;
      if (++slot === this.#window) slot = 0;
    }
    return -1;
  }

  #settle(slot: number): void {
    const sequence = this.#sequences[slot];
    this.#store?.settle(sequence);
    this.#ids[slot] = 0;
    while (this.#count && this.#ids[this.#head] === 0) {
      this.#count--;
      if (++this.#head === this.#window) this.#head = 0;
    }
    this.delivered++;
    this.#heard = true;
    if (this.#suspect >= 0) this.prove();
    this.#options.onSettled?.(sequence, "delivered");
  }

  #giveUp(sequence: number): void {
    this.#store?.settle(sequence);
    this.deadLetters++;
    this.#options.onSettled?.(sequence, "deadLetter");
  }
}
