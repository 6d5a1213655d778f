/*
 * CONNECT, CONNACK, keep-alive and DISCONNECT: the checklist's ids, byte by byte.
 */
import { describe, expect, test } from "vitest";
import type { ClientOptions, Will } from "../../src/mqtt/client.js";
import type { MemoryEntry } from "../../src/mqtt/delivery/store.js";
import { field } from "./support/scripted-peer.js";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "./support/world.js";

type Options = Partial<ClientOptions<MemoryEntry>>;

const WILL: Will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: true };

function connectOf(options: Options): string {
  return new World(options).open();
}

/** The flags byte of a CONNECT. */
function flagsOf(connect: string): number {
  return Number.parseInt(connect.split(" ")[9], 16);
}

describe("CONNECT", () => {
  test("is the first packet, once a connection: nothing goes before it or before CONNACK but it (3.1.0-1, 3.1.0-2)", () => {
    const world = new World();
    world.publish("x");
    world.client.subscribe("a", 1);
    const connect = world.open();
    expect(connect.startsWith("10")).toBe(true);
    world.link.allow(65_536);
    world.client.wake();
    expect(world.take()).toBe("");
    world.link.give(CONNACK_NEW);
    expect(world.take()).not.toContain("4d 51 54 54");
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
    expect(() => new World({ will: { ...WILL, qos: 3 as 2 } })).toThrow(/will QoS 3: expected 0..2/);
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
    expect(() => new World({ password: "p" })).toThrow(/password: expected with a user/);
  });

  test("an empty client id is allowed with CleanSession 1 only (3.1.3-7)", () => {
    expect(() => new World({ id: "" })).toThrow(/id: expected with a session that lasts/);
    expect(flagsOf(connectOf({ id: "", clean: true })) & 2).toBe(2);
  });

  test("client id, user name and will topic are UTF-8, and nothing that MQTT cannot express gets in (3.1.3-4, 3.1.3-10, 3.1.3-11)", () => {
    const connect = connectOf({ id: "zoé", user: "ü", will: { ...WILL, topic: "€" } });
    expect(connect.endsWith("00 04 7a 6f c3 a9 00 03 e2 82 ac 00 04 67 6f 6e 65 00 02 c3 bc")).toBe(true);
    for (const text of ["a\0", "\ud800", "x".repeat(65_536)]) {
      expect(() => new World({ id: text, bufferLength: 1 << 20 })).toThrow(/id: over 65,535 bytes, or with/);
      expect(() => new World({ user: text, bufferLength: 1 << 20 })).toThrow(/user: over 65,535 bytes, or with/);
      expect(() => new World({ will: { ...WILL, topic: text }, bufferLength: 1 << 20 })).toThrow(RangeError);
    }
  });

  test("a client id of 23 letters and digits is sent unchanged (3.1.3-5)", () => {
    const id = "abcdefghijklmnopqrstuVW";
    expect(connectOf({ id }).endsWith(field(id))).toBe(true);
  });

  test("one client id for the life of a client names its session in every CONNECT (3.1.3-2)", () => {
    const world = new World();
    const first = world.open();
    world.link.end();
    world.time.runUntil(() => world.peer.links.length === 2, 10_000);
    expect(world.open()).toBe(first);
  });

  test("one longer than the buffer is sent in pieces", () => {
    const options: Options = { id: "x".repeat(200), user: "y".repeat(100) };
    expect(connectOf({ ...options, bufferLength: 64 })).toBe(connectOf(options));
    expect(() => new World({ bufferLength: 10 })).toThrow(/bufferLength 10: expected 64 or more/);
  });
});

describe("CONNACK", () => {
  test("CleanSession 1: no state of an earlier session is used again (3.1.2-6)", () => {
    const world = new World({ clean: true });
    world.connect();
    world.publish("x", 2);
    world.client.subscribe("a", 1);
    world.link.give("50 02 00 01");
    world.link.give("90 03 f0 01 01");
    world.link.give("34 06 00 01 62 00 07 79"); // inbound, id 7: received, not released
    world.link.end();
    world.reconnect(CONNACK_NEW);
    expect(world.take()).toBe("82 06 f0 01 00 01 61 01 34 06 00 01 61 00 01 78");
    world.link.give("34 06 00 01 62 00 07 79"); // a new message with the old id
    expect(world.received).toHaveLength(2);
  });

  test("CleanSession 0: unacknowledged messages stay, both ways, until the session ends (3.1.2-4, 4.1.0-1, 4.1.0-2)", () => {
    const world = new World();
    world.connect();
    world.publish("x", 2);
    world.link.give("34 06 00 01 62 00 07 79");
    world.link.end();
    world.reconnect(CONNACK_PRESENT);
    expect(world.take()).toBe("3c 06 00 01 61 00 01 78");
    world.link.give("3c 06 00 01 62 00 07 79");
    expect(world.received).toHaveLength(1);
    expect(world.take()).toBe("50 02 00 07");
  });

  test("Session Present 1 upon CleanSession 1 closes (3.2.2-1)", () => {
    const world = new World({ clean: true });
    world.connect(CONNACK_PRESENT);
    expect(world.errors).toMatchObject([{ kind: "protocol", message: "CONNACK: session present, though clean" }]);
    expect(world.link.isClosed).toBe(true);
  });

  test("Session Present decides whether to resume or to start again (3.2.2-2, 3.2.2-3)", () => {
    for (const [connack, first] of [
      [CONNACK_PRESENT, "3a"],
      [CONNACK_NEW, "32"],
    ]) {
      const world = new World();
      world.connect();
      world.publish("x");
      world.link.end();
      world.reconnect(connack);
      expect(world.take().slice(0, 2)).toBe(first);
    }
  });

  test("a refusal makes the link unusable: closed, nothing sent, not connected (3.2.2-5)", () => {
    const world = new World();
    world.publish("x");
    world.connect("20 02 00 05");
    expect(world.take()).toBe("");
    expect(world.link.isClosed).toBe(true);
    expect(world.states).not.toContain("connected");
  });
});

describe("keep-alive", () => {
  /** Times of PINGREQ and of other packets within `ms`, answering each PINGREQ. */
  function sentWithin(world: World, ms: number): { pings: number[]; all: number[] } {
    const pings: number[] = [];
    const all = [world.time.nowMs];
    const endMs = world.time.nowMs + ms;
    while (world.time.nowMs < endMs) {
      world.time.advance(100);
      const sent = world.take();
      if (sent) all.push(world.time.nowMs);
      if (sent !== "c0 00") continue;
      pings.push(world.time.nowMs);
      world.link.give("d0 00");
    }
    return { pings, all };
  }

  test("idle: PINGREQ, before the interval has passed since the last packet sent (3.1.2-23, 3.1.2-24)", () => {
    for (const keepAlive of [1, 10, 60, 600]) {
      const world = new World({ keepAlive });
      world.connect();
      const { pings, all } = sentWithin(world, keepAlive * 10_000);
      expect(pings.length).toBeGreaterThanOrEqual(9);
      expect(pings.length).toBeLessThanOrEqual(13);
      for (let n = 1; n < all.length; n++) expect(all[n] - all[n - 1]).toBeLessThan(keepAlive * 1_000);
      expect(world.errors).toEqual([]);
    }
  });

  test("a slow answer does not delay the next PINGREQ (3.1.2-23)", () => {
    for (const [keepAlive, answerMs] of [
      [60, 14_000],
      [30, 11_000],
      [10, 3_500],
      [10, 7_000],
    ]) {
      const world = new World({ keepAlive });
      world.connect();
      world.take();
      let sentMs = world.time.nowMs;
      const answersMs: number[] = [];
      while (world.time.nowMs < keepAlive * 10_000) {
        world.time.advance(100);
        const { nowMs } = world.time;
        if (world.take()) {
          expect(nowMs - sentMs, `${keepAlive} s, answered after ${answerMs} ms`).toBeLessThan(keepAlive * 1_000);
          sentMs = nowMs;
          answersMs.push(nowMs + answerMs);
        }
        if (answersMs[0] <= nowMs && answersMs.shift()) world.link.give("d0 00");
      }
      expect(world.errors).toEqual([]);
    }
  });

  test("other packets that are sent and answered replace PINGREQ (3.1.2-23)", () => {
    const world = new World({ keepAlive: 10 });
    world.connect();
    let sequence = 0;
    for (let n = 0; n < 40; n++) {
      world.publish("x");
      expect(world.take()).not.toContain("c0 00");
      const id = ++sequence;
      world.link.giveBytes([0x40, 2, id >> 8, id & 255]);
      world.time.advance(2_000);
      expect(world.take()).toBe("");
    }
  });

  test("receiving only does not count as sending (3.1.2-23)", () => {
    const world = new World({ keepAlive: 10 });
    world.connect();
    let pings = 0;
    for (let n = 0; n < 30; n++) {
      world.link.give("30 03 00 01 61");
      world.time.advance(1_000);
      if (world.take() === "c0 00") {
        pings++;
        world.link.give("d0 00");
      }
    }
    expect(pings).toBeGreaterThanOrEqual(3);
  });

  test("QoS 0 into a half-open connection is noticed: PINGREQ although packets are sent, and no PINGRESP ends it (3.12.4-1)", () => {
    const world = new World({ keepAlive: 10, pingTimeoutMs: 5_000 });
    world.connect();
    const message = { topic: Buffer.from("a"), payload: Buffer.from("x"), payloadLength: 1, retain: false };
    for (let n = 0; n < 20 && world.errors.length === 0; n++) {
      world.client.publishNow(message);
      world.time.advance(1_000);
    }
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(world.link.isClosed).toBe(true);
    expect(world.time.nowMs).toBeLessThanOrEqual(14_000);
  });

  test("PINGREQ is sent while a long PUBLISH is being received, and PINGRESP may arrive after it (3.1.2-24)", () => {
    const world = new World({ keepAlive: 10, pingTimeoutMs: 5_000 });
    world.connect();
    world.link.give("30 83 c0 02 00 01 61"); // 40,960 bytes of payload follow, slowly
    let pings = 0;
    for (let n = 0; n < 40; n++) {
      world.time.advance(1_000);
      world.link.giveBytes(new Uint8Array(1_024));
      if (world.take().includes("c0 00")) pings++;
    }
    expect(world.errors).toEqual([]);
    expect(pings).toBeGreaterThanOrEqual(3);
    world.time.advance(15_000);
    expect(world.errors).toMatchObject([{ message: "no PINGRESP" }]);
  });

  test.each([
    ["a byte a second", 1, 1_000],
    ["200 bytes a second", 200, 1_000],
  ])(
    "a message of 200 MB that drips in, %s: what neither acknowledges nor answers pings is left",
    (_how, bytes, everyMs) => {
      const world = new World({ keepAlive: 60 });
      world.connect();
      world.publish("x");
      world.link.give("30 80 84 af 5f 00 01 61");
      for (let n = 0; n < 3_600 && world.errors.length === 0; n++) {
        world.time.advance(everyMs);
        if (!world.link.isClosed) world.link.giveBytes(new Uint8Array(bytes));
      }
      expect(world.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
      expect(world.time.nowMs).toBeLessThanOrEqual(80_000);
    },
  );

  test("a message received for hours, slowly but steadily, blocks the queue for at most ten minutes", () => {
    const world = new World({ keepAlive: 60 });
    world.connect();
    world.publish("x");
    world.link.give("30 80 84 af 5f 00 01 61");
    for (let n = 0; n < 7_200 && world.errors.length === 0; n++) {
      world.time.advance(1_000);
      if (!world.link.isClosed) world.link.giveBytes(new Uint8Array(1_000));
    }
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(world.time.nowMs).toBeGreaterThan(600_000);
    expect(world.time.nowMs).toBeLessThanOrEqual(700_000);
  });

  test("1 MB at 10 KB a second is received completely, at keep-alive 10", () => {
    const world = new World({ keepAlive: 10, onMessage: ({ last }) => (isWhole ||= last) });
    let isWhole = false;
    world.connect();
    world.link.give("30 80 80 40 00 01 61"); // 1,048,576 bytes, topic included
    for (let n = 0; n < 1_024; n++) {
      world.link.giveBytes(new Uint8Array(n < 1_023 ? 1_024 : 1_021));
      world.time.advance(100);
    }
    expect([isWhole, world.errors]).toEqual([true, []]);
  });

  test("a peer that receives a long message byte by byte is disconnected, too", () => {
    const world = new World({ keepAlive: 60 });
    world.connect(CONNACK_NEW, 16);
    world.publish("x".repeat(30_000));
    for (let n = 0; n < 3_600 && world.errors.length === 0; n++) {
      world.time.advance(1_000);
      if (!world.link.isClosed) world.link.allow(1);
    }
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(world.time.nowMs).toBeLessThanOrEqual(80_000);
  });

  test("a half-open connection is closed within 9 s at keep-alive 2: PINGRESP is not waited for longer than the keep-alive", () => {
    const world = new World({ keepAlive: 2 });
    world.connect();
    world.time.advance(9_000);
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
  });

  test("a server that sends messages, and acknowledges none: pinged all the same, and disconnected", () => {
    const world = new World({ keepAlive: 10 });
    world.connect();
    world.publish("x");
    const message = { topic: Buffer.from("b"), payload: Buffer.from("x"), payloadLength: 1, retain: false };
    for (let n = 0; n < 120 && world.errors.length === 0; n++) {
      world.client.publishNow(message);
      world.link.give("30 03 00 01 61");
      world.time.advance(1_000);
      if (!world.link.isClosed && world.take().includes("c0 00")) world.link.give("d0 00");
    }
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no acknowledgement" }]);
  });

  test("a socket that accepts nothing any more is noticed, too: a PINGREQ that does not fit is no excuse", () => {
    const world = new World({ keepAlive: 10, pingTimeoutMs: 5_000, bufferLength: 64 });
    world.connect(CONNACK_NEW, 16);
    world.publish("x".repeat(55));
    world.time.advance(13_000);
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
  });

  test("a PINGREQ that did not fit is sent when it does, and only then its answer is waited for", () => {
    for (const keepAlive of [10, 60]) {
      const world = new World({ keepAlive, pingTimeoutMs: 15_000, bufferLength: 64 });
      world.connect(CONNACK_NEW, 16);
      world.publish("x".repeat(200));
      world.time.advance(keepAlive * 800 + Math.min(keepAlive, 15) * 1_000 - 1_000);
      world.link.allow(1_000);
      world.take();
      world.time.runUntil(() => world.take() === "c0 00", 5_000);
      world.time.advance(9_000);
      world.link.give("d0 00");
      expect(world.errors, `${keepAlive} s`).toEqual([]);
      expect(world.client.status().state).toBe("connected");
    }
  });

  test("keep-alive 0: no PINGREQ, ever", () => {
    const world = new World({ keepAlive: 0 });
    world.connect();
    world.time.advance(10_000_000);
    expect(world.take()).toBe("");
    expect(world.errors).toEqual([]);
  });

  test("65,536 s are refused at construction", () => {
    expect(() => new World({ keepAlive: 65_536 })).toThrow(/keepAlive 65536: expected 0..65535 s/);
  });
});

describe("DISCONNECT", () => {
  test("its flags are 0, then the connection is closed (3.14.1-1, 3.14.4-1)", () => {
    const world = new World();
    world.connect();
    world.client.stop();
    expect(world.take()).toBe("e0 00");
    expect(world.link.isClosed).toBe(true);
  });

  test("nothing follows it, whatever is received or requested while it waits for space (3.14.4-2)", () => {
    const world = new World();
    world.connect(CONNACK_NEW, 16); // CONNECT fits, and nothing more
    world.publish("x");
    let done = 0;
    world.client.stop(() => done++);
    world.publish("y");
    world.client.publish("b", Buffer.from("z"), { qos: 0 });
    world.link.give("32 06 00 01 61 00 05 78");
    expect([world.take(), done, world.link.isClosed]).toEqual(["", 0, false]);
    world.link.allow(5);
    expect([world.take(), done, world.link.isClosed]).toEqual(["32 06 00 01 61", 0, false]);
    world.link.allow(100);
    expect([world.take(), done, world.link.isClosed]).toEqual(["00 01 78 e0 00", 1, true]);
  });

  test("a socket that never accepts it: closed after 2 s all the same", () => {
    const world = new World();
    world.connect(CONNACK_NEW, 16);
    let done = 0;
    world.client.stop(() => done++);
    world.time.advance(2_000);
    expect([world.take(), done, world.link.isClosed, world.states.at(-1)]).toEqual(["", 1, true, "stopped"]);
  });

  test("`waitsForEnd`: over when the server has closed the connection, as it does upon DISCONNECT (3.14.4), which is no error", () => {
    const world = new World({ waitsForEnd: true });
    world.connect(CONNACK_NEW, 100);
    let done = 0;
    world.client.stop(() => done++);
    expect([world.take(), done, world.link.isClosed]).toEqual(["e0 00", 0, false]);
    world.link.end();
    expect([done, world.errors, world.states.at(-1)]).toEqual([1, [], "stopped"]);
  });

  test("`waitsForEnd`, of a server that does not close: 2 s, and no error; of a socket that does not take it: an error", () => {
    const world = new World({ waitsForEnd: true });
    world.connect(CONNACK_NEW, 100);
    let done = 0;
    world.client.stop(() => done++);
    world.time.advance(1_999);
    expect([world.take(), done]).toEqual(["e0 00", 0]);
    world.time.advance(1);
    expect([done, world.link.isClosed, world.errors]).toEqual([1, true, []]);
    const full = new World({ waitsForEnd: true });
    full.connect(CONNACK_NEW, 16);
    full.client.stop(() => done++);
    full.time.advance(2_000);
    expect([done, full.errors.map(({ message }) => message)]).toEqual([2, ["DISCONNECT not sent"]]);
  });

  test("stop in a callback, in the middle of received data: the rest is not answered (3.14.4-2)", () => {
    const world: World = new World({ onMessage: () => world.client.stop() });
    world.connect();
    world.link.give("32 06 00 01 61 00 05 78 32 06 00 01 61 00 06 78");
    expect(world.take()).toBe("e0 00");
    expect(world.link.isClosed).toBe(true);
  });

  test("stop in a callback while the socket accepts nothing: received data after it is ignored (3.14.4-2)", () => {
    const world: World = new World({ onMessage: () => world.client.stop() });
    world.connect(CONNACK_NEW, 16);
    world.link.give("30 03 00 01 61 00 00");
    expect([world.errors, world.link.isClosed]).toEqual([[], false]);
    world.link.allow(100);
    expect([world.take(), world.link.isClosed]).toEqual(["e0 00", true]);
  });
});
