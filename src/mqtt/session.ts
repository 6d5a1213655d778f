/*
 * The session: what the two ends agree on beyond one connection. Turns each packet into its effects: bytes in the transmit
 * buffer, calls to the stores, calls to the owner. A pure state machine: no clock, no socket.
 * In RAM: `window` numbers for what is in flight on this connection. The store holds the rest, and is read again from its
 * begin with every connection. What a callback or a store throws passes through; the connection catches it and closes (§4.8.0-2).
 *
 * Which entry breaks the connection? One that does so again and again must not stop the rest; a flaky network must not cost a reading.
 * A strike: a connection that ends with this entry as the oldest in flight, because either the server closed it after CONNACK
 * without having acknowledged anything, or it answered pings while this entry stayed unacknowledged. Ten strikes in a row make
 * the entry a suspect: it is held back on the next connection. Only if that connection proves to live without it (an acknowledgement,
 * or PINGRESP) the suspect becomes a dead letter; if not, the network is to blame, and counting begins anew.
 * Source: MQTT 3.1.1 §3.2.2.2, §4.1, §4.3 to §4.6.
 */
import type { InboundMessage, MessageReader } from "./parser.js";
import { Requests, type RequestsOptions } from "./requests.js";
import { type InboundStore, MemoryInboundStore, type OutboundEntry, type OutboundStore } from "./store.js";
import type { Message, Transmit } from "./transmit.js";

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

export interface SessionOptions<E extends OutboundEntry> extends RequestsOptions {
  readonly outbound?: OutboundStore<E>;
  /** Makes the message of an entry; undefined: it cannot be made, the entry is given up. Must not throw. */
  render?(entry: E): Message | undefined;
  /** Entries in flight at most, 1 to 1,024; default 8. */
  readonly window?: number;
  /** Connections that an entry may break before it is suspected; default 10. */
  readonly deadLetterAfter?: number;
  /**
   * After a reboot: so many entries, the oldest, may have been sent in an earlier session: the largest `window` there ever was.
   * They get DUP 1 where that session goes on, and are possible doubles where it does not. Default 0.
   */
  readonly perhapsSent?: number;
  /** Default: a `MemoryInboundStore`, which forgets at a reboot. */
  readonly inbound?: InboundStore;
  onMessage?(message: InboundMessage): void;
  onSettled?(sequence: number, outcome: Outcome): void;
  /** After a CONNACK for CleanSession 0, before the first PUBLISH: the moment to record the session. */
  onSession?(session: SessionStart): void;
}

/** How a connection ended. "peer": closed by the server, after CONNACK. "stuck": by us, for want of an acknowledgement. */
export type Ending = "peer" | "stuck" | "other";

/** For those who only subscribe, or publish from RAM. */
const NO_STORE = { seek: () => undefined, released: () => {}, settle: () => {}, requeue: () => 0 };

export class Session<E extends OutboundEntry> implements MessageReader {
  readonly requests: Requests;
  private readonly options: SessionOptions<E>;
  private readonly store: OutboundStore<E>;
  /** Ids of QoS 2 messages that were delivered and not released yet. */
  private readonly held: InboundStore;
  private readonly window: number;
  /** The transmit buffer, from CONNACK to the end of the connection. */
  private out: Transmit | undefined;

  // In flight on this connection, in order: a ring. A settled entry between others stays, awaiting -1, until the older ones are settled.
  /** The acknowledgement that each awaits, as a word: packet type (the state of the id) and packet id in one. */
  readonly awaited: number[];
  private readonly sequences: number[];
  head = 0;
  inFlight = 0;
  /** The next sequence number to send on this connection. */
  private cursor = 0;
  /** The store may have an entry from the cursor on. Set it when the store has got one. */
  mayHaveMore = true;

  /** Something was acknowledged on this connection. */
  private hasHeard = false;
  /** Held back on this connection; below 0: nobody. */
  suspect = -1;
  private strikes = 0;
  /** Who has the strikes. */
  private struck = -1;
  /** The oldest in flight at the last PINGRESP, and at how many in a row. */
  private waiting = -1;
  private waited = 0;

  /** All below may have been sent in this session, on earlier connections. */
  private sentEnd = 0;
  /** So many more may have been sent before the reboot. */
  private perhapsSent: number;
  delivered = 0;
  deadLetters = 0;
  possibleDoubles = 0;

  constructor(options: SessionOptions<E>) {
    const window = options.window ?? 8;
    if (!(window >= 1 && window <= 1_024)) throw new RangeError(`window ${window}: expected 1..1024`);
    this.options = options;
    this.store = options.outbound ?? NO_STORE;
    this.held = options.inbound ?? new MemoryInboundStore();
    this.window = window;
    this.perhapsSent = options.perhapsSent ?? 0;
    this.awaited = new Array(window).fill(-1);
    this.sequences = new Array(window).fill(0);
    this.requests = new Requests(options);
  }

  /** CONNACK of code 0 came. `clean`: what we asked for. Returns what was wrong. */
  open(out: Transmit, clean: boolean, present: boolean, wiped: boolean): string | undefined {
    if (clean && present) return "session present, though clean"; // §3.2.2-1
    let possibleDoubles = 0;
    if (!present || this.perhapsSent) {
      let entry = this.store.seek(0);
      while (entry && (entry.sequence < this.sentEnd || this.perhapsSent-- > 0)) {
        if (entry.qos === 2 && !entry.released) possibleDoubles++;
        const next = entry.sequence + 1;
        if (next > this.sentEnd) this.sentEnd = next;
        entry = this.store.seek(next);
      }
      this.perhapsSent = 0;
    }
    if (present) possibleDoubles = 0;
    else {
      // Whatever the peer had is gone: everything goes as new.
      this.sentEnd = 0;
      this.requests.begin();
      this.held.clear();
      possibleDoubles += this.store.requeue();
    }
    this.possibleDoubles += possibleDoubles;
    this.out = out;
    if (!clean) this.options.onSession?.({ present, wiped, possibleDoubles });
    return;
  }

  /** The connection is over. */
  close(ending: Ending): void {
    if (!this.out) return;
    this.out = undefined;
    const isBroken = ending === "peer" && !this.hasHeard;
    const isToBlame = !this.requests.close(isBroken) && (isBroken || ending === "stuck");
    // A suspect was not there: whatever breaks the connections, it is not to blame.
    if (this.suspect >= 0) this.suspect = this.struck = -1;
    else if (isToBlame && this.inFlight) this.strike(this.sequences[this.head]);
    else if (this.hasHeard) this.strikes = 0;
    if (this.cursor > this.sentEnd) this.sentEnd = this.cursor;
    this.awaited.fill(-1);
    this.waiting = -1;
    this.inFlight = this.cursor = 0;
    this.hasHeard = false;
    this.mayHaveMore = true;
  }

  /** Adds what may go, as long as buffer and socket take it: requests, then entries in order. */
  fill(): void {
    const out = this.out;
    if (!out || (this.requests.isDue && !this.requests.fill(out)) || !this.mayHaveMore) return;
    while (this.inFlight < this.window) {
      const entry = this.store.seek(this.cursor);
      if (!entry) {
        // A store may hand out more once the oldest are settled: then those who settle ask again.
        this.mayHaveMore = this.inFlight > 0 && this.cursor < (this.store.nextSequence ?? 0);
        return;
      }
      if (this.inFlight && this.mustWait(entry)) return;
      const sequence = entry.sequence;
      let first = 0x30 | (entry.qos << 1);
      if (sequence < this.sentEnd) {
        first |= 0x08; // DUP
        if (sequence === this.suspect) {
          this.cursor = sequence + 1;
          continue;
        }
      }
      let awaited = 0x3002_0001 + (entry.qos << 28) + (sequence % 61_440); // PUBACK, PUBREC, with the packet id
      if (entry.released) {
        if (out.room < 4 && !out.makeRoom()) return;
        out.acknowledgement(awaited + 0x1200_0000); // PUBREL
        awaited += 0x2000_0000; // PUBCOMP
      } else {
        if (out.tail && !out.makeRoom()) return; // what was rendered last is still on its way out
        const message = this.options.render?.(entry);
        if (!message || !out.publish(message.retain ? first | 1 : first, awaited & 0xffff, message)) {
          if (message && out.end) {
            if (out.makeRoom()) continue;
            return;
          }
          // It can never go.
          this.cursor = sequence + 1;
          this.giveUp(sequence);
          if (this.out !== out) return;
          continue;
        }
      }
      const slot = (this.head + this.inFlight) % this.window;
      this.awaited[slot] = awaited;
      this.sequences[slot] = sequence;
      this.cursor = sequence + 1;
      this.inFlight++;
      if (this.cursor === this.store.nextSequence) {
        this.mayHaveMore = false;
        return;
      }
    }
  }

  /**
   * PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK. What is done, by what is awaited for the id (§4.3, §4.8.0-1):
   *
   *   awaited           PUBACK   PUBREC        PUBCOMP  SUBACK  UNSUBACK
   *   nothing           ignore   PUBREL        ignore   close   close
   *   not re-sent yet   ignore   ignore        ignore   close   close     our PUBLISH comes, and PUBREC again upon it (§4.4.0-1)
   *   PUBACK            settle   close         close    close   close
   *   PUBREC            close    store, PUBREL close    close   close     the id awaits PUBCOMP then (§4.3.3-1)
   *   PUBCOMP           close    PUBREL        settle   close   close
   *   SUBACK            close    close         close    settle  close
   *   UNSUBACK          close    close         close    close   settle
   *
   * PUBREL is about the server's ids: forget the id, PUBCOMP, also for one that nobody knows (§4.3.3-2).
   * hosttest/mqtt/flow.test.ts holds this table.
   */
  acknowledgement(word: number, granted: number): string | undefined {
    const out = this.out;
    if (!out) return;
    const type = word >>> 28;
    const id = word & 0xffff;
    if (type === 6) {
      this.held.delete(id);
      out.acknowledgement(0x7002_0000 + id);
      return;
    }
    const isRequest = id > 61_440;
    const slot = isRequest ? -1 : this.find(id);
    const state = isRequest ? this.requests.awaits(id) : slot < 0 ? 0 : this.awaited[slot] >> 28;
    if (state !== type) {
      if (type > 7 || (state && (state !== 7 || type !== 5))) return `id ${id} is not awaited`;
      const isResuming = slot < 0 && !isRequest && this.mayHaveMore && this.cursor < this.sentEnd;
      if (type === 5 && !isResuming) out.acknowledgement(0x6202_0000 + id);
      return;
    }
    if (isRequest) {
      const fault = this.requests.settle(id, granted);
      if (fault) return fault;
      if (this.out === out && !this.hasHeard) this.heard();
    } else this.acknowledge(slot);
    return;
  }

  /** What the entry in a slot awaits has come. */
  acknowledge(slot: number): void {
    const sequence = this.sequences[slot];
    if (this.awaited[slot] >> 28 === 5) {
      const word = this.awaited[slot];
      this.store.released(sequence); // durable before PUBREL leaves
      this.awaited[slot] = word + 0x2000_0000; // PUBCOMP
      (this.out as Transmit).acknowledgement(word + 0x1200_0000);
      if (!this.hasHeard) this.heard();
    } else {
      this.store.settle(sequence);
      this.awaited[slot] = -1;
      if (slot === this.head) {
        // With it go those behind it that were settled before.
        do this.head = (this.head + 1) % this.window;
        while (--this.inFlight && this.awaited[this.head] === -1);
      }
      this.delivered++;
      if (!this.hasHeard) this.heard();
      this.options.onSettled?.(sequence, "delivered");
    }
  }

  /** A piece of a message. It is acknowledged at its end, wanted or not (§4.5.0-2), in order (§4.6). */
  message(message: InboundMessage, id: number): void {
    const out = this.out;
    if (!out) return;
    const isHeld = message.qos === 2 && this.held.has(id);
    if (!isHeld) this.options.onMessage?.(message);
    if (this.out === out && message.last && message.qos) {
      // After delivery: a power cut between the two delivers twice; the other way round would lose the message.
      if (message.qos === 2 && !isHeld) this.held.add(id);
      out.acknowledgement((message.qos === 2 ? 0x5002_0000 : 0x4002_0000) + id);
    }
  }

  /** PINGRESP came: the connection lives. Returns whether the oldest in flight is stuck: three in a row have not moved it. */
  pingresp(): boolean {
    this.acquit();
    const oldest = this.inFlight ? this.sequences[this.head] : -1;
    this.waited = oldest >= 0 && oldest === this.waiting ? this.waited + 1 : 0;
    this.waiting = oldest;
    return this.waited >= 3;
  }

  /**
   * With others in flight: its packet id is in use, or it is of QoS 1 behind one of QoS 2 that is not released. A server may
   * forward that one at PUBREL (§4.3.3, method B), and this one at once: subscribers would see them in the wrong order.
   */
  private mustWait(entry: E): boolean {
    if (entry.sequence - this.sequences[this.head] >= 61_440) return true;
    return entry.qos === 1 && this.awaited[(this.head + this.inFlight - 1) % this.window] >> 28 === 5;
  }

  /** The slot of a packet id in flight; below 0: it is in none. */
  private find(id: number): number {
    for (let n = 0; n < this.inFlight; n++) {
      const slot = (this.head + n) % this.window;
      if ((this.awaited[slot] & 0xffff) === id) return slot;
    }
    return -1;
  }

  /** Something was acknowledged, for the first time on this connection: it lives. */
  private heard(): void {
    this.hasHeard = true;
    this.acquit();
  }

  /** The connection lives without its suspect: that is a dead letter. */
  private acquit(): void {
    const suspect = this.suspect;
    this.suspect = -1;
    if (suspect >= 0) this.giveUp(suspect);
  }

  private giveUp(sequence: number): void {
    this.store.settle(sequence);
    this.mayHaveMore = true;
    this.deadLetters++;
    this.options.onSettled?.(sequence, "deadLetter");
  }

  private strike(oldest: number): void {
    if (this.struck !== oldest) this.strikes = 0;
    this.struck = oldest;
    if (++this.strikes < (this.options.deadLetterAfter ?? 10)) return;
    this.strikes = 0;
    this.suspect = oldest;
  }
}
