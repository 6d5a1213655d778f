/*
 * Incoming PUBLISH and the answers: the checklist's ids, byte by byte.
 */
import { describe, expect, test } from "vitest";
import { hexOf } from "../support/scripted-peer.js";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";

function connected(options: ConstructorParameters<typeof Setup>[0] = {}): Setup {
  const setup = new Setup(options);
  setup.connect();
  return setup;
}

describe("PUBLISH coming in", () => {
  test("the answer by QoS: none, PUBACK, PUBREC (3.3.4-1)", () => {
    const setup = connected();
    setup.link.give("30 04 00 01 61 78");
    expect(setup.take()).toBe("");
    setup.link.give("32 06 00 01 61 00 05 78");
    expect(setup.take()).toBe("40 02 00 05");
    setup.link.give("34 06 00 01 61 00 06 78");
    expect(setup.take()).toBe("50 02 00 06");
    expect(setup.received.map(({ qos }) => qos)).toEqual([0, 1, 2]);
  });

  test("an empty payload is delivered, once, complete (3.3.1-10)", () => {
    const setup = connected();
    setup.link.give("31 03 00 01 61 32 05 00 01 61 00 05");
    expect(setup.received).toEqual([
      { topic: "a", payload: "", qos: 0, retain: true, dup: false },
      { topic: "a", payload: "", qos: 1, retain: false, dup: false },
    ]);
  });

  test("U+FEFF in a topic is a character, both ways (1.5.3-3)", () => {
    const setup = connected();
    setup.link.give("30 06 00 04 ef bb bf 61");
    expect(setup.received[0].topic).toBe("\ufeffa");
    setup.client.publish("\ufeffa", new Uint8Array(0), { qos: 0 });
    expect(setup.take()).toBe("30 06 00 04 ef bb bf 61");
  });

  test("QoS 1: PUBACK after the owner has it; the id is new afterwards, with any DUP (4.3.2-2)", () => {
    const sent: string[] = [];
    const setup: Setup = new Setup({ onMessage: () => sent.push(setup.take()) });
    setup.connect();
    setup.link.give("32 06 00 01 61 00 05 78");
    expect([...sent, setup.take()]).toEqual(["", "40 02 00 05"]);
    setup.link.give("3a 06 00 01 61 00 05 78");
    expect(sent).toHaveLength(2);
    expect(setup.take()).toBe("40 02 00 05");
  });

  test("QoS 2: once until PUBREL, also across a reboot with a durable store of ids (4.3.3-2)", () => {
    const ids = new Set<number>();
    const before = connected({ inbound: ids });
    before.link.give("34 06 00 01 61 00 05 78");
    expect(before.received).toHaveLength(1);
    before.client.close();
    const after = new Setup({ inbound: ids });
    after.connect(CONNACK_PRESENT);
    after.link.give("3c 06 00 01 61 00 05 78");
    expect([after.received.length, after.take()]).toEqual([0, "50 02 00 05"]);
    after.link.give("62 02 00 05");
    expect([after.take(), ids.size]).toEqual(["70 02 00 05", 0]);
    after.link.give("34 06 00 01 61 00 05 79");
    expect(after.received).toHaveLength(1);
  });

  test("every one is acknowledged, also without a listener (4.5.0-2)", () => {
    const setup = connected({ onMessage: undefined });
    setup.link.give("32 06 00 01 61 00 05 78 34 06 00 01 61 00 06 78 62 02 00 06");
    expect(setup.take()).toBe("40 02 00 05 50 02 00 06 70 02 00 06");
  });

  test("PUBACKs and PUBRECs are sent in the order of the PUBLISHes, also when the socket accepts a byte at a time (4.6.0-2, 4.6.0-3)", () => {
    const setup = new Setup({ bufferLength: 64 });
    setup.connect(CONNACK_NEW, 16);
    let expected = "";
    const stream: number[] = [];
    for (let id = 1; id <= 100; id++) {
      const qos = 1 + (id % 2);
      stream.push(0x30 | (qos << 1), 5, 0, 1, 0x61, 0, id);
      expected += `${qos === 1 ? "40" : "50"} 02 00 ${hexOf([id])} `;
    }
    setup.link.giveBytes(stream);
    let sent = "";
    for (let n = 0; n < 400; n++) {
      setup.link.allow(1);
      sent += `${setup.take()} `;
    }
    expect(sent).toBe(expected);
    expect(setup.received).toHaveLength(100);
  });

  test("an owner that throws: the connection is closed, nothing acknowledged, nothing thrown (4.8.0-2)", () => {
    const setup = connected({
      onMessage: () => {
        throw new Error("no space");
      },
    });
    setup.link.give("32 06 00 01 61 00 05 78");
    expect(setup.take()).toBe("");
    expect(setup.link.isClosed).toBe(true);
    expect(setup.errors).toMatchObject([{ kind: "application", message: "no space" }]);
  });

  test("an inbound store that is full closes; what was stored stays (4.8.0-2)", () => {
    const setup = connected();
    for (let id = 1; id <= 65; id++) setup.link.giveBytes([0x34, 5, 0, 1, 0x61, 0, id]);
    expect(setup.errors).toMatchObject([{ kind: "application", message: "over 64 inbound QoS 2 messages at once" }]);
    setup.reconnect();
    setup.link.giveBytes([0x3c, 5, 0, 1, 0x61, 0, 64, 0x62, 2, 0, 1, 0x3c, 5, 0, 1, 0x61, 0, 65]);
    expect(setup.take()).toBe("50 02 00 40 70 02 00 01 50 02 00 41");
  });

  test.each<[string, (setup: Setup) => unknown, string]>([
    ["wake", (setup) => setup.publish("x"), "3a 06 00 01 61 00 01 78"],
    ["publish", (setup) => setup.client.publish("b", Uint8Array.of(0x79), { qos: 1 }), "3a 06 00 01 62 f0 01 79"],
    ["publish at QoS 0", (setup) => setup.client.publish("b", Uint8Array.of(0x79), { qos: 0 }), ""],
    ["subscribe", (setup) => setup.client.subscribe("b", 0), "82 06 f0 01 00 01 62 00"],
  ])("a socket that throws on %s: nothing is thrown, and it goes again on the next", (_name, call, sent) => {
    const setup = connected();
    const { link } = setup;
    link.write = () => {
      throw new Error("no memory");
    };
    call(setup);
    expect(setup.errors).toMatchObject([{ kind: "application", message: "no memory" }]);
    expect(link.isClosed).toBe(true);
    setup.reconnect();
    expect(setup.take()).toBe(sent);
  });

  test("an owner that stops, and throws after that: it stays stopped", () => {
    const setup: Setup = connected({
      render: () => undefined,
      onSettled: () => {
        setup.client.stop();
        throw new Error("full");
      },
    });
    setup.publish("x");
    expect(setup.states.at(-1)).toBe("stopped");
    expect([setup.errors, setup.time.waiting]).toEqual([[], 0]);
  });

  test("a store that throws when the session begins: not the network's fault", () => {
    const setup = new Setup();
    setup.store.requeue = () => {
      throw new Error("no flash");
    };
    setup.connect();
    expect(setup.errors).toMatchObject([{ kind: "application", message: "no flash" }]);
  });

  test("a store that throws on the way out closes the connection too, and the entry goes again (4.8.0-2)", () => {
    const setup = connected();
    setup.publish("x");
    const settle = setup.store.settle.bind(setup.store);
    setup.store.settle = () => {
      throw new Error("write failed");
    };
    setup.link.give("40 02 00 01");
    expect(setup.errors).toMatchObject([{ kind: "application", message: "write failed" }]);
    setup.store.settle = settle;
    setup.reconnect();
    expect(setup.take()).toBe("3a 06 00 01 61 00 01 78");
  });
});
