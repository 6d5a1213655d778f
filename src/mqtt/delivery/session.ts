/*
 * The session: the state that both ends keep beyond one connection. Turns each packet into its effects: bytes in the transmit
 * buffer, calls to the stores, calls to the owner. A pure state machine: no clock, no socket. Exceptions of callbacks and
 * stores pass through; the connection catches them and closes (§4.8.0-2). Which entry is sent next, and which ones the server
 * refuses: outbound.ts.
 * Source: MQTT 3.1.1 §3.2.2.2, §4.1, §4.3 to §4.6.
 */
import type { QoS } from "../wire/codec.js";
import type { InboundMessage, MessageReader } from "../wire/parser.js";
import type { Protocol } from "../wire/protocol.js";
import type { Message, Transmit } from "../wire/transmit.js";
import { PUBACK, PUBREC } from "./in-flight.js";
import type { Ending, SessionOptions, SessionStart } from "./options.js";
import { ONE_SETTLED, Outbound } from "./outbound.js";
import type { Refusals } from "./refusals.js";
import { type InboundStore, MemoryInboundStore, type OutboundEntry } from "./store.js";
import { OTHERS } from "./suspicion.js";

/** Options of CONNECT, and the result of CONNACK. */
export interface Opening {
  readonly isClean: boolean;
  readonly isPresent: boolean;
  /** An old session was wiped before this one begins. */
  readonly isWiped: boolean;
  /** Not present, and no longer promised. */
  readonly isExpired: boolean;
  /** An earlier CONNECT was not answered: the session that is present may be one which that CONNECT began. */
  readonly isDoubtful: boolean;
}

/** Reason code: the server has received a message with this id, and awaits PUBREL. */
const ID_IN_USE = 0x91;
/** Reason code: longer than the server accepts. */
const TOO_LARGE = 0x95;

// What has become of entries that were sent: nothing; the server may not recognize those of QoS 2; it has lost the session.
const NONE = 0;
const NOT_RECOGNIZED = 1;
const LOST_ALL = 2;

/** The session was lost, though CONNACK could not show it. */
const LOST: Opening = Object.freeze({
  isClean: false,
  isPresent: false,
  isWiped: false,
  isExpired: false,
  isDoubtful: false,
});

/** The session of MQTT 3.1.1 §4.1: packets in, effects out. It lasts across connections; the stores make it durable. */
export class Session<E extends OutboundEntry> extends Outbound<E> implements MessageReader {
  /** Ids of QoS 2 messages that were delivered and not released yet. Made for the first one, because most clients never get any. */
  private held: InboundStore | undefined;
  skippedMessages = 0;
  /** Number of oldest entries that may have been sent before the reboot, and the first number that was not. */
  private perhapsSent: number;
  private readonly perhapsEnd: number;
  /** What has become of entries that were sent: kept until the store could be read. */
  private loss: typeof NONE | typeof NOT_RECOGNIZED | typeof LOST_ALL = NONE;
  /** How this connection has begun. */
  private opening = LOST;

  constructor(options: SessionOptions<E>, protocol: Protocol, refusals?: Refusals) {
    super(options, protocol, refusals);
    this.held = options.inbound;
    this.perhapsSent = options.perhapsSent ?? 0;
    this.perhapsEnd = this.store.nextSequence ?? Number.POSITIVE_INFINITY;
  }

  /** CONNACK of code 0 was received. Returns a description of a fault. */
  open(out: Transmit, protocol: Protocol, opening: Opening): string | undefined {
    const { isClean, isPresent, isDoubtful } = opening;
    if (isClean && isPresent) return "session present, though clean"; // §3.2.2-1
    if (!isPresent) {
      this.loss = LOST_ALL; // before anything can throw: the next CONNACK would not show it
      this.requests.begin();
      this.held?.clear();
    }
    const possibleDoubles = this.resume();
    this.out = out;
    this.requests.open(protocol);
    if (isPresent && isDoubtful) this.requests.doubt();
    this.begin(opening, possibleDoubles);
    return;
  }

  /**
   * What is known of entries that were sent is kept if the server still has the session. Returns how many possible doubles there
   * are. If nothing can be read, it remains to be done (`isUnread`).
   */
  private resume(): number {
    const { sent, store } = this;
    // The server does not recognize them at another QoS, either.
    if (this.isLowering || this.suspicion.isLowering || this.limits.maxQoS < 2) this.loss ||= NOT_RECOGNIZED;
    const { loss } = this;
    const doubles: number[] = [];
    let perhapsSent = this.perhapsSent;
    let entry = loss || perhapsSent ? store.seek(0) : undefined;
    this.isUnread =
      !entry &&
      ((perhapsSent > 0 && this.perhapsEnd > 0) || (loss > 0 && sent.isAny)) &&
      store.nextSequence !== undefined;
    if (this.isUnread) return 0;
    if (entry) sent.settledBelow(entry.sequence);
    while (entry && (entry.sequence < sent.end || perhapsSent > 0 || entry.released)) {
      const { sequence, qos, released } = entry;
      if ((perhapsSent-- > 0 && sequence < this.perhapsEnd) || released) sent.add(sequence);
      // A released one is continued by PUBREL, if the server has the session.
      const isDouble = qos === 2 && (loss === LOST_ALL || (loss && !released)) && sent.has(sequence);
      if (isDouble && !sent.isCounted(sequence)) doubles.push(sequence);
      entry = store.seek(sequence + 1);
    }
    if (loss === LOST_ALL) {
      // Everything is sent as new.
      sent.lose();
      store.requeue();
    }
    this.perhapsSent = 0;
    this.loss = NONE;
    sent.count(doubles);
    return doubles.length;
  }

  /** Sending begins, with the oldest entry. */
  private begin(opening: Opening, possibleDoubles: number, isAgain = false): void {
    this.opening = opening;
    const { isClean, isPresent, isWiped, isExpired } = opening;
    this.possibleDoubles += possibleDoubles;
    this.isCalm = false;
    this.reachEnd = 0;
    if (!isPresent) this.reach = this.window; // nothing was sent in this session
    this.refusals?.begin();
    this.cursor = this.suspicion.begin(this.sent);
    this.pace();
    if (!isClean && !(isAgain && !possibleDoubles)) {
      const start: SessionStart = { present: isPresent, wiped: isWiped, possibleDoubles, reach: this.reach };
      const more = isAgain ? { again: true as const } : isExpired ? { expired: true as const } : undefined;
      this.options.onSession?.(more ? { ...start, ...more } : start);
    }
    this.report();
  }

  /** The connection has ended. */
  close(ending: Ending): void {
    if (!this.out) return;
    this.out = undefined;
    const isSettled = this.progress === ONE_SETTLED;
    const by = ending === "peer" ? "closing" : ending === "stuck" ? "silence" : undefined;
    const oldest = this.oldest;
    const isUnclear = this.requests.close(ending === "peer", this.inFlight, isSettled);
    const isCounted = by === "silence" && this.overtaken === oldest; // the failure of an overtaken entry was counted already
    this.sent.close(this.entries);
    this.land();
    this.refusals?.end();
    this.progress = 0;
    try {
      this.suspicion.ended(isUnclear || isCounted ? undefined : by, oldest, isSettled);
    } catch {} // a store that throws: this end shows nothing
  }

  /** Adds what may be sent, as long as buffer and socket accept it: requests, then entries in order. */
  fill(): void {
    const out = this.out;
    if (!out || (this.requests.isDue && !this.fillRequests(out)) || !this.mayHaveMore) return;
    for (;;) {
      if (this.inFlight >= this.limit && !this.closeRanks(this.limit)) return;
      const entry = this.isPaced ? this.seekPaced() : this.store.seek(this.cursor);
      if (!entry) {
        if (this.out !== out) return;
        if (!this.isCalm && !this.inFlight && this.goTo(this.turn())) continue;
        // A store may deliver more once the oldest are settled; the code that settles them asks again.
        this.mayHaveMore = this.inFlight > 0 && this.cursor < (this.store.nextSequence ?? 0);
        return;
      }
      if (this.inFlight && this.mustWait(entry)) return;
      const sequence = entry.sequence;
      let first = 0x32;
      let awaited = 0x4002_0001 + (sequence % 61_440); // PUBACK, with the packet id
      let special = 0; // 1: sent again; 2: at a lower QoS
      if (entry.qos === 2) {
        if (this.isLowering && !entry.released) special = 2;
        else {
          if (this.inFlight >= this.limitOfQoS2 && this.limitOfQoS2 > 0 && !this.closeRanks(this.limitOfQoS2)) return;
          first = 0x34;
          awaited += 0x1000_0000; // PUBREC
        }
      }
      if (sequence < this.sent.end && this.sent.has(sequence)) {
        first |= 0x08; // DUP
        special++;
      }
      if (entry.released) {
        if (out.free < 4 && !out.drain()) return;
        out.acknowledgement(awaited + 0x1200_0000); // PUBREL
        awaited += 0x2000_0000; // PUBCOMP
      } else {
        if (out.tail && !out.drain()) return; // the last rendered message is still being sent
        const message = this.options.render?.(entry);
        if (
          !message ||
          !out.publish(message.retain ? first | this.limits.retainAvailable : first, awaited & 0xffff, message)
        ) {
          if (this.out !== out) return; // `render` has ended the connection
          if (message && out.end) {
            if (out.drain()) continue;
            return;
          }
          this.cursor = sequence + 1;
          if (message && this.refusals && this.isTooLarge(message)) {
            // CONNACK (2) has announced it.
            this.refusals.onReasonCode(2, TOO_LARGE, `Maximum Packet Size ${this.limits.maxPacketBytes}`);
            this.turnDown(sequence, TOO_LARGE, this.refusals);
          } else this.settle(sequence, "deadLetter", "unsendable");
          if (this.out !== out) return;
          continue;
        }
      }
      const slot = (this.head + this.inFlight) % this.window;
      this.awaited[slot] = awaited;
      this.sequences[slot] = sequence;
      this.cursor = sequence + 1;
      ++this.inFlight; // slower as a postfix increment
      if (special) {
        if (special & 1) this.sent.sentAgain(sequence);
        if (special > 1) this.lowered(sequence, "refused");
        if (this.out !== out) return;
      }
      if (this.cursor === this.store.nextSequence) {
        this.mayHaveMore = false;
        return;
      }
    }
  }

  /**
   * PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK. The reaction depends on what is awaited for the id (§4.3, §4.8.0-1):
   *
   *   awaited           PUBACK   PUBREC        PUBCOMP  SUBACK  UNSUBACK
   *   nothing           ignore   PUBREL        ignore   close   close
   *   not re-sent yet   ignore   ignore        ignore   close   close     our PUBLISH follows, and PUBREC again upon it (§4.4.0-1)
   *   PUBACK            settle   close         close    close   close
   *   PUBREC            settle   store, PUBREL close    close   close     the id then awaits PUBCOMP (§4.3.3-1)
   *   PUBCOMP           close    PUBREL        settle   close   close
   *   SUBACK            close    close         close    settle  close
   *   UNSUBACK          close    close         close    close   settle
   *
   * PUBACK for PUBREC: RabbitMQ handles QoS 2 as QoS 1 in 3.1.1. It is an acknowledgement, with QoS 1's promise.
   * PUBREC 0x91, id in use, for an entry that was sent before: the server has it and awaits PUBREL (EMQX). It counts as PUBREC 0.
   * PUBREL concerns the server's ids: forget the id and send PUBCOMP, even for an unknown id (§4.3.3-2).
   * hosttest/mqtt/flow.test.ts holds this table.
   */
  acknowledgement(word: number, code: number, reason?: string): string | undefined {
    const { out, refusals } = this;
    if (!out) return;
    const type = word >>> 28;
    if (code > 127) refusals?.onReasonCode(type, code, reason);
    const id = word & 0xffff;
    if (type === 6) {
      this.held?.delete(id);
      out.acknowledgement(0x7002_0000 + id);
      return;
    }
    const isRequest = id > 61_440;
    const slot = isRequest ? -1 : this.find(id);
    const state = isRequest ? this.requests.awaits(id) : slot < 0 ? 0 : this.awaited[slot] >> 28;
    const isReceived = code === ID_IN_USE && state === PUBREC && this.sent.has(this.sequences[slot]);
    if (code > 127 && type < 6 && slot >= 0 && state < 6 && refusals && !isReceived) {
      if (code === ID_IN_USE) this.requests.release(id); // of a message that is over for us: then the id is free
      this.refuse(slot, code, refusals);
      return;
    }
    if (state !== type) {
      if (state === PUBREC && type === PUBACK) {
        this.awaited[slot] -= 0x1000_0000; // PUBACK
        this.lowered(this.sequences[slot], "acknowledged");
        if (this.out === out) this.acknowledge(slot);
        return;
      }
      if (type > 7 || (state && (state !== 7 || type !== 5))) return `id ${id} is not awaited`;
      if (type === 5 && !this.sent.isDue(id)) out.acknowledgement(0x6202_0000 + id);
      return;
    }
    if (isRequest) {
      const fault = this.requests.settle(id, code);
      this.requests.isJoined(false);
      this.mayHaveMore = true;
      this.pace();
      if (this.requests.isAnother) {
        this.requests.isAnother = false;
        this.loss = LOST_ALL;
        this.held?.clear();
        this.begin(LOST, this.resume());
      }
      return fault;
    }
    this.acknowledge(slot);
    return;
  }

  /** The packet that the entry in a slot awaits was received. */
  acknowledge(slot: number): void {
    const sequence = this.sequences[slot];
    const word = this.awaited[slot];
    if (word >> 28 === 5) {
      this.store.released(sequence); // durable before PUBREL leaves
      this.awaited[slot] = word + 0x2000_0000; // PUBCOMP
      (this.out as Transmit).acknowledgement(word + 0x1200_0000);
      if (!this.isCalm) this.heard(sequence, 0);
    } else {
      this.store.settle(sequence);
      this.awaited[slot] = -1;
      if (slot === this.head) {
        this.head = (slot + 1) % this.window;
        if (--this.inFlight && this.holes) this.skipHoles();
      } else this.overtake(slot, word, this.suspicion.lead);
      ++this.delivered;
      if (!this.isCalm) this.heard(sequence, word >> 28 === 4 ? 1 : 2);
      this.options.onSettled?.(sequence, "delivered");
    }
  }

  /** A part of a message. It is acknowledged at its end, wanted or not (§4.5.0-2), in order (§4.6). */
  message(message: InboundMessage, id: number): void {
    const out = this.out;
    if (!out) return;
    const isHeld = message.qos === 2 && this.held?.has(id);
    if (!isHeld) this.options.onMessage?.(message, id);
    if (this.out === out && message.last && message.qos) {
      // After delivery: a power cut in between delivers twice; the other order would lose the message.
      if (message.qos === 2 && !isHeld) {
        this.held ??= new MemoryInboundStore();
        this.held.add(id);
      }
      out.acknowledgement((message.qos === 2 ? 0x5002_0000 : 0x4002_0000) + id);
    }
  }

  /**
   * Version 5: a message that exceeds our limit was skipped. It is acknowledged, because it would come again on each connection
   * otherwise.
   */
  skipped(qos: QoS, id: number): void {
    this.skippedMessages++;
    if (qos) this.out?.acknowledgement((qos === 2 ? 0x5002_0000 : 0x4002_0000) + id);
  }

  /** PINGRESP was received. Returns whether to close: three in a row have found the same oldest entry in flight. */
  pingresp(): boolean {
    if (this.requests.isApart && this.requests.isJoined(true)) {
      this.mayHaveMore = true;
      this.pace();
    }
    if (this.countPing() < 3) return false;
    if (this.inFlight) return this.isStuck(this.oldest);
    // No other entry could be delivered before those held back.
    if (this.suspicion.phase === OTHERS) this.goTo(this.suspicion.goAlone());
    else if (!this.isPaced && (this.store.seek(0)?.sequence ?? this.cursor) < this.cursor) this.goTo(0); // could not be read before
    return false;
  }

  /** The store could not be read when the connection began: what was due then is done as soon as it can be. Nothing was sent before. */
  protected override seekPaced(): E | undefined {
    const out = this.out;
    if (this.isUnread) {
      if (!this.store.seek(0)) return;
      this.begin(this.opening, this.resume(), true);
      if (this.out !== out) return;
    }
    return super.seekPaced();
  }

  /** Adds requests. Returns false if some have to wait. */
  private fillRequests(out: Transmit): boolean {
    const isThrough = this.requests.fill(out, this.limits.receiveMaximum - this.inFlight);
    this.pace();
    this.mayHaveMore = true;
    return isThrough;
  }

  /** Whether the packet is longer than the server accepts. In borderline cases it is not sendable for another reason either. */
  private isTooLarge({ topic, payloadLength, properties }: Message): boolean {
    const head = 12 + (properties?.length ?? 0); // at most
    return head + topic.length + payloadLength > this.limits.maxPacketBytes;
  }
}
