/*
 * Packets to bytes. Every function writes into a buffer of the caller's, from `at`, and returns the offset after the packet.
 * The caller has checked the room (a write past a Uint8Array vanishes silently). Pure. The packets of the hot path, PUBLISH and the
 * acknowledgements, are written by transmit.ts itself.
 * Source: MQTT 3.1.1 §2.2 and §3.
 */
import { encodeUTF8 } from "./utf8.js";

// Control packet types, §2.2.1, table 2.1
export const CONNECT = 1;
export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const PUBREC = 5;
export const PUBREL = 6;
export const PUBCOMP = 7;
export const SUBSCRIBE = 8;
export const SUBACK = 9;
export const UNSUBSCRIBE = 10;
export const UNSUBACK = 11;
export const PINGREQ = 12;
export const PINGRESP = 13;
export const DISCONNECT = 14;

export type QoS = 0 | 1 | 2;

// First byte of a PUBLISH, §3.3.1
export const DUP = 0x08;
export const RETAIN = 0x01;

/** PUBACK, PUBREC, PUBREL, PUBCOMP have four bytes: one of these words, plus the packet id. PUBREL's flags are 0010 (§3.6.1). */
export const ACKNOWLEDGEMENT_BYTES = 4;
export const PUBACK_WORD = 0x4002_0000;
export const PUBREC_WORD = 0x5002_0000;
export const PUBREL_WORD = 0x6202_0000;
export const PUBCOMP_WORD = 0x7002_0000;
/** §2.2.3: four bytes of seven bits. */
export const LONGEST_REMAINING = 268_435_455;

const LEVEL = 4; // protocol level of 3.1.1, §3.1.2.2
const FIXED_CONNECT_BYTES = 10; // variable header, §3.1.2
const CLEAN_SESSION = 0x02;
const WILL = 0x04;
const WILL_QOS_SHIFT = 3;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USER = 0x80;

/** What a CONNECT says. Absent fields are absent in the packet. */
export interface Connect {
  readonly id: Uint8Array;
  readonly clean: boolean;
  /** Seconds; 0: off. */
  readonly keepAlive: number;
  readonly user?: Uint8Array;
  readonly password?: Uint8Array;
  readonly will?: {
    readonly topic: Uint8Array;
    readonly payload: Uint8Array;
    readonly qos: QoS;
    readonly retain: boolean;
  };
}

/** Bytes that the remaining-length field takes for `length`, §2.2.3. */
export function lengthBytes(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4;
}

/** SUBSCRIBE (with `qos`) or UNSUBSCRIBE (without) of one filter; flags are 0010 (§3.8.1, §3.10.1). */
export function encodeFilter(
  out: Uint8Array,
  at: number,
  id: number,
  filter: Uint8Array,
  qos: QoS | undefined,
): number {
  out[at++] = ((qos === undefined ? UNSUBSCRIBE : SUBSCRIBE) << 4) | 2;
  at = encodeLength(out, at, filter.length + (qos === undefined ? 4 : 5));
  out[at++] = id >> 8;
  out[at++] = id;
  at = encodeField(out, at, filter);
  if (qos !== undefined) out[at++] = qos;
  return at;
}

/** Bytes of the CONNECT. */
export function connectBytes(connect: Connect): number {
  const remaining = connectRemaining(connect);
  return 1 + lengthBytes(remaining) + remaining;
}

/** §3.1: client id, will topic, will message, user name, password, in this order (§3.1.3-1). */
export function encodeConnect(out: Uint8Array, at: number, connect: Connect): number {
  const { will, user, password, keepAlive } = connect;
  out[at++] = CONNECT << 4;
  at = encodeLength(out, at, connectRemaining(connect));
  at = encodeField(out, at, encodeUTF8("MQTT"));
  out[at++] = LEVEL;
  out[at++] =
    (connect.clean ? CLEAN_SESSION : 0) |
    (will ? WILL | (will.qos << WILL_QOS_SHIFT) | (will.retain ? WILL_RETAIN : 0) : 0) |
    (password ? PASSWORD : 0) |
    (user ? USER : 0);
  out[at++] = keepAlive >> 8;
  out[at++] = keepAlive;
  at = encodeField(out, at, connect.id);
  if (will) at = encodeField(out, encodeField(out, at, will.topic), will.payload);
  if (user) at = encodeField(out, at, user);
  if (password) at = encodeField(out, at, password);
  return at;
}

function connectRemaining({ id, will, user, password }: Connect): number {
  let length = FIXED_CONNECT_BYTES + 2 + id.length;
  if (will) length += 4 + will.topic.length + will.payload.length;
  if (user) length += 2 + user.length;
  if (password) length += 2 + password.length;
  return length;
}

/** The remaining-length field, §2.2.3. */
export function encodeLength(out: Uint8Array, at: number, length: number): number {
  while (length >= 0x80) {
    out[at++] = length | 0x80;
    length >>= 7;
  }
  out[at++] = length;
  return at;
}

/** Two bytes of length, then the bytes: strings and binary fields alike (§1.5.3). */
function encodeField(out: Uint8Array, at: number, bytes: Uint8Array): number {
  out[at++] = bytes.length >> 8;
  out[at++] = bytes.length;
  out.set(bytes, at);
  return at + bytes.length;
}
