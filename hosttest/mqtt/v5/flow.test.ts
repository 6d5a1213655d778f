/*
 * The client at version 5, byte by byte: the standard's rules for sessions, QoS, order, keep-alive and DISCONNECT.
 * The server's limits and refusals: ../broker5.
 */
import { describe, expect, test } from "vitest";
import { hexOf } from "../support/scripted-peer.js";
import type { Setup } from "../support/setup.js";
import { answer5, connack5, disconnect5, setup5 } from "../support/setup5.js";

const NEW = connack5();
const PRESENT = connack5({}, { present: true });

function connected(options: Parameters<typeof setup5>[0] = {}): Setup {
  const setup = setup5({ version: 5, ...options });
  setup.connect(NEW);
  setup.take();
  return setup;
}

/** PUBLISH of one byte to "a". */
function publish(first: string, id: number, payload = "78"): string {
  return `${first} 07 00 01 61 ${hexOf([id >> 8, id & 255])} 00 ${payload}`;
}

describe("CONNECT", () => {
  test("is the first packet, once a connection: nothing goes before CONNACK but it, and never AUTH (5: 3.1.0-1, 3.1.0-2, 4.12.0-7)", () => {
    const setup = setup5({ version: 5 });
    setup.publish("x");
    setup.client.subscribe("a", 1);
    expect(setup.open().startsWith("10")).toBe(true);
    setup.link.allow(65_536);
    setup.client.wake();
    expect(setup.take()).toBe("");
    setup.link.give(NEW);
    const sent = setup.take();
    expect(sent).not.toContain("4d 51 54 54");
    expect(sent.split(" ")[0]).not.toBe("f0");
  });

  test("one client id for the life of a client, as it is: it names the session (5: 3.1.3-2, 3.1.3-5)", () => {
    const id = "abcdefghijklmnopqrstuVW";
    const setup = setup5({ version: 5, id });
    const first = setup.open();
    expect(first.endsWith(`00 17 ${hexOf(Buffer.from(id))}`)).toBe(true);
    setup.link.give(NEW);
    setup.link.end();
    setup.time.runUntil(() => setup.peer.links.length === 2, 60_000);
    expect(setup.open()).toBe(first);
  });
});

describe("CONNACK", () => {
  test("Clean Start 1: no state of an earlier session is used again (5: 3.1.2-4)", () => {
    const setup = setup5({ version: 5, clean: true });
    setup.connect(NEW);
    setup.publish("x", 2);
    setup.link.give(answer5(5, 1, 0));
    setup.link.give(publish("34", 7, "79"));
    setup.link.end();
    setup.reconnect(NEW);
    expect(setup.take()).toBe(publish("34", 1));
    setup.link.give(publish("34", 7, "79")); // another message with the old id
    expect(setup.received).toHaveLength(2);
  });

  test("Session Present 1 upon Clean Start 1 is a fault: close (5: 3.2.2-2, 3.2.2-4)", () => {
    const setup = setup5({ version: 5, clean: true });
    setup.connect(PRESENT);
    expect(setup.errors).toMatchObject([{ kind: "protocol", message: "CONNACK: session present, though clean" }]);
    expect(setup.link.isClosed).toBe(true);
  });

  test("unacknowledged messages stay, both ways, while the session does: they are sent again with their id (5: 3.1.2-23, 4.1.0-1, 3.2.2-3)", () => {
    const setup = connected();
    setup.publish("x", 2);
    setup.link.give(publish("34", 7, "79"));
    setup.link.end();
    setup.reconnect(PRESENT);
    expect(setup.take()).toBe(publish("3c", 1));
    setup.link.give(publish("3c", 7, "79"));
    expect(setup.received).toHaveLength(1);
    expect(setup.take()).toBe("50 02 00 07");
  });

  test("Session Present 0: our state of the session is discarded, and all is sent as new (5: 3.2.2-3, 3.2.2-5)", () => {
    const setup = connected();
    setup.publish("x", 2);
    setup.link.give(answer5(5, 1, 0));
    setup.link.end();
    setup.reconnect(NEW);
    expect(setup.take()).toBe(publish("34", 1));
  });

  test("a refusal makes the link unusable: closed, nothing sent, not connected (5: 3.2.2-7, 4.13.2-1)", () => {
    const setup = setup5({ version: 5 });
    setup.publish("x");
    setup.connect(connack5({ reason: "no" }, { code: 0x87 }));
    expect(setup.take()).toBe("");
    expect(setup.link.isClosed).toBe(true);
    expect(setup.states).not.toContain("connected");
    expect(setup.errors).toMatchObject([{ kind: "refused", code: 0x87 }]);
  });
});

describe("QoS 1", () => {
  test("PUBLISH with an id of its own and DUP 0; unacknowledged until PUBACK (5: 2.2.1-3, 4.3.2-1, 4.3.2-2, 4.3.2-3)", () => {
    const setup = connected();
    setup.publish("x");
    setup.publish("y");
    expect(setup.take()).toBe(`${publish("32", 1)} ${publish("32", 2, "79")}`);
    setup.link.give("40 02 00 01");
    expect([setup.settled, setup.client.status().inFlight]).toEqual([["0 delivered"], 1]);
  });

  test("unacknowledged ones are sent again with the session, and at no other time: in their order, with id and DUP (5: 3.3.1-1, 4.4.0-1, 4.6.0-1)", () => {
    const setup = connected();
    for (const payload of ["x", "y", "z"]) setup.publish(payload);
    setup.take();
    setup.link.give("40 02 00 01");
    const sent = new Set<string>();
    for (let second = 0; second < 100; second++) {
      setup.time.advance(1_000);
      const packet = setup.take();
      sent.add(packet);
      if (packet) setup.link.give("d0 00");
    }
    expect([...sent]).toEqual(["", "c0 00"]);
    setup.link.end();
    setup.reconnect(PRESENT);
    expect(setup.take()).toBe(`${publish("3a", 2, "79")} ${publish("3a", 3, "7a")}`);
  });

  test("one that was refused is not sent again as the same PUBLISH (5: 4.4.0-2)", () => {
    const setup = connected();
    setup.publish("x");
    setup.take();
    setup.link.give(answer5(4, 1, 0x99));
    setup.link.end();
    setup.reconnect(PRESENT);
    expect(setup.take(), "a new one").toBe(publish("32", 1));
    setup.link.end();
    setup.reconnect(PRESENT);
    expect(setup.take(), "a repetition of that").toBe(publish("3a", 1));
    setup.link.give(answer5(4, 1, 0x97));
    setup.link.end();
    setup.reconnect(PRESENT);
    expect(setup.take()).toBe(publish("32", 1));
  });

  test("coming in: PUBACK with its id once the owner has it; the id is new afterwards (5: 4.3.2-4, 4.3.2-5)", () => {
    const setup = connected();
    setup.link.give(publish("32", 5));
    expect(setup.take()).toBe("40 02 00 05");
    setup.link.give(publish("3a", 5));
    expect(setup.take()).toBe("40 02 00 05");
    expect(setup.received).toHaveLength(2);
  });
});

describe("QoS 2", () => {
  test("PUBLISH until PUBREC, then PUBREL with its id until PUBCOMP (5: 2.2.1-5, 4.3.3-1, 4.3.3-2, 4.3.3-3, 4.3.3-4, 4.3.3-5)", () => {
    const setup = connected();
    setup.publish("x", 2);
    expect(setup.take()).toBe(publish("34", 1));
    setup.link.give("50 02 00 01");
    expect(setup.take()).toBe("62 02 00 01");
    expect(setup.settled).toEqual([]);
    setup.link.give("70 02 00 01");
    expect(setup.settled).toEqual(["0 delivered"]);
  });

  test("after PUBREC only PUBREL is sent again, whatever has expired (5: 4.3.3-6, 4.3.3-7, 4.3.3-13, 4.4.0-1)", () => {
    const setup = connected();
    setup.publish("x", 2);
    setup.publish("y", 2);
    setup.take();
    setup.link.give(answer5(5, 1, 0x10));
    expect(setup.take()).toBe("62 02 00 01");
    setup.link.end();
    setup.time.advance(3_600_000);
    setup.reconnect(PRESENT);
    expect(setup.take()).toBe(`62 02 00 01 ${publish("3c", 2, "79")}`);
  });

  test("PUBRELs are sent in the order of the PUBRECs (5: 4.6.0-4)", () => {
    const setup = connected();
    for (const payload of ["x", "y", "z"]) setup.publish(payload, 2);
    setup.take();
    setup.link.give("50 02 00 02 50 02 00 01 50 02 00 03");
    expect(setup.take()).toBe("62 02 00 02 62 02 00 01 62 02 00 03");
  });

  test("coming in: PUBREC, once delivered until PUBREL, then PUBCOMP, and the id is new (5: 4.3.3-8, 4.3.3-10, 4.3.3-11, 4.3.3-12)", () => {
    const setup = connected();
    setup.link.give(publish("34", 5));
    setup.link.give(publish("3c", 5));
    expect(setup.take()).toBe("50 02 00 05 50 02 00 05");
    expect(setup.received).toHaveLength(1);
    setup.link.give("62 02 00 05");
    expect(setup.take()).toBe("70 02 00 05");
    setup.link.give(publish("34", 5, "79"));
    expect(setup.received).toHaveLength(2);
  });
});

describe("incoming messages", () => {
  test("the answer by QoS: none, PUBACK, PUBREC, in the order of the PUBLISHes, wanted or not (5: 3.3.4-1, 4.5.0-2, 4.6.0-2, 4.6.0-3)", () => {
    const setup = connected({ onMessage: undefined });
    setup.link.give(
      ["30 05 00 01 61 00 78", publish("32", 5), publish("34", 6), publish("32", 7), publish("34", 8)].join(" "),
    );
    expect(setup.take()).toBe("40 02 00 05 50 02 00 06 40 02 00 07 50 02 00 08");
  });

  test("split anywhere it is the same stream (5: 4.2-1)", () => {
    const setup = connected();
    const stream = `${publish("32", 5)} ${publish("34", 6)} 62 02 00 06`;
    for (const byte of Buffer.from(stream.replaceAll(" ", ""), "hex")) setup.link.giveBytes([byte]);
    expect(setup.take()).toBe("40 02 00 05 50 02 00 06 70 02 00 06");
  });
});

describe("quota", () => {
  test("it starts at Receive Maximum; at 0 no PUBLISH is sent, and everything else is (5: 3.3.4-8, 4.9.0-1, 4.9.0-2, 4.9.0-3)", () => {
    const setup = setup5({ version: 5, keepAlive: 10 });
    for (let n = 0; n < 5; n++) setup.publish("x", 2);
    setup.connect(connack5({ receiveMaximum: 2 }));
    expect(setup.take()).toBe(`${publish("34", 1)} ${publish("34", 2)}`);
    setup.client.subscribe("f", 0);
    expect(setup.take()).toBe("82 07 f0 01 00 00 01 66 10");
    setup.link.give(publish("32", 9));
    setup.link.give("50 02 00 01");
    expect(setup.take()).toBe("40 02 00 09 62 02 00 01");
    setup.time.advance(8_000);
    expect(setup.take()).toBe("c0 00");
    setup.link.give("70 02 00 01");
    expect(setup.take()).toBe(publish("34", 3));
  });
});

describe("requests", () => {
  test("SUBACK and UNSUBACK are known by their id; the granted QoS, or the refusal, is reported to the owner (5: 2.2.1-6, 3.8.4-2, 3.8.4-7, 3.9.3-1, 3.10.4-5)", () => {
    const setup = connected();
    setup.client.subscribe("f", 2);
    setup.client.subscribe("g", 1);
    expect(setup.take()).toBe("82 07 f0 01 00 00 01 66 12 82 07 f0 02 00 00 01 67 11");
    setup.link.give("90 04 f0 02 00 87 90 04 f0 01 00 01");
    expect(setup.subscribed).toEqual(["g 135", "f 1"]);
    setup.client.unsubscribe("f");
    expect(setup.take()).toBe("a2 06 f0 03 00 00 01 66");
    setup.link.give("b0 04 f0 03 00 11");
    expect(setup.errors).toEqual([]);
    setup.link.give("b0 04 f0 03 00 00");
    expect(setup.errors).toMatchObject([{ kind: "protocol", message: "UNSUBACK: id 61443 is not awaited" }]);
  });
});

describe("keep-alive", () => {
  test("idle: PINGREQ before the interval has passed; no PINGRESP ends the connection (5: 3.1.2-20, 3.1.2-22, 3.12.4-1)", () => {
    const setup = connected({ keepAlive: 10, pingTimeoutMs: 5_000 });
    setup.time.advance(9_000);
    expect(setup.take()).toBe("c0 00");
    setup.link.give("d0 00");
    setup.time.advance(10_000);
    expect(setup.take()).toBe("c0 00");
    setup.time.advance(6_000);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
  });
});

describe("DISCONNECT", () => {
  test("ours: nothing after it, and the connection is closed (5: 3.14.4-1, 3.14.4-2)", () => {
    const setup = connected();
    setup.client.stop();
    expect(setup.take()).toBe("e0 00");
    expect(setup.link.isClosed).toBe(true);
    setup.publish("x");
    expect(setup.take()).toBe("");
  });

  test("the server's: the connection has ended, later bytes are not read, and its reason is reported (5: 4.13.2-1)", () => {
    const setup = connected();
    setup.link.give(`${disconnect5(0x8b, { reason: "upgrade" })} ${publish("32", 5)}`);
    expect(setup.link.isClosed).toBe(true);
    expect(setup.received).toEqual([]);
    expect(setup.errors).toMatchObject([{ kind: "closed", code: 0x8b, message: expect.stringContaining("upgrade") }]);
  });
});

test("a sample and its acknowledgement: ten bytes and the payload, and four", () => {
  const setup = setup5({ version: 5 });
  setup.connect(connack5({ aliasMaximum: 10 }));
  const topic = Buffer.from("home/livingroom/temperature");
  const payload = Buffer.from('{"value":21.44,"seq":123456789}');
  for (const id of [1, 2]) {
    setup.store.append(topic, payload, 1);
    setup.client.wake();
    expect(setup.link.takeBytes()).toHaveLength(payload.length + (id === 1 ? 10 + topic.length : 10));
    setup.link.give(`40 02 00 0${id}`);
  }
  expect(setup.settled).toEqual(["0 delivered", "1 delivered"]);
});
