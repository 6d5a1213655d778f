/*
 * What is in flight on this connection, in order: a ring of `window` slots, and what each awaits. One that is settled before the
 * oldest leaves a hole, so that acknowledgements in order cost nothing; holes are closed when there is no other way.
 * The session is this class and more: its hot path is here and there.
 */

import type { DeliveryLimits } from "./limits.js";
import type { OutboundEntry } from "./store.js";

// What a slot awaits, as the packet's type: the upper four bits of its word.
/** Packet type that a slot awaits: QoS 1 is acknowledged by it (MQTT 3.1.1 §3.4). */
export const PUBACK = 4;
/** Packet type that a slot awaits: the first answer to QoS 2 (§3.5). */
export const PUBREC = 5;
/** Packet type that a slot awaits: the last answer to QoS 2 (§3.7). */
export const PUBCOMP = 7;

/** Entries of QoS 2 in flight at most, where the server has not said how many it takes: see `SessionOptions.window`. */
export const MAX_QOS2 = 8;

/** Packet ids of entries. */
const IDS = 61_440;

/** A slot of an entry that is settled. */
const HOLE = -1;

/** The ring of what is in flight. Slots: `window`, 1 to 1,024. Sequence numbers are those of the store. */
export class InFlight {
  /** The acknowledgement that each slot awaits, as a word: packet type (the state of the id) and packet id in one. */
  readonly awaited: number[];
  protected readonly sequences: number[];
  protected readonly window: number;
  head = 0;
  /** Slots in use, holes among them. */
  inFlight = 0;
  protected holes = 0;
  /** How many may be in flight now, and where the next is of QoS 2. */
  protected limit = 0;
  protected limitOfQoS2 = 0;
  /** What is of QoS 2 goes at QoS 1. */
  protected isLowering = false;
  /** Some entries are held back: others go in turn with them. Or the cursor is below some that were sent. */
  protected isPaced = false;
  /** What the server takes. Set it before a connection is opened. */
  limits: DeliveryLimits;
  /** How far from the oldest entries go. */
  private reachable = IDS;
  /** The oldest when another one was settled before it, and the QoS of those, as bits. */
  protected overtaken = -1;
  protected overtakenBy = 0;
  /** The newest of those. */
  protected overtaker = -1;
  /** The oldest at the last look. */
  private seen = -1;
  /** The oldest at the last PINGRESP, and at how many in a row; -1: nothing was in flight. */
  private waiting = -1;
  private waited = 0;
  /** The entry of the PUBREL that the server did not answer, and on how many connections in a row; outlives them. */
  private unanswered = -1;
  private silences = 0;

  /** The next sequence number to send on this connection. */
  protected cursor = 0;
  /** Where the cursor was at most: some below may be in flight. */
  protected reached = 0;
  /** Some below the cursor were passed over, and are not held back. */
  protected hasSkipped = false;
  /** The store may have an entry from the cursor on. Set it when the store has got one. */
  mayHaveMore = true;

  constructor(window: number) {
    this.window = window;
    this.limits = {
      window,
      maxOpenQoS2: MAX_QOS2,
      receiveMaximum: 65_535,
      maxQoS: 2,
      retainAvailable: 1,
      maxPacketBytes: 0xfff_ffff,
    };
    this.awaited = new Array(window).fill(HOLE);
    this.sequences = new Array(window).fill(0);
  }

  /** The sequence number of the oldest; -1: nothing is in flight. */
  get oldest(): number {
    return this.inFlight ? this.sequences[this.head] : -1;
  }

  /** The server may have as many of QoS 2 as it takes, of those held back: others of QoS 2 are passed over. */
  protected mustSkip({ qos, released }: OutboundEntry): boolean {
    return qos === 2 && this.limitOfQoS2 <= 0 && !this.isLowering && !released;
  }

  /** Nothing is in flight any more, and nothing was sent on the connection to come. */
  protected land(): void {
    this.awaited.fill(HOLE);
    this.overtaken = this.seen = this.waiting = -1;
    this.inFlight = this.holes = this.waited = 0;
    this.reachable = IDS;
    this.cursor = this.reached = 0;
    this.hasSkipped = false;
    this.mayHaveMore = true;
  }

  /** PINGRESP came. Returns how many in a row have not moved the oldest, or found nothing in flight. */
  protected countPing(): number {
    const oldest = this.oldest;
    this.waited = oldest === this.waiting && this.waited < 3 ? this.waited + 1 : 0;
    this.waiting = oldest;
    return this.waited;
  }

  /** PUBREL of `sequence` was not answered on this connection. Returns on how many in a row. */
  protected countSilence(sequence: number): number {
    if (sequence !== this.unanswered) this.silences = 0;
    this.unanswered = sequence;
    return ++this.silences;
  }

  /** With some in flight: is the oldest the one that was so at the last look? Then a ping is due, however busy the connection is. */
  lingers(): boolean {
    const oldest = this.sequences[this.head];
    const isSame = oldest === this.seen;
    this.seen = oldest;
    return isSame;
  }

  /**
   * With others in flight: its packet id is in use, it is too far from the oldest, which others have overtaken, or it is of QoS 1 behind one of QoS 2 that is not released. A server may
   * forward that one at PUBREL (§4.3.3, method B), and this one at once: subscribers would see them in the wrong order.
   */
  protected mustWait(entry: OutboundEntry): boolean {
    if (entry.sequence - this.sequences[this.head] >= this.reachable) return true;
    return entry.qos === 1 && this.awaited[(this.head + this.inFlight - 1) % this.window] >> 28 === PUBREC;
  }

  /** Is this entry, from below `reached`, in flight? */
  protected isSent(sequence: number): boolean {
    return sequence < this.reached && this.find(1 + (sequence % IDS)) >= 0;
  }

  /** The slot of a packet id in flight; below 0: it is in none. */
  protected find(id: number): number {
    for (let n = 0; n < this.inFlight; n++) {
      const slot = (this.head + n) % this.window;
      if ((this.awaited[slot] & 0xffff) === id) return slot;
    }
    return -1;
  }

  /** The entry of a slot is settled without an acknowledgement. */
  protected retire(slot: number): void {
    this.awaited[slot] = HOLE;
    this.holes++;
    this.skipHoles();
  }

  /** Holes are not the oldest. */
  protected skipHoles(): void {
    this.reachable = IDS;
    while (this.inFlight && this.awaited[this.head] === HOLE) {
      this.head = (this.head + 1) % this.window;
      this.inFlight--;
      this.holes--;
    }
  }

  /** The entry of a slot, which awaited `word`, was settled before the oldest. `lead`: how far from that others go then, besides the window. */
  protected overtake(slot: number, word: number, lead: number): void {
    const oldest = this.sequences[this.head];
    this.holes++;
    this.reachable = this.window + lead;
    if (oldest !== this.overtaken) {
      this.overtaken = this.overtaker = oldest;
      this.overtakenBy = 0;
    }
    this.overtaker = Math.max(this.overtaker, this.sequences[slot]);
    this.overtakenBy |= word >> 28 === PUBACK ? 1 : 2;
  }

  /** Closes the holes. Returns whether there are fewer than `limit` slots in use then. */
  protected closeRanks(limit: number): boolean {
    if (!this.holes) return false;
    let kept = 0;
    for (let n = 0; n < this.inFlight; n++) {
      const from = (this.head + n) % this.window;
      const awaited = this.awaited[from];
      if (awaited === HOLE) continue;
      const to = (this.head + kept++) % this.window;
      this.awaited[from] = HOLE;
      this.awaited[to] = awaited;
      this.sequences[to] = this.sequences[from];
    }
    this.inFlight = kept;
    this.holes = 0;
    return kept < limit;
  }
}
