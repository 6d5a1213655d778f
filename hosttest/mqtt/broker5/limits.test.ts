/*
 * A server's limits, as stated in CONNACK of version 5: each is obeyed, shown, and never blamed on an unrelated entry.
 */
import { describe, expect, test } from "vitest";
import type { LimitLayers } from "../../../src/mqtt/client.js";
import { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { Setup } from "../support/setup.js";
import { answer5, connack5, disconnect5, setup5 } from "../support/setup5.js";

const limitsOf = (setup: Setup): LimitLayers => setup.client.status().limits as LimitLayers;

/** Packets of these types (the upper half of their first byte) that the client has sent. Short ones only. */
function take(setup: Setup, ...types: number[]): string[] {
  const bytes = setup.link.takeBytes();
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
    const setup = setup5({ window });
    for (let n = 0; n < 60; n++) setup.store.append("a", Buffer.from("x"), qos);
    setup.connect(connack5({ receiveMaximum }));
    const expected = Math.min(receiveMaximum, window, qos === 2 ? 19 : 1_000);
    let sent = take(setup, 3).length;
    expect(sent).toBe(expected);
    for (let id = 1; id <= 60; id++) {
      if (qos === 1) setup.link.give(answer5(4, id, 0));
      else {
        setup.link.give(answer5(5, id, 0));
        expect(take(setup), "PUBREC does not make space").toEqual([`6202${id.toString(16).padStart(4, "0")}`]);
        setup.link.give(answer5(7, id, 0));
      }
      sent += take(setup, 3).length;
      expect(sent - id).toBe(Math.min(expected, 60 - id));
    }
    expect(setup.store.length).toBe(0);
  });

  test("messages from RAM count, are sent first, and none starves", () => {
    for (const receiveMaximum of [1, 2, 4]) {
      const setup = setup5();
      for (let n = 0; n < 10; n++) setup.store.append("a", Buffer.from("x"), 1);
      setup.connect(connack5({ receiveMaximum }));
      for (let n = 0; n < 4; n++) setup.client.publish("r", Buffer.from("y"), { qos: 1 });
      const open: number[] = [];
      let order = "";
      for (let n = 0; n < 14; n++) {
        for (const packet of take(setup, 3)) {
          open.push(Number.parseInt(packet.slice(10, 14), 16));
          order += packet.slice(8, 10) === "61" ? "e" : "r";
        }
        expect(open.length).toBeLessThanOrEqual(receiveMaximum);
        expect(open.length).toBeGreaterThan(0);
        setup.link.give(answer5(4, open.shift() as number, 0));
      }
      expect(order).toBe(`${"e".repeat(receiveMaximum)}rrrr${"e".repeat(10 - receiveMaximum)}`);
      expect([setup.store.length, setup.errors.length]).toEqual([0, 0]);
    }
  });

  test("those of QoS 2 that an earlier connection left open count, and are released first", () => {
    const setup = setup5();
    for (let n = 0; n < 12; n++) setup.store.append("a", Buffer.from("x"), 2);
    setup.connect(connack5());
    expect(take(setup, 3)).toHaveLength(8);
    for (const id of [1, 2, 3]) setup.link.give(answer5(5, id, 0));
    setup.link.end();
    setup.reconnect(connack5({ receiveMaximum: 4 }, { present: true }));
    expect(take(setup).map((packet) => packet.slice(0, 8))).toEqual(["62020001", "62020002", "62020003", "3c070001"]);
    for (const id of [1, 2, 3]) setup.link.give(answer5(7, id, 0));
    const again = take(setup);
    expect(again).toHaveLength(3);
    expect(
      again.every((packet) => packet.startsWith("3c")),
      "all that may be open, before any new one",
    ).toBe(true);
  });

  test("Session Present 0: all start again with PUBLISH, and a PUBCOMP is no acknowledgement", () => {
    const setup = setup5();
    setup.connect(connack5());
    setup.publish("x", 2);
    setup.link.give(answer5(5, 1, 0));
    setup.link.end();
    setup.reconnect(connack5());
    expect(take(setup)).toEqual(["34070001610001" + "0078"]);
    setup.link.give("70 02 00 01");
    expect([setup.settled, setup.store.length]).toEqual([[], 1]);
    expect(setup.client.status().possibleDoubles).toBe(1);
  });
});

describe("Maximum QoS", () => {
  test("1: stored entries of QoS 2 are sent at QoS 1; each is reported once (5: 3.2.2-11)", () => {
    const lowered: string[] = [];
    const setup = setup5({
      onLowered: (sequence, why, isPossible) => lowered.push(`${sequence} ${why} ${isPossible}`),
    });
    setup.publish("x", 2);
    setup.publish("y", 2);
    setup.connect(connack5({ maxQoS: 1 }));
    expect(take(setup).map((packet) => packet.slice(0, 2))).toEqual(["32", "32"]);
    setup.link.give(answer5(4, 1, 0));
    setup.link.give(answer5(4, 2, 0x10));
    expect([lowered, setup.settled]).toEqual([
      ["0 refused false", "1 refused false"],
      ["0 delivered", "1 delivered"],
    ]);
    expect(setup.client.status()).toMatchObject({ possibleDoubles: 0, limits: { effective: { maxQoS: 1 } } });
  });

  test("an entry whose QoS changes between 1 and 2 while it is in flight is a possible double, in both directions", () => {
    for (const [first, second] of [
      [1, undefined],
      [undefined, 1],
    ]) {
      const setup = setup5();
      setup.publish("x", 2);
      setup.connect(connack5({ maxQoS: first }));
      setup.link.end();
      setup.reconnect(connack5({ maxQoS: second }, { present: true }));
      expect(take(setup)[0].slice(0, 2)).toBe(second ? "3a" : "3c");
      expect([setup.client.status().possibleDoubles, setup.sessions[1].possibleDoubles]).toEqual([1, 1]);
      setup.link.end();
      setup.reconnect(connack5({ maxQoS: second }, { present: true }));
      expect(setup.client.status().possibleDoubles, "once").toBe(1);
    }
  });

  test("0: entries stay, which is shown; subscriptions are sent", () => {
    const setup = setup5();
    setup.publish("x");
    setup.client.subscribe("f", 1);
    setup.connect(connack5({ maxQoS: 0 }));
    expect(take(setup).map((packet) => packet.slice(0, 2))).toEqual(["82"]);
    expect([setup.store.length, limitsOf(setup).effective]).toMatchObject([1, { maxQoS: 0, window: 0 }]);
    expect(setup.client.status().refusal).toMatchObject({ scope: "all", by: "reason", code: 0x9b });
  });

  test("learned from DISCONNECT 0x9B: it applies from then on, and no entry is blamed", () => {
    const setup = setup5();
    setup.publish("x", 2);
    setup.connect(connack5());
    setup.link.give(disconnect5(0x9b));
    for (let n = 0; n < 2; n++) {
      setup.reconnect(connack5({}, { present: true }));
      expect(take(setup)[0].slice(0, 2)).toBe("3a");
      setup.link.end();
    }
    expect(setup.errors[0]).toMatchObject({
      kind: "closed",
      message: expect.stringContaining("QoS not supported (0x9b)"),
    });
  });
});

describe("Retain Available 0", () => {
  test("no message has RETAIN: stored ones, those from RAM of either QoS (5: 3.2.2-14)", () => {
    const setup = setup5();
    setup.store.append("a", Buffer.from("x"), 1, true);
    setup.client.publish("b", Buffer.from("y"), { qos: 1, retain: true });
    setup.connect(connack5({ retainAvailable: 0 }));
    setup.client.publish("c", Buffer.from("z"), { qos: 0, retain: true });
    expect(take(setup).map((packet) => packet.slice(0, 2))).toEqual(["32", "32", "30"]);
  });

  test("a will that is retained, or of QoS 2, is left without: CONNACK 0x9A and 0x9B are obeyed at once (5: 3.2.2-12, 3.2.2-13)", () => {
    const will = { topic: "w", payload: Buffer.from("x"), qos: 2, retain: true } as const;
    const setup = setup5({ will });
    const flags = (): string => setup.open().slice(27, 29);
    expect(flags()).toBe("34");
    setup.link.give(connack5({}, { code: 0x9a }));
    expect(flags()).toBe("14");
    setup.link.give(connack5({}, { code: 0x9b }));
    expect(flags()).toBe("0c");
    setup.link.give(connack5());
    expect(setup.client.status().state).toBe("connected");
    expect(setup.errors).toEqual([]);
    setup.link.end();
    setup.reconnect(connack5({}, { code: 0x9b, present: false }));
    expect(setup.errors.at(-1), "and not for ever").toMatchObject({ kind: "refused", code: 0x9b });
  });
});

describe("Maximum Packet Size", () => {
  test("an entry above it is held back, reported, and a dead letter after a minute if others were delivered; others are sent", () => {
    const by: string[] = [];
    const setup = setup5({
      onSettled: (sequence, outcome, why, code) => by.push(`${sequence} ${outcome} ${why} ${code?.toString(16)}`),
    });
    setup.publish("x".repeat(40));
    setup.publish("y");
    setup.connect(connack5({ maxPacketBytes: 30 }));
    expect(take(setup)).toEqual(["32070001610002" + "0079"]);
    expect(by).toEqual([]);
    expect(setup.client.status().refusal).toMatchObject({ sequence: 0, code: 0x95 });
    expect(setup.client.status().refusal?.text).toContain("Maximum Packet Size 30");
    setup.link.give("40020001".replace("0001", "0002"));
    expect(setup.client.status().refusal).toMatchObject({ scope: "some" });
    setup.time.advance(60_000);
    expect(by).toEqual(["1 delivered undefined undefined", "0 deadLetter refused 95"]);
    expect(limitsOf(setup).effective.maxPacketBytes).toBe(30);
  });

  test("requests above it are dropped, and reported if there is a callback", () => {
    const setup = setup5();
    setup.client.publish("r", new Uint8Array(40), { qos: 1 });
    setup.client.subscribe("f".repeat(40), 1);
    setup.client.subscribe("g", 1);
    setup.connect(connack5({ maxPacketBytes: 30 }));
    expect(take(setup).map((packet) => packet.slice(0, 2))).toEqual(["82"]);
    expect(setup.client.status().dropped).toBe(2);
    expect(setup.subscribed).toEqual([`${"f".repeat(40)} ${0x95}`]);
    expect(setup.client.publish("r", new Uint8Array(40), { qos: 0 })).toBe(false);
  });
});

test("wildcards and shared subscriptions that the server does not support are not requested", () => {
  const setup = setup5();
  for (const filter of ["a/#", "$share/g/a", "b"]) setup.client.subscribe(filter, 1);
  setup.connect(connack5({ wildcardAvailable: 0, sharedAvailable: 0 }));
  expect(take(setup)).toHaveLength(1);
  expect(setup.subscribed).toEqual([`a/# ${0xa2}`, `$share/g/a ${0x9e}`]);
});

test("Topic Alias Maximum: the topic is sent once in each connection, also in entries that are sent again", () => {
  const setup = setup5();
  const topic = Buffer.from("home/a");
  const append = (payload: string): number => setup.store.append(topic, Buffer.from(payload), 1);
  append("x");
  append("y");
  setup.connect(connack5({ aliasMaximum: 1 }));
  const lengths = (): number[] => take(setup, 3).map((packet) => packet.length / 2);
  const [first, second] = lengths();
  expect(first - second).toBe(topic.length);
  setup.link.end();
  setup.reconnect(connack5({ aliasMaximum: 1 }, { present: true }));
  expect(lengths()).toEqual([first, second]);
  setup.link.end();
  setup.reconnect(connack5({}, { present: true }));
  expect(lengths()).toEqual([first - 3, first - 3]);
});

test.each([
  [60, 65_535, 60],
  [60, 0, 60],
  [0, 65_535, 65_535],
])(
  "Server Keep Alive, ours %i, the server's %i: pings go by the shorter, for a half-open connection to be noticed",
  (ours, servers, effective) => {
    const setup = setup5({ keepAlive: ours });
    setup.connect(connack5({ serverKeepAliveS: servers }));
    expect(limitsOf(setup).effective.keepAliveS).toBe(effective);
  },
);

test("Server Keep Alive takes the place of ours (5: 3.1.2-21, 3.2.2-21)", () => {
  const setup = setup5({ keepAlive: 600 });
  setup.connect(connack5({ serverKeepAliveS: 10 }));
  setup.take();
  setup.time.advance(8_000);
  expect(setup.take()).toBe("c0 00");
  expect(limitsOf(setup)).toMatchObject({ ours: { keepAliveS: 600 }, effective: { keepAliveS: 10 } });
});

describe("session expiry", () => {
  test("requested, granted, shown; DISCONNECT does not shorten it", () => {
    const setup = setup5({ sessionExpiryS: 3_600 });
    expect(setup.open()).toContain("11 00 00 0e 10");
    setup.link.give(connack5({ sessionExpiryS: 300 }));
    expect(limitsOf(setup)).toMatchObject({
      ours: { sessionExpiryS: 3_600 },
      broker: { sessionExpiryS: 300 },
      effective: { sessionExpiryS: 300 },
    });
    setup.client.stop();
    expect(setup.take()).toBe("e0 00");
  });

  test("a session lost after its expiry counts as expired; before it, as lost", () => {
    for (const [seconds, expired] of [
      [299, undefined],
      [301, true],
    ] as const) {
      const setup = setup5();
      setup.connect(connack5({ sessionExpiryS: 300 }));
      setup.client.linkDown();
      setup.time.advance(seconds * 1_000);
      setup.client.linkUp();
      setup.connect(connack5({ sessionExpiryS: 300 }));
      expect(setup.sessions.map((session) => session.expired)).toEqual([undefined, expired]);
    }
  });

  test("a clean session has none", () => {
    expect(setup5({ clean: true }).open()).not.toContain("11 00 09 3a 80");
  });
});

test("an assigned client id is shown (5: 3.2.2-16)", () => {
  const setup = setup5({ id: "", clean: true });
  setup.connect(connack5({ assignedId: "auto-1" }));
  expect(limitsOf(setup).effective.assignedId).toBe("auto-1");
});

test("subscriptions: not requested again in a session that continues, and without retained messages if they exist already", () => {
  const setup = setup5();
  setup.client.subscribe("f", 1);
  setup.connect(connack5());
  expect(setup.take()).toBe("82 07 f0 01 00 00 01 66 11");
  setup.link.give("90 04 f0 01 00 01");
  setup.link.end();
  setup.reconnect(connack5({}, { present: true }));
  expect(setup.take()).toBe("");
});

test("a message longer than allowed, or with too long a topic, is skipped, and acknowledged", () => {
  const setup = setup5({ maxPacketBytes: 40, topicLength: 8 });
  const connect = setup.open();
  expect(connect).toContain("27 00 00 00 28");
  setup.link.give(connack5());
  const long = "78".repeat(60);
  setup.link.give(`32 42 00 01 62 00 07 00 ${long}`);
  setup.link.give(`34 42 00 01 62 00 08 00 ${long}`);
  setup.link.give(`32 0f 00 09 62 62 62 62 62 62 62 62 62 00 09 00 78`);
  expect(setup.take()).toBe("40 02 00 07 50 02 00 08 40 02 00 09");
  setup.link.give("62 02 00 08");
  expect(setup.take()).toBe("70 02 00 08");
  expect([setup.received, setup.errors, setup.client.status().skipped]).toEqual([[], [], 3]);
});

test("without version 5 there are no limits to show", () => {
  const setup = new Setup({}, { store: new MemoryStore() });
  setup.connect();
  expect(setup.client.status()).toMatchObject({ version: 4, limits: undefined, lastReason: undefined, maxQoS2: 8 });
});
