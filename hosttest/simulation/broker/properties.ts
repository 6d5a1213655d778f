/*
 * The properties of MQTT 5, as a server reads and writes them: a table independent of src/mqtt.
 * Source: MQTT 5 §2.2.2, table 2-4.
 */
import type { Body } from "./body.js";
import { ProtocolError } from "./body.js";

/** A user property may be repeated; the last one is kept. */
export type Properties = Readonly<Record<string, number | string>>;
export const NO_PROPERTIES: Properties = Object.freeze({});

type Kind = "byte" | "two" | "four" | "varint" | "text" | "binary" | "pair";

interface Property {
  readonly name: string;
  readonly kind: Kind;
  /** Packets of a client that may contain it. */
  readonly from: string;
}

const PUBLISHED = "publish will";
const ACKNOWLEDGED = "puback pubrec pubrel pubcomp";

const TABLE: Readonly<Record<number, Property>> = {
  1: { name: "payloadFormat", kind: "byte", from: PUBLISHED },
  2: { name: "messageExpiryS", kind: "four", from: PUBLISHED },
  3: { name: "contentType", kind: "text", from: PUBLISHED },
  8: { name: "responseTopic", kind: "text", from: PUBLISHED },
  9: { name: "correlationData", kind: "binary", from: PUBLISHED },
  11: { name: "subscriptionIdentifier", kind: "varint", from: "subscribe" },
  17: { name: "expiryS", kind: "four", from: "connect disconnect" },
  18: { name: "assignedId", kind: "text", from: "" },
  19: { name: "keepAliveS", kind: "two", from: "" },
  21: { name: "authenticationMethod", kind: "text", from: "connect auth" },
  22: { name: "authenticationData", kind: "binary", from: "connect auth" },
  23: { name: "requestProblemInformation", kind: "byte", from: "connect" },
  24: { name: "willDelayS", kind: "four", from: "will" },
  25: { name: "requestResponseInformation", kind: "byte", from: "connect" },
  26: { name: "responseInformation", kind: "text", from: "" },
  28: { name: "serverReference", kind: "text", from: "" },
  31: { name: "reason", kind: "text", from: `${ACKNOWLEDGED} disconnect auth` },
  33: { name: "receiveMaximum", kind: "two", from: "connect" },
  34: { name: "aliasMaximum", kind: "two", from: "connect" },
  35: { name: "alias", kind: "two", from: "publish" },
  36: { name: "maximumQoS", kind: "byte", from: "" },
  37: { name: "retainAvailable", kind: "byte", from: "" },
  38: {
    name: "user",
    kind: "pair",
    from: `connect will publish ${ACKNOWLEDGED} subscribe unsubscribe disconnect auth`,
  },
  39: { name: "maximumPacketBytes", kind: "four", from: "connect" },
  40: { name: "wildcardAvailable", kind: "byte", from: "" },
  41: { name: "subscriptionIdentifiersAvailable", kind: "byte", from: "" },
  42: { name: "sharedAvailable", kind: "byte", from: "" },
};

/** Properties that must not be 0. */
const POSITIVE = ["receiveMaximum", "maximumPacketBytes", "alias", "subscriptionIdentifier"];

/** The properties of a packet, or of a will, from a client. @throws ProtocolError */
export function readProperties(body: Body, packet: string): Properties {
  const length = body.varint();
  if (length === 0) return NO_PROPERTIES;
  const end = body.at + length;
  const found: Record<string, number | string> = {};
  while (body.at < end) {
    const id = body.varint();
    const property = TABLE[id];
    if (property === undefined) throw new ProtocolError(`${packet}: property ${id}`);
    const { name, kind, from } = property;
    if (!from.split(" ").includes(packet)) throw new ProtocolError(`${packet}: property ${name} is not allowed`);
    if (name in found && kind !== "pair") throw new ProtocolError(`${packet}: property ${name} twice`);
    const value = readValue(body, kind);
    if (kind === "byte" && Number(value) > 1) throw new ProtocolError(`${packet}: ${name} ${value}`);
    if (value === 0 && POSITIVE.includes(name)) throw new ProtocolError(`${packet}: ${name} 0`);
    found[name] = value;
  }
  if (body.at !== end) throw new ProtocolError(`${packet}: properties longer than they say`);
  return found;
}

function readValue(body: Body, kind: Kind): number | string {
  switch (kind) {
    case "byte":
      return body.byte();
    case "two":
      return body.word();
    case "four":
      return body.word() * 65_536 + body.word();
    case "varint":
      return body.varint();
    case "text":
      return body.text();
    case "binary":
      return body.binary();
    case "pair":
      return `${body.text()}=${body.text()}`;
    default:
      throw new TypeError(`kind: ${kind satisfies never}`);
  }
}

const IDS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(TABLE).map(([id, { name }]) => [name, Number(id)]),
);

/** The property block of a packet to a client, with its length. A value of `undefined` is left out. */
export function propertyBytes(properties: Readonly<Record<string, number | string | undefined>>): number[] {
  const bytes: number[] = [];
  for (const name in properties) {
    const value = properties[name];
    if (value === undefined) continue;
    const id = IDS[name];
    bytes.push(id);
    writeValue(bytes, TABLE[id].kind, value);
  }
  return [...varintBytes(bytes.length), ...bytes];
}

function writeValue(bytes: number[], kind: Kind, value: number | string): void {
  const number = Number(value);
  switch (kind) {
    case "byte":
      bytes.push(number);
      return;
    case "two":
      bytes.push(number >> 8, number & 255);
      return;
    case "four":
      bytes.push(number >>> 24, (number >> 16) & 255, (number >> 8) & 255, number & 255);
      return;
    case "varint":
      bytes.push(...varintBytes(number));
      return;
    case "text":
    case "binary":
      writeText(bytes, String(value));
      return;
    case "pair":
      for (const part of String(value).split("=")) writeText(bytes, part);
      return;
    default:
      throw new TypeError(`kind: ${kind satisfies never}`);
  }
}

const utf8 = new TextEncoder();

function writeText(bytes: number[], text: string): void {
  const encoded = utf8.encode(text);
  bytes.push(encoded.length >> 8, encoded.length & 255, ...encoded);
}

/** A variable byte integer, §1.5.5. */
export function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return bytes;
}
