/*
 * The transmit buffer of one connection: packets go in whole, bytes come out as the socket has room.
 * One buffer for all packets, so that several leave in one write. A payload longer than the buffer follows in pieces; until
 * its end nothing else goes in. Never blocks, never drops: who adds a packet asks for room first.
 * The hot path of a device. What it spends is measured in byte codes: words instead of bytes, views kept, no calls in between.
 * Source: MQTT 3.1.1 §3.3 (PUBLISH).
 */
import { ACKNOWLEDGEMENT_BYTES, encodeLength, LONGEST_REMAINING, lengthBytes } from "./codec.js";
import type { TCP } from "./io.js";

/** A message ready to go. The owner may reuse the object and its payload for the next one. */
export interface Message {
  /** UTF-8, checked: made by `encodeTopicName`, and not changed afterwards. */
  readonly topic: Uint8Array;
  readonly payload: Uint8Array;
  /** How many of the payload's bytes count. */
  readonly payloadLength: number;
  readonly retain: boolean;
}

/** What became of a packet offered to the buffer. */
export const TAKEN = 0;
/** No room now: offer it again when some bytes are out. */
export const LATER = 1;
/** Too long for this buffer, or for MQTT: it will never go. */
export const NEVER = 2;

const NONE: Uint8Array = new Uint8Array(0);

export class Transmit {
  readonly bytes: Uint8Array;
  private readonly words: DataView;
  private socket: TCP | undefined;
  /** Bytes that the socket takes now. */
  private writable = 0;
  private start = 0;
  /** The end of what waits; 0: nothing waits. */
  end = 0;
  /** What is left of a payload longer than the buffer. */
  private tail = NONE;
  /** Views of the buffer's begin that were written, one short (an acknowledgement), one long: packets of one size are common. */
  private short = NONE;
  private long = NONE;
  /** The view that was copied from a payload longer than what counts of it. */
  private payload = NONE;
  /** The PUBLISH at the buffer's begin, as long as nobody has overwritten it: its topic (NONE: overwritten), and where it has what. */
  private topic = NONE;
  /** Its first byte; 0: an acknowledgement took the place of the first four bytes, all before the topic's text. */
  private first = 0;
  /** Those four bytes, the first one apart. */
  private header = 0;
  private payloadLength = 0;
  private payloadAt = 0;
  /** More than the buffer waits, or part of it is out: what counts is `room`. If not, packets are refused for want of room. */
  isPartial = false;

  /** `bytes`: the buffer, this object's own until the connection ends. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes that can go in now. */
  get room(): number {
    if (!this.isPartial) return this.bytes.length - this.end;
    if (this.tail.length) return 0;
    if (this.start) this.compact();
    return this.bytes.length - this.end;
  }

  /** The socket takes `bytes` now. */
  allow(socket: TCP | undefined, bytes: number): void {
    this.socket = socket;
    this.writable = bytes;
  }

  /** Adds an acknowledgement: one of codec.ts's words and a packet id. There must be room. */
  acknowledgement(word: number, id: number): void {
    const at = this.end;
    this.words.setUint32(at, word + id);
    if (at === 0) this.first = 0;
    else if (at === ACKNOWLEDGEMENT_BYTES) this.topic = NONE;
    this.end = at + ACKNOWLEDGEMENT_BYTES;
  }

  /** Adds PINGREQ or DISCONNECT. There must be room. */
  empty(type: number): void {
    this.words.setUint16(this.end, type << 12);
    this.topic = NONE;
    this.end += 2;
  }

  /** Adds a packet that `write` puts at the offset it gets; `write` returns the offset after it. There must be room. */
  packet(write: (out: Uint8Array, at: number) => number): void {
    this.end = write(this.bytes, this.end);
    this.topic = NONE;
  }

  /**
   * Offers a PUBLISH; returns TAKEN, LATER or NEVER. `first`: the first byte; `id`: 0 at QoS 0.
   * One longer than the buffer is begun when the buffer is empty: its payload must then stay as it is until `room` is above 0.
   */
  publish(first: number, id: number, message: Message): number {
    const length = message.payloadLength;
    if (this.end || message.topic !== this.topic || length !== this.payloadLength)
      return this.publishAny(first, id, message);
    // What stands there since the last time is right but for flags, id and payload.
    const at = this.payloadAt;
    if (first !== this.first) {
      if (id === 0) return this.publishAny(first, id, message); // QoS 0 has no room for an id
      this.setFirst(first);
    }
    this.words.setUint16(at - 2, id);
    this.bytes.set(message.payload.length === length ? message.payload : this.viewOf(message), at);
    this.end = at + length;
    return TAKEN;
  }

  /** Hands to the socket what it takes. Returns whether that was anything. */
  flush(): boolean {
    const end = this.end;
    if (end > this.writable || this.isPartial) return this.flushPart();
    if (end === 0) return false;
    const view = end === 4 ? this.short : this.long;
    this.end = 0; // before the write: a socket may call back from within
    const socket = this.socket as TCP;
    this.writable = socket.write(view.length === end ? view : this.view(end)) ?? this.writable - end;
    return true;
  }

  private setFirst(first: number): void {
    this.first = first;
    this.words.setUint32(0, (first << 24) | this.header);
  }

  /** The same for a PUBLISH of any length, QoS and place. */
  private publishAny(first: number, id: number, message: Message): number {
    const { topic, payload, payloadLength } = message;
    const bytes = this.bytes;
    const idBytes = id ? 2 : 0;
    const remaining = topic.length + payloadLength + idBytes + 2;
    const length = 1 + lengthBytes(remaining) + remaining;
    if (length > this.room) {
      if (length - payloadLength > bytes.length || remaining > LONGEST_REMAINING) return NEVER;
      if (this.end) return LATER;
    }
    const start = this.end;
    bytes[start] = first;
    let at = encodeLength(bytes, start + 1, remaining);
    this.words.setUint16(at, topic.length);
    bytes.set(topic, at + 2);
    at += 2 + topic.length;
    if (id) this.words.setUint16(at, id);
    at += idBytes;
    this.end = at + payloadLength;
    if (this.end > bytes.length) {
      this.end = at;
      this.tail = payload.subarray(0, payloadLength);
      this.isPartial = true;
      this.refill();
      return TAKEN;
    }
    bytes.set(payload.length === payloadLength ? payload : this.viewOf(message), at);
    if (start === 0) {
      this.topic = id ? topic : NONE;
      this.first = first;
      this.header = this.words.getUint32(0) & 0xff_ffff;
      this.payloadLength = payloadLength;
      this.payloadAt = at;
    } else if (start === ACKNOWLEDGEMENT_BYTES) this.topic = NONE;
    return TAKEN;
  }

  /** Writes as much as the socket takes, in as many writes as the tail needs. */
  private flushPart(): boolean {
    const { buffer, byteOffset } = this.bytes;
    const socket = this.socket;
    if (socket === undefined || this.end === 0 || this.writable <= 0) return false;
    while (this.end && this.writable > 0) {
      const start = this.start;
      const length = Math.min(this.end - start, this.writable);
      this.writable = socket.write(new Uint8Array(buffer, byteOffset + start, length)) ?? this.writable - length;
      this.start = start + length;
      if (this.start === this.end) {
        this.start = this.end = 0;
        if (this.tail.length) this.refill();
      }
      this.isPartial = this.start > 0 || this.tail.length > 0;
    }
    return true;
  }

  /** Moves on what fits of the tail. */
  private refill(): void {
    const length = Math.min(this.bytes.length - this.end, this.tail.length);
    this.bytes.set(this.tail.subarray(0, length), this.end);
    this.end += length;
    this.tail = length < this.tail.length ? this.tail.subarray(length) : NONE;
    this.topic = NONE;
  }

  private compact(): void {
    this.bytes.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    this.isPartial = false; // a tail has no room, and no need of it
    this.topic = NONE;
  }

  /** A view of the buffer's begin, kept for the next time. */
  private view(length: number): Uint8Array {
    const view = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset, length);
    if (length === 4) this.short = view;
    else this.long = view;
    return view;
  }

  /** What counts of a payload, kept for the next time: owners render into one buffer, and to the same length. */
  private viewOf({ payload, payloadLength }: Message): Uint8Array {
    const kept = this.payload;
    if (kept.length === payloadLength && kept.buffer === payload.buffer && kept.byteOffset === payload.byteOffset)
      return kept;
    this.payload = payload.subarray(0, payloadLength);
    return this.payload;
  }
}
