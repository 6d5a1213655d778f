/*
 * The client as its owner sees it: connect, publish, resume, stop. Bytes as in MQTT 3.1.1.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "./support/world.js";

describe("connecting", () => {
  test("the first packet is CONNECT, with CleanSession 0 and keep-alive 60", () => {
    const world = new World();
    expect(world.open()).toBe("10 0e 00 04 4d 51 54 54 04 00 00 3c 00 02 74 31");
    expect(world.states).toEqual(["connecting"]);
    world.link.give(CONNACK_NEW);
    expect(world.states).toEqual(["connecting", "connected"]);
    expect(world.sessions).toEqual([{ present: false, wiped: false, possibleDoubles: 0, reach: 8 }]);
  });

  test("wipeFirst: CleanSession 1, DISCONNECT, then CleanSession 0; only the second is a session", () => {
    const world = new World({ wipeFirst: true });
    world.publish("x");
    expect(world.open().slice(24, 29)).toBe("04 02");
    world.link.give(CONNACK_NEW);
    expect(world.peer.links).toHaveLength(2);
    expect(world.peer.links[0].take()).toBe("e0 00");
    expect(world.peer.links[0].isClosed).toBe(true);
    expect(world.sessions).toEqual([]);
    expect(world.open().slice(24, 29)).toBe("04 00");
    world.link.give(CONNACK_NEW);
    expect(world.sessions).toEqual([{ present: false, wiped: true, possibleDoubles: 0, reach: 8 }]);
    expect(world.take()).toBe("32 06 00 01 61 00 01 78");
  });

  test("the owner's session record is written before the first PUBLISH leaves", () => {
    const seen: string[] = [];
    const world = new World({ onSession: () => seen.push(world.take()) });
    world.publish("x");
    world.connect();
    expect(seen).toEqual([""]);
    expect(world.take()).not.toBe("");
  });

  test("a lost connection is tried again, and the step doubles until a connection has held", () => {
    const world = new World({ random: () => 0.999 });
    const waits: number[] = [];
    world.client.start();
    for (let n = 0; n < 9; n++) {
      world.link.end();
      waits.push(Math.round((world.client.status().retryMs ?? -1) / 1_000));
      world.time.runUntil(() => world.states.at(-1) === "connecting", 120_000);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
    world.connect();
    world.time.advance(30_000);
    world.link.end();
    expect(world.client.status().retryMs).toBe(999);
  });

  test.each([
    [1, "protocol version", 60_000, 120_000],
    [2, "client id or keep-alive", 60_000, 120_000],
    [3, "server unavailable", 0, 1_000],
    [4, "user name or password", 60_000, 120_000],
    [5, "not authorised", 60_000, 120_000],
  ])("CONNACK %i: refused, %s; the wait is right for it", (code, text, least, most) => {
    for (const random of [0, 0.999]) {
      const world = new World({ random: () => random });
      world.connect(`20 02 00 0${code}`);
      expect(world.errors).toMatchObject([{ kind: "refused", code, message: `refused: ${text}` }]);
      expect(world.link.isClosed).toBe(true);
      expect(world.client.status().retryMs).toBe(Math.round(random ? 0.999 * (most - least) + least : least));
      expect(world.client.status().lastError?.code).toBe(code);
    }
  });

  test("no answer from the address within the limit: another text than for a server that does not send CONNACK", () => {
    const world = new World();
    world.client.start();
    world.time.advance(30_000);
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no answer: host unreachable" }]);
  });

  test("no CONNACK within the limit: closed, tried again", () => {
    const world = new World({ connectTimeoutMs: 5_000 });
    world.open();
    world.time.advance(4_999);
    expect(world.errors).toEqual([]);
    world.time.advance(1);
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no CONNACK" }]);
    expect(world.link.isClosed).toBe(true);
  });

  test("linkDown drops at once and waits; linkUp connects at once, in the middle of a back-off too", () => {
    const world = new World();
    world.connect();
    world.client.linkDown();
    expect(world.link.isClosed).toBe(true);
    world.time.advance(1_000_000);
    expect(world.peer.links).toHaveLength(1);
    world.client.linkUp();
    expect(world.peer.links).toHaveLength(2);
    world.link.end();
    expect(world.states.at(-1)).toBe("waiting");
    world.client.linkUp();
    expect(world.peer.links).toHaveLength(3);
  });
});

describe("publishing from the store", () => {
  test("QoS 1: PUBLISH, PUBACK, settled; the first id is 1", () => {
    const world = new World();
    world.connect();
    world.publish("hi");
    expect(world.take()).toBe("32 07 00 01 61 00 01 68 69");
    world.link.give("40 02 00 01");
    expect(world.settled).toEqual(["0 delivered"]);
    expect(world.client.status()).toMatchObject({ inFlight: 0, delivered: 1 });
  });

  test("QoS 2: PUBLISH, PUBREC, PUBREL, PUBCOMP, settled; PUBREC is in the store before PUBREL leaves", () => {
    const world = new World();
    world.connect();
    world.publish("hi", 2);
    expect(world.take()).toBe("34 07 00 01 61 00 01 68 69");
    const released = world.store.released.bind(world.store);
    let sentBefore = "";
    world.store.released = (sequence) => {
      sentBefore = world.take();
      released(sequence);
    };
    world.link.give("50 02 00 01");
    expect(sentBefore).toBe("");
    expect(world.take()).toBe("62 02 00 01");
    world.link.give("70 02 00 01");
    expect(world.settled).toEqual(["0 delivered"]);
  });

  test("several entries leave in one write, within the window", () => {
    const world = new World({ window: 3 });
    for (const payload of ["1", "2", "3", "4"]) world.publish(payload);
    world.connect();
    expect(world.link.writes).toBe(2);
    expect(world.take()).toBe("32 06 00 01 61 00 01 31 32 06 00 01 61 00 02 32 32 06 00 01 61 00 03 33");
    world.link.give("40 02 00 01");
    expect(world.take()).toBe("32 06 00 01 61 00 04 34");
  });

  test("after a drop: PUBLISH again with DUP and its id, PUBREL where PUBREC came, in order; new ones without DUP", () => {
    const world = new World({ window: 4 });
    world.connect();
    world.publish("1", 1);
    world.publish("2", 2);
    world.publish("3", 2);
    world.take();
    world.link.give("50 02 00 02");
    world.link.end();
    world.publish("4", 2);
    world.reconnect();
    expect(world.take()).toBe("3a 06 00 01 61 00 01 31 62 02 00 02 3c 06 00 01 61 00 03 33 34 06 00 01 61 00 04 34");
  });

  test("after a reboot: entries that may have been sent get DUP, the others do not, whatever the window is now", () => {
    const world = new World({ window: 1, perhapsSent: 2 });
    for (const payload of ["1", "2", "3"]) world.publish(payload);
    world.connect(CONNACK_PRESENT);
    world.link.give("40 02 00 01");
    world.link.give("40 02 00 02");
    expect(world.take()).toBe("3a 06 00 01 61 00 01 31 3a 06 00 01 61 00 02 32 32 06 00 01 61 00 03 33");
  });

  test("Session Present 0: released entries are sent as new, and counted as possible doubles", () => {
    const world = new World();
    world.connect();
    world.publish("1", 2);
    world.publish("2", 2);
    world.publish("3", 1);
    world.link.give("50 02 00 01");
    world.link.end();
    world.reconnect(CONNACK_NEW);
    expect(world.take()).toBe("34 06 00 01 61 00 01 31 34 06 00 01 61 00 02 32"); // "3" waits behind QoS 2
    expect(world.sessions.at(-1)).toEqual({ present: false, wiped: false, possibleDoubles: 2, reach: 8 });
    expect(world.client.status().possibleDoubles).toBe(2);
  });

  test("after a reboot, Session Present 0: entries that may have been sent before it are counted, too", () => {
    const before = new World({ window: 4 });
    for (const qos of [2, 1, 2, 2, 2] as const) before.publish("x", qos);
    before.store.released(0);
    for (const perhapsSent of [4, 0]) {
      const after = new World({ window: 2, perhapsSent }, { store: before.store });
      after.connect(CONNACK_NEW);
      expect(after.sessions.at(-1)?.possibleDoubles).toBe(perhapsSent ? 3 : 0); // the second one requeues nothing
      after.link.end();
      after.reconnect(CONNACK_PRESENT);
      expect(after.client.status().possibleDoubles).toBe(perhapsSent ? 3 : 0);
      after.client.close();
    }
  });

  test("an entry that cannot be rendered is a dead letter; the next one is sent", () => {
    const world = new World({ render: (entry) => (entry.sequence === 0 ? undefined : entry) });
    world.connect();
    world.publish("bad");
    world.publish("good");
    expect(world.settled).toEqual(["0 deadLetter"]);
    expect(world.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64");
    expect(world.client.status().deadLetters).toBe(1);
  });
});

describe("wipe", () => {
  test("connected: leaves, wipes the session, and sends the rest as new in the next", () => {
    const world = new World();
    world.connect(CONNACK_PRESENT);
    world.publish("1", 2);
    world.publish("2", 2);
    world.take();
    world.store.settle(0);
    world.client.wipe();
    expect(world.peer.links[0].take()).toBe("e0 00");
    expect(world.open()).toMatch(/^10 0e 00 04 4d 51 54 54 04 02 /);
    world.link.give(CONNACK_NEW);
    expect(world.peer.links[1].take()).toBe("e0 00");
    expect(world.open()).toMatch(/^10 0e 00 04 4d 51 54 54 04 00 /);
    world.link.give(CONNACK_NEW);
    expect(world.take()).toBe("34 06 00 01 61 00 02 32");
    expect(world.sessions.at(-1)).toEqual({ present: false, wiped: true, possibleDoubles: 1, reach: 8 });
    expect(world.errors).toEqual([]);
  });

  test("not connected: with the next attempt; a client of clean sessions has none to wipe", () => {
    const world = new World();
    world.connect(CONNACK_PRESENT);
    world.link.end();
    world.client.wipe();
    world.time.runUntil(() => world.peer.links.length > 1, 600_000);
    expect(world.open()).toMatch(/^10 0e 00 04 4d 51 54 54 04 02 /);
    const clean = new World({ clean: true });
    clean.connect();
    clean.client.wipe();
    expect([clean.take(), clean.peer.links.length]).toEqual(["", 1]);
  });
});

describe("ending", () => {
  test("stop: DISCONNECT, close, then whenDone; no attempt follows", () => {
    const world = new World();
    world.connect();
    let done = 0;
    world.client.stop(() => done++);
    expect(world.take()).toBe("e0 00");
    expect([world.link.isClosed, done, world.states.at(-1)]).toEqual([true, 1, "stopped"]);
    expect(world.time.waiting).toBe(0);
  });

  test("stop again, from within onState: each whenDone is called once", () => {
    for (const isStuck of [false, true]) {
      const calls: string[] = [];
      const world: World = new World({
        onState: (state) => {
          if (state === "stopped") world.client.stop(() => calls.push("second"));
        },
      });
      world.connect(undefined, isStuck ? 14 + "t1".length : undefined); // CONNECT fits, DISCONNECT does not
      world.client.stop(() => calls.push("first"));
      world.time.advance(2_000);
      expect(calls).toEqual(["second", "first"]);
      expect(world.time.waiting).toBe(0);
    }
  });

  test("close: nothing is sent, no timer is left", () => {
    const world = new World();
    world.connect();
    world.client.close();
    expect(world.take()).toBe("");
    expect([world.link.isClosed, world.time.waiting]).toEqual([true, 0]);
  });
});
