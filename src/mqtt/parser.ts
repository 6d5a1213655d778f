/*
 * Bytes to packets, split anyhow. Memory is fixed at construction: a topic buffer and three bytes; payloads are handed on in
 * pieces as they come, and a length field only counts down. What a server must not send ends the stream with a text
 * that names packet and fault. Table-driven; no I/O, no clock; a string is made for a topic only.
 * Source: MQTT 3.1.1 §2.2 (header), §3 (packets as a server sends them).
 */
import {
  CONNACK,
  PINGRESP,
  PUBACK,
  PUBACK_WORD,
  PUBCOMP,
  PUBCOMP_WORD,
  PUBLISH,
  PUBREC,
  PUBREC_WORD,
  PUBREL,
  PUBREL_WORD,
  type QoS,
  SUBACK,
  UNSUBACK,
} from "./codec.js";
import { decodeUTF8 } from "./utf8.js";

/** Returned by a `PacketReader` to end the parsing without a fault: the connection was closed meanwhile. */
export const STOP = "";

/**
 * Who takes the packets. Each method returns undefined to go on, `STOP`, or a text that says what was wrong.
 * Packet ids are never 0.
 */
export interface PacketReader {
  connack(present: boolean, code: number): string | undefined;
  /** PUBACK, PUBREC, PUBREL or PUBCOMP, as one of codec.ts's words with the packet id in its lower half. */
  acknowledgement(word: number): string | undefined;
  unsuback(id: number): string | undefined;
  /** `granted`: 0, 1, 2 or 128. */
  suback(id: number, granted: number): string | undefined;
  pingresp(): string | undefined;
  /** A PUBLISH begins. `id`: 0 at QoS 0. Its payload follows in one or more calls of `payload`. */
  publish(header: PublishHeader): string | undefined;
  /** The next `length` bytes, from `start`; `length` 0 only for an empty payload. Read them before returning. */
  payload(bytes: Uint8Array, start: number, length: number, offset: number): string | undefined;
  /** The PUBLISH is complete. */
  published(): string | undefined;
}

/** What stands before a payload. */
export interface PublishHeader {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly id: number;
  readonly totalBytes: number;
}

// What the next byte is
const FIRST = 0; // a packet's first byte
const LENGTH = 1; // of the remaining-length field
const BODY = 2; // of a packet of fixed length
const TOPIC_LENGTH = 3;
const TOPIC = 4;
const ID = 5;
const PAYLOAD = 6;
const GREETING = 7; // a CONNACK's first byte: the first packet of the stream (§3.2.0-1)

const NAMES =
  "0,CONNECT,CONNACK,PUBLISH,PUBACK,PUBREC,PUBREL,PUBCOMP,SUBSCRIBE,SUBACK,UNSUBSCRIBE,UNSUBACK,PINGREQ,PINGRESP,DISCONNECT,15";
const NEVER = 0xff;
const ANY = 0xfe;
/** By packet type: the remaining length that a server's packet must have. Each SUBSCRIBE of ours has one filter. */
const LENGTHS = new Uint8Array(16).fill(NEVER);
LENGTHS[CONNACK] = LENGTHS[PUBACK] = LENGTHS[PUBREC] = LENGTHS[PUBREL] = LENGTHS[PUBCOMP] = LENGTHS[UNSUBACK] = 2;
LENGTHS[SUBACK] = 3;
LENGTHS[PINGRESP] = 0;
LENGTHS[PUBLISH] = ANY;
/** By packet type: the first two bytes of the acknowledgements that most traffic consists of. */
const QUICK: number[] = new Array(16).fill(-1);
for (const word of [PUBACK_WORD, PUBREC_WORD, PUBREL_WORD, PUBCOMP_WORD]) QUICK[word >> 28] = word >> 16;

/** One connection's stream. After a fault it takes nothing more: make a new one with the next connection. */
export class Parser {
  private readonly reader: PacketReader;
  private readonly bytes: Uint8Array;
  private readonly words: DataView;
  private readonly topic: Uint8Array;
  private readonly body = new Uint8Array(3);
  private state = GREETING;
  private first = 0;
  /** While LENGTH: what the field says so far; later: bytes of the packet that have not come. */
  private remaining = 0;
  /** Bits of the length field so far; bytes of the field or body so far. */
  private count = 0;
  private topicLength = 0;
  private offset = 0;

  /**
   * `receive`: where the bytes to parse stand. `topic`: the longest topic taken is its length. Both may be lent to a later parser, when
   * this one is done with.
   */
  constructor(reader: PacketReader, receive: Uint8Array, topic: Uint8Array) {
    this.reader = reader;
    this.bytes = receive;
    this.words = new DataView(receive.buffer, receive.byteOffset, receive.length);
    this.topic = topic;
  }

  /** Is a payload coming in? Then nothing else can, PINGRESP included. */
  get inPayload(): boolean {
    return this.state === PAYLOAD;
  }

  /** Takes the first `length` bytes of the buffer. Returns what was wrong, or STOP, if parsing ended; undefined to go on. */
  feed(length: number): string | undefined {
    // Most of what comes to a publisher are acknowledgements: one word says all. Often it comes alone.
    if (length === 4 && this.state === FIRST) {
      const word = this.words.getUint32(0);
      if (word >> 16 === QUICK[word >> 28] && word & 0xffff) return this.reader.acknowledgement(word);
    }
    let at = 0;
    while (at < length) {
      if (this.state === FIRST && at + 4 <= length) {
        const word = this.words.getUint32(at);
        if (word >> 16 === QUICK[word >> 28] && word & 0xffff) {
          const fault = this.reader.acknowledgement(word);
          if (fault !== undefined) return fault;
          at += 4;
          continue;
        }
      }
      const state = this.state;
      let end = at + 1;
      if (state === PAYLOAD) end = Math.min(length, at + this.remaining);
      else if (state === TOPIC) end = Math.min(length, at + this.topicLength - this.count);
      const fault =
        state === PAYLOAD
          ? this.takePayload(at, end - at)
          : state === TOPIC
            ? this.takeTopic(at, end)
            : this.takeByte(this.bytes[at]);
      if (fault !== undefined) return fault;
      at = end;
    }
    return undefined;
  }

  private takeByte(byte: number): string | undefined {
    switch (this.state) {
      case GREETING:
        if (byte !== CONNACK << 4) return nameFault(byte, "before CONNACK");
        return this.begin(byte);
      case FIRST:
        return this.takeFirst(byte);
      case LENGTH:
        return this.takeLength(byte);
      default:
        return this.takeField(byte);
    }
  }

  private takeFirst(byte: number): string | undefined {
    const type = byte >> 4;
    if (LENGTHS[type] === NEVER) return nameFault(byte, "from a server");
    if (type === CONNACK) return nameFault(byte, "twice");
    if (type === PUBLISH) {
      if ((byte & 0x06) === 0x06) return nameFault(byte, "QoS 3");
      if ((byte & 0x0e) === 0x08) return nameFault(byte, "DUP at QoS 0");
    } else if (byte !== firstByte(type)) return nameFault(byte, `flags ${byte & 0x0f}`);
    return this.begin(byte);
  }

  private begin(byte: number): undefined {
    this.first = byte;
    this.remaining = 0;
    this.count = 0;
    this.state = LENGTH;
  }

  private takeLength(byte: number): string | undefined {
    this.remaining |= (byte & 0x7f) << this.count;
    this.count += 7;
    if (byte & 0x80) return this.count < 28 ? undefined : nameFault(this.first, "length field over 4 bytes");
    const expected = LENGTHS[this.first >> 4];
    const least = this.first & 0x06 ? 5 : 3; // topic length, one character, packet id
    if (expected === ANY ? this.remaining < least : this.remaining !== expected)
      return nameFault(this.first, `length ${this.remaining}`);
    this.count = 0;
    this.state = expected === ANY ? TOPIC_LENGTH : BODY;
    if (expected !== 0) return undefined;
    this.state = FIRST;
    return this.reader.pingresp();
  }

  /** A byte of a small packet's body, of the topic's length, or of a PUBLISH's packet id. */
  private takeField(byte: number): string | undefined {
    const body = this.body;
    body[this.count++] = byte;
    this.remaining--;
    if (this.state === BODY) return this.remaining ? undefined : this.endBody();
    if (this.count < 2) return undefined;
    const value = (body[0] << 8) | body[1];
    if (this.state === ID) return value ? this.beginPayload(value) : nameFault(this.first, "packet id 0");
    if (value === 0) return nameFault(this.first, "empty topic");
    if (value + (this.first & 0x06 ? 2 : 0) > this.remaining) return nameFault(this.first, "topic beyond its end");
    if (value > this.topic.length) return nameFault(this.first, `topic of ${value} bytes`);
    this.topicLength = value;
    this.count = 0;
    this.state = TOPIC;
    return undefined;
  }

  private endBody(): string | undefined {
    const [high, low, granted] = this.body;
    const type = this.first >> 4;
    this.state = FIRST;
    if (type === CONNACK) return this.endConnack(high, low);
    const id = (high << 8) | low;
    if (id === 0) return nameFault(this.first, "packet id 0");
    if (type === UNSUBACK) return this.reader.unsuback(id);
    if (type !== SUBACK) return this.reader.acknowledgement((QUICK[type] << 16) | id);
    if (granted > 2 && granted !== 0x80) return nameFault(this.first, `return code ${granted}`);
    return this.reader.suback(id, granted);
  }

  private endConnack(flags: number, code: number): string | undefined {
    if (flags > 1) return nameFault(this.first, `flags ${flags}`);
    if (code > 5) return nameFault(this.first, `return code ${code}`);
    if (flags && code) return nameFault(this.first, "session present, yet refused"); // §3.2.2-4
    return this.reader.connack(flags === 1, code);
  }

  private takeTopic(start: number, end: number): string | undefined {
    this.topic.set(this.bytes.subarray(start, end), this.count);
    this.count += end - start;
    if (this.count < this.topicLength) return undefined;
    this.remaining -= this.topicLength;
    this.count = 0;
    if ((this.first & 0x06) === 0) return this.beginPayload(0);
    this.state = ID;
    return undefined;
  }

  private beginPayload(id: number): string | undefined {
    const topic = decodeUTF8(this.topic, 0, this.topicLength);
    if (topic === undefined) return nameFault(this.first, "topic is not UTF-8");
    if (topic.includes("+") || topic.includes("#")) return nameFault(this.first, "wildcard in the topic");
    this.state = PAYLOAD;
    this.offset = 0;
    const first = this.first;
    const fault = this.reader.publish({
      topic,
      id,
      qos: ((first >> 1) & 3) as QoS,
      retain: (first & 1) !== 0,
      dup: (first & 8) !== 0,
      totalBytes: this.remaining,
    });
    if (fault !== undefined || this.remaining > 0) return fault;
    return this.takePayload(0, 0);
  }

  private takePayload(start: number, length: number): string | undefined {
    this.remaining -= length;
    const fault = this.reader.payload(this.bytes, start, length, this.offset);
    this.offset += length;
    if (fault !== undefined || this.remaining > 0) return fault;
    this.state = FIRST;
    return this.reader.published();
  }
}

/** The first byte of a packet other than PUBLISH, §2.2.2, table 2.2. */
function firstByte(type: number): number {
  return (type << 4) | (type === PUBREL ? 2 : 0);
}

function nameFault(first: number, fault: string): string {
  return `${NAMES.split(",")[first >> 4]}: ${fault}`;
}
