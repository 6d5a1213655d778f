/*
 * Bytes to packets, split anyhow. Memory is fixed at construction: payloads are handed on in pieces as they come, and a length
 * field only counts down. What a server must not send ends the stream with a text that names packet and fault.
 * No I/O, no clock; objects and a string are made for a PUBLISH only.
 * Source: MQTT 3.1.1 §2.2 (header), §3 (packets as a server sends them).
 */
import type { QoS } from "./codec.js";
import type { Properties } from "./properties.js";
import { checkTopicName } from "./topics.js";
import { decodeUTF8 } from "./utf8.js";

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
  /** Version 5, where some were sent. */
  readonly properties?: Properties;
}

/**
 * Takes what is about the connection. Each method may return what was wrong with the packet, and may end the connection,
 * by `end` of the parser.
 */
export interface LinkReader {
  /** `properties`: of version 5; undefined: the server answered in 3.1.1's form. */
  connack(present: boolean, code: number, properties?: Properties): string | undefined;
  /** Version 5: the server ends the connection, and says why (§3.14). */
  disconnected?(code: number, properties: Properties): void;
  pingresp(): void;
}

/** Takes what is about messages, in the same way. Packet ids are never 0. */
export interface MessageReader {
  /** The acknowledgements in flight, as words; at `head` the one that is to come next. -1: none. */
  readonly awaited: readonly number[];
  readonly head: number;
  /** That one has come. */
  acknowledge(head: number): void;
  /**
   * Any other. Packet type and id as in codec.ts's words. `code`: SUBACK's return code, 0, 1, 2 or 128; in version 5 the reason code of
   * any, with the server's text for people.
   */
  acknowledgement(word: number, code: number, reason?: string): string | undefined;
  /** The next piece of a message, empty only if the payload is. `id`: 0 at QoS 0. Read it before returning. */
  message(message: InboundMessage, id: number): void;
  /** Version 5: a PUBLISH was skipped, because it or its topic is longer than the limit. It must still be acknowledged. */
  skipped?(qos: QoS, id: number): void;
}

// What the next byte is
/** State: the packet's first byte comes next. */
export const FIRST = 0; // a packet's first byte
const GREETING = 1; // a CONNACK's first byte: the first packet of the stream (§3.2.0-1)
/** State: a byte of the remaining length comes next (MQTT 3.1.1 §2.2.3). */
export const LENGTH = 2; // of the remaining-length field
const HEAD = 3; // of a packet before its payload; also while that comes in
const ENDED = 4; // of no interest any more

const NAMES =
  "0,CONNECT,CONNACK,PUBLISH,PUBACK,PUBREC,PUBREL,PUBCOMP,SUBSCRIBE,SUBACK,UNSUBSCRIBE,UNSUBACK,PINGREQ,PINGRESP,DISCONNECT,AUTH";

/** The parser's own hand on it. */
export type Inbound = { -readonly [K in keyof InboundMessage]: InboundMessage[K] };

/**
 * The parser of MQTT 3.1.1. Takes bytes in pieces of any length; for what a server must not send it returns a text that
 * names packet and fault, and is done.
 */
export class Parser {
  protected readonly link: LinkReader;
  protected readonly messages: MessageReader;
  /** The receive buffer. */
  readonly bytes: Uint8Array;
  /** The same. */
  readonly words: DataView;
  /** What has come of the packet's head. */
  protected readonly head: Uint8Array;
  /** What the next byte is; 0: between two packets. */
  state = GREETING;
  protected first = 0;
  /** While LENGTH: what the field says so far; later: bytes of the packet that have not come, its head included. */
  protected remaining = 0;
  /** Bits of the length field so far; bytes of the head so far. */
  protected count = 0;
  /** Bytes of the head, as far as is known. */
  protected headLength = 0;
  protected id = 0;
  /** The message whose payload comes in; nothing else can then, PINGRESP included. */
  message: Inbound | undefined;

  /** `receive`: where the bytes to parse stand. `longestTopic`: in bytes. */
  constructor(link: LinkReader, messages: MessageReader, receive: Uint8Array, longestTopic: number) {
    this.link = link;
    this.messages = messages;
    this.bytes = receive;
    this.words = new DataView(receive.buffer, receive.byteOffset);
    this.head = new Uint8Array(longestTopic + 4);
  }

  /** The stream ends here, whatever else has come. */
  end(): void {
    this.state = ENDED;
    this.message = undefined;
  }

  /** Takes the first `length` bytes of the buffer. Returns what was wrong, if anything. */
  feed(length: number): string | undefined {
    const messages = this.messages;
    let at = 0;
    do {
      let fault: string | undefined;
      // Most of what comes to a publisher is the acknowledgement that is to come next: one word says all.
      if (this.state === FIRST && at + 4 <= length && this.words.getUint32(at) === messages.awaited[messages.head]) {
        messages.acknowledge(messages.head);
        at += 4;
      } else if (this.message) {
        const end = Math.min(length, at + this.remaining);
        this.takePayload(at, end);
        at = end;
      } else fault = this.takeByte(this.bytes[at++]);
      if (fault) return `${NAMES.split(",")[this.first >> 4]}: ${fault}`;
    } while (at < length && this.state !== ENDED);
    return;
  }

  protected takeByte(byte: number): string | undefined {
    const state = this.state;
    if (state === LENGTH) return this.takeLength(byte);
    if (state === HEAD) {
      this.head[this.count++] = byte;
      if (this.count === this.headLength) return this.takeHead();
      return;
    }
    const type = byte >> 4;
    this.first = byte;
    this.remaining = this.count = 0;
    this.state = LENGTH;
    if (state === GREETING && type !== 2) return "before CONNACK";
    if (state !== GREETING && type === 2) return "twice";
    if (!((0x2afc >> type) & 1)) return "from a server"; // bits: the types that a server sends
    if (type !== 3 && (byte & 15) !== (type === 6 ? 2 : 0)) return `flags ${byte & 15}`;
    if (type === 3 && (byte & 6) === 6) return "QoS 3";
    if (type === 3 && (byte & 14) === 8) return "DUP at QoS 0";
    return;
  }

  private takeLength(byte: number): string | undefined {
    this.remaining |= (byte & 0x7f) << this.count;
    this.count += 7;
    if (byte & 0x80) {
      if (this.count === 28) return "length field over 4 bytes";
      return;
    }
    const remaining = this.remaining;
    this.headLength = this.headOf(this.first >> 4, remaining);
    if (this.headLength < 0) return `length ${remaining}`;
    this.count = 0;
    this.state = HEAD;
    if (remaining === 0) return this.takeHead();
    return;
  }

  /** How many bytes the head of a packet has, as far as type and length say so; below 0: it cannot be so long. */
  protected headOf(type: number, remaining: number): number {
    // Each SUBSCRIBE of ours has one filter. The least of a PUBLISH: length of the topic, one character, packet id.
    const least = type === 3 ? (this.first & 6 ? 5 : 3) : type === 9 ? 3 : type === 13 ? 0 : 2;
    if (type === 3) return remaining < least ? -1 : 2;
    return remaining === least ? least : -1;
  }

  /** The packet has come up to `headLength`. */
  protected takeHead(): string | undefined {
    const head = this.head;
    const high = head[0];
    const low = head[1];
    const id = (high << 8) | low; // or the length of the topic
    const type = this.first >> 4;
    if (type === 3) return this.takePublish(id);
    this.state = FIRST;
    if (type === 13) {
      this.link.pingresp();
      return;
    }
    if (type === 2) {
      if (high > 1) return `flags ${high}`;
      if (low > 5) return `return code ${low}`;
      if (high && low) return "session present, yet refused"; // §3.2.2-4
      return this.link.connack(high === 1, low);
    }
    if (id === 0) return "packet id 0";
    const granted = type === 9 ? head[2] : 0;
    if (granted > 2 && granted !== 0x80) return `return code ${granted}`;
    return this.messages.acknowledgement((this.first << 24) | 0x2_0000 | id, granted);
  }

  protected takePublish(topicLength: number): string | undefined {
    const head = this.head;
    const first = this.first;
    const end = 2 + topicLength;
    const length = first & 6 ? end + 2 : end;
    if (this.count === 2) {
      if (topicLength === 0) return "empty topic";
      if (length > this.remaining) return "topic beyond its end";
      if (end > head.length - 2) return `topic of ${topicLength} bytes`;
      this.headLength = length;
      return;
    }
    this.id = first & 6 ? (head[end] << 8) | head[end + 1] : 0;
    if (this.id === 0 && first & 6) return "packet id 0";
    const topic = decodeUTF8(head, 2, end);
    if (topic === undefined) return "topic is not UTF-8";
    const fault = checkTopicName(topic);
    if (fault) return fault;
    this.remaining -= length;
    this.begin({
      topic,
      qos: ((first >> 1) & 3) as QoS,
      retain: (first & 1) === 1,
      dup: (first & 8) === 8,
      totalBytes: this.remaining,
      offsetBytes: 0,
      payload: head,
      last: false,
    });
    return;
  }

  /** What comes next is the payload. */
  protected begin(message: Inbound): void {
    this.message = message;
    if (this.remaining === 0) this.takePayload(0, 0);
  }

  protected takePayload(start: number, end: number): void {
    const message = this.message as Inbound;
    message.payload = this.bytes.subarray(start, end);
    message.offsetBytes = message.totalBytes - this.remaining;
    this.remaining -= end - start;
    if (this.remaining === 0) {
      message.last = true;
      this.message = undefined;
      this.state = FIRST;
    }
    this.messages.message(message, this.id);
  }
}
