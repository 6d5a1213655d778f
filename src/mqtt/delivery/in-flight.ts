/*
 * The entries in flight on this connection, in order: a ring of `window` slots, and the packet that each awaits. An entry that
 * is settled before the oldest leaves a hole, so that acknowledgements in order cost nothing; holes are closed only when
 * necessary. The session extends this class; its hot path is in both.
 */

import type { DeliveryLimits } from "./limits.js";
import type { OutboundEntry } from "./store.js";

// The awaited packet of a slot, as its type: the upper four bits of the slot's word.
/** Packet type that a slot awaits: the acknowledgement of QoS 1 (MQTT 3.1.1 §3.4). */
export const PUBACK = 4;
/** Packet type that a slot awaits: the first acknowledgement of QoS 2 (§3.5). */
export const PUBREC = 5;
/** Packet type that a slot awaits: the last acknowledgement of QoS 2 (§3.7). */
export const PUBCOMP = 7;

/** Most entries of QoS 2 in flight if the server has not reported its limit: see `SessionOptions.window`. */
export const MAX_QOS2 = 8;

/** Packet ids of entries. */
const IDS = 61_440;

/** Slot of a settled entry. */
const HOLE = -1;

/** The ring of entries in flight: `window` slots, 1 to 1,024. Sequence numbers are the store's. */
export class InFlight {
  /** The acknowledgement that each slot awaits, as a word: packet type (the state of the id) and packet id. */
  readonly awaited: number[];
  protected readonly sequences: number[];
  protected readonly window: number;
  head = 0;
  /** Slots in use, including holes. */
  inFlight = 0;
  protected holes = 0;
  /** How many may be in flight now, and how many if the next is of QoS 2. */
  protected limit = 0;
  protected limitOfQoS2 = 0;
  /** Entries of QoS 2 are sent at QoS 1. */
  protected isLowering = false;
  /** Some entries are held back and alternate with others, or the cursor is below some that were sent. */
  protected isPaced = false;
  /** The server's limits. Set before a connection is opened. */
  limits: DeliveryLimits;
  /** Distance from the oldest entry within which entries are sent. */
  private reachable = IDS;
  /** The oldest entry when another one was settled before it, and the QoS of such others, as bits. */
  protected overtaken = -1;
  protected overtakenBy = 0;
  /** The newest of those others. */
  protected overtaker = -1;
  /** The oldest entry at the last check of the keep-alive. */
  private seen = -1;
  /** The oldest entry at the last PINGRESP, and at how many in a row; -1: nothing was in flight. */
  private waiting = -1;
  private waited = 0;
  /** The entry whose PUBREL was not acknowledged, and on how many connections in a row; kept across connections. */
  private unanswered = -1;
  private silences = 0;

  /** The next sequence number to send on this connection. */
  protected cursor = 0;
  /** The highest cursor so far: some entries below may be in flight. */
  protected reached = 0;
  /** Some entries below the cursor were skipped, and are not held back. */
  protected hasSkipped = false;
  /** The store may have an entry from the cursor on. Set when the store gets one. */
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

  /** The entries in flight, oldest first. */
  protected get entries(): readonly number[] {
    const entries: number[] = [];
    for (let n = 0; n < this.inFlight; n++) {
      const slot = (this.head + n) % this.window;
      if (this.awaited[slot] !== HOLE) entries.push(this.sequences[slot]);
    }
    return entries;
  }

  /** The server has as many entries of QoS 2 as it accepts, including those held back: others of QoS 2 are skipped. */
  protected mustSkip({ qos, released }: OutboundEntry): boolean {
    return qos === 2 && this.limitOfQoS2 <= 0 && !this.isLowering && !released;
  }

  /** Nothing is in flight any more, and nothing was sent on the next connection. */
  protected land(): void {
    this.awaited.fill(HOLE);
    this.overtaken = this.seen = this.waiting = -1;
    this.inFlight = this.holes = this.waited = 0;
    this.reachable = IDS;
    this.cursor = this.reached = 0;
    this.hasSkipped = false;
    this.mayHaveMore = true;
  }

  /** PINGRESP was received. Returns how many in a row have found the same oldest entry, or nothing in flight. */
  protected countPing(): number {
    const oldest = this.oldest;
    this.waited = oldest === this.waiting && this.waited < 3 ? this.waited + 1 : 0;
    this.waiting = oldest;
    return this.waited;
  }

  /** PUBREL of `sequence` was not acknowledged on this connection. Returns on how many in a row. */
  protected countSilence(sequence: number): number {
    if (sequence !== this.unanswered) this.silences = 0;
    this.unanswered = sequence;
    return ++this.silences;
  }

  /**
   * Only with entries in flight: whether the oldest is the same as at the last check. Then a ping is due, however busy the
   * connection is.
   */
  lingers(): boolean {
    const oldest = this.sequences[this.head];
    const isSame = oldest === this.seen;
    this.seen = oldest;
    return isSame;
  }

  /**
   * Only with others in flight: whether this entry has to wait. Its packet id may be in use, or it is too far from an overtaken
   * oldest entry, or it is of QoS 1 and one of QoS 2 is not released. A server may forward that one at PUBREL (§4.3.3, method B)
   * and this one at once, so subscribers would get them in the wrong order. Not only the last one: a server may answer in any order.
   */
  protected mustWait(entry: OutboundEntry): boolean {
    if (entry.sequence - this.sequences[this.head] >= this.reachable) return true;
    if (entry.qos === 2) return false;
    for (let n = this.inFlight; n > 0; n--) {
      const state = this.awaited[(this.head + n - 1) % this.window] >> 28;
      if (state === PUBREC) return true;
      if (state === PUBACK) return false; // all before it were released when it was sent
    }
    return false;
  }

  /** Whether this entry, below `reached`, is in flight. */
  protected isSent(sequence: number): boolean {
    return sequence < this.reached && this.find(1 + (sequence % IDS)) >= 0;
  }

  /** The slot of a packet id in flight; below 0: none. */
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

  /** Skips holes at the head: they are not the oldest. */
  protected skipHoles(): void {
    this.reachable = IDS;
    while (this.inFlight && this.awaited[this.head] === HOLE) {
      this.head = (this.head + 1) % this.window;
      this.inFlight--;
      this.holes--;
    }
  }

  /**
   * The entry of a slot, which awaited `word`, was settled before the oldest. `lead`: how far beyond that others are then sent,
   * besides the window.
   */
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

  /** Closes the holes. Returns whether fewer than `limit` slots are in use afterwards. */
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
