/* The model broker, tested with an independent codec (mqtt-packet), and with MQTT.js. */
import { Duplex } from "node:stream";
import mqtt from "mqtt";
import { generate, type Packet, parser } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../support/virtual-time.js";
import { Random } from "../random.js";
import { Broker } from "./broker.js";
import type { Forwarded } from "./message.js";
import { ORDINARY, type Terms } from "./terms.js";

interface Simulation {
  readonly time: VirtualTime;
  readonly broker: Broker;
  readonly forwarded: Forwarded[];
  readonly breaches: string[];
  readonly lost: string[];
  readonly sessionsLost: string[];
}

function simulation(terms: Partial<Terms> = {}): Simulation {
  const time = new VirtualTime();
  const forwarded: Forwarded[] = [];
  const [breaches, lost, sessionsLost]: string[][] = [[], [], []];
  const broker = new Broker({
    time,
    random: new Random(1),
    forwardAt: "publish",
    terms: { ...ORDINARY, ...terms },
    forwarded: (message) => forwarded.push(message),
    sessionLost: (client) => sessionsLost.push(client),
    messageLost: ({ payload }) => lost.push(payload),
    breach: (_client, what) => breaches.push(what),
  });
  return { time, broker, forwarded, breaches, lost, sessionsLost };
}

/** One connection; `heard` has the packets since the last call, "close" at the end. */
class Line {
  readonly #acceptor: ReturnType<Broker["listen"]>;
  readonly #level: 4 | 5;
  #heard: (Packet | "close")[] = [];

  constructor(broker: Broker, level: 4 | 5) {
    this.#level = level;
    const reading = parser({ protocolVersion: level });
    reading.on("packet", (packet) => this.#heard.push(packet));
    this.#acceptor = broker.listen({
      send: (bytes) => reading.parse(Buffer.from(bytes)),
      close: () => this.#heard.push("close"),
    });
  }

  raw(...bytes: number[]): (Packet | "close")[] {
    this.#acceptor?.data(Uint8Array.from(bytes));
    return this.heard();
  }

  say(packet: object): (Packet | "close")[] {
    return this.raw(...generate(packet as Packet, { protocolVersion: this.#level }));
  }

  drop(): void {
    this.#acceptor?.ended();
  }

  heard(): (Packet | "close")[] {
    const heard = this.#heard;
    this.#heard = [];
    return heard;
  }
}

const CONNECT5 = {
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 5,
  clientId: "a",
  clean: false,
  keepalive: 60,
  properties: { sessionExpiryInterval: 3600 },
};
const CONNECT4 = { ...CONNECT5, protocolVersion: 4, properties: undefined };
const publish = (messageId: number, more: object = {}) => ({
  cmd: "publish",
  topic: "home/x/temperature",
  payload: `text ${messageId}`,
  qos: 2,
  messageId,
  dup: false,
  retain: false,
  ...more,
});
const pubrel = (messageId: number) => ({ cmd: "pubrel", messageId });

function at5(terms: Partial<Terms> = {}, connect: object = CONNECT5) {
  const it = simulation(terms);
  const line = new Line(it.broker, 5);
  const [connack] = line.say(connect);
  return { ...it, line, connack };
}

describe("the model broker at MQTT 5", () => {
  test("states its limits in CONNACK, and leaves out defaults", () => {
    const { connack } = at5({
      receiveMaximum: 4,
      maximumQoS: 1,
      retainAvailable: false,
      maximumPacketBytes: 1000,
      keepAliveS: 45,
      maxExpiryS: 300,
    });
    expect(connack).toMatchObject({
      cmd: "connack",
      reasonCode: 0,
      sessionPresent: false,
      properties: {
        receiveMaximum: 4,
        maximumQoS: 1,
        retainAvailable: false,
        maximumPacketSize: 1000,
        serverKeepAlive: 45,
        sessionExpiryInterval: 300,
        topicAliasMaximum: 10,
      },
    });
    const plain = at5({ receiveMaximum: 65_535, maximumPacketBytes: undefined, aliasMaximum: 0 });
    expect(plain.connack).not.toHaveProperty("properties.receiveMaximum");
    expect(plain.connack).not.toHaveProperty("properties.sessionExpiryInterval");
  });

  test("adds reason strings if it is wordy, but not for a client that does not want them", () => {
    const { line, connack } = at5({ isWordy: true, success: 0x10 });
    expect(connack).toHaveProperty("properties.reasonString");
    expect(line.say(publish(1, { qos: 1 }))[0]).toMatchObject({
      cmd: "puback",
      reasonCode: 0x10,
      properties: { userProperties: { node: "7" } },
    });
    const properties = { sessionExpiryInterval: 3600, requestProblemInformation: false };
    const other = at5({ isWordy: true }, { ...CONNECT5, properties });
    expect(other.line.say(publish(1, { qos: 1 }))[0]).not.toHaveProperty("properties.reasonString");
  });

  test("forwards a message of QoS 2 once, and answers PUBREL for an unknown id", () => {
    const { line, forwarded, breaches } = at5({ unknownId: 0x92 });
    expect(line.say(publish(7))).toMatchObject([{ cmd: "pubrec", reasonCode: 0 }]);
    expect(line.say(pubrel(7))).toMatchObject([{ cmd: "pubcomp", reasonCode: 0 }]);
    expect(line.say(pubrel(7))).toMatchObject([{ cmd: "pubcomp", reasonCode: 0x92 }]);
    expect(forwarded).toHaveLength(1);
    expect(breaches).toEqual([]);
  });

  test("answers UNSUBSCRIBE by whether the session had the filter, also over connections; a new session has none", () => {
    const { broker, line, breaches } = at5();
    const unsubscribe = (messageId: number) => ({ cmd: "unsubscribe", messageId, unsubscriptions: ["a", "b"] });
    const subscriptions = [{ topic: "a", qos: 0 }];
    line.say({ cmd: "subscribe", messageId: 1, subscriptions });
    line.drop();
    const again = new Line(broker, 5);
    again.say(CONNECT5);
    expect(again.say(unsubscribe(2))).toMatchObject([{ cmd: "unsuback", granted: [0, 0x11] }]);
    expect(again.say(unsubscribe(3))).toMatchObject([{ cmd: "unsuback", granted: [0x11, 0x11] }]);
    again.say({ cmd: "subscribe", messageId: 4, subscriptions });
    broker.stop("lost");
    broker.start();
    const next = new Line(broker, 5);
    expect(next.say(CONNECT5)).toMatchObject([{ sessionPresent: false }]);
    expect(next.say(unsubscribe(5))).toMatchObject([{ cmd: "unsuback", granted: [0x11, 0x11] }]);
    expect(breaches).toEqual([]);
  });

  test("refuses messages above its limit, which includes those left open by earlier connections", () => {
    const { broker, line, breaches } = at5({ receiveMaximum: 2 });
    line.say(publish(1));
    line.say(publish(2));
    line.drop();
    const again = new Line(broker, 5);
    expect(again.say(CONNECT5)).toMatchObject([{ sessionPresent: true }]);
    expect(again.say(publish(3))).toMatchObject([{ cmd: "pubrec", reasonCode: 0x97 }]);
    expect(again.say(pubrel(1))).toMatchObject([{ cmd: "pubcomp" }]);
    expect(again.say(publish(3))).toMatchObject([{ cmd: "pubrec", reasonCode: 0 }]);
    expect(breaches).toEqual([]);
  });

  test.each([
    ["over Receive Maximum", { receiveMaximum: 1 }, [publish(1), publish(2)], "2 are not acknowledged"],
    ["the same again, on one connection", {}, [publish(1), publish(1, { dup: true })], "on the same connection"],
    ["above Maximum QoS", { maximumQoS: 1 }, [publish(1)], "QoS 2, the maximum is 1"],
    ["retained, where that is not available", { retainAvailable: false }, [publish(1, { retain: true })], "retained"],
    ["too long", { maximumPacketBytes: 100 }, [publish(1, { payload: "x".repeat(100) })], "publish of"],
    ["alias above the maximum", { aliasMaximum: 1 }, [publish(1, { properties: { topicAlias: 2 } })], "topic alias 2"],
    [
      "alias that stands for nothing",
      {},
      [publish(1, { topic: "", properties: { topicAlias: 1 } })],
      "stands for nothing",
    ],
    ["DUP where it is new, no DUP where it is not", {}, [publish(1), pubrel(1), publish(1), "drop", publish(1)], "DUP"],
    ["a second CONNECT", {}, [CONNECT5], "second connect"],
  ] as const)("reports %s", (_name, terms, packets, text) => {
    const { broker, line, breaches } = at5(terms as Partial<Terms>);
    let current = line;
    for (const packet of packets) {
      if (packet === "drop") {
        current.drop();
        current = new Line(broker, 5);
        current.say(CONNECT5);
      } else current.say(packet);
    }
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(text);
  });

  test.each([
    ["alias 0", [0x32, 10, 0, 1, 0x61, 0, 1, 3, 35, 0, 0, 0x78], "alias 0"],
    ["a property of another packet", [0x32, 10, 0, 1, 0x61, 0, 1, 3, 33, 0, 1, 0x78], "receiveMaximum is not allowed"],
    ["a property twice", [0x32, 11, 0, 1, 0x61, 0, 1, 4, 1, 1, 1, 1, 0x78], "payloadFormat twice"],
    ["a subscription identifier from a client", [0x32, 9, 0, 1, 0x61, 0, 1, 2, 11, 1, 0x78], "not allowed"],
    ["an unknown property", [0x32, 9, 0, 1, 0x61, 0, 1, 2, 127, 1, 0x78], "property 127"],
    ["AUTH without a method", [0xf0, 0], "auth without a method"],
    ["no topic, no alias", [0x32, 6, 0, 0, 0, 1, 0, 0x78], "topic"],
  ])("reports %s", (_name, bytes, text) => {
    const { line, breaches } = at5();
    expect(line.raw(...bytes)).toMatchObject([{ cmd: "disconnect", reasonCode: 0x82 }, "close"]);
    expect(breaches.join()).toContain(text);
  });

  test("an alias stands for its topic on one connection only", () => {
    const { broker, line, forwarded, breaches } = at5();
    line.say(publish(1, { qos: 1, properties: { topicAlias: 1 } }));
    line.say(publish(2, { qos: 1, topic: "", properties: { topicAlias: 1 } }));
    expect(forwarded.map(({ topic }) => topic)).toEqual(["home/x/temperature", "home/x/temperature"]);
    const next = new Line(broker, 5);
    next.say(CONNECT5);
    expect(line.heard()).toMatchObject([{ cmd: "disconnect", reasonCode: 0x8e }, "close"]);
    next.say(publish(3, { qos: 1, topic: "", properties: { topicAlias: 1 } }));
    expect(breaches).toHaveLength(1);
  });

  test("a session ends when it has expired, and not before", () => {
    const { broker, line, time, sessionsLost } = at5({ maxExpiryS: 300 });
    const present = (afterMs: number): unknown => {
      time.advance(afterMs);
      const next = new Line(broker, 5);
      const [connack] = next.say(CONNECT5);
      next.drop();
      return (connack as { sessionPresent?: boolean }).sessionPresent;
    };
    line.drop();
    expect(present(299_999)).toBe(true);
    expect(present(300_000)).toBe(false);
    expect(sessionsLost).toEqual(["a"]);
  });

  test("a session that should not outlive its connection is reported, except one that begins clean", () => {
    const { properties: _none, ...without } = CONNECT5;
    expect(at5({}, without).breaches).toHaveLength(1);
    expect(at5({}, { ...without, clean: true }).breaches).toEqual([]);
  });

  test("a session that began clean is lost by a restart, one that continued it is not", () => {
    const { broker, line } = at5({}, { ...CONNECT5, clean: true });
    line.drop();
    broker.stop("kept");
    broker.start();
    const second = new Line(broker, 5);
    expect(second.say(CONNECT5)).toMatchObject([{ sessionPresent: false }]);
    broker.stop("kept");
    expect(second.heard()).toMatchObject([{ cmd: "disconnect", reasonCode: 0x8b }, "close"]);
    broker.start();
    expect(new Line(broker, 5).say(CONNECT5)).toMatchObject([{ sessionPresent: true }]);
  });

  test.each([
    ["0x84", [{ cmd: "connack", reasonCode: 0x84 }, "close"]],
    ["code 1", ["close"]],
    ["closes", ["close"]],
    ["silent", []],
  ] as const)("that knows no 5: %s, and then 3.1.1 in the same session", (five, heard) => {
    const { broker } = simulation({ five });
    const line = new Line(broker, 4);
    line.say(CONNECT4);
    line.drop();
    expect(new Line(broker, 5).say(CONNECT5).slice(-heard.length || 0)).toMatchObject(heard);
    expect(new Line(broker, 4).say(CONNECT4)).toMatchObject([{ sessionPresent: true }]);
  });

  test("refuses a will that it cannot keep, a forbidden topic, a message for now, and a payload", () => {
    const will = { topic: "w", payload: Buffer.from("x"), qos: 1, retain: true };
    expect(at5({ retainAvailable: false }, { ...CONNECT5, will }).connack).toMatchObject({ reasonCode: 0x9a });
    const { broker, line } = at5();
    broker.mood.forbidden = "home/attic/";
    expect(line.say(publish(1, { topic: "home/attic/temperature" }))).toMatchObject([{ reasonCode: 0x87 }]);
    broker.mood.full = 1;
    expect(line.say(publish(2, { qos: 1 }))).toMatchObject([{ cmd: "puback", reasonCode: 0x97 }]);
    Object.assign(broker.mood, { full: 0, picky: 1 });
    expect(line.say(publish(3, { qos: 1 }))).toMatchObject([{ cmd: "puback", reasonCode: 0x99 }]);
    broker.mood.refusal = 4;
    expect(new Line(broker, 5).say(CONNECT5)).toMatchObject([{ reasonCode: 0x86 }, "close"]);
  });

  test("publishes the will after DISCONNECT 0x04, and not after 0x00", () => {
    for (const reasonCode of [0, 4]) {
      const will = { topic: "w", payload: Buffer.from("gone"), qos: 0, retain: false };
      const { line, forwarded } = at5({}, { ...CONNECT5, will });
      line.say({ cmd: "disconnect", reasonCode });
      expect(forwarded.map(({ payload }) => payload)).toEqual(reasonCode === 4 ? ["gone"] : []);
    }
  });
});

describe("the model broker at 3.1.1", () => {
  test("acknowledges and drops messages above its limit, and forbidden ones", () => {
    const { broker, forwarded, lost } = simulation({ receiveMaximum: 2 });
    const line = new Line(broker, 4);
    line.say(CONNECT4);
    for (const id of [1, 2, 3]) expect(line.say(publish(id))).toMatchObject([{ cmd: "pubrec", messageId: id }]);
    expect(forwarded).toHaveLength(2);
    expect(lost).toEqual([]);
    broker.mood.forbidden = "home/x/";
    expect(line.say(publish(4, { qos: 1 }))).toMatchObject([{ cmd: "puback" }]);
    expect(lost).toEqual(["text 4"]);
  });

  test("continues a session that began with 5", () => {
    const { broker, line } = at5();
    line.say(publish(9));
    const next = new Line(broker, 4);
    expect(next.say(CONNECT4)).toMatchObject([{ sessionPresent: true, returnCode: 0 }]);
    expect(next.say(pubrel(9))).toMatchObject([{ cmd: "pubcomp" }]);
  });
});

test("MQTT.js works with it in both versions, at every QoS", async () => {
  for (const protocolVersion of [4, 5] as const) {
    const { broker, forwarded, breaches } = simulation({ receiveMaximum: 3 });
    const client = new mqtt.MqttClient(() => streamTo(broker), {
      protocolVersion,
      clientId: "peer",
      clean: true,
      properties: protocolVersion === 5 ? { sessionExpiryInterval: 60 } : undefined,
    });
    await new Promise((done) => client.once("connect", done));
    for (let n = 0; n < 30; n++) await client.publishAsync("a/b", `${n}`, { qos: (n % 3) as 0 | 1 | 2 });
    await client.endAsync();
    expect(forwarded.map(({ payload }) => payload)).toEqual(Array.from({ length: 30 }, (_, n) => `${n}`));
    expect(breaches).toEqual([]);
  }
});

/** A stream to the broker in memory. */
function streamTo(broker: Broker): Duplex {
  const stream = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      acceptor?.data(bytes);
      done();
    },
    destroy: (error, done) => {
      acceptor?.ended();
      done(error);
    },
  });
  const acceptor = broker.listen({
    send: (bytes) => stream.push(bytes),
    close: () => stream.push(null),
  });
  return stream;
}
