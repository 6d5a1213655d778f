/*
 * The properties of version 5: one table for decoding, encoding, and which packets may contain which. Properties that a server
 * sends only on request (response information, authentication, topic aliases) are not in it, and are refused. Optional ones of
 * a client are left out.
 * Source: MQTT 5 §2.2.2.2, table 2-4.
 */
import { field, packet } from "../wire/codec.js";
import type { Properties } from "../wire/properties.js";

/**
 * A row: identifier, name, kind, packets and, for numbers, minimum and maximum, where they are not 0 and the largest number that
 * fits. Kind: "1", "2", "4" a number of 1, 2 or 4 bytes, "v" a number of variable length, "s" a string, "t" a string for people,
 * "d" data, "p" a pair of strings, which is not kept. Packets: a bit for each packet type; bit 0 is the will, bit 12 a PUBLISH
 * that we send.
 */
export type Property = readonly string[];

/** The properties of MQTT 5, table 2-4; see `Property` for the columns. */
export const PROPERTIES: readonly Property[] = Object.freeze(
  (
    "1 payloadFormat 1 4105 0 1,2 messageExpiryS 4 4105,3 contentType s 4105,8 responseTopic s 4105,9 correlationData d 4105," +
    "11 subscriptionId v 8 1 268435455,17 sessionExpiryS 4 6,18 assignedId s 4,19 serverKeepAliveS 2 4,28 serverReference t 16388," +
    "31 reason t 19188,33 receiveMaximum 2 6 1,34 aliasMaximum 2 6,36 maxQoS 1 4 0 1,37 retainAvailable 1 4 0 1," +
    "38 userProperty p 20479,39 maxPacketBytes 4 6 1,40 wildcardAvailable 1 4 0 1,41 subscriptionIdAvailable 1 4 0 1,42 sharedAvailable 1 4 0 1"
  )
    .split(",")
    .map((row) => Object.freeze(row.split(" "))),
);

/** Whether the property is allowed in a packet of this type. Bits as in `Property`, by number: 0 the will, 12 a PUBLISH that we send. */
export function belongs(property: Property, type: number): boolean {
  return ((+property[3] >> type) & 1) > 0;
}

/** Bytes of a number of this kind, or of a string's length. */
export function sizeOf(kind: string): number {
  return +kind || 2;
}

/** The fault of a number as this property; undefined if there is none. */
export function checkNumber(property: Property, value: number): string | undefined {
  const least = +(property[4] ?? 0);
  const most = +(property[5] ?? 256 ** sizeOf(property[2]) - 1);
  if (value >= least && value <= most && value % 1 === 0) return;
  return `${property[1]} ${value}: expected ${least} to ${most}`;
}

/**
 * Encodes those of `values` that are in the table. `type`: of the packet, as in `belongs`.
 * @throws RangeError for a property that the packet cannot have, or an invalid value
 */
export function encodeProperties(type: number, values: Properties): Uint8Array[] {
  const parts: Uint8Array[] = [];
  PROPERTIES.forEach((property) => {
    const name = property[1];
    const value = values[name as keyof Properties];
    if (value === undefined) return;
    if (!belongs(property, type)) throw new RangeError(`${name}: not in this packet`);
    parts.push(Uint8Array.of(+property[0]));
    if (typeof value !== "number") {
      parts.push(field(name, value));
      return;
    }
    const fault = checkNumber(property, value);
    if (fault) throw new RangeError(fault);
    for (let shift = 8 * +property[2] - 8; shift >= 0; shift -= 8) parts.push(Uint8Array.of(value >>> shift));
  });
  return parts;
}

/** The property field of a packet: the length, then the properties. */
export function propertyBlock(parts: readonly Uint8Array[]): Uint8Array {
  return packet(0, parts).subarray(1); // as a packet without its first byte
}

/** Length of a packet with `remaining` bytes after its fixed header (§2.1.4). */
export function packetLength(remaining: number): number {
  return remaining + (remaining < 0x80 ? 2 : remaining < 0x4000 ? 3 : remaining < 0x20_0000 ? 4 : 5);
}
