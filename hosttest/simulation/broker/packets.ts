/*
 * The broker's parser, MQTT 3.1.1 and 5. It is independent of src/mqtt, so that it detects a misreading of the
 * standard there. Strict: a packet that a server must refuse is a `ProtocolError`.
 * Source: MQTT 3.1.1 and 5, §2, §3.
 */
import { Body, ProtocolError } from "./body.js";
import { NO_PROPERTIES, type Properties, readProperties } from "./properties.js";

/** Protocol level: 4 is 3.1.1, 5 is 5. */
export type Level = 4 | 5;

/** In 3.1.1 properties are empty and reasons 0. */
export type ClientPacket =
  | {
      readonly type: "connect";
      readonly level: Level;
      readonly id: string;
      readonly clean: boolean;
      readonly keepAliveS: number;
      readonly will:
        | { readonly topic: string; readonly payload: string; readonly qos: number; readonly retain: boolean }
        | undefined;
      readonly properties: Properties;
    }
  | {
      readonly type: "publish";
      /** Empty: the alias stands for it. */
      readonly topic: string;
      readonly payload: string;
      readonly qos: number;
      readonly dup: boolean;
      readonly retain: boolean;
      readonly id: number;
      readonly properties: Properties;
    }
  | { readonly type: Answer; readonly id: number; readonly reason: number }
  | { readonly type: "subscribe"; readonly id: number; readonly filters: readonly { filter: string; qos: number }[] }
  | { readonly type: "unsubscribe"; readonly id: number; readonly filters: readonly string[] }
  | { readonly type: "pingreq" | "auth" }
  | { readonly type: "disconnect"; readonly reason: number; readonly properties: Properties };

export type Answer = "puback" | "pubrec" | "pubrel" | "pubcomp";

const NAMES = [
  "",
  "connect",
  "",
  "publish",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "subscribe",
  "",
  "unsubscribe",
  "",
  "pingreq",
  "",
  "disconnect",
  "auth",
];
const FLAGS: Record<number, number> = { 6: 2, 8: 2, 10: 2 };

/** Divides a stream of bytes into packets. The first CONNECT decides the version. */
export class PacketReader {
  #bytes = new Uint8Array(0);
  #level: Level | undefined;

  /** Adds bytes, and calls `take` for each packet that is complete, with its length in bytes. @throws ProtocolError */
  push(bytes: Uint8Array, take: (packet: ClientPacket, length: number) => void): void {
    let rest = bytes;
    if (this.#bytes.length > 0) {
      rest = new Uint8Array(this.#bytes.length + bytes.length);
      rest.set(this.#bytes);
      rest.set(bytes, this.#bytes.length);
    }
    for (;;) {
      const end = packetEnd(rest);
      if (end < 0) break;
      const packet = parse(rest.subarray(0, end), this.#level ?? 4);
      if (packet.type === "connect") this.#level ??= packet.level;
      rest = rest.subarray(end);
      take(packet, end);
    }
    this.#bytes = rest.slice();
  }
}

/** Where the first packet in `bytes` ends; -1 if it is not complete. */
function packetEnd(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 1, factor = 1; i <= 4; i++, factor *= 128) {
    if (i >= bytes.length) return -1;
    length += (bytes[i] & 0x7f) * factor;
    if (bytes[i] < 0x80) return bytes.length >= i + 1 + length ? i + 1 + length : -1;
  }
  throw new ProtocolError("remaining length of more than four bytes");
}

/** Parses one complete packet. */
function parse(bytes: Uint8Array, level: Level): ClientPacket {
  const kind = bytes[0] >> 4;
  const flags = bytes[0] & 15;
  const name = NAMES[kind];
  if (name === "" || (name === "auth" && level === 4)) throw new ProtocolError(`packet type ${kind} from a client`);
  if (kind !== 3 && flags !== (FLAGS[kind] ?? 0)) throw new ProtocolError(`${name}: flags ${flags}`);
  let start = 1;
  while (bytes[start++] >= 0x80);
  const body = new Body(bytes, start, name);
  const properties = (): Properties => (level === 5 ? readProperties(body, name) : NO_PROPERTIES);
  switch (name) {
    case "connect":
      return parseConnect(body);
    case "publish":
      return parsePublish(body, flags, properties);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return parseAnswer(body, name, level);
    case "subscribe": {
      const id = body.id();
      properties();
      const filters = body.many(() => ({ filter: body.text(), qos: subscriptionQoS(body.byte(), level) }));
      return { type: name, id, filters };
    }
    case "unsubscribe": {
      const id = body.id();
      properties();
      return { type: name, id, filters: body.many(() => body.text()) };
    }
    case "pingreq":
      return body.end({ type: name });
    case "disconnect": {
      const reason = level === 5 && body.left > 0 ? body.byte() : 0;
      return body.end({ type: name, reason, properties: body.left > 0 ? properties() : NO_PROPERTIES });
    }
    default: {
      if (body.left > 0) body.byte();
      if (body.left > 0) properties();
      return body.end({ type: "auth" });
    }
  }
}

/** The QoS in a byte of options (§3.8.3.1 of MQTT 5; in 3.1.1 all other bits are reserved). */
function subscriptionQoS(options: number, level: Level): number {
  const qos = options & 3;
  if (qos === 3 || options > (level === 5 ? 0x2f : 2)) throw new ProtocolError(`subscribe: options ${options}`);
  return qos;
}

/** Reason and properties may be left out (§3.4.2.1 of MQTT 5). */
function parseAnswer(body: Body, type: Answer, level: Level): ClientPacket {
  const id = body.id();
  if (level === 4 || body.left === 0) return body.end({ type, id, reason: 0 });
  const reason = body.byte();
  if (body.left > 0) readProperties(body, type);
  return body.end({ type, id, reason });
}

function parseConnect(body: Body): ClientPacket {
  if (body.text() !== "MQTT") throw new ProtocolError("connect: not MQTT");
  const level = body.byte();
  if (level !== 4 && level !== 5) throw new ProtocolError(`connect: protocol level ${level}`);
  const flags = body.byte();
  if ((flags & 1) !== 0) throw new ProtocolError("connect: reserved flag");
  const keepAliveS = body.word();
  const properties = level === 5 ? readProperties(body, "connect") : NO_PROPERTIES;
  const id = body.text();
  const hasWill = (flags & 4) !== 0;
  const willQoS = (flags >> 3) & 3;
  if (!hasWill && (flags & 0x38) !== 0) throw new ProtocolError("connect: will flags without a will");
  if (willQoS === 3) throw new ProtocolError("connect: will QoS 3");
  if (hasWill && level === 5) readProperties(body, "will");
  const will = hasWill
    ? { topic: body.text(), payload: body.text(), qos: willQoS, retain: (flags & 0x20) !== 0 }
    : undefined;
  if (level === 4 && (flags & 0xc0) === 0x40) throw new ProtocolError("connect: password without user");
  if ((flags & 0x80) !== 0) body.text();
  if ((flags & 0x40) !== 0) body.binary();
  const clean = (flags & 2) !== 0;
  if (id === "" && !clean) throw new ProtocolError("connect: no client id, yet a session");
  return body.end({ type: "connect", level, id, clean, keepAliveS, will, properties });
}

function parsePublish(body: Body, flags: number, readBlock: () => Properties): ClientPacket {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 8) !== 0;
  if (qos === 3) throw new ProtocolError("publish: QoS 3");
  if (qos === 0 && dup) throw new ProtocolError("publish: DUP at QoS 0");
  const topic = body.text();
  const id = qos === 0 ? 0 : body.id();
  const properties = readBlock();
  const isNamed = topic !== "" || properties.alias !== undefined;
  if (!isNamed || /[+#]/.test(topic)) throw new ProtocolError(`publish: topic ${JSON.stringify(topic)}`);
  return { type: "publish", topic, payload: body.rest(), qos, dup, retain: (flags & 1) !== 0, id, properties };
}
