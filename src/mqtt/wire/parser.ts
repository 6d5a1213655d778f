/*
 * Bytes to packets, from pieces of any length. Memory is fixed at construction: payloads are passed on in parts as they arrive,
 * and a length field only counts down. Anything that a server must not send ends the stream with a text that names packet and
 * fault. No I/O, no clock; objects and a string are made for a PUBLISH only.
 * Source: MQTT 3.1.1 §2.2 (header), §3 (packets as a server sends them).
 */
import type { QoS } from "./codec.js";
import type { Properties } from "./properties.js";
import { checkTopicName } from "./topics.js";
import { decodeUTF8 } from "./utf8.js";

/** A part of a received message. One object per message, reused for each part. */
export interface InboundMessage {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** The server may have sent this message before. */
  readonly dup: boolean;
  /** Length of the whole payload. */
  readonly totalBytes: number;
  /** Offset of this part. 0 again after a lost connection: then the message starts again. */
  readonly offsetBytes: number;
  /** A view on the receive buffer: copy what you keep. */
  readonly payload: Uint8Array;
  /** The message is complete. */
  readonly last: boolean;
  /** Only in version 5, if some were sent. */
  readonly properties?: Properties;
}

/**
 * Receives packets about the connection. Each method may return a description of a fault, and may end the connection with the
 * parser's `end`.
 */
export interface LinkReader {
  /** `properties`: of version 5; undefined: the server answered in 3.1.1's form. */
  connack(present: boolean, code: number, properties?: Properties): string | undefined;
  /** Version 5: the server ends the connection and gives the reason (§3.14). */
  disconnected?(code: number, properties: Properties): void;
  pingresp(): void;
}

/** Receives packets about messages, in the same way. Packet ids are never 0. */
export interface MessageReader {
  /** The acknowledgements in flight, as words; at `head` the one expected next. -1: none. */
  readonly awaited: readonly number[];
  readonly head: number;
  /** That one was received. */
  acknowledge(head: number): void;
  /**
   * Any other. Packet type and id as in codec.ts's words. `code`: SUBACK's return code, 0, 1, 2 or 128; in version 5 the reason
   * code of any packet, with the server's text for people.
   */
  acknowledgement(word: number, code: number, reason?: string): string | undefined;
  /** The next part of a message, empty only if the payload is. `id`: 0 at QoS 0. Read it before returning. */
  message(message: InboundMessage, id: number): void;
  /** Version 5: a PUBLISH was skipped, because it or its topic is longer than the limit. It must still be acknowledged. */
  skipped?(qos: QoS, id: number): void;
}

/** State: the packet's first byte comes next. */
export const FIRST = 0; // a packet's first byte
const GREETING = 1; // a CONNACK's first byte: the first packet of the stream (§3.2.0-1)
/** State: a byte of the remaining length comes next (MQTT 3.1.1 §2.2.3). */
export const LENGTH = 2; // of the remaining-length field
const HEAD = 3; // of a packet before its payload; also while that arrives
const ENDED = 4; // nothing more is parsed

const NAMES =
  "0,CONNECT,CONNACK,PUBLISH,PUBACK,PUBREC,PUBREL,PUBCOMP,SUBSCRIBE,SUBACK,UNSUBSCRIBE,UNSUBACK,PINGREQ,PINGRESP,DISCONNECT,AUTH";

/** The parser's writable view of it. */
export type Inbound = { -readonly [K in keyof InboundMessage]: InboundMessage[K] };

/**
 * The parser of MQTT 3.1.1. Accepts bytes in pieces of any length. For anything that a server must not send, it returns a text
 * that names packet and fault, and stops.
 */
export class Parser {
  protected readonly link: LinkReader;
  protected readonly messages: MessageReader;
  /** The receive buffer. */
  readonly bytes: Uint8Array;
  /** The same. */
  readonly words: DataView;
  /** The received part of the packet's head. */
  protected readonly head: Uint8Array;
  /** What the next byte is; 0: between two packets. */
  state = GREETING;
  protected first = 0;
  /** While LENGTH: the value so far; later: bytes of the packet still to come, including its head. */
  protected remaining = 0;
  /** Bits of the length field so far; bytes of the head so far. */
  protected count = 0;
  /** Length of the head, as far as it is known. */
  protected headLength = 0;
  protected id = 0;
  /** The message whose payload is being received; nothing else can be then, PINGRESP included. */
  message: Inbound | undefined;

  /** `receive`: the buffer for the bytes to parse. `longestTopic`: in bytes. */
  constructor(link: LinkReader, messages: MessageReader, receive: Uint8Array, longestTopic: number) {
    this.link = link;
    this.messages = messages;
    this.bytes = receive;
    this.words = new DataView(receive.buffer, receive.byteOffset);
    this.head = new Uint8Array(longestTopic + 4);
  }

  /** Ends the stream here; later bytes are ignored. */
  end(): void {
    this.state = ENDED;
    this.message = undefined;
  }

  /** Parses the first `length` bytes of the buffer. Returns a description of a fault, if there is one. */
  feed(length: number): string | undefined {
    const messages = this.messages;
    let at = 0;
    do {
      let fault: string | undefined;
      // Mostly, a publisher receives the acknowledgement that is expected next. One word comparison recognizes it.
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

  /** Length of the head of a packet, as far as type and length show it; below 0: the length is invalid. */
  protected headOf(type: number, remaining: number): number {
    // Each SUBSCRIBE of ours has one filter. Minimum of a PUBLISH: length of the topic, one character, packet id.
    const least = type === 3 ? (this.first & 6 ? 5 : 3) : type === 9 ? 3 : type === 13 ? 0 : 2;
    if (type === 3) return remaining < least ? -1 : 2;
    return remaining === least ? least : -1;
  }

  /** The packet was received up to `headLength`. */
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

  /** The payload comes next. */
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
