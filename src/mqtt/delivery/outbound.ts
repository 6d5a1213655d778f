/*
 * Decides which entry is sent next, and which is settled without an acknowledgement: combines the window, the store and what is
 * known about entries that the server refuses (suspicion.ts). The session (session.ts) adds the packets.
 *
 * A PUBREL without acknowledgement stops nothing: the server has the message, and after three connections it is settled as
 * delivered. Its id is used again 61,440 entries later.
 * Source: MQTT 3.1.1 §4.3, §4.6.
 */
import type { Protocol } from "../wire/protocol.js";
import type { Transmit } from "../wire/transmit.js";
import { InFlight, PUBACK, PUBCOMP } from "./in-flight.js";
import type { Outcome, SessionOptions, SettledBy } from "./options.js";
import type { Refusals } from "./refusals.js";
import { Requests } from "./requests.js";
import { Sent } from "./sent.js";
import { NO_STORE, type OutboundEntry, type OutboundStore } from "./store.js";
import { ALONE, IN_ORDER, type Refusal, type RefusedBy, Suspicion } from "./suspicion.js";

/** Progress on this connection: an entry of QoS 2 got its PUBREC. */
export const ONE_RECEIVED = 1;
/** Progress on this connection: an entry was settled. */
export const ONE_SETTLED = 2;

/** Entries from the store to the server: which one is sent next, and which are settled. Throws what the store throws. */
export class Outbound<E extends OutboundEntry> extends InFlight {
  readonly requests: Requests;
  protected readonly options: SessionOptions<E>;
  protected readonly store: OutboundStore<E>;
  protected readonly suspicion: Suspicion;
  /** Only in version 5. */
  protected readonly refusals: Refusals | undefined;
  /** The transmit buffer, from CONNACK to the end of the connection. */
  protected out: Transmit | undefined;

  /** Progress on this connection: 0, ONE_RECEIVED, ONE_SETTLED. */
  protected progress = 0;
  /** Acknowledgements carry no new information. */
  protected isCalm = false;
  /** The refusal that was last reported to the owner. */
  private reported: Refusal | undefined;

  protected readonly sent = new Sent();
  /** The store was empty or unreadable when the connection began: the entries that were sent still have to be looked up (`resume`). */
  protected isUnread = false;
  /** How many of the oldest entries may have been sent in this session. */
  protected reach: number;
  /** Entries below this number are among them. */
  protected reachEnd = 0;
  delivered = 0;
  /** Of these, those whose PUBREL was never answered: a server that breaks QoS 2 may have lost them. Usually none: it takes no RAM. */
  declare unconfirmed: number | undefined;
  deadLetters = 0;
  possibleDoubles = 0;

  constructor(options: SessionOptions<E>, protocol: Protocol, refusals?: Refusals) {
    const window = options.window ?? 8;
    if (!(window >= 1 && window <= 1_024)) throw new RangeError(`window ${window}: expected 1..1024`);
    super(window);
    this.options = options;
    this.reach = window;
    this.store = options.outbound ?? NO_STORE;
    this.refusals = refusals;
    this.suspicion = new Suspicion(refusals ?? this.store, options.deadLetterAfter ?? 10);
    this.requests = new Requests(options, protocol, refusals);
    if (options.learned?.length) this.learned = options.learned;
  }

  /** What is known about refused entries, as numbers: the count of suspicion's, these, and those of reason codes. */
  get learned(): readonly number[] {
    const suspected = this.suspicion.learned;
    const refused = this.refusals?.learned ?? [];
    return suspected.length + refused.length ? [suspected.length].concat(suspected, refused) : [];
  }

  private set learned(numbers: readonly number[]) {
    const { suspicion, refusals } = this;
    const end = 1 + numbers[0];
    suspicion.learned = numbers.slice(1, end);
    if (refusals) refusals.learned = numbers.slice(end);
    this.reported = suspicion.refusal; // reported before the sleep
  }

  /** The server has accepted an entry on this connection, or the connection was ended by one that is known to end connections. */
  get isWelcome(): boolean {
    return this.progress >= ONE_RECEIVED || this.suspicion.phase === ALONE;
  }

  /** What the server refuses. */
  get refusal(): Refusal | undefined {
    return this.refusals?.refusal ?? this.suspicion.refusal;
  }

  /** Entries up to this one are sent. If these are more of the oldest than the owner has recorded, it records twice as many. */
  private extendReach(sequence: number): void {
    const store = this.store;
    let count = 0;
    for (let entry = store.seek(0); entry && entry.sequence <= sequence; entry = store.seek(entry.sequence + 1))
      count++;
    if (count > this.reach) {
      while (count > this.reach) this.reach *= 2;
      this.options.onReach?.(this.reach);
    }
    this.reachEnd = sequence + 1 + this.reach - count;
  }

  /** Sends entries again that the server has refused by a reason code, if there are any. */
  again(): void {
    if (!this.refusals || !this.out) return;
    if (!this.goTo(this.refusals.again())) this.pace();
    this.mayHaveMore = true;
    this.report();
  }

  /** How many are sent at once. Entries held back may be open at the server, and count there; so do messages from RAM. */
  protected pace(): void {
    const { limits, suspicion, refusals, requests } = this;
    const maxInFlight = Math.min(suspicion.isOneByOne ? 1 : limits.window, limits.receiveMaximum - requests.inFlight);
    this.isLowering = suspicion.isLowering || limits.maxQoS < 2;
    this.isPaced = suspicion.heldEnd > 0 || this.cursor < this.reached || refusals?.isActive === true || this.isUnread;
    this.limit = requests.isApart || (this.isPaced && refusals?.isPausing) ? 0 : maxInFlight;
    this.limitOfQoS2 = Math.min(maxInFlight, Math.max(limits.maxOpenQoS2 - suspicion.open, suspicion.minOpen));
  }

  /** Continues with this number; below 0: does nothing. Returns whether it did. */
  protected goTo(sequence: number): boolean {
    if (sequence < 0) return false;
    this.reached = Math.max(this.reached, this.cursor);
    this.cursor = sequence;
    this.mayHaveMore = true;
    this.pace();
    return true;
  }

  /** The next entry to send while some are held back, or the store could not be read. */
  protected seekPaced(): E | undefined {
    const { suspicion, out } = this;
    const seen = this.refusals ?? this.store;
    let entry = seen.seek(this.cursor);
    for (; entry; entry = seen.seek(this.cursor)) {
      const isSkipped = suspicion.phase !== ALONE && this.mustSkip(entry);
      if (!isSkipped && !this.isSent(entry.sequence)) break;
      this.cursor = entry.sequence + 1;
      this.hasSkipped ||= isSkipped;
    }
    if (!entry) return;
    const sequence = entry.sequence;
    if (suspicion.mustRest(sequence)) return;
    if (sequence >= this.reachEnd) this.extendReach(sequence);
    if (this.out !== out) return; // `onReach` has ended the connection
    return seen.seek(sequence) as E | undefined; // once more: it may be the same object as the oldest, which was read meanwhile
  }

  /** An entry was acknowledged: the first on this connection, or while something is suspected. */
  protected heard(sequence: number, settledQos: number): void {
    const suspicion = this.suspicion;
    const phase = suspicion.phase;
    this.progress = Math.max(this.progress, settledQos ? ONE_SETTLED : ONE_RECEIVED);
    suspicion.acknowledged(sequence, settledQos);
    if (settledQos) {
      const { out } = this;
      this.convict();
      if (this.out !== out) return; // `onSettled` has ended the connection
      this.refusals?.delivered(sequence);
      this.dropRefused();
    }
    if (phase !== IN_ORDER || this.hasSkipped || this.isPaced) {
      this.pace();
      this.mayHaveMore = true;
    }
    this.isCalm = suspicion.isIdle && !this.hasSkipped && !this.isPaced;
    this.report();
  }

  /** PUBACK or PUBREC refuses the entry in a slot by a reason code, and its packet id is free (MQTT 5 §4.4). */
  protected refuse(slot: number, code: number, refusals: Refusals): void {
    const sequence = this.sequences[slot];
    this.retire(slot);
    this.sent.forget(sequence);
    this.turnDown(sequence, code, refusals);
  }

  /** An entry that is not in flight is refused, by the server or for its sake. */
  protected turnDown(sequence: number, code: number, refusals: Refusals): void {
    const suspicion = this.suspicion;
    refusals.refuse(sequence, code);
    if (!suspicion.isIdle) {
      suspicion.clear(); // it answers: what it refuses need not be found out
      this.goTo(0);
    }
    this.isCalm = false;
    this.mayHaveMore = true;
    this.dropRefused();
    this.pace();
    this.report();
  }

  /** An entry held back by a reason code becomes a dead letter when it would stop the others. */
  private dropRefused(): void {
    const { out, refusals } = this;
    if (!refusals) return;
    for (let entry = refusals.nextDeadLetter(); entry; entry = refusals.nextDeadLetter()) {
      this.settle(entry.sequence, "deadLetter", "refused", entry.code);
      if (this.out !== out) return;
    }
  }

  /** Nothing is left to send from the cursor on, and nothing is in flight. Returns where to look for more; -1: nowhere. */
  protected turn(): number {
    if (this.suspicion.heldEnd) return this.suspicion.turn();
    if (!this.hasSkipped) return -1;
    this.hasSkipped = false;
    return 0;
  }

  /** Three pings were answered, but not the oldest entry. Returns whether to close the connection. */
  protected isStuck(oldest: number): boolean {
    const suspicion = this.suspicion;
    const awaited = this.awaited[this.head] >> 28;
    if (awaited === PUBCOMP) return this.isUnanswered(oldest);
    if (this.overtaken === oldest)
      suspicion.overtake(oldest, awaited === PUBACK ? 1 : 2, this.overtakenBy, this.overtaker);
    this.isCalm = suspicion.isIdle && !this.isPaced;
    return !this.convict();
  }

  /**
   * PUBREL is not acknowledged: it is sent again on the next two connections. Then the message is settled: the server has it
   * since PUBREC, and PUBREL has arrived, because the pings behind it have. The same applies to all others in that state.
   */
  private isUnanswered(oldest: number): boolean {
    const { out, head, inFlight } = this;
    if (this.countSilence(oldest) < 3) return true;
    for (let n = 0; n < inFlight && this.out === out; n++) {
      const slot = (head + n) % this.window;
      const sequence = this.sequences[slot];
      if (this.awaited[slot] >> 28 !== PUBCOMP || (this.sent.end && !this.sent.has(sequence))) continue;
      this.retire(slot);
      this.settle(sequence, "delivered", "unanswered");
    }
    return false;
  }

  /** An entry of QoS 2 has only QoS 1's promise. */
  protected lowered(sequence: number, why: "acknowledged" | "refused"): void {
    const isAgain = why === "acknowledged" && this.sent.has(sequence) && !this.sent.isCounted(sequence);
    if (isAgain) this.possibleDoubles++;
    this.options.onLowered?.(sequence, why, isAgain);
  }

  /** Settles an entry that the server refuses while it accepts the rest, if that is proven. Returns whether it is. */
  protected convict(): boolean {
    const { out, suspicion } = this;
    const isProven = suspicion.proven >= 0;
    for (let entry = suspicion.proven; entry >= 0 && this.out === out; entry = suspicion.proven) {
      const by: RefusedBy =
        entry === suspicion.overtaken ? "silence" : (suspicion.refusal as NonNullable<typeof suspicion.refusal>).by;
      const isReleased = suspicion.isReleased(entry);
      if (this.oldest === entry) this.retire(this.head);
      this.requests.release((entry % 61_440) + 1); // the server may hold its id, which will be used again
      this.store.settle(entry);
      suspicion.convicted(entry);
      this.goTo(Math.max(this.cursor, this.reached));
      this.report();
      if (isReleased) this.settle(entry, "delivered", "unanswered");
      else this.settle(entry, "deadLetter", by);
    }
    return isProven;
  }

  /** An entry is settled without an acknowledgement. */
  protected settle(sequence: number, outcome: Outcome, by?: SettledBy, code?: number): void {
    this.store.settle(sequence);
    this.sent.forget(sequence);
    this.mayHaveMore = true;
    if (outcome === "delivered") {
      this.delivered++;
      this.unconfirmed = 1 + (this.unconfirmed ?? 0);
    } else this.deadLetters++;
    this.options.onSettled?.(sequence, outcome, by, code);
  }

  protected report(): void {
    const refusal = this.refusal;
    if (refusal === this.reported) return;
    this.reported = refusal;
    this.options.onRefusal?.(refusal);
  }
}
