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
import { Requests } from "./requests.js";
import { NO_STORE, type OutboundEntry, type OutboundStore } from "./store.js";
import { ALONE, IN_ORDER, type Refusal, type RefusedBy, Suspicion } from "./suspicion.js";

// How far a connection has got: PUBREC came for an entry; one was settled.
export const ONE_RECEIVED = 1;
export const ONE_SETTLED = 2;

export class Outbound<E extends OutboundEntry> extends InFlight {
  readonly requests: Requests;
  protected readonly options: SessionOptions<E>;
  protected readonly store: OutboundStore<E>;
  protected readonly suspicion: Suspicion;
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

  constructor(options: SessionOptions<E>, protocol: Protocol) {
    const window = options.window ?? 8;
    if (!(window >= 1 && window <= 1_024)) throw new RangeError(`window ${window}: expected 1..1024`);
    super(window);
    this.options = options;
    this.store = options.outbound ?? NO_STORE;
    this.suspicion = new Suspicion(this.store, options.deadLetterAfter ?? 10);
    this.requests = new Requests(options, protocol);
  }

  /** The server has taken an entry on this connection, or it ends for the sake of one that is known to end connections. */
  get isWelcome(): boolean {
    return this.progress >= ONE_RECEIVED || this.suspicion.phase === ALONE;
  }

  /** What the server does not take. */
  get refusal(): Refusal | undefined {
    return this.suspicion.refusal;
  }

  /** The next to go while some are held back. */
  protected seekPaced(): E | undefined {
    const { store, suspicion } = this;
    let entry = store.seek(this.cursor);
    for (; entry && suspicion.phase !== ALONE && this.mustSkip(entry); entry = store.seek(this.cursor)) {
      this.cursor = entry.sequence + 1;
      this.hasSkipped = true;
    }
    if (!entry || suspicion.mustRest(entry.sequence)) return;
    return store.seek(this.cursor); // once more: it may be the same object as the oldest, which was looked at
  }

  /** An entry was acknowledged: the first on this connection, or while something is suspected. */
  protected heard(sequence: number, settledQos: number): void {
    const suspicion = this.suspicion;
    const phase = suspicion.phase;
    this.progress = Math.max(this.progress, settledQos ? ONE_SETTLED : ONE_RECEIVED);
    suspicion.acknowledged(sequence, settledQos);
    if (settledQos) this.convict();
    if (phase !== IN_ORDER || this.hasSkipped) {
      this.pace(suspicion);
      this.mayHaveMore = true;
    }
    this.isCalm = suspicion.isIdle && !this.hasSkipped;
    this.report();
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
    this.isCalm = suspicion.isIdle;
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
      const by: RefusedBy = entry === suspicion.overtaken ? "silence" : (suspicion.refusal as Refusal).by;
      const isReleased = suspicion.isReleased(entry);
      if (this.oldest === entry) this.retire(this.head);
      this.requests.release((entry % 61_440) + 1); // the server may hold its id, which comes again
      this.store.settle(entry);
      suspicion.convicted(entry);
      this.goTo(Math.max(this.cursor, this.reached), suspicion);
      this.report();
      if (isReleased) this.settle(entry, "delivered", "unanswered");
      else this.settle(entry, "deadLetter", by);
    }
    return isProven;
  }

  /** An entry is done with, and no acknowledgement said so. */
  protected settle(sequence: number, outcome: Outcome, by?: SettledBy): void {
    this.store.settle(sequence);
    this.mayHaveMore = true;
    if (outcome === "delivered") this.delivered++;
    else this.deadLetters++;
    this.options.onSettled?.(sequence, outcome, by);
  }

  protected report(): void {
    const refusal = this.suspicion.refusal;
    if (refusal === this.reported) return;
    this.reported = refusal;
    this.options.onRefusal?.(refusal);
  }
}
