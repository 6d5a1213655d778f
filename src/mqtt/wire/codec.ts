/*
 * Packets to bytes: the rare ones, each made as a whole. Those of the hot path, PUBLISH from the store and acknowledgements,
 * are written in place by transmit.ts.
 *
 * In all files, packets are identified by their first byte, §2.2.1 and §2.2.2:
 *   10 CONNECT     30..3f PUBLISH  50 PUBREC   70 PUBCOMP    90 SUBACK       b0 UNSUBACK  d0 PINGRESP
 *   20 CONNACK     40 PUBACK       62 PUBREL   82 SUBSCRIBE  a2 UNSUBSCRIBE  c0 PINGREQ   e0 DISCONNECT
 * The four of QoS 1 and 2 are also used as words of 32 bits: first byte, length 2, packet id. They are written as numbers, not
 * as constants of a module, because XS needs a closure for each constant, in memory and in every function that uses it.
 * Pure. Source: MQTT 3.1.1 §2.2 and §3.
 */
import type { Properties } from "./properties.js";
import { encodeTopicName } from "./topics.js";
import { encodeUTF8, isUnsayable } from "./utf8.js";

/** Quality of service (MQTT 3.1.1 §4.3): 0 at most once, 1 at least once, 2 exactly once. */
export type QoS = 0 | 1 | 2;

/** The message that the server publishes if the connection ends without DISCONNECT (§3.1.2.5). */
export interface Will {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Only in version 5. */
  readonly properties?: Properties;
}

/** The options for CONNECT; part of ClientOptions. */
export interface ConnectOptions {
  readonly id: string;
  readonly user?: string;
  readonly password?: string | Uint8Array;
  readonly keepAlive?: number;
  readonly will?: Will;
  /** Version 5, for a session that lasts: seconds that the server is asked to keep it without a connection (§3.1.2.11.2). */
  readonly sessionExpiryS?: number;
  /** Version 5: messages of QoS 1 and 2 that the server may have in flight; default 65,535 (§3.1.2.11.3). */
  readonly receiveMaximum?: number;
  /** Version 5: longest packet that the server may send, in bytes; default: no limit (§3.1.2.11.4). */
  readonly maxPacketBytes?: number;
}

/** Writes the remaining-length field, §2.2.3; returns the offset after it. */
export function encodeLength(out: Uint8Array, at: number, length: number): number {
  while (length > 0x7f) {
    out[at++] = length | 0x80;
    length >>= 7;
  }
  out[at++] = length;
  return at;
}

/** A packet from its parts. */
export function packet(first: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (let n = 0; n < parts.length; n++) length += parts[n].length;
  const out = new Uint8Array(5 + length);
  out[0] = first;
  let at = encodeLength(out, 1, length);
  for (let n = 0; n < parts.length; n++) {
    out.set(parts[n], at);
    at += parts[n].length;
  }
  return out.slice(0, at);
}

/** A field for a string or binary data: two bytes of length, then the bytes (§1.5.3). @throws RangeError */
export function field(name: string, value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? encodeUTF8(value) : value;
  const length = bytes.length;
  if (length > 65_535 || (typeof value === "string" && isUnsayable(value)))
    throw new RangeError(`${name}: over 65,535 bytes, or with U+0000 or half a surrogate pair`);
  const out = new Uint8Array(2 + length);
  out[0] = length >> 8;
  out[1] = length;
  out.set(bytes, 2);
  return out;
}

/**
 * CONNECT, §3.1; fields in the order of §3.1.3-1. `properties`: of version 5, with their length, including the will's.
 * @throws RangeError for options that MQTT cannot express
 */
export function connectPacket(
  options: ConnectOptions,
  clean: boolean,
  will: Will | undefined,
  level = 4,
  properties?: Uint8Array,
  willProperties?: Uint8Array,
): Uint8Array {
  const keepAlive = options.keepAlive ?? 60;
  const user = options.user;
  const password = options.password;
  if (!(keepAlive >= 0 && keepAlive <= 65_535)) throw new RangeError(`keepAlive ${keepAlive}: expected 0..65535 s`);
  if (options.id === "" && !clean) throw new RangeError("id: expected with a session that lasts"); // §3.1.3-7
  const head = Uint8Array.of(0, 4, 0x4d, 0x51, 0x54, 0x54, level, clean ? 2 : 0, keepAlive >> 8, keepAlive); // MQTT
  const parts = properties ? [head, properties] : [head];
  parts.push(field("id", options.id));
  if (will) {
    if (!(will.qos >= 0 && will.qos <= 2)) throw new RangeError(`will QoS ${will.qos}: expected 0..2`);
    head[FLAGS] |= 4 | (will.qos << 3) | (will.retain ? 0x20 : 0);
    if (willProperties) parts.push(willProperties);
    parts.push(field("will", encodeTopicName(will.topic)), field("will", will.payload));
  }
  if (user !== undefined) {
    head[FLAGS] |= 0x80;
    parts.push(field("user", user));
  }
  if (password !== undefined) {
    if (user === undefined) throw new RangeError("password: expected with a user"); // §3.1.2-22
    head[FLAGS] |= 0x40;
    parts.push(field("password", password));
  }
  return packet(0x10, parts);
}

/** Offset of the connect flags in the variable header, §3.1.2.3. */
const FLAGS = 7;
