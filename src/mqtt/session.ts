/*
 * The session: what the two ends agree on beyond one connection. Joins the store's entries, the requests from RAM and the inbound
 * flows, and turns each packet into its effects: bytes in the transmit buffer, calls to the stores, calls to the owner.
 * A pure state machine: the transitions are in flow.ts; no clock, no socket. What a callback or a store throws passes through;
 * the connection catches it and closes (§4.8.0-2).
 * Source: MQTT 3.1.1 §4.1, §4.3 to §4.6.
 */
import { PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, type QoS, RETAIN, SUBACK } from "./codec.js";
import { DELIVER, FORGET, HELD, NEW, onConnack, onPublish, onRelease } from "./flow.js";
import { ENTRY_IDS, type Ending, Outbound, type OutboundOptions } from "./outbound.js";
import { type PublishHeader, STOP } from "./parser.js";
import { Requests, type RequestsOptions } from "./requests.js";
import { type InboundStore, MemoryInboundStore, type OutboundEntry } from "./store.js";
import { type Message, TAKEN, type Transmit } from "./transmit.js";

/** A piece of a message that came in. One object a message, reused from piece to piece. */
export interface InboundMessage {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** The server says that it may have sent this before. */
  readonly dup: boolean;
  /** Of the whole payload. */
  readonly totalBytes: number;
  /** Where this piece begins. 0 again after a lost connection: the message comes anew. */
  readonly offsetBytes: number;
  /** A view on the receive buffer: copy what you keep. */
  readonly payload: Uint8Array;
  /** The message is complete. */
  readonly last: boolean;
}

/** What a CONNACK said. */
export interface SessionStart {
  /** The server kept the session. */
  readonly present: boolean;
  /** A stale session was wiped before this one began. */
  readonly wiped: boolean;
  /** QoS 2 messages that go as new though the server may have had them. */
  readonly possibleDoubles: number;
}

export interface SessionOptions<E extends OutboundEntry> extends OutboundOptions<E>, RequestsOptions {
  /** Default: a `MemoryInboundStore`, which forgets at a reboot. */
  inbound?: InboundStore;
  onMessage?(message: InboundMessage): void;
  onSession?(session: SessionStart): void;
}

type Piece = { -readonly [K in keyof InboundMessage]: InboundMessage[K] };

export class Session<E extends OutboundEntry> {
  readonly outbound: Outbound<E>;
  readonly requests: Requests;
  readonly #options: SessionOptions<E>;
  readonly #inbound: InboundStore;
  /** The open connection's buffer; undefined while there is none. */
  #out: Transmit | undefined;
  #header: PublishHeader | undefined;
  /** The message that is coming in; undefined: nobody wants it, or it was delivered before. */
  #piece: Piece | undefined;
  possibleDoubles = 0;

  constructor(options: SessionOptions<E>) {
    this.#options = options;
    this.outbound = new Outbound(options);
    this.requests = new Requests(options);
    this.#inbound = options.inbound ?? new MemoryInboundStore();
  }

  /** CONNACK of code 0 came. `clean`: what we asked for. Returns what was wrong. */
  open(out: Transmit, clean: boolean, present: boolean, wiped: boolean): string | undefined {
    const opening = onConnack(clean, present);
    if (opening === "violation") return "CONNACK: session present, though clean";
    let possibleDoubles = 0;
    if (opening === "begin") {
      possibleDoubles = this.outbound.begin();
      this.possibleDoubles += possibleDoubles;
      this.requests.begin();
      this.#inbound.clear();
    }
    this.#out = out;
    if (!clean) this.#options.onSession?.({ present, wiped, possibleDoubles });
    return this.#goOn(out);
  }

  /** The connection is over; harmless when there was none. */
  close(ending: Ending): void {
    if (this.#out === undefined) return;
    this.#out = this.#piece = this.#header = undefined;
    // A request that waits is blamed before the entries; it goes first, and is the less precious.
    const { outbound, requests } = this;
    const blamesRequest = ending === "peer" && requests.isWaiting;
    requests.close(blamesRequest && !outbound.hasHeard ? "peer" : "other");
    outbound.close(blamesRequest ? "other" : ending);
  }

  /** Adds what may go: requests, then entries in order. Returns true if it stopped for want of room. */
  fill(): boolean {
    const out = this.#out;
    return out !== undefined && (this.requests.fill(out) || this.outbound.fill(out));
  }

  /** A message of QoS 0, now or never. Returns whether the buffer took it. */
  publishNow(message: Message): boolean {
    const first = message.retain ? (PUBLISH << 4) | RETAIN : PUBLISH << 4;
    return this.#out !== undefined && this.#out.publish(first, 0, message) === TAKEN;
  }

  /** PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK, SUBACK. Returns what was wrong, or STOP if the owner closed meanwhile. */
  acknowledgement(type: number, id: number, granted = 0): string | undefined {
    const out = this.#out;
    if (out === undefined) return STOP;
    if (type === PUBREL) {
      if (onRelease(this.#inbound.has(id) ? HELD : NEW) === FORGET) this.#inbound.delete(id);
      out.acknowledgement(PUBCOMP, id);
      return undefined;
    }
    let fault: string | undefined;
    if (id <= ENTRY_IDS && type !== SUBACK) fault = this.outbound.acknowledgement(type, id, out);
    else {
      fault = this.requests.acknowledgement(type, id, granted, out);
      if (fault === undefined) this.outbound.prove();
    }
    return fault === undefined && this.#out !== out ? STOP : fault;
  }

  /** A PUBLISH begins. */
  publish(header: PublishHeader): undefined {
    const { topic, qos, retain, dup, id, totalBytes } = header;
    this.#header = header;
    this.#piece = undefined;
    if (!this.#options.onMessage) return;
    if (qos === 2 && onPublish(this.#inbound.has(id) ? HELD : NEW) !== DELIVER) return;
    this.#piece = { topic, qos, retain, dup, totalBytes, offsetBytes: 0, payload: NOTHING, last: false };
  }

  /** Bytes of its payload. */
  payload(bytes: Uint8Array, start: number, length: number, offset: number): string | undefined {
    const piece = this.#piece;
    if (piece === undefined) return undefined;
    const out = this.#out;
    piece.offsetBytes = offset;
    piece.payload = bytes.subarray(start, start + length);
    piece.last = offset + length === piece.totalBytes;
    this.#options.onMessage?.(piece);
    return this.#goOn(out);
  }

  /** The PUBLISH is complete, and delivered: acknowledge, in the order of arrival (§4.6.0-2, -3). */
  published(): undefined {
    const { qos, id } = this.#header as PublishHeader;
    if (qos === 0) return;
    // After delivery: a power cut between the two delivers twice; the other way round would lose the message.
    if (qos === 2 && onPublish(this.#inbound.has(id) ? HELD : NEW) === DELIVER) this.#inbound.add(id);
    this.#out?.acknowledgement(qos === 1 ? PUBACK : PUBREC, id);
  }

  /** STOP, if the owner closed the connection in a callback. */
  #goOn(out: Transmit | undefined): string | undefined {
    return out !== undefined && this.#out === out ? undefined : STOP;
  }
}

const NOTHING = new Uint8Array(0);
