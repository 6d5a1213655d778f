/*
 * The packets that a broker sends, MQTT 3.1.1 and 5.
 * Source: MQTT 3.1.1 and 5, §3.
 */
import type { Answer, Level } from "./packets.js";
import { propertyBytes } from "./properties.js";

type Values = Readonly<Record<string, number | string | undefined>>;

export const pingresp = Uint8Array.of(0xd0, 0);

/** `properties`: sent in 5 only. */
export function connack(level: Level, present: boolean, code: number, properties: Values): Uint8Array {
  const body = [present ? 1 : 0, code];
  return packet(0x20, level === 5 ? [...body, ...propertyBytes(properties)] : body);
}

const FIRST = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 };

/** `reason` and `properties` are sent in 5 only, in the shortest form (§3.4.2.1). */
export function acknowledgement(level: Level, type: Answer, id: number, reason = 0, properties?: Values): Uint8Array {
  if (level === 4 || (reason === 0 && properties === undefined))
    return Uint8Array.of(FIRST[type], 2, id >> 8, id & 255);
  const block = properties === undefined ? [] : propertyBytes(properties);
  return packet(FIRST[type], [id >> 8, id & 255, reason, ...block]);
}

export function suback(level: Level, id: number, granted: readonly number[]): Uint8Array {
  return packet(0x90, [id >> 8, id & 255, ...(level === 5 ? [0] : []), ...granted]);
}

/** `codes`: one for each filter, sent in 5 only. */
export function unsuback(level: Level, id: number, codes: readonly number[]): Uint8Array {
  return packet(0xb0, [id >> 8, id & 255, ...(level === 5 ? [0, ...codes] : [])]);
}

/** Under 5 only. */
export function disconnect(reason: number, properties?: Values): Uint8Array {
  return packet(0xe0, properties === undefined ? [reason] : [reason, ...propertyBytes(properties)]);
}

function packet(first: number, body: readonly number[]): Uint8Array {
  const { length } = body;
  const head = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return Uint8Array.of(first, ...head, ...body);
}
