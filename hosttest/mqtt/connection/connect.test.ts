/*
 * CONNECT, CONNACK and DISCONNECT: the checklist's ids, byte by byte.
 */
import { describe, expect, test } from "vitest";
import type { ClientOptions, Will } from "../../../src/mqtt/client.js";
import type { MemoryEntry } from "../../../src/mqtt/delivery/store.js";
import { field } from "../support/scripted-peer.js";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";

type Options = Partial<ClientOptions<MemoryEntry>>;

const WILL: Will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: true };

function connectOf(options: Options): string {
  return new Setup(options).open();
}

/** The flags byte of a CONNECT. */
function flagsOf(connect: string): number {
  return Number.parseInt(connect.split(" ")[9], 16);
}

describe("CONNECT", () => {
  test("is the first packet, once a connection: nothing goes before it or before CONNACK but it (3.1.0-1, 3.1.0-2)", () => {
    const setup = new Setup();
    setup.publish("x");
    setup.client.subscribe("a", 1);
    const connect = setup.open();
    expect(connect.startsWith("10")).toBe(true);
    setup.link.allow(65_536);
    setup.client.wake();
    expect(setup.take()).toBe("");
    setup.link.give(CONNACK_NEW);
    expect(setup.take()).not.toContain("4d 51 54 54");
  });

  test("protocol name MQTT, level 4, and the reserved flag 0 with every combination of flags (3.1.2-3)", () => {
    for (const will of [undefined, WILL]) {
      for (const user of [undefined, "u"]) {
        for (const clean of [false, true]) {
          const connect = connectOf({ will, user, password: user && "p", clean });
          expect(connect.slice(6, 26)).toBe("00 04 4d 51 54 54 04");
          expect(flagsOf(connect) & 1).toBe(0);
        }
      }
    }
  });

  test("the payload's order: client id, will topic, will message, user name, password (3.1.3-1, 3.1.3-3)", () => {
    const connect = connectOf({ will: WILL, user: "me", password: "secret" });
    const payload = [field("t1"), field("w"), field("gone"), field("me"), field("secret")].join(" ");
    expect(connect.endsWith(payload)).toBe(true);
    expect(connect).toBe(`10 23 00 04 4d 51 54 54 04 ec 00 3c ${payload}`);
  });

  test("will flag 1: topic and message are there, the message may be empty (3.1.2-9)", () => {
    const connect = connectOf({ will: { ...WILL, payload: new Uint8Array(0) } });
    expect(flagsOf(connect) & 0x04).toBe(0x04);
    expect(connect.endsWith(`${field("t1")} ${field("w")} 00 00`)).toBe(true);
  });

  test("will flag 0: will QoS and will retain are 0, no will fields (3.1.2-11, 3.1.2-13, 3.1.2-15)", () => {
    const connect = connectOf({});
    expect(flagsOf(connect) & 0x3c).toBe(0);
    expect(connect.endsWith(field("t1"))).toBe(true);
  });

  test("will QoS is 0, 1 or 2; 3 is refused at construction (3.1.2-14)", () => {
    for (const qos of [0, 1, 2] as const) {
      expect((flagsOf(connectOf({ will: { ...WILL, qos } })) >> 3) & 3).toBe(qos);
    }
    expect(() => new Setup({ will: { ...WILL, qos: 3 as 2 } })).toThrow(/will QoS 3: expected 0..2/);
  });

  test("user-name flag and user name go together (3.1.2-18, 3.1.2-19)", () => {
    expect(flagsOf(connectOf({})) & 0x80).toBe(0);
    const connect = connectOf({ user: "me" });
    expect(flagsOf(connect) & 0xc0).toBe(0x80);
    expect(connect.endsWith(field("me"))).toBe(true);
    expect(connectOf({ user: "" }).endsWith(`${field("t1")} 00 00`)).toBe(true);
  });

  test("password flag and password go together, as text or as bytes, empty too (3.1.2-20, 3.1.2-21)", () => {
    expect(connectOf({ user: "me", password: Uint8Array.of(0, 255) }).endsWith(`${field("me")} 00 02 00 ff`)).toBe(
      true,
    );
    const connect = connectOf({ user: "me", password: "" });
    expect(flagsOf(connect) & 0x40).toBe(0x40);
    expect(connect.endsWith(`${field("me")} 00 00`)).toBe(true);
  });

  test("a password without a user is refused at construction (3.1.2-22)", () => {
    expect(() => new Setup({ password: "p" })).toThrow(/password: expected with a user/);
  });

  test("an empty client id is allowed with CleanSession 1 only (3.1.3-7)", () => {
    expect(() => new Setup({ id: "" })).toThrow(/id: expected with a session that lasts/);
    expect(flagsOf(connectOf({ id: "", clean: true })) & 2).toBe(2);
  });

  test("client id, user name and will topic are UTF-8, and nothing that MQTT cannot express gets in (3.1.3-4, 3.1.3-10, 3.1.3-11)", () => {
    const connect = connectOf({ id: "zoé", user: "ü", will: { ...WILL, topic: "€" } });
    expect(connect.endsWith("00 04 7a 6f c3 a9 00 03 e2 82 ac 00 04 67 6f 6e 65 00 02 c3 bc")).toBe(true);
    for (const text of ["a\0", "\ud800", "x".repeat(65_536)]) {
      expect(() => new Setup({ id: text, bufferLength: 1 << 20 })).toThrow(/id: over 65,535 bytes, or with/);
      expect(() => new Setup({ user: text, bufferLength: 1 << 20 })).toThrow(/user: over 65,535 bytes, or with/);
      expect(() => new Setup({ will: { ...WILL, topic: text }, bufferLength: 1 << 20 })).toThrow(RangeError);
    }
  });

  test("a client id of 23 letters and digits is sent unchanged (3.1.3-5)", () => {
    const id = "abcdefghijklmnopqrstuVW";
    expect(connectOf({ id }).endsWith(field(id))).toBe(true);
  });

  test("one client id for the life of a client names its session in every CONNECT (3.1.3-2)", () => {
    const setup = new Setup();
    const first = setup.open();
    setup.link.end();
    setup.time.runUntil(() => setup.peer.links.length === 2, 10_000);
    expect(setup.open()).toBe(first);
  });

  test("one longer than the buffer is sent in pieces", () => {
    const options: Options = { id: "x".repeat(200), user: "y".repeat(100) };
    expect(connectOf({ ...options, bufferLength: 64 })).toBe(connectOf(options));
    expect(() => new Setup({ bufferLength: 10 })).toThrow(/bufferLength 10: expected 64 or more/);
  });
});

describe("CONNACK", () => {
  test("CleanSession 1: no state of an earlier session is used again (3.1.2-6)", () => {
    const setup = new Setup({ clean: true });
    setup.connect();
    setup.publish("x", 2);
    setup.client.subscribe("a", 1);
    setup.link.give("50 02 00 01");
    setup.link.give("90 03 f0 01 01");
    setup.link.give("34 06 00 01 62 00 07 79"); // inbound, id 7: received, not released
    setup.link.end();
    setup.reconnect(CONNACK_NEW);
    expect(setup.take()).toBe("82 06 f0 01 00 01 61 01 34 06 00 01 61 00 01 78");
    setup.link.give("34 06 00 01 62 00 07 79"); // a new message with the old id
    expect(setup.received).toHaveLength(2);
  });

  test("CleanSession 0: unacknowledged messages stay, both ways, until the session ends (3.1.2-4, 4.1.0-1, 4.1.0-2)", () => {
    const setup = new Setup();
    setup.connect();
    setup.publish("x", 2);
    setup.link.give("34 06 00 01 62 00 07 79");
    setup.link.end();
    setup.reconnect(CONNACK_PRESENT);
    expect(setup.take()).toBe("3c 06 00 01 61 00 01 78");
    setup.link.give("3c 06 00 01 62 00 07 79");
    expect(setup.received).toHaveLength(1);
    expect(setup.take()).toBe("50 02 00 07");
  });

  test("Session Present 1 upon CleanSession 1 closes (3.2.2-1)", () => {
    const setup = new Setup({ clean: true });
    setup.connect(CONNACK_PRESENT);
    expect(setup.errors).toMatchObject([{ kind: "protocol", message: "CONNACK: session present, though clean" }]);
    expect(setup.link.isClosed).toBe(true);
  });

  test("Session Present decides whether to resume or to start again (3.2.2-2, 3.2.2-3)", () => {
    for (const [connack, first] of [
      [CONNACK_PRESENT, "3a"],
      [CONNACK_NEW, "32"],
    ]) {
      const setup = new Setup();
      setup.connect();
      setup.publish("x");
      setup.link.end();
      setup.reconnect(connack);
      expect(setup.take().slice(0, 2)).toBe(first);
    }
  });

  test("a refusal makes the link unusable: closed, nothing sent, not connected (3.2.2-5)", () => {
    const setup = new Setup();
    setup.publish("x");
    setup.connect("20 02 00 05");
    expect(setup.take()).toBe("");
    expect(setup.link.isClosed).toBe(true);
    expect(setup.states).not.toContain("connected");
  });
});

describe("DISCONNECT", () => {
  test("its flags are 0, then the connection is closed (3.14.1-1, 3.14.4-1)", () => {
    const setup = new Setup();
    setup.connect();
    setup.client.stop();
    expect(setup.take()).toBe("e0 00");
    expect(setup.link.isClosed).toBe(true);
  });

  test("nothing follows it, whatever is received or requested while it waits for space (3.14.4-2)", () => {
    const setup = new Setup();
    setup.connect(CONNACK_NEW, 16); // CONNECT fits, and nothing more
    setup.publish("x");
    let done = 0;
    setup.client.stop(() => done++);
    setup.publish("y");
    setup.client.publish("b", Buffer.from("z"), { qos: 0 });
    setup.link.give("32 06 00 01 61 00 05 78");
    expect([setup.take(), done, setup.link.isClosed]).toEqual(["", 0, false]);
    setup.link.allow(5);
    expect([setup.take(), done, setup.link.isClosed]).toEqual(["32 06 00 01 61", 0, false]);
    setup.link.allow(100);
    expect([setup.take(), done, setup.link.isClosed]).toEqual(["00 01 78 e0 00", 1, true]);
  });

  test("a socket that never accepts it: closed after 2 s all the same", () => {
    const setup = new Setup();
    setup.connect(CONNACK_NEW, 16);
    let done = 0;
    setup.client.stop(() => done++);
    setup.time.advance(2_000);
    expect([setup.take(), done, setup.link.isClosed, setup.states.at(-1)]).toEqual(["", 1, true, "stopped"]);
  });

  test("`waitsForEnd`: over when the server has closed the connection, as it does upon DISCONNECT (3.14.4), which is no error", () => {
    const setup = new Setup({ waitsForEnd: true });
    setup.connect(CONNACK_NEW, 100);
    let done = 0;
    setup.client.stop(() => done++);
    expect([setup.take(), done, setup.link.isClosed]).toEqual(["e0 00", 0, false]);
    setup.link.end();
    expect([done, setup.errors, setup.states.at(-1)]).toEqual([1, [], "stopped"]);
  });

  test("`waitsForEnd`, of a server that does not close: 2 s, and no error; of a socket that does not take it: an error", () => {
    const setup = new Setup({ waitsForEnd: true });
    setup.connect(CONNACK_NEW, 100);
    let done = 0;
    setup.client.stop(() => done++);
    setup.time.advance(1_999);
    expect([setup.take(), done]).toEqual(["e0 00", 0]);
    setup.time.advance(1);
    expect([done, setup.link.isClosed, setup.errors]).toEqual([1, true, []]);
    const full = new Setup({ waitsForEnd: true });
    full.connect(CONNACK_NEW, 16);
    full.client.stop(() => done++);
    full.time.advance(2_000);
    expect([done, full.errors.map(({ message }) => message)]).toEqual([2, ["DISCONNECT not sent"]]);
  });

  test("stop in a callback, in the middle of received data: the rest is not answered (3.14.4-2)", () => {
    const setup: Setup = new Setup({ onMessage: () => setup.client.stop() });
    setup.connect();
    setup.link.give("32 06 00 01 61 00 05 78 32 06 00 01 61 00 06 78");
    expect(setup.take()).toBe("e0 00");
    expect(setup.link.isClosed).toBe(true);
  });

  test("stop in a callback while the socket accepts nothing: received data after it is ignored (3.14.4-2)", () => {
    const setup: Setup = new Setup({ onMessage: () => setup.client.stop() });
    setup.connect(CONNACK_NEW, 16);
    setup.link.give("30 03 00 01 61 00 00");
    expect([setup.errors, setup.link.isClosed]).toEqual([[], false]);
    setup.link.allow(100);
    expect([setup.take(), setup.link.isClosed]).toEqual(["e0 00", true]);
  });
});
