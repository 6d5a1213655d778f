/*
 * Bytes to packets in version 5: as in 3.1.1 up to the properties; these byte by byte, one after the other in the memory that the head
 * of the packet needs no more. However long they are, that is all they take: what does not fit is cut, or counts as not sent.
 * A PUBLISH that is longer than asked for, or has a longer topic, goes by, and is to be acknowledged.
 * Source: MQTT 5 §2.2.2 (properties), §3 (packets as a server sends them).
 */
import type { QoS } from "../wire/codec.js";
import { FIRST, type Inbound, LENGTH, type LinkReader, type MessageReader, Parser } from "../wire/parser.js";
import type { Properties } from "../wire/properties.js";
import { checkTopicName } from "../wire/topics.js";
import { decodeUTF8 } from "../wire/utf8.js";
import { checkNumber, PROPERTIES, PUBLISH, packetLength, sizeOf } from "./properties.js";

// What the next byte is, after those of parser.ts
const BLOCK = 5; // of the properties' length
const PROPERTY = 6; // a property's identifier
const VALUE = 7; // of a number, or of a string's length
const TEXT = 8; // of a string
const CODE = 9; // SUBACK's and UNSUBACK's reason code, after the properties
const TOPIC = 10; // of a topic that is too long, or of the packet id after it

/** In place of a message that goes by. */
const GOES_BY = Object.freeze({}) as Inbound;

export class Parser5 extends Parser {
  private readonly maxPacketBytes: number;
  private code = 0;
  /** What the properties' length says, then bytes of them that have not come. */
  private block = 0;
  private property = PROPERTIES[0];
  /** Of this packet; undefined: none. */
  private properties: Record<string, unknown> | undefined;
  /** Bytes of a string, or of a topic and a packet id, that have not come. */
  private left = 0;
  /** Of a pair of strings, the second is to come. */
  private hasSecond = false;
  /** The message whose properties come in. */
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
        this.first = byte; // DISCONNECT, which a server sends in this version only
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
    switch (type) {
      case PUBLISH:
        return remaining < (this.first & 6 ? 6 : 4) ? -1 : 2;
      case 9:
      case 11:
        return remaining < 4 ? -1 : 2;
      case 13:
        return remaining ? -1 : 0;
      case 14:
        return Math.min(remaining, 1);
      default:
        return remaining < 2 ? -1 : Math.min(remaining, type === 2 ? 2 : 3);
    }
  }

  protected override takeHead(): string | undefined {
    const { first, head, headLength } = this;
    const type = first >> 4;
    if (type === PUBLISH || type === 13) return super.takeHead();
    this.remaining -= headLength;
    this.id = (head[0] << 8) | head[1];
    this.code = type === 14 ? headLength && head[0] : type === 2 ? head[1] : headLength === 3 ? head[2] : 0;
    if (this.remaining === 0) {
      this.properties = undefined;
      return this.finish();
    }
    this.expectBlock();
    if (type === 2) this.properties = {}; // else it is an answer in 3.1.1's form
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
    const type = this.first >> 4;
    const property = PROPERTIES.find(({ id }) => id === byte);
    if (!property || !((property.packets >> type) & 1)) return `property ${property?.name ?? byte}`;
    const { kind, name } = property;
    if (this.properties && name in this.properties && kind !== "v") return `${name} twice`;
    this.property = property;
    this.hasSecond = kind === "p";
    return this.expectValue();
  }

  private expectValue(): string | undefined {
    const kind = this.property.kind;
    this.count = 0;
    this.headLength = sizeOf(kind);
    this.state = VALUE;
    return this.block < (kind === "v" ? 1 : this.headLength) ? BEYOND : undefined;
  }

  private takeValue(byte: number): string | undefined {
    const { head, property } = this;
    const { kind, name } = property;
    head[this.count++] = byte;
    const isMore = kind === "v" ? byte > 0x7f : this.count < this.headLength;
    if (isMore) return this.block && this.count < 4 ? undefined : BEYOND;
    let value = 0;
    if (kind === "v") for (let n = this.count; n > 0; ) value = (value << 7) | (head[--n] & 0x7f);
    else for (let n = 0; n < this.count; n++) value = value * 256 + head[n];
    if ("stdp".includes(kind)) {
      if (value > this.block) return BEYOND;
      this.count = 0;
      this.headLength = this.left = value;
      this.state = TEXT;
      return value ? undefined : this.takeText();
    }
    const fault = checkNumber(kind, value);
    return fault ? `${name} ${value}: ${fault}` : this.keep(value);
  }

  /** A string has come, as much as fits. */
  private takeText(): string | undefined {
    const { head, property, count } = this;
    const { kind, name } = property;
    const isCut = count < this.headLength;
    if (kind === "p" || (isCut && kind !== "t")) {
      if (!this.hasSecond) return this.nextProperty();
      this.hasSecond = false;
      return this.expectValue();
    }
    if (kind === "d") return this.keep(head.slice(0, count));
    let end = count;
    if (isCut) while (head[--end] >> 6 === 2); // not in the middle of a character
    const text = decodeUTF8(head, 0, end);
    if (text === undefined) return `${name} is not UTF-8`;
    return (property.id === 8 && checkTopicName(text)) || this.keep(text);
  }

  private keep(value: unknown): string | undefined {
    this.properties ??= {};
    this.properties[this.property.name] = value;
    return this.nextProperty();
  }

  /** All of the packet has come. */
  private finish(): string | undefined {
    const { first, id, code, link } = this;
    const type = first >> 4;
    const properties = this.properties as Properties | undefined;
    this.state = FIRST;
    if (type === 2) {
      if (id > 0x1ff) return `flags ${id >> 8}`;
      if (properties ? code && code < 0x80 : code === 0 || code > 5)
        return properties ? `reason code ${code}` : "length 2";
      if (id > 0xff && code) return "session present, yet refused"; // §3.2.2-6
      return link.connack(id > 0xff, code, properties);
    }
    const isKnown = type === 9 ? code < 3 : type === 11 ? code === 0x11 : type < 6 && code === 0x10;
    if (code && code < 0x80 && !isKnown) return `reason code ${code}`;
    if (type === 14) {
      this.end();
      link.disconnected?.(code, properties ?? {});
      return;
    }
    if (id === 0) return "packet id 0";
    return this.messages.acknowledgement((first << 24) | 0x2_0000 | id, code, properties?.reason);
  }
}

const BEYOND = "properties beyond their end";
