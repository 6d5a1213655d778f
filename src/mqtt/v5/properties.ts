/*
 * The properties of version 5: one table, from which follow what is decoded, what is encoded, and which packets may have it.
 * Not in it, and so refused: what a server sends only to those who asked (request and response information, authentication, topic
 * aliases). What a client may leave out is left out.
 * Source: MQTT 5 §2.2.2.2, table 2-4.
 */
import { field, packet } from "../wire/codec.js";
import type { Properties } from "../wire/properties.js";

export interface Property {
  readonly id: number;
  readonly name: keyof Properties | "userProperty";
  /**
   * What its value is. Numbers: "f" a byte of 0 or 1, "w" 16 bits, "l" 32 bits, as capitals: not 0; "v" of variable length, not 0.
   * "s" a string, "t" one for people, "d" data, "p" a pair of strings, which is not kept.
   */
  readonly kind: string;
  /** The packets that may have it, as bits by their type; bit 0: the will. */
  readonly packets: number;
}

/** Identifier, name, kind, packets. */
const ROWS =
  "1 payloadFormat f 9,2 messageExpiryS l 9,3 contentType s 9,8 responseTopic s 9,9 correlationData d 9,11 subscriptionId v 264," +
  "17 sessionExpiryS l 6,18 assignedId s 4,19 serverKeepAliveS w 4,28 serverReference t 16388,31 reason t 19188,33 receiveMaximum W 6," +
  "34 aliasMaximum w 6,36 maxQoS f 4,37 retainAvailable f 4,38 userProperty p 20479,39 maxPacketBytes L 6,40 wildcardAvailable f 4," +
  "41 subscriptionIdAvailable f 4,42 sharedAvailable f 4";

/** Types of packets, as `Property.packets` counts them. */
export const WILL = 0;
export const CONNECT = 1;
export const PUBLISH = 3;

export const PROPERTIES: readonly Property[] = Object.freeze(
  ROWS.split(",").map((row) => {
    const [id, name, kind, packets] = row.split(" ");
    return Object.freeze({ id: +id, name: name as Property["name"], kind, packets: +packets });
  }),
);

/** What stands in a packet: the length, then the properties. */
export function propertyBlock(parts: readonly Uint8Array[]): Uint8Array {
  return packet(0, parts).subarray(1); // as a packet has it, but for the first byte
}

/**
 * Those of `values` that the table knows. `type`: of the packet that is to have them.
 * @throws RangeError for one that the packet cannot have, or a value that it cannot have
 */
export function encodeProperties(type: number, values: Properties): Uint8Array {
  const bytes: number[] = [];
  PROPERTIES.forEach(({ id, name, kind, packets }) => {
    const value = values[name as keyof Properties];
    if (value === undefined) return;
    if (!((packets >> type) & 1)) throw new RangeError(`${name}: not in this packet`);
    bytes.push(id);
    if (typeof value !== "number") {
      bytes.push(...field(name, value));
      return;
    }
    const fault = checkNumber(kind, value);
    if (fault) throw new RangeError(`${name} ${value}: ${fault}`);
    for (let shift = 8 * (sizeOf(kind) - 1); shift >= 0; shift -= 8) bytes.push((value >>> shift) & 0xff);
  });
  return Uint8Array.from(bytes);
}

/** How many bytes a number of this kind has; of a string, its length. */
export function sizeOf(kind: string): number {
  return kind === "f" ? 1 : kind === "l" || kind === "L" || kind === "v" ? 4 : 2;
}

/** What is wrong with a number of this kind; undefined if nothing. */
export function checkNumber(kind: string, value: number): string | undefined {
  const most = kind === "f" ? 1 : kind === "v" ? 0xfff_ffff : 2 ** (8 * sizeOf(kind)) - 1;
  const least = kind === "W" || kind === "L" || kind === "v" ? 1 : 0;
  return value >>> 0 === value && value >= least && value <= most ? undefined : `expected ${least} to ${most}`;
}

/** Bytes of a packet with so many after its fixed header (§2.1.4). */
export function packetLength(remaining: number): number {
  return remaining + (remaining < 0x80 ? 2 : remaining < 0x4000 ? 3 : remaining < 0x20_0000 ? 4 : 5);
}
