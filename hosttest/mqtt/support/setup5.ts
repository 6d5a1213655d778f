/*
 * A client with version 5, and a scripted peer: packets of a server of that version, in hexadecimal.
 */
import type { ClientOptions } from "../../../src/mqtt/client.js";
import type { MemoryEntry } from "../../../src/mqtt/delivery/store.js";
import { Broker5 } from "../../../src/mqtt/v5/broker5.js";
import { encodeProperties } from "../../../src/mqtt/v5/properties.js";
import type { Properties } from "../../../src/mqtt/wire/properties.js";
import { hexOf } from "./scripted-peer.js";
import { Setup } from "./setup.js";

export function setup5(options: Partial<ClientOptions<MemoryEntry>> = {}): Setup {
  return new Setup({ version5: Broker5, ...options });
}

const CONNACK = 2;
const DISCONNECT = 14;

function blockOf(type: number, properties: Properties): number[] {
  return encodeProperties(type, properties).flatMap((bytes) => [...bytes]);
}

/** CONNACK of version 5. */
export function connack5(properties: Properties = {}, { present = false, code = 0 } = {}): string {
  const block = blockOf(CONNACK, properties);
  return hexOf([0x20, 3 + block.length, present ? 1 : 0, code, block.length, ...block]);
}

/** PUBACK (4), PUBREC (5), PUBREL (6), PUBCOMP (7) with a reason code, and a text for people. */
export function answer5(type: 4 | 5 | 6 | 7, id: number, code: number, reason?: string): string {
  return hexOf(answerBytes(type, id, code, reason));
}

/** `answer5`, in bytes. */
export function answerBytes(type: 4 | 5 | 6 | 7, id: number, code: number, reason?: string): number[] {
  const block = reason === undefined ? [] : blockOf(type, { reason });
  return [(type << 4) | (type === 6 ? 2 : 0), 4 + block.length, id >> 8, id & 255, code, block.length, ...block];
}

export function disconnect5(code: number, properties: Properties = {}): string {
  const block = blockOf(DISCONNECT, properties);
  return hexOf([0xe0, 2 + block.length, code, block.length, ...block]);
}

/** The level that a CONNECT names. */
export function levelOf(connect: string): number {
  return Number.parseInt(connect.split(" ")[8], 16);
}
