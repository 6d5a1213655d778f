/*
 * Messages that come in: handed on in pieces as they arrive, acknowledged in order, QoS 2 delivered once.
 * Acknowledged is every message, wanted or not (§4.5.0-2). Pure but for the store of packet ids and the owner's callback.
 * Source: MQTT 3.1.1 §4.3, §4.6.
 */
import { PUBACK_WORD, PUBCOMP_WORD, PUBREC_WORD, type QoS } from "./codec.js";
import { DELIVER, FORGET, HELD, NEW, onPublish, onRelease } from "./flow.js";
import type { PublishHeader } from "./parser.js";
import { type InboundStore, MemoryInboundStore } from "./store.js";
import type { Transmit } from "./transmit.js";

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

export interface InboundOptions {
  /** Default: a `MemoryInboundStore`, which forgets at a reboot. */
  inbound?: InboundStore;
  onMessage?(message: InboundMessage): void;
}

type Piece = { -readonly [K in keyof InboundMessage]: InboundMessage[K] };

const NOTHING: Uint8Array = new Uint8Array(0);

export class Inbound {
  private readonly options: InboundOptions;
  private readonly store: InboundStore;
  private header: PublishHeader | undefined;
  /** The message that is coming in; undefined: nobody wants it, or it was delivered before. */
  private piece: Piece | undefined;

  constructor(options: InboundOptions) {
    this.options = options;
    this.store = options.inbound ?? new MemoryInboundStore();
  }

  /** The peer's session is gone: its packet ids begin anew. */
  begin(): void {
    this.store.clear();
  }

  /** The connection is over: what has come of a message will come again. */
  close(): void {
    this.header = this.piece = undefined;
  }

  /** PUBREL: always answered (§4.3.3-2). */
  release(id: number, out: Transmit): void {
    if (onRelease(this.stateOf(id)) === FORGET) this.store.delete(id);
    out.acknowledgement(PUBCOMP_WORD, id);
  }

  /** A PUBLISH begins. */
  publish(header: PublishHeader): void {
    const { topic, qos, retain, dup, id, totalBytes } = header;
    this.header = header;
    this.piece = undefined;
    if (!this.options.onMessage) return;
    if (qos === 2 && onPublish(this.stateOf(id)) !== DELIVER) return;
    this.piece = { topic, qos, retain, dup, totalBytes, offsetBytes: 0, payload: NOTHING, last: false };
  }

  /** Bytes of its payload. */
  payload(bytes: Uint8Array, start: number, length: number, offset: number): void {
    const piece = this.piece;
    if (piece === undefined) return;
    piece.offsetBytes = offset;
    piece.payload = bytes.subarray(start, start + length);
    piece.last = offset + length === piece.totalBytes;
    this.options.onMessage?.(piece);
  }

  /** It is complete, and delivered. */
  published(out: Transmit): void {
    const header = this.header;
    if (header === undefined || header.qos === 0) return;
    const { qos, id } = header;
    // After delivery: a power cut between the two delivers twice; the other way round would lose the message.
    if (qos === 2 && onPublish(this.stateOf(id)) === DELIVER) this.store.add(id);
    out.acknowledgement(qos === 1 ? PUBACK_WORD : PUBREC_WORD, id);
  }

  private stateOf(id: number): number {
    return this.store.has(id) ? HELD : NEW;
  }
}
