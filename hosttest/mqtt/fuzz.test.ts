/*
 * Any data from a peer: no exception, no endless loop, no growth; valid packets are accepted, invalid ones close the connection.
 * FUZZ=n: n cases instead of 20,000. SEED=n: replays a run, SEED=fresh: other cases. fast-check prints seed and path of a failure.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import mqtt, { type Packet } from "mqtt-packet";
import { describe, test } from "vitest";
import type { ClientOptions } from "../../src/mqtt/client.js";
import type { MemoryEntry } from "../../src/mqtt/delivery/store.js";
import { Broker5 } from "../../src/mqtt/v5/broker5.js";
import { Parser5 } from "../../src/mqtt/v5/parser5.js";
import { Parser } from "../../src/mqtt/wire/parser.js";
import type { Protocol } from "../../src/mqtt/wire/protocol.js";
import { SEED } from "../support/seed.js";
import { VirtualTime } from "../support/virtual-time.js";
import { feedInPieces, Notes } from "./support/notes.js";
import { connack, disconnect, serverPacket } from "./support/peer-packets.js";
import { bytesOf } from "./support/scripted-peer.js";
import { CONNACK_NEW, Setup } from "./support/setup.js";
import { connack5 } from "./support/setup5.js";

type ParserOf = Protocol["Parser"];

const CASES = Number(process.env.FUZZ ?? 10_000);
/** Shares of the kinds of cases; they sum up to 1. */
const SHARES = { bytes: 0.12, mutated: 0.12, disordered: 0.08, valid: 0.08, splits: 0.1 }; // of each version
const LIMIT_MS = 600_000 * Math.max(1, CASES / 100_000);

/** Runs a property over its share of the cases, and prints the number. */
function run<T>(share: number, arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void {
  const numRuns = Math.ceil(CASES * share);
  console.log(`fuzz: ${numRuns} cases, seed ${SEED} (again: SEED=${SEED} FUZZ=${CASES})`);
  fc.assert(fc.property(arbitrary, check), { numRuns, seed: SEED });
}

const id = fc.integer({ min: 1, max: 65_535 });
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);
const topic = fc.stringMatching(/^[a-zé/€]{1,12}$/); // 36 bytes at most: the setup below takes 40

/** Packets that a server may send at any time, and that need no request of ours. */
const unasked: fc.Arbitrary<Packet> = fc.oneof(
  fc
    .record({
      topic,
      payload: fc.uint8Array({ maxLength: 200 }),
      qos,
      retain: fc.boolean(),
      dup: fc.boolean(),
      messageId: id,
    })
    .map(
      ({ payload, dup, ...rest }) =>
        ({ cmd: "publish", ...rest, payload: Buffer.from(payload), dup: dup && rest.qos > 0 }) as Packet,
    ),
  id.map((messageId) => ({ cmd: "pubrel", messageId }) as Packet),
  id.map((messageId) => ({ cmd: "puback", messageId }) as Packet),
  id.map((messageId) => ({ cmd: "pubcomp", messageId }) as Packet),
  id.map((messageId) => ({ cmd: "pubrec", messageId }) as Packet),
  fc.constant({ cmd: "pingresp" } as Packet),
);

/** Packets that a server must not send, in either version. */
const forbidden: fc.Arbitrary<Packet> = fc.oneof(
  fc.constant({ cmd: "pingreq" } as Packet),
  id.map((messageId) => ({ cmd: "subscribe", messageId, subscriptions: [{ topic: "a", qos: 0 }] }) as Packet),
  fc.constant({
    cmd: "connect",
    clientId: "x",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    keepalive: 0,
  } as Packet),
);

/** Any packet of 3.1.1 at all. */
const anyPacket: fc.Arbitrary<Packet> = fc.oneof(
  { weight: 3, arbitrary: unasked },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.constant({ cmd: "connack", returnCode: 0, sessionPresent: false } as Packet),
      fc
        .record({ messageId: id, granted: fc.array(fc.constantFrom(0, 1, 2, 128), { minLength: 1, maxLength: 3 }) })
        .map((rest) => ({ cmd: "suback", ...rest }) as Packet),
      id.map((messageId) => ({ cmd: "unsuback", messageId }) as Packet),
      fc.constant({ cmd: "disconnect" } as Packet),
      forbidden,
    ),
  },
);

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

interface Version {
  readonly name: string;
  readonly parser: ParserOf;
  /** CONNACK of a new session. */
  readonly connack: string;
  readonly options: Partial<ClientOptions<MemoryEntry>>;
  /** Any packet. */
  readonly any: fc.Arbitrary<Packet>;
  /** Packets that a server may send at any time, and that concern none of the ids in flight. */
  readonly free: fc.Arbitrary<Packet>;
  readonly mqttPacket: { readonly protocolVersion: 4 | 5 };
}

/** Whether the packet concerns no id in flight: an acknowledgement of the wrong kind for such an id is a violation. */
function isFree({ messageId = 9 }: Packet): boolean {
  return messageId > 3 && messageId !== 61_441 && messageId !== 61_442;
}

const packetsOf5 = serverPacket.map(({ packet }) => packet);
const VERSIONS: readonly Version[] = [
  {
    name: "3.1.1",
    parser: Parser,
    connack: CONNACK_NEW,
    options: {},
    any: anyPacket,
    free: unasked.filter(isFree),
    mqttPacket: { protocolVersion: 4 },
  },
  {
    name: "5",
    parser: Parser5,
    connack: connack5({ aliasMaximum: 10 }),
    options: { version5: Broker5, version: 5 },
    any: fc.oneof(
      { weight: 8, arbitrary: packetsOf5 },
      { weight: 1, arbitrary: connack.map(({ packet }) => packet) },
      { weight: 1, arbitrary: disconnect.map(({ packet }) => packet) },
      { weight: 1, arbitrary: forbidden },
    ),
    free: packetsOf5.filter((packet) => isFree(packet) && packet.cmd !== "suback" && packet.cmd !== "unsuback"),
    mqttPacket: { protocolVersion: 5 },
  },
];

/** A connected client with packets of every kind in flight. */
function busy({ options, connack: greeting }: Version): Setup {
  const setup = new Setup(
    { bufferLength: 128, topicLength: 40, keepAlive: 10, ...options },
    { time: new VirtualTime() },
  );
  setup.connect(greeting);
  setup.publish("1", 1);
  setup.publish("2", 2);
  setup.publish("3", 2);
  setup.link.give("50 02 00 03");
  setup.client.subscribe("s", 1);
  setup.client.publish("r", Buffer.from("x"), { qos: 1 });
  setup.take();
  return setup;
}

/** Gives a stream in pieces; the sizes repeat. */
function give(setup: Setup, stream: Uint8Array, sizes: readonly number[]): void {
  for (let at = 0, n = 0; at < stream.length && !setup.link.isClosed; n++) {
    const size = sizes[n % sizes.length];
    setup.link.giveBytes(stream.subarray(at, at + size));
    setup.link.allow(1_000);
    at += size;
  }
}

/** Holds after any data: still running or closed with an error, and never waiting for ever. */
function expectSane(setup: Setup): void {
  const { errors, link, client, time, peer } = setup;
  if (link.isClosed)
    assert(["protocol", "application", "closed"].includes(errors[errors.length - 1]?.kind), "an error that says why");
  else {
    assert.equal(errors.length, 0);
    assert.equal(link.unread, 0);
    time.advance(40_000); // no answer to the ping: half a packet must not keep the connection open
    assert.equal(errors[0]?.kind, "timeout");
  }
  assert(["waiting", "connecting"].includes(client.status().state));
  assert(peer.links.length <= 4);
  client.close();
  assert.equal(time.waiting, 0);
}

describe.each(VERSIONS)("fuzzing version $name", (version) => {
  const { any, free, mqttPacket } = version;

  test("arbitrary bytes", { timeout: LIMIT_MS }, () => {
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0, 0xe0, 0, 1, 2, 3),
    );
    run(SHARES.bytes, fc.tuple(fc.array(byte, { maxLength: 60 }), cuts), ([bytes, sizes]) => {
      const setup = busy(version);
      give(setup, Uint8Array.from(bytes), sizes);
      expectSane(setup);
    });
  });

  test("valid streams, mutated", { timeout: LIMIT_MS }, () => {
    const mutation = fc.tuple(
      fc.nat(400),
      fc.constantFrom("flip", "insert", "delete", "repeat"),
      fc.integer({ min: 0, max: 255 }),
    );
    run(
      SHARES.mutated,
      fc.tuple(fc.array(any, { minLength: 1, maxLength: 4 }), fc.array(mutation, { minLength: 1, maxLength: 3 }), cuts),
      ([packets, mutations, sizes]) => {
        const stream = packets.flatMap((packet) => [...mqtt.generate(packet, mqttPacket)]);
        for (const [place, kind, value] of mutations) {
          const at = place % (stream.length + 1);
          if (kind === "flip" && at < stream.length) stream[at] ^= value || 1;
          else if (kind === "insert") stream.splice(at, 0, value);
          else if (kind === "delete") stream.splice(at, 1);
          else stream.splice(at, 0, ...stream.slice(at, at + 20));
        }
        const setup = busy(version);
        give(setup, Uint8Array.from(stream), sizes);
        expectSane(setup);
      },
    );
  });

  test("valid packets in any order", { timeout: LIMIT_MS }, () => {
    run(SHARES.disordered, fc.tuple(fc.array(any, { maxLength: 8 }), cuts), ([packets, sizes]) => {
      const setup = busy(version);
      give(setup, Buffer.concat(packets.map((packet) => mqtt.generate(packet, mqttPacket))), sizes);
      expectSane(setup);
    });
  });

  test("valid streams, split anywhere, are accepted, and decoded as by mqtt-packet", { timeout: LIMIT_MS }, () => {
    run(SHARES.valid, fc.tuple(fc.array(free, { minLength: 1, maxLength: 12 }), cuts), ([packets, sizes]) => {
      const stream = Buffer.concat(packets.map((packet) => mqtt.generate(packet, mqttPacket)));
      const setup = busy(version);
      give(setup, stream, sizes);
      assert.equal(setup.errors.length, 0, setup.errors[0]?.message);
      assert.deepEqual(setup.received, messagesIn(stream, mqttPacket));
      expectSane(setup);
    });
  });
});

/** Feeds a stream to a new parser, in pieces of these sizes. */
function outcome(parser: ParserOf, stream: Uint8Array, sizes: readonly number[]): object {
  const receive = new Uint8Array(64);
  const notes = new Notes();
  const made = new parser(notes, notes, receive, 40, 200);
  const fault = feedInPieces(made, receive, stream, sizes);
  return { fault, lines: notes.lines, isBetweenPackets: made.state === 0 };
}

describe.each(VERSIONS)("the parser of version $name", ({ parser, any, connack: greeting, mqttPacket }) => {
  const packet = any.map((one) => mqtt.generate(one, mqttPacket));
  const byte = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0, 0xe0, 0, 1, 2, 3, 0x1f, 0x26),
  );
  const piece: fc.Arbitrary<Uint8Array> = fc.oneof(
    { weight: 3, arbitrary: packet },
    { weight: 1, arbitrary: fc.array(byte, { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes)) },
    // A packet with one byte changed.
    {
      weight: 2,
      arbitrary: fc.tuple(packet, fc.nat(400), byte).map(([bytes, place, value]) => {
        const changed = Uint8Array.from(bytes);
        changed[place % bytes.length] = value;
        return changed;
      }),
    },
  );

  test("any bytes, split anywhere: no exception, and the same calls and the same error as in one piece", {
    timeout: LIMIT_MS,
  }, () => {
    run(
      SHARES.splits,
      fc.tuple(fc.boolean(), fc.array(piece, { maxLength: 5 }), cuts),
      ([isGreeted, pieces, sizes]) => {
        const stream = Buffer.concat(isGreeted ? [bytesOf(greeting), ...pieces] : pieces);
        const whole = outcome(parser, stream, [64]);
        assert.deepEqual(outcome(parser, stream, sizes), whole);
        assert.deepEqual(outcome(parser, stream, [1]), whole);
      },
    );
  });
});

/** The messages that a receiver delivers from a stream: as mqtt-packet decodes it, QoS 2 once until PUBREL. */
function messagesIn(stream: Buffer, mqttPacket: Version["mqttPacket"]): object[] {
  const messages: object[] = [];
  const held = new Set<number>();
  const parser = mqtt.parser(mqttPacket);
  parser.on("packet", (packet) => {
    if (packet.cmd === "pubrel") held.delete(packet.messageId ?? 0);
    if (packet.cmd !== "publish") return;
    if (packet.qos === 2 && held.has(packet.messageId ?? 0)) return;
    if (packet.qos === 2) held.add(packet.messageId ?? 0);
    const { topic: name, payload, retain, dup } = packet;
    messages.push({ topic: name, payload: payload.toString("latin1"), qos: packet.qos, retain, dup });
  });
  parser.parse(stream);
  return messages;
}
