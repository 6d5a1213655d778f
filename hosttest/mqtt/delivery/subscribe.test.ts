/*
 * SUBSCRIBE, UNSUBSCRIBE and the client's list of filters: the checklist's ids, byte by byte.
 */
import { expect, test } from "vitest";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "../support/world.js";

function connected(options: ConstructorParameters<typeof World>[0] = {}): World {
  const world = new World(options);
  world.connect();
  return world;
}

test("SUBSCRIBE has flags 2, an id above 0, one filter and its QoS, reserved bits 0 (2.2.2-1, 3.8.1-1, 3.8.3-3, 3-8.3-4)", () => {
  for (const qos of [0, 1, 2] as const) {
    const world = connected();
    world.client.subscribe("a/+", qos);
    expect(world.take()).toBe(`82 08 f0 01 00 03 61 2f 2b 0${qos}`);
  }
  expect(() => connected().client.subscribe("a", 3 as 2)).toThrow(/QoS 3: expected 0, 1 or 2/);
});

test("UNSUBSCRIBE has flags 2, an id and one filter, packed (3.10.1-1, 3.10.3-1, 3.10.3-2)", () => {
  const world = connected();
  world.client.unsubscribe("a/#");
  expect(world.take()).toBe("a2 07 f0 01 00 03 61 2f 23");
  world.link.give("b0 02 f0 01");
  expect(world.errors).toEqual([]);
});

test("filters are UTF-8 (3.8.3-1)", () => {
  const world = connected();
  world.client.subscribe("é/€", 1);
  expect(world.take()).toBe("82 0b f0 01 00 06 c3 a9 2f e2 82 ac 01");
});

test("the granted QoS is reported to the owner: lower than requested, and refused (3.8.4-6, 3.9.3-2)", () => {
  const world = connected();
  world.client.subscribe("a", 2);
  world.client.subscribe("b", 1);
  world.client.subscribe("c", 1);
  world.link.give("90 03 f0 01 01  90 03 f0 02 80  90 03 f0 03 01");
  expect(world.subscribed).toEqual(["a 1", "b 128", "c 1"]);
});

test("more granted than asked closes (3.8.4-6)", () => {
  const world = connected();
  world.client.subscribe("a", 0);
  world.link.give("90 03 f0 01 02");
  expect(world.errors).toMatchObject([{ kind: "protocol", message: "SUBACK: granted 2, asked 0" }]);
});

test("requested from within onMessage, with nothing to answer: it is sent at once", () => {
  const world: World = connected({
    onMessage: () => {
      world.client.subscribe("b", 0);
      world.client.publish("c", Uint8Array.of(0x78), { qos: 1 });
    },
  });
  world.link.give("30 04 00 01 61 78");
  expect(world.take()).toBe("82 06 f0 01 00 01 62 00 32 06 00 01 63 f0 02 78");
});

test("SUBACK and UNSUBACK of another id close (2.3.1-7, 3.8.4-2)", () => {
  for (const answer of ["90 03 f0 02 00", "90 03 00 01 00", "b0 02 f0 01", "b0 02 00 07"]) {
    const world = connected();
    world.client.subscribe("a", 0);
    world.link.give(answer);
    expect(world.errors).toMatchObject([{ kind: "protocol", message: expect.stringMatching(/not awaited/) }]);
    expect(world.link.isClosed).toBe(true);
  }
});

test("one return code for each filter: SUBACK of another length closes (3.8.4-5, 3.9.3-1)", () => {
  const world = connected();
  world.client.subscribe("a", 0);
  world.link.give("90 04 f0 01 00 00");
  expect(world.errors).toMatchObject([{ kind: "protocol", message: "SUBACK: length 4" }]);
});

test("requested before the connection, sent after it; unacknowledged ones are sent again with their id", () => {
  const world = new World();
  world.client.subscribe("a", 1);
  world.connect();
  expect(world.take()).toBe("82 06 f0 01 00 01 61 01");
  world.link.end();
  world.reconnect(CONNACK_PRESENT);
  expect(world.take()).toBe("82 06 f0 01 00 01 61 01");
  world.link.give("90 03 f0 01 01");
  world.link.end();
  world.reconnect(CONNACK_PRESENT);
  expect(world.take()).toBe("");
});

test("the server lost the session: every wanted filter is requested again, before any PUBLISH", () => {
  const world = connected();
  world.client.subscribe("a", 1);
  world.client.subscribe("b", 2);
  world.client.subscribe("c", 0);
  world.link.give("90 03 f0 01 01 90 03 f0 02 02 90 03 f0 03 00");
  world.client.unsubscribe("b");
  world.link.give("b0 02 f0 04");
  world.publish("x");
  world.link.end();
  world.reconnect(CONNACK_NEW);
  expect(world.take()).toBe("82 06 f0 01 00 01 61 01 82 06 f0 03 00 01 63 00 32 06 00 01 61 00 01 78");
});

test("a newer request for a filter replaces one that is not sent yet: nothing grows while offline", () => {
  const world = new World();
  for (let n = 0; n < 100; n++) {
    world.client.subscribe("a", 1);
    world.client.unsubscribe("a");
  }
  world.client.subscribe("a", 2);
  world.connect();
  expect(world.take()).toMatch(/^82 06 f0 .. 00 01 61 02$/);
});

test("forgotten: it is not reported, and not sent again; the answer to a sent one is still awaited", () => {
  const world = connected();
  world.client.subscribe("a", 1);
  world.take();
  world.client.forget("a");
  expect(world.take()).toBe("");
  world.link.end();
  world.reconnect(CONNACK_NEW);
  expect(world.take()).toBe("");
  world.client.subscribe("b", 1);
  world.client.forget("b");
  world.link.give("90 03 f0 02 01");
  expect(world.errors.map(({ kind }) => kind)).toEqual(["closed"]);
});

test("a server that closes on every SUBSCRIBE: after ten times the filter counts as refused, and the rest is sent", () => {
  const world = new World();
  world.client.subscribe("secret", 1);
  world.publish("x");
  world.connect();
  expect(world.take()).toContain("82 0b"); // and the entry: it may be the one that the server closes for
  world.link.end();
  world.reconnect(CONNACK_PRESENT);
  for (let n = 0; n < 10; n++) {
    expect(world.take()).toBe("82 0b f0 01 00 06 73 65 63 72 65 74 01");
    world.link.end();
    world.reconnect(CONNACK_PRESENT);
  }
  expect(world.subscribed).toEqual(["secret 128"]);
  expect(world.take()).toBe("3a 06 00 01 61 00 01 78");
  world.link.give("40 02 00 01");
  expect(world.settled).toEqual(["0 delivered"]);
  expect(world.client.status()).toMatchObject({ dropped: 1, deadLetters: 0 });
});

test("a server that closes on one of three requests: that one is dropped, the others are granted, entries are sent", () => {
  const world = new World();
  for (const filter of ["a", "secret", "b"]) world.client.subscribe(filter, 1);
  world.publish("x");
  world.connect();
  // All in one write, and none is answered before the server closes.
  world.link.end();
  for (let n = 0; n < 10; n++) {
    world.reconnect(CONNACK_NEW);
    for (let sent = world.take(); !sent.includes("73 65 63"); sent = world.take()) {
      expect(sent.slice(0, 5)).toBe("82 06"); // one by one
      world.link.give(`90 03 ${sent.slice(6, 11)} 01`);
    }
    world.link.end();
  }
  world.reconnect(CONNACK_NEW);
  for (let sent = world.take(); sent.startsWith("82"); sent = world.take())
    world.link.give(`90 03 ${sent.slice(6, 11)} 01`);
  expect([...new Set(world.subscribed)]).toEqual(["a 1", "secret 128", "b 1"]);
  world.link.give("40 02 00 01");
  expect([world.settled, world.client.status().dropped]).toEqual([["0 delivered"], 1]);
});

test("requests sent one by one: another one waits for the answer of the one in flight", () => {
  const world = new World();
  for (const filter of ["a", "b"]) world.client.subscribe(filter, 1);
  world.connect();
  world.link.end();
  world.reconnect(CONNACK_NEW);
  const [first, second] = ["82 06 f0 01 00 01 61 01", "82 06 f0 02 00 01 62 01"];
  expect(world.take()).toBe(first);
  world.client.subscribe("c", 1);
  expect(world.take()).toBe("");
  world.link.give("90 03 f0 01 01");
  expect(world.take()).toBe(second);
});

test("a server that never answers a SUBSCRIBE, after a doubt: entries wait for a ping at most", () => {
  const world = new World({ keepAlive: 10 });
  world.client.subscribe("a", 1);
  world.publish("x");
  world.connect();
  world.link.end();
  world.reconnect();
  expect(world.take()).toBe("82 06 f0 01 00 01 61 01");
  world.time.advance(4_000);
  expect(world.take()).toBe("c0 00");
  world.link.give("d0 00");
  expect(world.take()).toBe("3a 06 00 01 61 00 01 78");
});

test("an invalid filter is refused at once (4.7.1-2, 4.7.1-3, 4.7.3-1)", () => {
  const { client } = connected();
  for (const filter of ["", "a/#/b", "a#", "a+/b", "+a"]) {
    expect(() => client.subscribe(filter, 0)).toThrow(RangeError);
    expect(() => client.unsubscribe(filter)).toThrow(RangeError);
  }
});
