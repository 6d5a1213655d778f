/*
 * The session: what the two ends agree on beyond one connection. Turns each packet into its effects: bytes in the transmit
 * buffer, calls to the stores, calls to the owner. A pure state machine: the transitions are in flow.ts; no clock, no socket.
 * In RAM: `window` numbers for what is in flight on this connection. The store holds the rest, and is read again from its
 * begin with every connection. What a callback or a store throws passes through; the connection catches it and closes (§4.8.0-2).
 * Source: MQTT 3.1.1 §4.1, §4.3 to §4.6.
 */
import { Blame, type Ending } from "./blame.js";
import {
  ACKNOWLEDGEMENT_BYTES,
  DUP,
  PUBACK_WORD,
  PUBCOMP_WORD,
  PUBLISH,
  PUBREC_WORD,
  PUBREL,
  PUBREL_WORD,
  RETAIN,
  SUBACK,
  UNSUBACK,
} from "./codec.js";
import { FREE, IGNORE, onAcknowledgement, onConnack, RELEASE, REPEAT_RELEASE, RESUMING, SETTLE } from "./flow.js";
import { Inbound, type InboundOptions } from "./inbound.js";
import { type PacketReader, type PublishHeader, STOP } from "./parser.js";
import { ENTRY_IDS, Requests, type RequestsOptions } from "./requests.js";
import type { OutboundEntry, OutboundStore } from "./store.js";
import { LATER, type Message, NEVER, TAKEN, type Transmit } from "./transmit.js";

export type Outcome = "delivered" | "deadLetter";

/** What a CONNACK said. */
export interface SessionStart {
  /** The server kept the session. */
  readonly present: boolean;
  /** A stale session was wiped before this one began. */
  readonly wiped: boolean;
  /** QoS 2 messages that go as new though the server may have had them. */
  readonly possibleDoubles: number;
}

export interface SessionOptions<E extends OutboundEntry> extends InboundOptions, RequestsOptions {
  readonly outbound?: OutboundStore<E>;
  /** Makes the message of an entry; undefined: it cannot be made, the entry is given up. Must not throw. */
  render?(entry: E): Message | undefined;
  /** Entries in flight at most, 1 to 1,024; default 8. */
  readonly window?: number;
  /** Connections that an entry may break before it is suspected (blame.ts); default 10. */
  readonly deadLetterAfter?: number;
  /** After a reboot, in a session that goes on: the first `window` entries may have been sent, and get DUP 1. */
  readonly resumed?: boolean;
  onSettled?(sequence: number, outcome: Outcome): void;
  /** After a CONNACK for CleanSession 0, before the first PUBLISH: the moment to record the session. */
  onSession?(session: SessionStart): void;
}

/** What the session tells its connection. The returned text is the fault, or STOP. */
export interface Line {
  readonly out: Transmit;
  connack(present: boolean, code: number): string | undefined;
  /** PINGRESP came. Returns whether it was awaited. */
  isAnswered(): boolean;
  /** The server answers pings, and does not acknowledge: the connection must end. */
  stuck(): void;
}

/** For those who only subscribe, or publish from RAM. */
const NO_STORE = { seek: () => undefined, released: () => {}, settle: () => {}, requeue: () => 0 };

// First byte of a PUBLISH, §3.3.1
const QOS1 = 0x02;
const PUBLISH_QOS1 = (PUBLISH << 4) | QOS1;
const PUBLISH_QOS2 = (PUBLISH << 4) | 0x04;

/** Bytes of the shortest PUBLISH with a packet id; a PUBREL fits too. */
const SHORTEST = 7;

export class Session<E extends OutboundEntry> implements PacketReader {
  readonly requests: Requests;
  private readonly options: SessionOptions<E>;
  private readonly inbound: Inbound;
  private readonly store: OutboundStore<E>;
  private readonly blame: Blame;
  private readonly window: number;
  /** The connection, from its begin to its end. */
  private line: Line | undefined;
  /** Its buffer, from CONNACK to its end. */
  private out: Transmit | undefined;

  // In flight on this connection, in order: a ring. A settled entry between others stays, awaiting 0, until the older ones are settled.
  /** The acknowledgement that each awaits, as a word: packet type (the state in flow.ts) and packet id in one. */
  private readonly awaited: number[];
  private readonly sequences: number[];
  private head = 0;
  private count = 0;
  /** The next sequence number to send on this connection. */
  private cursor = 0;
  /** The store may have an entry from the cursor on. Set it when the store has got one. */
  mayHaveMore = true;

  /** Nothing was acknowledged on this connection yet. */
  private isProving = true;

  // What outlives the connection
  /** Re-sending has not caught up yet with what was sent on earlier connections, before the reboot or after it. */
  private isResending = true;
  /** All below were sent in this session, on earlier connections. */
  private sentEnd = 0;
  /** So many more entries may have been sent before the reboot. */
  private perhapsSent: number;
  delivered = 0;
  deadLetters = 0;
  possibleDoubles = 0;

  constructor(options: SessionOptions<E>) {
    const { window = 8 } = options;
    if (!(window >= 1 && window <= 1_024)) throw new RangeError(`window ${window}: expected 1..1024`);
    this.options = options;
    this.store = options.outbound ?? NO_STORE;
    this.window = window;
    this.perhapsSent = options.resumed ? window : 0;
    this.awaited = new Array(window).fill(0);
    this.sequences = new Array(window).fill(0);
    this.blame = new Blame(options.deadLetterAfter);
    this.inbound = new Inbound(options);
    this.requests = new Requests(options);
  }

  get inFlight(): number {
    return this.count;
  }

  /** Is an entry held back to see whether the connection lives without it? Then a PINGRESP is worth having. */
  get isSuspecting(): boolean {
    return this.blame.suspect >= 0;
  }

  /** A connection begins: its packets come here. */
  attach(line: Line): void {
    this.line = line;
  }

  /** CONNACK of code 0 came. `clean`: what we asked for. Returns what was wrong, or STOP. */
  open(clean: boolean, present: boolean, wiped: boolean): string | undefined {
    const line = this.line;
    const opening = onConnack(clean, present);
    if (opening === "violation") return "CONNACK: session present, though clean";
    const possibleDoubles = opening === "begin" ? this.begin() : 0;
    this.possibleDoubles += possibleDoubles;
    this.out = line?.out;
    if (!clean) this.options.onSession?.({ present, wiped, possibleDoubles });
    return this.line === line ? undefined : STOP;
  }

  /** The connection is over. */
  close(ending: Ending): void {
    const wasOpen = this.out !== undefined;
    this.line = this.out = undefined;
    if (!wasOpen) return;
    this.inbound.close();
    // A request that waits is blamed before the entries: it goes first, and is the less precious.
    const isRequests = ending === "peer" && this.requests.isWaiting;
    this.requests.close(isRequests && !this.blame.hasHeard);
    this.blame.close(isRequests ? "other" : ending, this.oldest());
    if (this.cursor > this.sentEnd) this.sentEnd = this.cursor;
    this.count = 0;
    this.awaited.fill(0);
    this.cursor = 0;
    this.mayHaveMore = this.isProving = this.isResending = true;
  }

  /** Adds what may go: requests, then entries in order. Returns true if it stopped for want of room. */
  fill(): boolean {
    const out = this.out;
    if (out === undefined) return false;
    if (this.requests.isDue && this.requests.fill(out)) return true;
    if (!this.mayHaveMore) return false;
    while (this.count < this.window) {
      if (out.isPartial && out.room < SHORTEST) return true; // what was rendered last may still be on its way out
      const entry = this.store.seek(this.cursor);
      if (entry === undefined) {
        this.mayHaveMore = false;
        return false;
      }
      if (!this.send(entry, out)) return out.end > 0;
    }
    return false;
  }

  /** A message of QoS 0, now or never; `reserve`: bytes of room that it must leave. Returns whether the buffer took it. */
  publishNow(message: Message, reserve: number): boolean {
    const out = this.out;
    if (out === undefined) return false;
    if (reserve && out.room < reserve + 7 + message.topic.length + message.payloadLength) return false;
    return out.publish(message.retain ? (PUBLISH << 4) | RETAIN : PUBLISH << 4, 0, message) === TAKEN;
  }

  acknowledgement(word: number): string | undefined {
    // The oldest first, as servers acknowledge in order (§4.6): SETTLE, or RELEASE, as flow.ts has it.
    if (this.awaited[this.head] !== word) return this.acknowledgeOther(word);
    const out = this.out as Transmit; // nothing is awaited without it
    if (word < PUBREC_WORD || word >= PUBCOMP_WORD) this.settle(this.head);
    else this.release(this.head, out);
    return this.out === out ? undefined : STOP;
  }

  suback(id: number, granted: number): string | undefined {
    return this.acknowledgeRequest(SUBACK, id, granted);
  }

  unsuback(id: number): string | undefined {
    return this.acknowledgeRequest(UNSUBACK, id, 0);
  }

  connack(present: boolean, code: number): string | undefined {
    return this.line === undefined ? STOP : this.line.connack(present, code);
  }

  pingresp(): string | undefined {
    const line = this.line;
    if (line === undefined) return STOP;
    if (!line.isAnswered()) return undefined; // nobody asked: no proof of anything
    this.acquit();
    if (!this.blame.pingresp(this.oldest())) return this.line === line ? undefined : STOP;
    line.stuck();
    return STOP;
  }

  publish(header: PublishHeader): string | undefined {
    this.inbound.publish(header);
    return undefined;
  }

  payload(bytes: Uint8Array, start: number, length: number, offset: number): string | undefined {
    const out = this.out;
    this.inbound.payload(bytes, start, length, offset);
    return this.out === out ? undefined : STOP;
  }

  published(): string | undefined {
    if (this.out === undefined) return STOP;
    this.inbound.published(this.out);
    return undefined;
  }

  /** The peer's session is gone: everything goes as new. Returns how many QoS 2 messages the peer may have had. */
  private begin(): number {
    this.requests.begin();
    this.inbound.begin();
    const store = this.store;
    let doubles = 0;
    for (let entry = store.seek(0); entry !== undefined && entry.sequence < this.sentEnd; ) {
      if (entry.qos === 2 && !entry.released) doubles++;
      entry = store.seek(entry.sequence + 1);
    }
    this.sentEnd = 0;
    this.perhapsSent = 0;
    return doubles + store.requeue();
  }

  /** Adds an entry's PUBLISH or PUBREL, or gives the entry up. Returns false if it must wait: for room, or for those in flight. */
  private send(entry: E, out: Transmit): boolean {
    const sequence = entry.sequence;
    const id = 1 + (sequence % ENTRY_IDS);
    const count = this.count;
    if (count && this.mustWait(entry)) return false;
    let first = entry.qos === 1 ? PUBLISH_QOS1 : PUBLISH_QOS2;
    if (this.isResending && this.mayHaveBeenSent(sequence)) {
      if (sequence === this.blame.suspect) {
        this.cursor = sequence + 1;
        return true;
      }
      first |= DUP;
    }
    let awaited = PUBCOMP_WORD;
    if (entry.released) {
      if (out.room < ACKNOWLEDGEMENT_BYTES) return false;
      out.acknowledgement(PUBREL_WORD, id);
    } else {
      awaited = first & QOS1 ? PUBACK_WORD : PUBREC_WORD;
      const message = this.options.render?.(entry);
      const taken = message ? out.publish(message.retain ? first | RETAIN : first, id, message) : NEVER;
      if (taken !== TAKEN) {
        if (taken === LATER) return false;
        this.cursor = sequence + 1;
        this.giveUp(sequence);
        return this.out === out;
      }
    }
    const slot = (this.head + count) % this.window;
    this.awaited[slot] = awaited + id;
    this.sequences[slot] = sequence;
    this.count = count + 1;
    this.cursor = sequence + 1;
    if (this.perhapsSent) this.perhapsSent--;
    return true;
  }

  /** While re-sending: was this one sent before? Those after the first that was not are new as well. */
  private mayHaveBeenSent(sequence: number): boolean {
    this.isResending = sequence < this.sentEnd || this.perhapsSent > 0;
    return this.isResending;
  }

  /**
   * With others in flight: its packet id is in use, or it is of QoS 1 behind one of QoS 2 that is not released. A server may
   * forward that one at PUBREL (§4.3.3, method B), and this one at once: subscribers would see them in the wrong order.
   */
  private mustWait(entry: E): boolean {
    if (entry.sequence - this.sequences[this.head] >= ENTRY_IDS) return true;
    return entry.qos === 1 && this.awaited[(this.head + this.count - 1) % this.window] >> 16 === PUBREC_WORD >> 16;
  }

  /** PUBREC came: durable before PUBREL leaves. */
  private release(slot: number, out: Transmit): void {
    const id = this.awaited[slot] & 0xffff;
    this.store.released(this.sequences[slot]);
    this.awaited[slot] = PUBCOMP_WORD + id;
    if (this.isProving) this.heard();
    out.acknowledgement(PUBREL_WORD, id);
  }

  /** PUBACK or PUBCOMP came. */
  private settle(slot: number): void {
    const sequence = this.sequences[slot];
    this.store.settle(sequence);
    this.awaited[slot] = 0;
    if (slot === this.head) {
      // With it go those behind it that were settled before.
      do {
        this.head = (this.head + 1) % this.window;
        this.count--;
      } while (this.count && this.awaited[this.head] === 0);
    }
    this.delivered++;
    if (this.isProving) this.heard();
    this.options.onSettled?.(sequence, "delivered");
  }

  private giveUp(sequence: number): void {
    this.store.settle(sequence);
    this.deadLetters++;
    this.options.onSettled?.(sequence, "deadLetter");
  }

  /** Something was acknowledged, for the first time on this connection. */
  private heard(): void {
    this.isProving = false;
    this.blame.hasHeard = true;
    this.acquit();
  }

  /** The connection lives: its suspect is a dead letter. */
  private acquit(): void {
    const suspect = this.blame.acquit();
    if (suspect >= 0) this.giveUp(suspect);
  }

  /** Whatever is not awaited by the oldest entry. */
  private acknowledgeOther(word: number): string | undefined {
    const out = this.out;
    if (out === undefined) return STOP;
    const type = word >> 28;
    const id = word & 0xffff;
    if (type === PUBREL) {
      this.inbound.release(id, out);
      return undefined;
    }
    if (id > ENTRY_IDS) return this.acknowledgeRequest(type, id, 0);
    const slot = this.find(id);
    const state = slot >= 0 ? this.awaited[slot] >> 28 : this.isResuming() ? RESUMING : FREE;
    const action = onAcknowledgement(state, type);
    if (action === SETTLE) this.settle(slot);
    else if (action === RELEASE) this.release(slot, out);
    else if (action === REPEAT_RELEASE) out.acknowledgement(PUBREL_WORD, id);
    else if (action !== IGNORE) return `packet ${type} for id ${id}: not awaited`;
    return this.out === out ? undefined : STOP;
  }

  private acknowledgeRequest(type: number, id: number, granted: number): string | undefined {
    const out = this.out;
    if (out === undefined) return STOP;
    const fault = this.requests.acknowledgement(type, id, granted, out);
    if (fault !== undefined) return fault;
    if (this.isProving) this.heard();
    return this.out === out ? undefined : STOP;
  }

  /** Has re-sending caught up with what was sent on earlier connections? */
  private isResuming(): boolean {
    return this.mayHaveMore && (this.cursor < this.sentEnd || this.perhapsSent > 0);
  }

  /** The slot of a packet id in flight; below 0: it is in none. */
  private find(id: number): number {
    let slot = this.head;
    for (let n = this.count; n > 0; n--) {
      if ((this.awaited[slot] & 0xffff) === id) return slot;
      slot = (slot + 1) % this.window;
    }
    return -1;
  }

  private oldest(): number {
    return this.count ? this.sequences[this.head] : -1;
  }
}
