/*
 * A server's limits, as stated in CONNACK of version 5: each is obeyed, shown, and never blamed on an unrelated entry.
 */
import { describe, expect, test } from "vitest";
import type { LimitLayers } from "../../../src/mqtt/client.js";
import { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { World } from "../support/world.js";
import { answer5, connack5, disconnect5, world5 } from "../support/world5.js";

const limitsOf = (world: World): LimitLayers => world.client.status().limits as LimitLayers;

/** Packets of these types (the upper half of their first byte) that the client has sent. Short ones only. */
function take(world: World, ...types: number[]): string[] {
  const bytes = world.link.takeBytes();
  const packets: string[] = [];
  for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]) {
    const packet = bytes.subarray(at, at + 2 + bytes[at + 1]);
    if (types.length === 0 || types.includes(packet[0] >> 4)) packets.push(Buffer.from(packet).toString("hex"));
  }
  return packets;
}

describe("Receive Maximum", () => {
  test.each([
    [1, 1, 8],
    [1, 2, 8],
    [3, 1, 8],
    [3, 2, 8],
    [19, 2, 30],
    [19, 1, 30],
    [200, 2, 30], // fewer than 20 of QoS 2 in any case
    [200, 1, 30],
  ] as const)("%i: never more in flight, QoS %i, window %i (5: 3.3.4-7)", (receiveMaximum, qos, window) => {
    const world = world5({ window });
    for (let n = 0; n < 60; n++) world.store.append("a", Buffer.from("x"), qos);
    world.connect(connack5({ receiveMaximum }));
    const expected = Math.min(receiveMaximum, window, qos === 2 ? 19 : 1_000);
    let sent = take(world, 3).length;
    expect(sent).toBe(expected);
    for (let id = 1; id <= 60; id++) {
      if (qos === 1) world.link.give(answer5(4, id, 0));
      else {
        world.link.give(answer5(5, id, 0));
        expect(take(world), "PUBREC does not make space").toEqual([`6202${id.toString(16).padStart(4, "0")}`]);
        world.link.give(answer5(7, id, 0));
      }
      sent += take(world, 3).length;
      expect(sent - id).toBe(Math.min(expected, 60 - id));
    }
    expect(world.store.length).toBe(0);
  });

  test("messages from RAM count, are sent first, and none starves", () => {
    for (const receiveMaximum of [1, 2, 4]) {
      const world = world5();
      for (let n = 0; n < 10; n++) world.store.append("a", Buffer.from("x"), 1);
      world.connect(connack5({ receiveMaximum }));
      for (let n = 0; n < 4; n++) world.client.publish("r", Buffer.from("y"), { qos: 1 });
      const open: number[] = [];
      let order = "";
      for (let n = 0; n < 14; n++) {
        for (const packet of take(world, 3)) {
          open.push(Number.parseInt(packet.slice(10, 14), 16));
          order += packet.slice(8, 10) === "61" ? "e" : "r";
        }
        expect(open.length).toBeLessThanOrEqual(receiveMaximum);
        expect(open.length).toBeGreaterThan(0);
        world.link.give(answer5(4, open.shift() as number, 0));
      }
      expect(order).toBe(`${"e".repeat(receiveMaximum)}rrrr${"e".repeat(10 - receiveMaximum)}`);
      expect([world.store.length, world.errors.length]).toEqual([0, 0]);
    }
  });

  test("those of QoS 2 that an earlier connection left open count, and are released first", () => {
    const world = world5();
    for (let n = 0; n < 12; n++) world.store.append("a", Buffer.from("x"), 2);
    world.connect(connack5());
    expect(take(world, 3)).toHaveLength(8);
    for (const id of [1, 2, 3]) world.link.give(answer5(5, id, 0));
    world.link.end();
    world.reconnect(connack5({ receiveMaximum: 4 }, { present: true }));
    expect(take(world).map((packet) => packet.slice(0, 8))).toEqual(["62020001", "62020002", "62020003", "3c070001"]);
    for (const id of [1, 2, 3]) world.link.give(answer5(7, id, 0));
    const again = take(world);
    expect(again).toHaveLength(3);
    expect(
      again.every((packet) => packet.startsWith("3c")),
      "all that may be open, before any new one",
    ).toBe(true);
  });

  test("Session Present 0: all start again with PUBLISH, and a PUBCOMP is no acknowledgement", () => {
    const world = world5();
    world.connect(connack5());
    world.publish("x", 2);
    world.link.give(answer5(5, 1, 0));
    world.link.end();
    world.reconnect(connack5());
    expect(take(world)).toEqual(["34070001610001" + "0078"]);
    world.link.give("70 02 00 01");
    expect([world.settled, world.store.length]).toEqual([[], 1]);
    expect(world.client.status().possibleDoubles).toBe(1);
  });
});

describe("Maximum QoS", () => {
  test("1: stored entries of QoS 2 are sent at QoS 1; each is reported once (5: 3.2.2-11)", () => {
    const lowered: string[] = [];
    const world = world5({
      onLowered: (sequence, why, isPossible) => lowered.push(`${sequence} ${why} ${isPossible}`),
    });
    world.publish("x", 2);
    world.publish("y", 2);
    world.connect(connack5({ maxQoS: 1 }));
    expect(take(world).map((packet) => packet.slice(0, 2))).toEqual(["32", "32"]);
    world.link.give(answer5(4, 1, 0));
    world.link.give(answer5(4, 2, 0x10));
    expect([lowered, world.settled]).toEqual([
      ["0 refused false", "1 refused false"],
      ["0 delivered", "1 delivered"],
    ]);
    expect(world.client.status()).toMatchObject({ possibleDoubles: 0, limits: { effective: { maxQoS: 1 } } });
  });

  test("an entry whose QoS changes between 1 and 2 while it is in flight is a possible double, in both directions", () => {
    for (const [first, second] of [
      [1, undefined],
      [undefined, 1],
    ]) {
      const world = world5();
      world.publish("x", 2);
      world.connect(connack5({ maxQoS: first }));
      world.link.end();
      world.reconnect(connack5({ maxQoS: second }, { present: true }));
      expect(take(world)[0].slice(0, 2)).toBe(second ? "3a" : "3c");
      expect([world.client.status().possibleDoubles, world.sessions[1].possibleDoubles]).toEqual([1, 1]);
      world.link.end();
      world.reconnect(connack5({ maxQoS: second }, { present: true }));
      expect(world.client.status().possibleDoubles, "once").toBe(1);
    }
  });

  test("0: entries stay, which is shown; subscriptions are sent", () => {
    const world = world5();
    world.publish("x");
    world.client.subscribe("f", 1);
    world.connect(connack5({ maxQoS: 0 }));
    expect(take(world).map((packet) => packet.slice(0, 2))).toEqual(["82"]);
    expect([world.store.length, limitsOf(world).effective]).toMatchObject([1, { maxQoS: 0, window: 0 }]);
    expect(world.client.status().refusal).toMatchObject({ scope: "all", by: "reason", code: 0x9b });
  });

  test("learned from DISCONNECT 0x9B: it applies from then on, and no entry is blamed", () => {
    const world = world5();
    world.publish("x", 2);
    world.connect(connack5());
    world.link.give(disconnect5(0x9b));
    for (let n = 0; n < 2; n++) {
      world.reconnect(connack5({}, { present: true }));
      expect(take(world)[0].slice(0, 2)).toBe("3a");
      world.link.end();
    }
    expect(world.errors[0]).toMatchObject({
      kind: "closed",
      message: expect.stringContaining("QoS not supported (0x9b)"),
    });
  });
});

describe("Retain Available 0", () => {
  test("no message has RETAIN: stored ones, those from RAM of either QoS (5: 3.2.2-14)", () => {
    const world = world5();
    world.store.append("a", Buffer.from("x"), 1, true);
    world.client.publish("b", Buffer.from("y"), { qos: 1, retain: true });
    world.connect(connack5({ retainAvailable: 0 }));
    world.client.publish("c", Buffer.from("z"), { qos: 0, retain: true });
    expect(take(world).map((packet) => packet.slice(0, 2))).toEqual(["32", "32", "30"]);
  });

  test("a will that is retained, or of QoS 2, is left without: CONNACK 0x9A and 0x9B are obeyed at once (5: 3.2.2-12, 3.2.2-13)", () => {
    const will = { topic: "w", payload: Buffer.from("x"), qos: 2, retain: true } as const;
    const world = world5({ will });
    const flags = (): string => world.open().slice(27, 29);
    expect(flags()).toBe("34");
    world.link.give(connack5({}, { code: 0x9a }));
    expect(flags()).toBe("14");
    world.link.give(connack5({}, { code: 0x9b }));
    expect(flags()).toBe("0c");
    world.link.give(connack5());
    expect(world.client.status().state).toBe("connected");
    expect(world.errors).toEqual([]);
    world.link.end();
    world.reconnect(connack5({}, { code: 0x9b, present: false }));
    expect(world.errors.at(-1), "and not for ever").toMatchObject({ kind: "refused", code: 0x9b });
  });
});

describe("Maximum Packet Size", () => {
  test("an entry above it is a dead letter, reported with that reason; others are sent", () => {
    const by: string[] = [];
    const world = world5({ onSettled: (sequence, outcome, why) => by.push(`${sequence} ${outcome} ${why}`) });
    world.publish("x".repeat(40));
    world.publish("y");
    world.connect(connack5({ maxPacketBytes: 30 }));
    expect(take(world)).toEqual(["32070001610002" + "0079"]);
    expect(by).toEqual(["0 deadLetter tooLarge"]);
    expect(limitsOf(world).effective.maxPacketBytes).toBe(30);
  });

  test("requests above it are dropped, and reported if there is a callback", () => {
    const world = world5();
    world.client.publish("r", new Uint8Array(40), { qos: 1 });
    world.client.subscribe("f".repeat(40), 1);
    world.client.subscribe("g", 1);
    world.connect(connack5({ maxPacketBytes: 30 }));
    expect(take(world).map((packet) => packet.slice(0, 2))).toEqual(["82"]);
    expect(world.client.status().dropped).toBe(2);
    expect(world.subscribed).toEqual([`${"f".repeat(40)} ${0x95}`]);
    expect(world.client.publish("r", new Uint8Array(40), { qos: 0 })).toBe(false);
  });
});

test("wildcards and shared subscriptions that the server does not support are not requested", () => {
  const world = world5();
  for (const filter of ["a/#", "$share/g/a", "b"]) world.client.subscribe(filter, 1);
  world.connect(connack5({ wildcardAvailable: 0, sharedAvailable: 0 }));
  expect(take(world)).toHaveLength(1);
  expect(world.subscribed).toEqual([`a/# ${0xa2}`, `$share/g/a ${0x9e}`]);
});

test("Topic Alias Maximum: the topic is sent once in each connection, also in entries that are sent again", () => {
  const world = world5();
  const topic = Buffer.from("home/a");
  const append = (payload: string): number => world.store.append(topic, Buffer.from(payload), 1);
  append("x");
  append("y");
  world.connect(connack5({ aliasMaximum: 1 }));
  const lengths = (): number[] => take(world, 3).map((packet) => packet.length / 2);
  const [first, second] = lengths();
  expect(first - second).toBe(topic.length);
  world.link.end();
  world.reconnect(connack5({ aliasMaximum: 1 }, { present: true }));
  expect(lengths()).toEqual([first, second]);
  world.link.end();
  world.reconnect(connack5({}, { present: true }));
  expect(lengths()).toEqual([first - 3, first - 3]);
});

test.each([
  [60, 65_535, 60],
  [60, 0, 60],
  [0, 65_535, 65_535],
])(
  "Server Keep Alive, ours %i, the server's %i: pings go by the shorter, for a half-open connection to be noticed",
  (ours, servers, effective) => {
    const world = world5({ keepAlive: ours });
    world.connect(connack5({ serverKeepAliveS: servers }));
    expect(limitsOf(world).effective.keepAliveS).toBe(effective);
  },
);

test("Server Keep Alive takes the place of ours (5: 3.1.2-21, 3.2.2-21)", () => {
  const world = world5({ keepAlive: 600 });
  world.connect(connack5({ serverKeepAliveS: 10 }));
  world.take();
  world.time.advance(8_000);
  expect(world.take()).toBe("c0 00");
  expect(limitsOf(world)).toMatchObject({ ours: { keepAliveS: 600 }, effective: { keepAliveS: 10 } });
});

describe("session expiry", () => {
  test("requested, granted, shown; DISCONNECT does not shorten it", () => {
    const world = world5({ sessionExpiryS: 3_600 });
    expect(world.open()).toContain("11 00 00 0e 10");
    world.link.give(connack5({ sessionExpiryS: 300 }));
    expect(limitsOf(world)).toMatchObject({
      ours: { sessionExpiryS: 3_600 },
      broker: { sessionExpiryS: 300 },
      effective: { sessionExpiryS: 300 },
    });
    world.client.stop();
    expect(world.take()).toBe("e0 00");
  });

  test("a session lost after its expiry counts as expired; before it, as lost", () => {
    for (const [seconds, expired] of [
      [299, undefined],
      [301, true],
    ] as const) {
      const world = world5();
      world.connect(connack5({ sessionExpiryS: 300 }));
      world.client.linkDown();
      world.time.advance(seconds * 1_000);
      world.client.linkUp();
      world.connect(connack5({ sessionExpiryS: 300 }));
      expect(world.sessions.map((session) => session.expired)).toEqual([undefined, expired]);
    }
  });

  test("a clean session has none", () => {
    expect(world5({ clean: true }).open()).not.toContain("11 00 09 3a 80");
  });
});

test("an assigned client id is shown (5: 3.2.2-16)", () => {
  const world = world5({ id: "", clean: true });
  world.connect(connack5({ assignedId: "auto-1" }));
  expect(limitsOf(world).effective.assignedId).toBe("auto-1");
});

test("subscriptions: not requested again in a session that continues, and without retained messages if they exist already", () => {
  const world = world5();
  world.client.subscribe("f", 1);
  world.connect(connack5());
  expect(world.take()).toBe("82 07 f0 01 00 00 01 66 11");
  world.link.give("90 04 f0 01 00 01");
  world.link.end();
  world.reconnect(connack5({}, { present: true }));
  expect(world.take()).toBe("");
});

test("a message longer than allowed, or with too long a topic, is skipped, and acknowledged", () => {
  const world = world5({ maxPacketBytes: 40, topicLength: 8 });
  const connect = world.open();
  expect(connect).toContain("27 00 00 00 28");
  world.link.give(connack5());
  const long = "78".repeat(60);
  world.link.give(`32 42 00 01 62 00 07 00 ${long}`);
  world.link.give(`34 42 00 01 62 00 08 00 ${long}`);
  world.link.give(`32 0f 00 09 62 62 62 62 62 62 62 62 62 00 09 00 78`);
  expect(world.take()).toBe("40 02 00 07 50 02 00 08 40 02 00 09");
  world.link.give("62 02 00 08");
  expect(world.take()).toBe("70 02 00 08");
  expect([world.received, world.errors, world.client.status().skipped]).toEqual([[], [], 3]);
});

test("without version 5 there are no limits to show", () => {
  const world = new World({}, { store: new MemoryStore() });
  world.connect();
  expect(world.client.status()).toMatchObject({ version: 4, limits: undefined, lastReason: undefined, maxQoS2: 8 });
});
