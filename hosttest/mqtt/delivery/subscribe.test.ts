/*
 * SUBSCRIBE, UNSUBSCRIBE and the client's list of filters: the checklist's ids, byte by byte.
 */
import { expect, test } from "vitest";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";

function connected(options: ConstructorParameters<typeof Setup>[0] = {}): Setup {
  const setup = new Setup(options);
  setup.connect();
  return setup;
}

test("SUBSCRIBE has flags 2, an id above 0, one filter and its QoS, reserved bits 0 (2.2.2-1, 3.8.1-1, 3.8.3-3, 3-8.3-4)", () => {
  for (const qos of [0, 1, 2] as const) {
    const setup = connected();
    setup.client.subscribe("a/+", qos);
    expect(setup.take()).toBe(`82 08 f0 01 00 03 61 2f 2b 0${qos}`);
  }
  expect(() => connected().client.subscribe("a", 3 as 2)).toThrow(/QoS 3: expected 0, 1 or 2/);
});

test("UNSUBSCRIBE has flags 2, an id and one filter, packed (3.10.1-1, 3.10.3-1, 3.10.3-2)", () => {
  const setup = connected();
  setup.client.unsubscribe("a/#");
  expect(setup.take()).toBe("a2 07 f0 01 00 03 61 2f 23");
  setup.link.give("b0 02 f0 01");
  expect(setup.errors).toEqual([]);
});

test("filters are UTF-8 (3.8.3-1)", () => {
  const setup = connected();
  setup.client.subscribe("é/€", 1);
  expect(setup.take()).toBe("82 0b f0 01 00 06 c3 a9 2f e2 82 ac 01");
});

test("the granted QoS is reported to the owner: lower than requested, and refused (3.8.4-6, 3.9.3-2)", () => {
  const setup = connected();
  setup.client.subscribe("a", 2);
  setup.client.subscribe("b", 1);
  setup.client.subscribe("c", 1);
  setup.link.give("90 03 f0 01 01  90 03 f0 02 80  90 03 f0 03 01");
  expect(setup.subscribed).toEqual(["a 1", "b 128", "c 1"]);
});

test("more granted than asked closes (3.8.4-6)", () => {
  const setup = connected();
  setup.client.subscribe("a", 0);
  setup.link.give("90 03 f0 01 02");
  expect(setup.errors).toMatchObject([{ kind: "protocol", message: "SUBACK: granted 2, asked 0" }]);
});

test("requested from within onMessage, with nothing to answer: it is sent at once", () => {
  const setup: Setup = connected({
    onMessage: () => {
      setup.client.subscribe("b", 0);
      setup.client.publish("c", Uint8Array.of(0x78), { qos: 1 });
    },
  });
  setup.link.give("30 04 00 01 61 78");
  expect(setup.take()).toBe("82 06 f0 01 00 01 62 00 32 06 00 01 63 f0 02 78");
});

test("SUBACK and UNSUBACK of another id close (2.3.1-7, 3.8.4-2)", () => {
  for (const answer of ["90 03 f0 02 00", "90 03 00 01 00", "b0 02 f0 01", "b0 02 00 07"]) {
    const setup = connected();
    setup.client.subscribe("a", 0);
    setup.link.give(answer);
    expect(setup.errors).toMatchObject([{ kind: "protocol", message: expect.stringMatching(/not awaited/) }]);
    expect(setup.link.isClosed).toBe(true);
  }
});

test("one return code for each filter: SUBACK of another length closes (3.8.4-5, 3.9.3-1)", () => {
  const setup = connected();
  setup.client.subscribe("a", 0);
  setup.link.give("90 04 f0 01 00 00");
  expect(setup.errors).toMatchObject([{ kind: "protocol", message: "SUBACK: length 4" }]);
});

test("requested before the connection, sent after it; unacknowledged ones are sent again with their id", () => {
  const setup = new Setup();
  setup.client.subscribe("a", 1);
  setup.connect();
  expect(setup.take()).toBe("82 06 f0 01 00 01 61 01");
  setup.link.end();
  setup.reconnect(CONNACK_PRESENT);
  expect(setup.take()).toBe("82 06 f0 01 00 01 61 01");
  setup.link.give("90 03 f0 01 01");
  setup.link.end();
  setup.reconnect(CONNACK_PRESENT);
  expect(setup.take()).toBe("");
});

test("the server lost the session: every wanted filter is requested again, before any PUBLISH", () => {
  const setup = connected();
  setup.client.subscribe("a", 1);
  setup.client.subscribe("b", 2);
  setup.client.subscribe("c", 0);
  setup.link.give("90 03 f0 01 01 90 03 f0 02 02 90 03 f0 03 00");
  setup.client.unsubscribe("b");
  setup.link.give("b0 02 f0 04");
  setup.publish("x");
  setup.link.end();
  setup.reconnect(CONNACK_NEW);
  expect(setup.take()).toBe("82 06 f0 01 00 01 61 01 82 06 f0 03 00 01 63 00 32 06 00 01 61 00 01 78");
});

test("a newer request for a filter replaces one that is not sent yet: nothing grows while offline", () => {
  const setup = new Setup();
  for (let n = 0; n < 100; n++) {
    setup.client.subscribe("a", 1);
    setup.client.unsubscribe("a");
  }
  setup.client.subscribe("a", 2);
  setup.connect();
  expect(setup.take()).toMatch(/^82 06 f0 .. 00 01 61 02$/);
});

test("forgotten: it is not reported, and not sent again; the answer to a sent one is still awaited", () => {
  const setup = connected();
  setup.client.subscribe("a", 1);
  setup.take();
  setup.client.forget("a");
  expect(setup.take()).toBe("");
  setup.link.end();
  setup.reconnect(CONNACK_NEW);
  expect(setup.take()).toBe("");
  setup.client.subscribe("b", 1);
  setup.client.forget("b");
  setup.link.give("90 03 f0 02 01");
  expect(setup.errors.map(({ kind }) => kind)).toEqual(["closed"]);
});

test("a server that closes on every SUBSCRIBE: after ten times the filter counts as refused, and the rest is sent", () => {
  const setup = new Setup();
  setup.client.subscribe("secret", 1);
  setup.publish("x");
  setup.connect();
  expect(setup.take()).toContain("82 0b"); // and the entry: it may be the one that the server closes for
  setup.link.end();
  setup.reconnect(CONNACK_PRESENT);
  for (let n = 0; n < 10; n++) {
    expect(setup.take()).toBe("82 0b f0 01 00 06 73 65 63 72 65 74 01");
    setup.link.end();
    setup.reconnect(CONNACK_PRESENT);
  }
  expect(setup.subscribed).toEqual(["secret 128"]);
  expect(setup.take()).toBe("3a 06 00 01 61 00 01 78");
  setup.link.give("40 02 00 01");
  expect(setup.settled).toEqual(["0 delivered"]);
  expect(setup.client.status()).toMatchObject({ dropped: 1, deadLetters: 0 });
});

test("a server that closes on one of three requests: that one is dropped, the others are granted, entries are sent", () => {
  const setup = new Setup();
  for (const filter of ["a", "secret", "b"]) setup.client.subscribe(filter, 1);
  setup.publish("x");
  setup.connect();
  // All in one write, and none is answered before the server closes.
  setup.link.end();
  for (let n = 0; n < 10; n++) {
    setup.reconnect(CONNACK_NEW);
    for (let sent = setup.take(); !sent.includes("73 65 63"); sent = setup.take()) {
      expect(sent.slice(0, 5)).toBe("82 06"); // one by one
      setup.link.give(`90 03 ${sent.slice(6, 11)} 01`);
    }
    setup.link.end();
  }
  setup.reconnect(CONNACK_NEW);
  for (let sent = setup.take(); sent.startsWith("82"); sent = setup.take())
    setup.link.give(`90 03 ${sent.slice(6, 11)} 01`);
  expect([...new Set(setup.subscribed)]).toEqual(["a 1", "secret 128", "b 1"]);
  setup.link.give("40 02 00 01");
  expect([setup.settled, setup.client.status().dropped]).toEqual([["0 delivered"], 1]);
});

test("requests sent one by one: another one waits for the answer of the one in flight", () => {
  const setup = new Setup();
  for (const filter of ["a", "b"]) setup.client.subscribe(filter, 1);
  setup.connect();
  setup.link.end();
  setup.reconnect(CONNACK_NEW);
  const [first, second] = ["82 06 f0 01 00 01 61 01", "82 06 f0 02 00 01 62 01"];
  expect(setup.take()).toBe(first);
  setup.client.subscribe("c", 1);
  expect(setup.take()).toBe("");
  setup.link.give("90 03 f0 01 01");
  expect(setup.take()).toBe(second);
});

test("a server that never answers a SUBSCRIBE, after a doubt: entries wait for a ping at most", () => {
  const setup = new Setup({ keepAlive: 10 });
  setup.client.subscribe("a", 1);
  setup.publish("x");
  setup.connect();
  setup.link.end();
  setup.reconnect();
  expect(setup.take()).toBe("82 06 f0 01 00 01 61 01");
  setup.time.advance(4_000);
  expect(setup.take()).toBe("c0 00");
  setup.link.give("d0 00");
  expect(setup.take()).toBe("3a 06 00 01 61 00 01 78");
});

test("an invalid filter is refused at once (4.7.1-2, 4.7.1-3, 4.7.3-1)", () => {
  const { client } = connected();
  for (const filter of ["", "a/#/b", "a#", "a+/b", "+a"]) {
    expect(() => client.subscribe(filter, 0)).toThrow(RangeError);
    expect(() => client.unsubscribe(filter)).toThrow(RangeError);
  }
});
