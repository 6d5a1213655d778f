/*
 * The transmit buffer of one connection: packets go in whole, bytes come out as the socket has room.
 * One buffer for all packets, so that several leave in one write. A payload longer than the buffer follows in pieces; until
 * its end nothing else goes in. Never blocks, never drops: who adds a packet asks `room` first.
 * No clock; the one socket write is in `flush`.
 */
import {
  ACKNOWLEDGEMENT_BYTES,
  encodeAcknowledgement,
  encodeEmpty,
  encodePublish,
  LONGEST_REMAINING,
  lengthBytes,
} from "./codec.js";
import type { TCP } from "./io.js";

/** A message ready to go. The owner may reuse the object and its payload for the next one. */
export interface Message {
  /** UTF-8, checked: made by `encodeTopicName`. */
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
  #start = 0;
  #end = 0;
  /** What is left of a payload longer than the buffer. */
  #tail = NONE;
  /** The last view written from the buffer's begin: packets of one size are common, and a view is an object. */
  #view = NONE;
  #short = NONE;

  /** `bytes`: the buffer, which this object owns until the connection ends. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Room kept for the answers to what is being read: only acknowledgements may use it. */
  reserved = 0;

  /** Bytes that can go in now, but for acknowledgements to what is being read. */
  get room(): number {
    if (this.#tail.length) return 0;
    if (this.#start) this.#compact();
    return this.bytes.length - this.#end - this.reserved;
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /** Adds an acknowledgement. There must be room, or room reserved. */
  acknowledgement(type: number, id: number): void {
    this.#end = encodeAcknowledgement(this.bytes, this.#end, type, id);
  }

  /** Adds PINGREQ or DISCONNECT. There must be room. */
  empty(type: number): void {
    this.#end = encodeEmpty(this.bytes, this.#end, type);
  }

  /** Adds a packet that `write` puts at the offset it gets; `write` returns the offset after it. There must be room. */
  packet(write: (out: Uint8Array, at: number) => number): void {
    this.#end = write(this.bytes, this.#end);
  }

  /**
   * Offers a PUBLISH; returns TAKEN, LATER or NEVER. `first`: the first byte; `id`: 0 at QoS 0.
   * One longer than the buffer is begun when the buffer is empty: its payload must then stay as it is until `room` is above 0.
   */
  publish(first: number, id: number, message: Message): number {
    const { topic, payload, payloadLength } = message;
    const bytes = this.bytes;
    const remaining = topic.length + payloadLength + (id ? 4 : 2);
    const packetLength = 1 + lengthBytes(remaining) + remaining;
    if (packetLength > this.room) {
      if (packetLength - payloadLength > bytes.length || remaining > LONGEST_REMAINING) return NEVER;
      if (this.#end || this.reserved) return LATER;
    }
    const at = encodePublish(bytes, this.#end, first, topic, id, remaining);
    this.#end = at + payloadLength;
    // Copying a payload buffer beyond its length costs no view, and what comes next overwrites it.
    if (at + payload.length <= bytes.length) bytes.set(payload, at);
    else if (this.#end <= bytes.length) bytes.set(payload.subarray(0, payloadLength), at);
    else {
      this.#end = at;
      this.#tail = payload.subarray(0, payloadLength);
      this.#refill();
    }
    return TAKEN;
  }

  /** Writes up to `writable` bytes to the socket; returns what is writable after it. */
  flush(socket: TCP, writable: number): number {
    while (this.#end && writable > 0) {
      const start = this.#start;
      const length = Math.min(this.#end - start, writable);
      const left = socket.write(this.#viewOf(start, length));
      writable = left === undefined ? writable - length : (left as number);
      if (start + length < this.#end) this.#start = start + length;
      else {
        this.#start = this.#end = 0;
        if (this.#tail.length) this.#refill();
      }
    }
    return writable;
  }

  #refill(): void {
    const length = Math.min(this.bytes.length - this.#end, this.#tail.length);
    this.bytes.set(this.#tail.subarray(0, length), this.#end);
    this.#end += length;
    this.#tail = length < this.#tail.length ? this.#tail.subarray(length) : NONE;
  }

  #compact(): void {
    this.bytes.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #viewOf(start: number, length: number): Uint8Array {
    const { buffer, byteOffset } = this.bytes;
    if (start) return new Uint8Array(buffer, byteOffset + start, length);
    if (length === ACKNOWLEDGEMENT_BYTES) {
      if (!this.#short.length) this.#short = new Uint8Array(buffer, byteOffset, length);
      return this.#short;
    }
    if (this.#view.length !== length) this.#view = new Uint8Array(buffer, byteOffset, length);
    return this.#view;
  }
}
