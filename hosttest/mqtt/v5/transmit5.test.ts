/*
 * PUBLISH of version 5 from the transmit buffer, against bytes written by hand: properties, topic aliases, the server's limits.
 */
import { describe, expect, test } from "vitest";
import { Transmit5 } from "../../../src/mqtt/v5/transmit5.js";
import { version5 } from "../../../src/mqtt/v5/version5.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import type { Message } from "../../../src/mqtt/wire/transmit.js";
import { bytesOf, field, hexOf } from "../support/scripted-peer.js";

class Line {
  readonly out = new Transmit5(256);
  #sent: number[] = [];

  constructor(aliasMaximum = 10, maxPacketBytes = 0xffff_ffff) {
    const write = (view: Uint8Array): number => {
      this.#sent.push(...view);
      return 1_000;
    };
    this.out.socket = { read: () => 0, write, close: () => {} };
    this.out.writable = 1_000;
    this.out.aliasMaximum = aliasMaximum;
    this.out.maxPacketBytes = maxPacketBytes;
  }

  /** What leaves for a message. */
  send(message: Message, { first = 0x32, id = 1 } = {}): string {
    const isTaken = id ? this.out.publish(first, id, message) : this.out.publishAny(first, 0, message);
    expect(isTaken).toBe(true);
    return this.take();
  }

  take(): string {
    this.out.flush();
    return hexOf(this.#sent.splice(0));
  }
}

function spaced(hex: string): string {
  return hexOf(bytesOf(hex));
}

function message(topic: string | Uint8Array, payload = "x", properties?: Uint8Array): Message {
  const bytes = Uint8Array.from(payload, (character) => character.charCodeAt(0));
  const name = typeof topic === "string" ? encodeTopicName(topic) : topic;
  return { topic: name, payload: bytes, payloadLength: bytes.length, retain: false, properties };
}

describe("topic aliases", () => {
  test("the topic is written out once on a connection, with the alias; then the alias stands for it (5: 3.3.2-7, 3.3.2-8)", () => {
    const line = new Line();
    const topic = encodeTopicName("home/attic/temperature");
    expect(line.send(message(topic, "21"))).toBe(
      spaced(`32 20 ${field("home/attic/temperature")} 00 01 03 23 00 01 32 31`),
    );
    expect(line.send(message(topic, "22"), { id: 2 })).toBe(spaced("32 0a 00 00 00 02 03 23 00 01 32 32"));
    expect(line.send(message(topic, "23"), { id: 0x1234, first: 0x3d })).toBe(
      spaced("3d 0a 00 00 12 34 03 23 00 01 32 33"),
    );
    expect(line.send(message(topic, "234"), { id: 4 })).toBe(spaced("32 0b 00 00 00 04 03 23 00 01 32 33 34"));
    // Another connection starts again.
    expect(new Line().send(message(topic, "21"))).toContain(field("home/attic/temperature"));
  });

  test("an acknowledgement between them changes nothing", () => {
    const line = new Line();
    const topic = encodeTopicName("t");
    line.send(message(topic));
    line.send(message(topic));
    line.out.acknowledgement(0x6202_0007);
    expect(line.take()).toBe("62 02 00 07");
    expect(line.send(message(topic), { id: 9 })).toBe(spaced("32 09 00 00 00 09 03 23 00 01 78"));
  });

  test("several in one buffer", () => {
    const line = new Line();
    const topic = encodeTopicName("t");
    for (const id of [1, 2, 3]) expect(line.out.publish(0x34, id, message(topic))).toBe(true);
    expect(line.take()).toBe(
      spaced("34 0a 00 01 74 00 01 03 23 00 01 78 34 09 00 00 00 02 03 23 00 01 78 34 09 00 00 00 03 03 23 00 01 78"),
    );
  });

  test("no more than the server accepts: other topics are written out; none, if it accepts none (5: 3.2.2-17, 3.2.2-18, 3.3.2-9)", () => {
    const topics = ["a", "b", "c"].map(encodeTopicName);
    const line = new Line(2);
    for (const topic of topics) line.send(message(topic));
    expect(topics.map((topic) => line.send(message(topic)))).toEqual([
      spaced("32 09 00 00 00 01 03 23 00 01 78"),
      spaced("32 09 00 00 00 01 03 23 00 02 78"),
      spaced("32 07 00 01 63 00 01 00 78"),
    ]);
    const plain = new Line(0);
    for (let n = 0; n < 2; n++) expect(plain.send(message(topics[0]))).toBe(spaced("32 07 00 01 61 00 01 00 78"));
  });

  test("any number of topics is bounded: of more than 16 the oldest is written out again, and right", () => {
    const line = new Line(65_535);
    const topics = Array.from({ length: 40 }, (_, n) => encodeTopicName(String.fromCharCode(0x41 + n)));
    const known = new Map<number, number>(); // as a server keeps them
    const orders = [
      ...topics,
      ...topics,
      ...topics.slice(0, 17),
      ...topics.slice(0, 17).reverse(),
      topics[39],
      topics[39],
    ];
    for (const topic of orders) {
      const bytes = bytesOf(line.send(message(topic)));
      const alias = bytes[bytes.length - 2];
      if (bytes[3]) known.set(alias, bytes[4]);
      expect(known.get(alias)).toBe(topic[0]);
      expect(alias).toBeGreaterThan(0);
      expect(alias).toBeLessThanOrEqual(16);
    }
  });

  test("one that was not taken has made no alias", () => {
    const line = new Line();
    const topic = encodeTopicName("t");
    expect(line.out.publish(0x32, 1, message("u", "x".repeat(200)))).toBe(true);
    expect(line.out.publish(0x32, 2, message(topic, "y".repeat(60)))).toBe(false);
    line.take();
    expect(line.send(message(topic), { id: 2 })).toBe(spaced("32 0a 00 01 74 00 02 03 23 00 02 78"));
  });

  test("QoS 0 has no alias, as its topics are made for one message, and no id (5: 2.2.1-2, 4.3.1-1)", () => {
    const line = new Line();
    for (let n = 0; n < 2; n++)
      expect(line.send(message("t"), { id: 0, first: 0x30 })).toBe(spaced("30 05 00 01 74 00 78"));
  });
});

describe("properties", () => {
  const properties = version5.properties({ messageExpiryS: 3_600 });
  const expiry = "02 00 00 0e 10";

  test("are in each message, before the alias", () => {
    const line = new Line();
    const topic = encodeTopicName("t");
    expect(line.send(message(topic, "x", properties))).toBe(spaced(`32 0f 00 01 74 00 01 08 ${expiry} 23 00 01 78`));
    for (const id of [2, 3])
      expect(line.send(message(topic, "x", properties), { id })).toBe(
        spaced(`32 0e 00 00 00 0${id} 08 ${expiry} 23 00 01 78`),
      );
  });

  test("also without aliases, and at QoS 0", () => {
    const line = new Line(0);
    const topic = encodeTopicName("t");
    for (const id of [1, 2])
      expect(line.send(message(topic, "x", properties), { id })).toBe(
        spaced(`32 0c 00 01 74 00 0${id} 05 ${expiry} 78`),
      );
    expect(line.send(message(topic, "x", properties), { id: 0, first: 0x30 })).toBe(
      spaced(`30 0a 00 01 74 05 ${expiry} 78`),
    );
  });

  test("a block of 128 bytes and more has two bytes of length, a shorter one has one (5: 1.5.5-1)", () => {
    const long = version5.properties({ contentType: "x".repeat(125) });
    expect(new Line(0).send(message("t", "y", long))).toBe(
      spaced(`32 88 01 00 01 74 00 01 80 01 03 00 7d ${"78".repeat(125)} 79`),
    );
  });
});

describe("Maximum Packet Size (5: 3.2.2-15)", () => {
  test("a message that makes a longer packet is not sent; one of exactly that size is", () => {
    const topic = encodeTopicName("t");
    for (const [length, size] of [
      [0, 8], // first byte, length, topic of 3, id, no properties
      [50, 58],
      [119, 127],
      [120, 128], // a length field of one byte still
      [122, 131],
    ]) {
      const text = "x".repeat(length);
      expect(bytesOf(new Line(0, size).send(message(topic, text))).length).toBe(size);
      expect(new Line(0, size - 1).out.publish(0x32, 1, message(topic, text))).toBe(false);
    }
  });

  test("an alias is left out where it would make the packet too long", () => {
    const topic = encodeTopicName("t");
    const line = new Line(10, 11);
    expect(line.send(message(topic, "123"))).toBe(spaced("32 09 00 01 74 00 01 00 31 32 33"));
    expect(line.send(message(topic, "123"))).toBe(spaced("32 09 00 01 74 00 01 00 31 32 33"));
    expect(line.out.publish(0x32, 1, message(topic, "1234"))).toBe(false);
    // While bytes wait it is not accepted either, and sent afterwards.
    line.out.acknowledgement(0x6202_0007);
    expect(line.out.publish(0x32, 1, message(topic, "123"))).toBe(false);
    expect(line.take()).toBe("62 02 00 07");
    expect(line.send(message(topic, "123"))).toBe(spaced("32 09 00 01 74 00 01 00 31 32 33"));
  });
});
