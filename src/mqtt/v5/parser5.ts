/*
 * The parser of version 5: as for 3.1.1 up to the properties. These are parsed one by one, in memory that the head of the
 * packet no longer needs; whatever does not fit is cut, or treated as not sent. A PUBLISH that exceeds the limit, or has a
 * longer topic, is skipped, but has to be acknowledged.
 * Source: MQTT 5 §2.2.2 (properties), §3 (packets as a server sends them).
 */
import type { QoS } from "../wire/codec.js";
import { FIRST, type Inbound, LENGTH, type LinkReader, type MessageReader, Parser } from "../wire/parser.js";
import type { Properties } from "../wire/properties.js";
import { checkTopicName } from "../wire/topics.js";
import { decodeUTF8 } from "../wire/utf8.js";
import { belongs, checkNumber, PROPERTIES, packetLength, sizeOf } from "./properties.js";

// States: what the next byte is, in addition to those of parser.ts
const BLOCK = 5; // of the properties' length
const PROPERTY = 6; // a property's identifier
const VALUE = 7; // of a number, or of a string's length
const TEXT = 8; // of a string
const CODE = 9; // SUBACK's and UNSUBACK's reason code, after the properties
const TOPIC = 10; // of a topic that is too long, or of the packet id after it

/** Stands for a message that is skipped. */
const GOES_BY = Object.freeze({}) as Inbound;

/** The parser of MQTT 5. Faults are returned as a text, as by Parser. */
export class Parser5 extends Parser {
  private readonly maxPacketBytes: number;
  private code = 0;
  /** The length of the properties, then the number of their bytes still to come. */
  private block = 0;
  private property = PROPERTIES[0];
  /** Of this packet; undefined: none. */
  private properties: Record<string, unknown> | undefined;
  /** Bytes of a string, or of a topic and a packet id, still to come. */
  private left = 0;
  /** The second of a pair of strings is still to come. */
  private hasSecond = false;
  /** The message whose properties are being received. */
  private pending: Inbound | undefined;

  constructor(
    link: LinkReader,
    messages: MessageReader,
    receive: Uint8Array,
    longestTopic: number,
    maxPacketBytes = 0xffff_ffff,
  ) {
    super(link, messages, receive, longestTopic);
    this.maxPacketBytes = maxPacketBytes;
  }

  protected override takeByte(byte: number): string | undefined {
    switch (this.state) {
      case FIRST:
        if (byte !== 0xe0) return super.takeByte(byte);
        this.first = byte; // DISCONNECT, which a server sends only in this version
        this.remaining = this.count = 0;
        this.state = LENGTH;
        return;
      case BLOCK:
        return this.takeBlock(byte);
      case PROPERTY:
        this.block--;
        return this.takeProperty(byte);
      case VALUE:
        this.block--;
        return this.takeValue(byte);
      case TEXT:
        this.block--;
        if (this.count < this.head.length) this.head[this.count++] = byte;
        return --this.left ? undefined : this.takeText();
      case CODE:
        this.code = byte;
        return this.finish();
      case TOPIC:
        return this.takeSkipped(byte);
      default:
        return super.takeByte(byte);
    }
  }

  protected override headOf(type: number, remaining: number): number {
    const least = +"0024222204040000"[type] + (type === 3 && this.first & 6 ? 2 : 0);
    if (remaining < least || (type === 13 && remaining)) return -1;
    return Math.min(remaining, +"0022333302020010"[type]);
  }

  protected override takeHead(): string | undefined {
    const { first, head, headLength } = this;
    const type = first >> 4;
    if (type === 3 || type === 13) return super.takeHead();
    this.remaining -= headLength;
    this.id = (head[0] << 8) | head[1];
    this.code = type === 14 ? headLength && head[0] : type === 2 ? head[1] : headLength === 3 ? head[2] : 0;
    if (this.remaining === 0) {
      this.properties = undefined;
      return this.finish();
    }
    this.expectBlock();
    if (type === 2) this.properties = {}; // otherwise it is an answer in 3.1.1's form
    return;
  }

  protected override takePublish(topicLength: number): string | undefined {
    if (this.count > 2) return super.takePublish(topicLength);
    const { head, remaining } = this;
    const length = topicLength + (this.first & 6 ? 4 : 2);
    if (length >= remaining) return "topic beyond its end";
    if (topicLength === 0 || (length <= head.length && packetLength(remaining) <= this.maxPacketBytes))
      return super.takePublish(topicLength);
    this.remaining -= length;
    this.left = length - 2;
    this.id = 0;
    this.state = TOPIC;
    return;
  }

  protected override begin(message: Inbound): void {
    this.pending = message;
    this.expectBlock();
  }

  protected override takePayload(start: number, end: number): void {
    if (this.message !== GOES_BY) {
      super.takePayload(start, end);
      return;
    }
    this.remaining -= end - start;
    if (this.remaining) return;
    this.message = undefined;
    this.state = FIRST;
    this.messages.skipped?.(((this.first >> 1) & 3) as QoS, this.id);
  }

  private takeSkipped(byte: number): string | undefined {
    this.id = ((this.id & 0xff) << 8) | byte;
    if (--this.left) return;
    if (!(this.first & 6)) this.id = 0;
    else if (this.id === 0) return "packet id 0";
    this.message = GOES_BY;
    return;
  }

  private expectBlock(): void {
    this.properties = undefined;
    this.count = this.block = 0;
    this.state = BLOCK;
  }

  private takeBlock(byte: number): string | undefined {
    this.block |= (byte & 0x7f) << this.count;
    this.count += 7;
    this.remaining--;
    if (byte & 0x80 && this.count < 28 && this.remaining) return;
    if (byte & 0x80 || this.block > this.remaining) return BEYOND;
    this.remaining -= this.block;
    return this.nextProperty();
  }

  private nextProperty(): string | undefined {
    this.state = PROPERTY;
    if (this.block) return;
    const { first, remaining, pending } = this;
    if (pending) {
      this.pending = undefined;
      pending.totalBytes = remaining;
      if (this.properties) pending.properties = this.properties;
      super.begin(pending);
      return;
    }
    this.state = CODE;
    if (first === 0x90 || first === 0xb0) return remaining === 1 ? undefined : `${remaining} reason codes`;
    return remaining ? "bytes after its properties" : this.finish();
  }

  private takeProperty(byte: number): string | undefined {
    const property = PROPERTIES.find((row) => +row[0] === byte);
    if (!property || !belongs(property, this.first >> 4)) return `property ${property ? property[1] : byte}`;
    const kind = property[2];
    if (this.properties && kind !== "v" && property[1] in this.properties) return `${property[1]} twice`;
    this.property = property;
    this.hasSecond = kind === "p";
    return this.expectValue(kind);
  }

  private expectValue(kind: string): string | undefined {
    this.count = 0;
    this.headLength = kind === "v" ? 1 : sizeOf(kind);
    this.state = VALUE;
    return this.block < this.headLength ? BEYOND : undefined;
  }

  private takeValue(byte: number): string | undefined {
    const { head, property } = this;
    const kind = property[2];
    const isVariable = kind === "v";
    head[this.count++] = byte;
    if (isVariable ? byte > 0x7f : this.count < this.headLength)
      return this.block && this.count < 4 ? undefined : BEYOND;
    let value = 0;
    for (let n = 0; n < this.count; n++)
      value += isVariable ? (head[n] & 0x7f) * 128 ** n : head[n] * 256 ** (this.count - n - 1);
    if (+kind || isVariable) return checkNumber(property, value) ?? this.keep(value);
    if (value > this.block) return BEYOND;
    this.count = 0;
    this.headLength = this.left = value;
    this.state = TEXT;
    return value ? undefined : this.takeText();
  }

  /** A string is complete, or as much of it as fits. */
  private takeText(): string | undefined {
    const { head, property } = this;
    const kind = property[2];
    let end = this.count;
    const isCut = end < this.headLength;
    if (kind === "p" || (isCut && kind !== "t")) {
      if (!this.hasSecond) return this.nextProperty();
      this.hasSecond = false;
      return this.expectValue(kind);
    }
    if (kind === "d") return this.keep(head.slice(0, end));
    if (isCut) while (head[--end] >> 6 === 2); // not in the middle of a character
    const text = decodeUTF8(head, 0, end);
    if (text === undefined) return `${property[1]} is not UTF-8`;
    return (property[0] === "8" && checkTopicName(text)) || this.keep(text);
  }

  private keep(value: unknown): string | undefined {
    this.properties ??= {};
    this.properties[this.property[1]] = value;
    return this.nextProperty();
  }

  /** All of the packet has come. */
  private finish(): string | undefined {
    const { first, id, code } = this;
    const properties = this.properties as Properties | undefined;
    this.state = FIRST;
    if (first === 0x20) {
      if (id > 0x1ff) return `flags ${id >> 8}`;
      // Codes below 128 are 3.1.1's, in its form.
      if (properties ? code && code < 128 : !code || code > 5) return `reason code ${code}`;
      if (id > 0xff && code) return "session present, yet refused"; // §3.2.2-6
      return this.link.connack(id > 0xff, code, properties);
    }
    if (first === 0xe0) {
      this.end();
      this.link.disconnected?.(code, properties ?? {});
      return;
    }
    if (id === 0) return "packet id 0";
    if (first === 0x90 && code > 2 && code < 128) return `reason code ${code}`;
    return this.messages.acknowledgement((first << 24) | 0x2_0000 | id, code, properties?.reason);
  }
}

const BEYOND = "properties beyond their end";
