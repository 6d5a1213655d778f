/*
 * The broker's side of the wire: an MQTT 3.1.1 parser and writer of its own, independent of src/mqtt, so that a
 * misreading of the standard there does not hide here. Strict: what a server must refuse is a `ProtocolError`.
 * Source: MQTT 3.1.1 §2, §3.
 */

export class ProtocolError extends Error {}

export type ClientPacket =
  | {
      readonly type: "connect";
      readonly id: string;
      readonly clean: boolean;
      readonly keepAliveS: number;
      readonly will:
        | { readonly topic: string; readonly payload: string; readonly qos: number; readonly retain: boolean }
        | undefined;
    }
  | {
      readonly type: "publish";
      readonly topic: string;
      readonly payload: string;
      readonly qos: number;
      readonly dup: boolean;
      readonly retain: boolean;
      readonly id: number;
    }
  | { readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp"; readonly id: number }
  | { readonly type: "subscribe"; readonly id: number; readonly filters: readonly { filter: string; qos: number }[] }
  | { readonly type: "unsubscribe"; readonly id: number; readonly filters: readonly string[] }
  | { readonly type: "pingreq" | "disconnect" };

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
  "",
];
const FLAGS: Record<number, number> = { 6: 2, 8: 2, 10: 2 };

/** Cuts a stream of bytes into packets. */
export class PacketReader {
  #bytes = new Uint8Array(0);

  /** Adds bytes, and calls `take` for each packet that is complete. @throws ProtocolError */
  push(bytes: Uint8Array, take: (packet: ClientPacket) => void): void {
    let rest = bytes;
    if (this.#bytes.length > 0) {
      rest = new Uint8Array(this.#bytes.length + bytes.length);
      rest.set(this.#bytes);
      rest.set(bytes, this.#bytes.length);
    }
    for (;;) {
      const end = packetEnd(rest);
      if (end < 0) break;
      const packet = parse(rest.subarray(0, end));
      rest = rest.subarray(end);
      take(packet);
    }
    this.#bytes = rest.slice();
  }
}

/** Where the first packet ends; -1 if it is not complete. */
function packetEnd(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 1, factor = 1; i <= 4; i++, factor *= 128) {
    if (i >= bytes.length) return -1;
    length += (bytes[i] & 0x7f) * factor;
    if (bytes[i] < 0x80) return bytes.length >= i + 1 + length ? i + 1 + length : -1;
  }
  throw new ProtocolError("remaining length of more than four bytes");
}

/** One packet, whole. */
function parse(bytes: Uint8Array): ClientPacket {
  const kind = bytes[0] >> 4;
  const flags = bytes[0] & 15;
  const name = NAMES[kind];
  if (name === "") throw new ProtocolError(`packet type ${kind} from a client`);
  if (kind !== 3 && flags !== (FLAGS[kind] ?? 0)) throw new ProtocolError(`${name}: flags ${flags}`);
  let start = 1;
  while (bytes[start++] >= 0x80);
  const body = new Body(bytes, start, name);
  switch (name) {
    case "connect":
      return parseConnect(body);
    case "publish":
      return parsePublish(body, flags);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return { type: name, id: body.end(body.id()) };
    case "subscribe": {
      const id = body.id();
      const filters = body.many(() => ({ filter: body.text(), qos: body.byte() }));
      for (const { qos } of filters) if (qos > 2) throw new ProtocolError(`subscribe: QoS ${qos}`);
      return { type: name, id, filters };
    }
    case "unsubscribe":
      return { type: name, id: body.id(), filters: body.many(() => body.text()) };
    case "pingreq":
    case "disconnect":
      return body.end({ type: name });
    default:
      throw new ProtocolError(`packet type ${kind}`);
  }
}

function parseConnect(body: Body): ClientPacket {
  if (body.text() !== "MQTT" || body.byte() !== 4) throw new ProtocolError("connect: not MQTT 3.1.1");
  const flags = body.byte();
  if ((flags & 1) !== 0) throw new ProtocolError("connect: reserved flag");
  const keepAliveS = body.word();
  const id = body.text();
  const hasWill = (flags & 4) !== 0;
  const willQoS = (flags >> 3) & 3;
  if (!hasWill && (flags & 0x38) !== 0) throw new ProtocolError("connect: will flags without a will");
  if (willQoS === 3) throw new ProtocolError("connect: will QoS 3");
  const will = hasWill
    ? { topic: body.text(), payload: body.text(), qos: willQoS, retain: (flags & 0x20) !== 0 }
    : undefined;
  if ((flags & 0xc0) === 0x40) throw new ProtocolError("connect: password without user");
  if ((flags & 0x80) !== 0) body.text();
  if ((flags & 0x40) !== 0) body.text();
  const clean = (flags & 2) !== 0;
  if (id === "" && !clean) throw new ProtocolError("connect: no client id, yet a session");
  return body.end({ type: "connect", id, clean, keepAliveS, will });
}

function parsePublish(body: Body, flags: number): ClientPacket {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 8) !== 0;
  if (qos === 3) throw new ProtocolError("publish: QoS 3");
  if (qos === 0 && dup) throw new ProtocolError("publish: DUP at QoS 0");
  const topic = body.text();
  if (topic === "" || /[+#]/.test(topic)) throw new ProtocolError(`publish: topic ${JSON.stringify(topic)}`);
  const id = qos === 0 ? 0 : body.id();
  return { type: "publish", topic, payload: body.rest(), qos, dup, retain: (flags & 1) !== 0, id };
}

/** Reads the fields of a packet's body. */
class Body {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #at: number;

  constructor(bytes: Uint8Array, start: number, name: string) {
    this.#bytes = bytes;
    this.#at = start;
    this.#name = name;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw new ProtocolError(`${this.#name}: too short`);
    return this.#bytes[this.#at++];
  }

  word(): number {
    return this.byte() * 256 + this.byte();
  }

  id(): number {
    const id = this.word();
    if (id === 0) throw new ProtocolError(`${this.#name}: packet id 0`);
    return id;
  }

  text(): string {
    const length = this.word();
    if (this.#at + length > this.#bytes.length) throw new ProtocolError(`${this.#name}: too short`);
    this.#at += length;
    return decode(this.#bytes, this.#at - length, this.#at);
  }

  rest(): string {
    const start = this.#at;
    this.#at = this.#bytes.length;
    return decode(this.#bytes, start, this.#at);
  }

  many<T>(read: () => T): T[] {
    const found: T[] = [];
    while (this.#at < this.#bytes.length) found.push(read());
    if (found.length === 0) throw new ProtocolError(`${this.#name}: nothing asked`);
    return found;
  }

  /** Passes `value` on, if nothing is left over. */
  end<T>(value: T): T {
    if (this.#at !== this.#bytes.length) throw new ProtocolError(`${this.#name}: too long`);
    return value;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) {
    if (bytes[i] >= 0x80) return utf8.decode(bytes.subarray(start, end));
    text += String.fromCharCode(bytes[i]);
  }
  return text;
}

export const connack = (present: boolean, code: number): Uint8Array => Uint8Array.of(0x20, 2, present ? 1 : 0, code);
export const pingresp = Uint8Array.of(0xd0, 0);
export const suback = (id: number, granted: readonly number[]): Uint8Array =>
  Uint8Array.of(0x90, 2 + granted.length, id >> 8, id, ...granted);
export const unsuback = (id: number): Uint8Array => Uint8Array.of(0xb0, 2, id >> 8, id);

const FIRST = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 };
export const acknowledgement = (type: keyof typeof FIRST, id: number): Uint8Array =>
  Uint8Array.of(FIRST[type], 2, id >> 8, id);
