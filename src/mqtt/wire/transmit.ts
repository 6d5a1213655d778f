/*
 * The transmit buffer: packets are added whole, and sent as the socket accepts them. One buffer for all packets, so that
 * several are sent in one write. A packet longer than the buffer follows in parts; until its end nothing else is added. It
 * never blocks and never drops: adding a packet returns whether there was free space. It is on the device's hot path and
 * optimised for few byte codes: words instead of bytes, views are kept, no calls in between.
 * Source: MQTT 3.1.1 §3.3 (PUBLISH).
 */
import { encodeLength } from "./codec.js";
import type { TCP } from "./io.js";

/** A message to send. The owner may reuse the object and its payload for the next one. */
export interface Message {
  /** UTF-8, checked: made by `encodeTopicName`, and not changed afterwards. */
  readonly topic: Uint8Array;
  readonly payload: Uint8Array;
  /** Number of valid bytes in `payload`. */
  readonly payloadLength: number;
  readonly retain: boolean;
  /** Version 5: made by `Version5.properties`. The same for all messages with one topic object. */
  readonly properties?: Uint8Array;
}

/**
 * The transmit buffer of MQTT 3.1.1, with a fixed length in bytes. Adding returns whether there was free space; nothing is ever
 * dropped.
 */
export class Transmit {
  private readonly bytes: Uint8Array;
  private readonly words: DataView;
  /** The socket, while it can be written to. */
  socket: TCP | undefined;
  /** Bytes that the socket accepts now. */
  writable = 0;
  /** Bytes waiting in the buffer. */
  end = 0;
  /** The rest of a packet longer than the buffer. */
  tail: Uint8Array | undefined;
  /** Something was written. Reset by the reader. */
  hasSent = false;
  /** Bytes that were written in parts, because the socket did not accept all at once. Reset by the reader. */
  moved = 0;
  /** Views of the beginning of the buffer, one short (an acknowledgement), one long: packets of one size are common. */
  private short: Uint8Array;
  private long: Uint8Array;
  private longLength: number;
  // The PUBLISH at the beginning of the buffer, until it is overwritten.
  /** Its topic; undefined: overwritten. */
  protected topic: Uint8Array | undefined;
  /** Its first byte; 0: an acknowledgement has overwritten the first four bytes, which are all before the topic's text. */
  private first = 0;
  /** Those four bytes without the first one. */
  private head = 0;
  private idAt = 0;
  private payloadAt = 0;
  private payloadLength = 0;
  private endAt = 0;
  /** The valid part of its payload, and the payload of which it is a view: owners render into one buffer, to the same length. */
  private counted: Uint8Array;
  private payload: Uint8Array | undefined;

  constructor(length: number) {
    const bytes = new Uint8Array(length);
    this.bytes = this.long = this.counted = bytes;
    this.longLength = length;
    this.short = bytes.subarray(0, 4);
    this.words = new DataView(bytes.buffer);
  }

  /** The connection is over: waiting bytes are dropped, and nothing more is written. */
  close(): void {
    this.socket = this.tail = this.topic = undefined;
    this.writable = this.end = 0;
  }

  /** Bytes that can be added now. */
  get free(): number {
    return this.tail ? 0 : this.bytes.length - this.end;
  }

  /** Adds an acknowledgement: one of codec.ts's words with the packet id. There must be free space. */
  acknowledgement(word: number): void {
    const at = this.end;
    this.words.setUint32(at, word);
    if (at === 0) this.first = 0;
    else if (at < this.payloadAt) this.topic = undefined;
    this.end = at + 4;
  }

  /** Offers a packet, which must not change until `free` is above 0. Returns whether the buffer accepted it. */
  packet(packet: Uint8Array): boolean {
    if (this.end && packet.length > this.free) return false;
    this.add(packet);
    return true;
  }

  /**
   * Offers a PUBLISH of QoS 1 or 2. Returns whether the buffer accepted it. If it did not although nothing waits, it can never
   * be sent. A packet longer than the buffer is started when the buffer is empty: its payload must then not change until `free`
   * is above 0.
   */
  publish(first: number, id: number, message: Message): boolean {
    const length = message.payloadLength;
    if (this.end || message.topic !== this.topic || length !== this.payloadLength)
      return this.publishBehind(first, id, message);
    // The bytes there from last time are valid except for flags, id and payload.
    if (first !== this.first) {
      this.first = first;
      this.words.setUint32(0, (first << 24) | this.head);
    }
    this.words.setUint16(this.idAt, id);
    this.bytes.set(message.payload === this.payload ? this.counted : this.count(message), this.payloadAt);
    this.end = this.endAt;
    return true;
  }

  /** The same behind other packets: what it has in common with the PUBLISH at the beginning of the buffer is copied. */
  private publishBehind(first: number, id: number, message: Message): boolean {
    const end = this.end;
    const last = end + this.endAt;
    if (
      message.topic !== this.topic ||
      message.payloadLength !== this.payloadLength ||
      end < this.payloadAt ||
      last > this.bytes.length
    )
      return this.publishAny(first, id, message);
    this.bytes.copyWithin(end + 4, 4, this.payloadAt);
    this.words.setUint32(end, (first << 24) | this.head);
    this.words.setUint16(end + this.idAt, id);
    this.bytes.set(this.count(message), end + this.payloadAt);
    this.end = last;
    return true;
  }

  /**
   * The same for a PUBLISH of any length, QoS and position. `id`: 0 at QoS 0. `topic`: as it is written. `properties`: of
   * version 5, with their length.
   */
  publishAny(first: number, id: number, message: Message, topic = message.topic, properties?: Uint8Array): boolean {
    if (!this.socket) return false;
    const length = message.payloadLength;
    const bytes = this.bytes;
    const words = this.words;
    const end = this.end;
    let rest = topic.length + length + (id ? 4 : 2);
    if (properties) rest += properties.length;
    const most = rest + 5; // with the longest length field; that has four bytes of seven bits
    if (most > bytes.length - end && (end || most - length > bytes.length || rest > 0xfff_ffff)) return false;
    bytes[end] = first;
    let at = encodeLength(bytes, end + 1, rest);
    words.setUint16(at, topic.length);
    bytes.set(topic, at + 2);
    at += 2 + topic.length;
    if (id) {
      words.setUint16(at, id);
      at += 2;
    }
    this.idAt = at - 2;
    if (properties) {
      bytes.set(properties, at);
      at += properties.length;
    }
    this.end = at;
    this.add(this.count(message));
    if (end || id === 0 || this.tail) return true;
    this.topic = message.topic;
    this.first = first;
    this.head = words.getUint32(0) & 0xff_ffff;
    this.payloadAt = at;
    this.payloadLength = length;
    this.endAt = at + length;
    return true;
  }

  /** Passes to the socket as much as it accepts. */
  flush(): void {
    const end = this.end;
    if (!end) return;
    if (end > this.writable || this.tail) {
      this.flushInParts();
      return;
    }
    let view = this.long;
    if (end !== this.longLength) {
      if (end === 4) view = this.short;
      else {
        view = this.long = this.bytes.subarray(0, end);
        this.longLength = end;
      }
    }
    this.hasSent = true;
    this.end = 0; // before the write: a socket may call back from within
    this.writable = (this.socket as TCP).write(view) ?? this.writable - end;
  }

  /** Sends waiting bytes. Returns whether the buffer is empty now; false if the socket ended the connection meanwhile. */
  drain(): boolean {
    this.flush();
    return this.end === 0 && this.socket !== undefined;
  }

  /** As much as the socket accepts, in as many writes as necessary. */
  private flushInParts(): void {
    const socket = this.socket as TCP;
    this.topic = undefined;
    while (this.end && this.writable > 0) {
      const length = Math.min(this.end, this.writable);
      this.hasSent = true;
      this.moved += length;
      const writable = socket.write(this.bytes.subarray(0, length)) ?? this.writable - length;
      if (socket !== this.socket) return; // it called back and was released
      this.writable = writable;
      this.bytes.copyWithin(0, length, this.end);
      this.end -= length;
      if (this.tail) this.add(this.tail);
    }
  }

  /** Adds as much as fits; the rest is the tail. */
  private add(packet: Uint8Array): void {
    const end = this.end;
    const free = this.bytes.length - end;
    this.topic = this.tail = undefined;
    if (packet.length <= free) {
      this.bytes.set(packet, end);
      this.end = end + packet.length;
      return;
    }
    this.bytes.set(packet.subarray(0, free), end);
    this.end = end + free;
    this.tail = packet.subarray(free);
  }

  private count(message: Message): Uint8Array {
    const payload = message.payload;
    const length = message.payloadLength;
    if (payload === this.payload && this.counted.length === length) return this.counted;
    this.payload = payload;
    this.counted = payload.length === length ? payload : payload.subarray(0, length);
    return this.counted;
  }
}
