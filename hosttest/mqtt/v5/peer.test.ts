/*
 * Version 5 against mqtt-packet, both ways: a server's packets that it generates are parsed correctly, split anywhere, and the packets of the client
 * are decoded as intended.
 */
import fc from "fast-check";
import mqtt, { type Packet } from "mqtt-packet";
import { expect, test } from "vitest";
import { Parser5 } from "../../../src/mqtt/v5/parser5.js";
import { Transmit5 } from "../../../src/mqtt/v5/transmit5.js";
import { version5 } from "../../../src/mqtt/v5/version5.js";
import type { Properties } from "../../../src/mqtt/wire/properties.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { SEED } from "../../support/seed.js";
import { feedInPieces, Notes } from "../support/notes.js";
import {
  connack,
  disconnect,
  messageProperties,
  packetId,
  serverPacket,
  sorted,
  text,
  theirs,
  topic,
} from "../support/peer-packets.js";

const V5 = { protocolVersion: 5 as const };

/** As mqtt-packet reads it. */
function read(bytes: Uint8Array): Packet {
  const packets: Packet[] = [];
  const parser = mqtt.parser(V5);
  parser.on("packet", (packet) => packets.push(packet));
  parser.on("error", (error) => {
    throw error;
  });
  expect(parser.parse(Buffer.from(bytes))).toBe(0); // bytes that are left
  expect(packets).toHaveLength(1);
  return packets[0];
}

test("a server's packets made by mqtt-packet are parsed correctly, split anywhere", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(connack, fc.array(serverPacket, { maxLength: 8 }), disconnect, sizes, (first, between, last, cuts) => {
      const packets = [first, ...between, last];
      const stream = Buffer.concat(packets.map(({ packet }) => mqtt.generate(packet, V5)));
      const receive = new Uint8Array(64);
      const notes = new Notes();
      expect(feedInPieces(new Parser5(notes, notes, receive, 40), receive, stream, cuts)).toBeUndefined();
      expect(notes.lines.map(sorted)).toEqual(packets.flatMap(({ lines }) => lines.map(sorted)));
    }),
    { numRuns: 1_000, seed: SEED },
  );
});

test("mqtt-packet reads CONNECT as we mean it", () => {
  const options = fc.record(
    {
      id: text,
      user: text,
      keepAlive: fc.integer({ min: 0, max: 65_535 }),
      sessionExpiryS: fc.integer({ min: 0, max: 0xffff_ffff }),
      receiveMaximum: fc.integer({ min: 1, max: 65_535 }),
      maxPacketBytes: fc.integer({ min: 1, max: 0xffff_ffff }),
    },
    { requiredKeys: ["id", "keepAlive"] },
  );
  const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);
  const will = fc.option(
    fc.record({
      topic,
      payload: fc.uint8Array({ minLength: 1, maxLength: 20 }),
      qos,
      retain: fc.boolean(),
      properties: messageProperties.map(({ subscriptionId: _, ...rest }): Properties => rest),
    }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(options, fc.boolean(), will, (given, clean, last) => {
      fc.pre(given.id !== "" || clean);
      const packet = read(version5.connect(given, clean, last)) as Packet & Record<string, unknown>;
      const { id, user, keepAlive, ...asked } = given;
      if (clean) delete asked.sessionExpiryS;
      expect(packet).toMatchObject({
        cmd: "connect",
        protocolVersion: 5,
        protocolId: "MQTT",
        clean,
        keepalive: keepAlive,
        clientId: id,
      });
      expect(packet.properties ?? {}).toEqual(theirs(asked));
      expect(packet.username).toBe(user);
      if (!last) expect(packet.will).toBeUndefined();
      else {
        const { properties, payload, ...rest } = last;
        expect(packet.will).toEqual({
          ...rest,
          payload: Buffer.from(payload),
          ...(Object.keys(properties).length ? { properties: theirs(properties) } : {}),
        });
      }
    }),
    { numRuns: 500, seed: SEED },
  );
});

test("mqtt-packet reads SUBSCRIBE, UNSUBSCRIBE and DISCONNECT as we mean them", () => {
  fc.assert(
    fc.property(packetId, topic, fc.constantFrom(0 as const, 1 as const, 2 as const), (messageId, name, qos) => {
      expect(read(version5.subscribe(messageId, `${name}/#`, qos))).toMatchObject({
        cmd: "subscribe",
        messageId,
        subscriptions: [{ topic: `${name}/#`, qos, nl: false, rap: false, rh: 1 }],
      });
      expect(read(version5.unsubscribe(messageId, name))).toMatchObject({
        cmd: "unsubscribe",
        messageId,
        unsubscriptions: [name],
      });
    }),
    { numRuns: 200, seed: SEED },
  );
  for (const code of [0, 4, 0x81, 0x82])
    expect(read(version5.disconnect(code))).toMatchObject({ cmd: "disconnect", reasonCode: code });
});

interface Step {
  /** Which of the topics. */
  name: number;
  qos: 0 | 1 | 2;
  dup: boolean;
  retain: boolean;
  length: number;
  id: number;
  /** What the socket takes afterwards. */
  allow: number;
}

/** A transmit buffer and a server, made of mqtt-packet, that keeps the topics of aliases. */
class Line {
  readonly out = new Transmit5(256);
  readonly messages: object[] = [];
  readonly #topics = new Map<number, string>();
  #writable = 0;

  constructor(aliasMaximum: number) {
    const parser = mqtt.parser(V5);
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("packet", (packet) => {
      if (packet.cmd !== "publish") throw new Error(packet.cmd);
      const { topicAlias, ...properties } = (packet.properties ?? {}) as Record<string, unknown>;
      if (topicAlias !== undefined) expect(topicAlias).toBeLessThanOrEqual(aliasMaximum);
      if (packet.topic) this.#topics.set(topicAlias as number, packet.topic);
      const name = packet.topic || this.#topics.get(topicAlias as number);
      const { qos, dup, retain, messageId, payload } = packet;
      this.messages.push({
        name,
        qos,
        dup,
        retain,
        id: messageId ?? 0,
        payload: payload.toString("latin1"),
        properties,
      });
    });
    const write = (view: Uint8Array): number => {
      expect(view.length).toBeLessThanOrEqual(this.#writable);
      parser.parse(Buffer.from(view));
      this.#writable -= view.length;
      return this.#writable;
    };
    this.out.socket = { read: () => 0, write, close: () => {} };
    this.out.aliasMaximum = aliasMaximum;
  }

  allow(bytes: number): void {
    this.#writable = this.out.writable = bytes;
    this.out.flush();
  }
}

test("any messages, any aliases, any free space: mqtt-packet reads what was meant", () => {
  const properties: Properties[] = [{}, { messageExpiryS: 60 }, { contentType: "application/json", payloadFormat: 1 }];
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.record({
      name: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(19) }),
      qos: fc.constantFrom(0, 1, 2, 2) as fc.Arbitrary<0 | 1 | 2>,
      dup: fc.boolean(),
      retain: fc.boolean(),
      length: fc.constantFrom(31, 31, 31, 0, 400),
      id: packetId,
      allow: fc.constantFrom(1, 60, 2_000, 2_000, 2_000),
    }),
    { maxLength: 60, size: "max" },
  );
  fc.assert(
    fc.property(fc.constantFrom(0, 2, 10, 65_535), steps, (aliasMaximum, list) => {
      const topics = Array.from({ length: 20 }, (_, n) => encodeTopicName(`home/${n}/t`));
      const line = new Line(aliasMaximum);
      const expected: object[] = [];
      line.allow(0);
      list.forEach(({ name, qos, dup, retain, length, id, allow }, n) => {
        const payload = new Uint8Array(length).fill(n);
        const given = properties[name % properties.length];
        const message = {
          topic: topics[name],
          payload,
          payloadLength: length,
          retain,
          properties: name % properties.length ? version5.properties(given) : undefined,
        };
        const isDup = dup && qos > 0;
        const first = 0x30 | (isDup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
        const isTaken = qos ? line.out.publish(first, id, message) : line.out.publishAny(first, 0, message);
        if (isTaken)
          expected.push({
            name: `home/${name}/t`,
            qos,
            dup: isDup,
            retain,
            id: qos ? id : 0,
            payload: Buffer.from(payload).toString("latin1"),
            properties: theirs(given),
          });
        line.allow(allow);
      });
      for (let n = 0; n < 10; n++) line.allow(2_000);
      expect(line.messages).toEqual(expected);
    }),
    { numRuns: 500, seed: SEED },
  );
});
