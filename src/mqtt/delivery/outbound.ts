/*
 * Which entry goes next, and which is done with though no acknowledgement said so: the window, the store and what is known of
 * entries that the server does not take (suspicion.ts), as one. The session (session.ts) is this and the packets.
 *
 * A PUBREL that is never answered stops nothing: the message is the server's, and after three connections it is settled as
 * delivered. Its id comes again 61,440 entries later.
 * Source: MQTT 3.1.1 §4.3, §4.6.
 */
import type { Protocol } from "../wire/protocol.js";
import type { Transmit } from "../wire/transmit.js";
import { InFlight, PUBACK, PUBCOMP } from "./in-flight.js";
import type { Outcome, SessionOptions, SettledBy } from "./options.js";
import type { Refusals } from "./refusals.js";
import { Requests } from "./requests.js";
import { NO_STORE, type OutboundEntry, type OutboundStore } from "./store.js";
import { ALONE, IN_ORDER, type Refusal, type RefusedBy, Suspicion } from "./suspicion.js";

// How far a connection has got: PUBREC came for an entry; one was settled.
/** What has come of this connection: an entry of QoS 2 got its PUBREC. */
export const ONE_RECEIVED = 1;
/** What has come of this connection: an entry was settled. */
export const ONE_SETTLED = 2;

/** Entries from the store to the server: which one goes next, and which are settled. Throws what the store throws. */
export class Outbound<E extends OutboundEntry> extends InFlight {
  readonly requests: Requests;
  protected readonly options: SessionOptions<E>;
  protected readonly store: OutboundStore<E>;
  protected readonly suspicion: Suspicion;
  /** Version 5. */
  protected readonly refusals: Refusals | undefined;
  /** The transmit buffer, from CONNACK to the end of the connection. */
  protected out: Transmit | undefined;

  /** What came of this connection: 0, ONE_RECEIVED, ONE_SETTLED. */
  protected progress = 0;
  /** There is nothing to be learnt from an acknowledgement. */
  protected isCalm = false;
  /** What the owner knows of it. */
  private reported: Refusal | undefined;

  /** All below may have been sent in this session, on earlier connections. */
  protected sentEnd = 0;
  protected countedEnd = 0; // those of QoS 2 below it are counted as possible doubles: each is one, however often it is sent again
  delivered = 0;
  deadLetters = 0;
  possibleDoubles = 0;

  constructor(options: SessionOptions<E>, protocol: Protocol, refusals?: Refusals) {
    const window = options.window ?? 8;
    if (!(window >= 1 && window <= 1_024)) throw new RangeError(`window ${window}: expected 1..1024`);
    super(window);
    this.options = options;
    this.store = options.outbound ?? NO_STORE;
    this.refusals = refusals;
    this.suspicion = new Suspicion(refusals ?? this.store, options.deadLetterAfter ?? 10);
    this.requests = new Requests(options, protocol, refusals);
    if (options.learned?.length) this.learned = options.learned;
  }

  /** What is known of entries that the server refuses, as numbers: how many there are of suspicion, these, and those of reason codes. */
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
    this.reported = suspicion.refusal; // it was, before the sleep
  }

  /** The server has taken an entry on this connection, or it ends for the sake of one that is known to end connections. */
  get isWelcome(): boolean {
    return this.progress >= ONE_RECEIVED || this.suspicion.phase === ALONE;
  }

  /** What the server does not take. */
  get refusal(): Refusal | undefined {
    return this.refusals?.refusal ?? this.suspicion.refusal;
  }

  /** Entries that the server has refused by a reason code go again, if there are any. */
  again(): void {
    if (!this.refusals || !this.out) return;
    if (!this.goTo(this.refusals.again())) this.pace();
    this.mayHaveMore = true;
    this.report();
  }

  /** How many go at once. What is held back may be open at the server, and counts there; so do messages from RAM. */
  protected pace(): void {
    const { limits, suspicion, refusals, requests } = this;
    const most = Math.min(suspicion.isOneByOne ? 1 : limits.window, limits.receiveMaximum - requests.inFlight);
    this.isLowering = suspicion.isLowering || limits.maxQoS < 2;
    this.isPaced = suspicion.heldEnd > 0 || this.cursor < this.reached || refusals?.isActive === true;
    this.limit = requests.isApart || refusals?.isPausing ? 0 : most;
    this.limitOfQoS2 = Math.min(most, Math.max(limits.maxOpenQoS2 - suspicion.open, suspicion.minOpen));
  }

  /** Entries go from this number on; below 0: not so. Returns whether. */
  protected goTo(sequence: number): boolean {
    if (sequence < 0) return false;
    this.reached = Math.max(this.reached, this.cursor);
    this.cursor = sequence;
    this.mayHaveMore = true;
    this.pace();
    return true;
  }

  /** The next to go while some are held back. */
  protected seekPaced(): E | undefined {
    const { suspicion } = this;
    const seen = this.refusals ?? this.store;
    let entry = seen.seek(this.cursor);
    for (; entry; entry = seen.seek(this.cursor)) {
      const isSkipped = suspicion.phase !== ALONE && this.mustSkip(entry);
      if (!isSkipped && !this.isSent(entry.sequence)) break;
      this.cursor = entry.sequence + 1;
      this.hasSkipped ||= isSkipped;
    }
    if (!entry || suspicion.mustRest(entry.sequence)) return;
    return seen.seek(this.cursor) as E | undefined; // once more: it may be the same object as the oldest, which was looked at
  }

  /** An entry was acknowledged: the first on this connection, or while something is suspected. */
  protected heard(sequence: number, settledQos: number): void {
    const suspicion = this.suspicion;
    const phase = suspicion.phase;
    this.progress = Math.max(this.progress, settledQos ? ONE_SETTLED : ONE_RECEIVED);
    suspicion.acknowledged(sequence, settledQos);
    if (settledQos) {
      this.convict();
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
    const suspicion = this.suspicion;
    const sequence = this.sequences[slot];
    const verdict = refusals.refuse(sequence, code);
    this.retire(slot);
    if (!suspicion.isIdle) suspicion.clear(); // it speaks: what it does not take need not be found out
    this.isCalm = false;
    this.mayHaveMore = true;
    if (verdict === "dead letter") this.settle(sequence, "deadLetter", "refused", code);
    else this.dropRefused();
    this.pace();
    this.report();
  }

  /** What is held back by a reason code is a dead letter once it would stop the others. */
  private dropRefused(): void {
    const { out, refusals } = this;
    if (!refusals) return;
    const code = refusals.refusal?.code;
    for (let entry = refusals.nextDeadLetter(); entry >= 0; entry = refusals.nextDeadLetter()) {
      this.settle(entry, "deadLetter", "refused", code);
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

  /** Three pings were answered, and not the oldest in flight. Returns whether the connection is to be closed. */
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
   * PUBREL is not answered: sent again with the next connection, and the one after it. Then the message is settled: it is the
   * server's since PUBREC, and PUBREL has arrived, as the pings behind it have. So are all others of which the same is true.
   */
  private isUnanswered(oldest: number): boolean {
    const { out, head, inFlight } = this;
    if (this.countSilence(oldest) < 3) return true;
    for (let n = 0; n < inFlight && this.out === out; n++) {
      const slot = (head + n) % this.window;
      const sequence = this.sequences[slot];
      if (this.awaited[slot] >> 28 !== PUBCOMP || (this.sentEnd && sequence >= this.sentEnd)) continue;
      this.retire(slot);
      this.settle(sequence, "delivered", "unanswered");
    }
    return false;
  }

  /** An entry of QoS 2 has QoS 1's promise. */
  protected lowered(sequence: number, why: "acknowledged" | "refused"): void {
    const isAgain = why === "acknowledged" && sequence < this.sentEnd && sequence >= this.countedEnd;
    if (isAgain) this.possibleDoubles++;
    this.options.onLowered?.(sequence, why, isAgain);
  }

  /** Settles what the server does not take, while it takes the rest, if there is proof. Returns whether there is. */
  protected convict(): boolean {
    const { out, suspicion } = this;
    const isProven = suspicion.proven >= 0;
    for (let entry = suspicion.proven; entry >= 0 && this.out === out; entry = suspicion.proven) {
      const by: RefusedBy =
        entry === suspicion.overtaken ? "silence" : (suspicion.refusal as NonNullable<typeof suspicion.refusal>).by;
      const isReleased = suspicion.isReleased(entry);
      if (this.oldest === entry) this.retire(this.head);
      this.requests.release((entry % 61_440) + 1); // the server may hold its id, which comes again
      this.store.settle(entry);
      suspicion.convicted(entry);
      this.goTo(Math.max(this.cursor, this.reached));
      this.report();
      if (isReleased) this.settle(entry, "delivered", "unanswered");
      else this.settle(entry, "deadLetter", by);
    }
    return isProven;
  }

  /** An entry is done with, and no acknowledgement said so. */
  protected settle(sequence: number, outcome: Outcome, by?: SettledBy, code?: number): void {
    this.store.settle(sequence);
    this.mayHaveMore = true;
    if (outcome === "delivered") this.delivered++;
    else this.deadLetters++;
    this.options.onSettled?.(sequence, outcome, by, code);
  }

  protected report(): void {
    const refusal = this.refusal;
    if (refusal === this.reported) return;
    this.reported = refusal;
    this.options.onRefusal?.(refusal);
  }
}
