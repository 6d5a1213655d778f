/*
 * The client as its owner sees it: connect, publish, resume, stop. Bytes as in MQTT 3.1.1.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "./support/setup.js";

describe("connecting", () => {
  test("the first packet is CONNECT, with CleanSession 0 and keep-alive 60", () => {
    const setup = new Setup();
    expect(setup.open()).toBe("10 0e 00 04 4d 51 54 54 04 00 00 3c 00 02 74 31");
    expect(setup.states).toEqual(["connecting"]);
    setup.link.give(CONNACK_NEW);
    expect(setup.states).toEqual(["connecting", "connected"]);
    expect(setup.sessions).toEqual([{ present: false, wiped: false, possibleDoubles: 0, reach: 8 }]);
  });

  test("wipeFirst: CleanSession 1, DISCONNECT, then CleanSession 0; only the second is a session", () => {
    const setup = new Setup({ wipeFirst: true });
    setup.publish("x");
    expect(setup.open().slice(24, 29)).toBe("04 02");
    setup.link.give(CONNACK_NEW);
    expect(setup.peer.links).toHaveLength(2);
    expect(setup.peer.links[0].take()).toBe("e0 00");
    expect(setup.peer.links[0].isClosed).toBe(true);
    expect(setup.sessions).toEqual([]);
    expect(setup.open().slice(24, 29)).toBe("04 00");
    setup.link.give(CONNACK_NEW);
    expect(setup.sessions).toEqual([{ present: false, wiped: true, possibleDoubles: 0, reach: 8 }]);
    expect(setup.take()).toBe("32 06 00 01 61 00 01 78");
  });

  test("the owner's session record is written before the first PUBLISH leaves", () => {
    const seen: string[] = [];
    const setup = new Setup({ onSession: () => seen.push(setup.take()) });
    setup.publish("x");
    setup.connect();
    expect(seen).toEqual([""]);
    expect(setup.take()).not.toBe("");
  });

  test("a lost connection is tried again, and the step doubles until a connection has held", () => {
    const setup = new Setup({ random: () => 0.999 });
    const waits: number[] = [];
    setup.client.start();
    for (let n = 0; n < 9; n++) {
      setup.link.end();
      waits.push(Math.round((setup.client.status().retryMs ?? -1) / 1_000));
      setup.time.runUntil(() => setup.states.at(-1) === "connecting", 120_000);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
    setup.connect();
    setup.time.advance(30_000);
    setup.link.end();
    expect(setup.client.status().retryMs).toBe(999);
  });

  test.each([
    [1, "protocol version", 60_000, 120_000],
    [2, "client id or keep-alive", 60_000, 120_000],
    [3, "server unavailable", 0, 1_000],
    [4, "user name or password", 60_000, 120_000],
    [5, "not authorised", 60_000, 120_000],
  ])("CONNACK %i: refused, %s; the wait is right for it", (code, text, least, most) => {
    for (const random of [0, 0.999]) {
      const setup = new Setup({ random: () => random });
      setup.connect(`20 02 00 0${code}`);
      expect(setup.errors).toMatchObject([{ kind: "refused", code, message: `refused: ${text}` }]);
      expect(setup.link.isClosed).toBe(true);
      expect(setup.client.status().retryMs).toBe(Math.round(random ? 0.999 * (most - least) + least : least));
      expect(setup.client.status().lastError?.code).toBe(code);
    }
  });

  test("no answer from the address within the limit: another text than for a server that does not send CONNACK", () => {
    const setup = new Setup();
    setup.client.start();
    setup.time.advance(30_000);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no answer: host unreachable" }]);
  });

  test("no CONNACK within the limit: closed, tried again", () => {
    const setup = new Setup({ connectTimeoutMs: 5_000 });
    setup.open();
    setup.time.advance(4_999);
    expect(setup.errors).toEqual([]);
    setup.time.advance(1);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no CONNACK" }]);
    expect(setup.link.isClosed).toBe(true);
  });

  test("linkDown drops at once and waits; linkUp connects at once, in the middle of a back-off too", () => {
    const setup = new Setup();
    setup.connect();
    setup.client.linkDown();
    expect(setup.link.isClosed).toBe(true);
    setup.time.advance(1_000_000);
    expect(setup.peer.links).toHaveLength(1);
    setup.client.linkUp();
    expect(setup.peer.links).toHaveLength(2);
    setup.link.end();
    expect(setup.states.at(-1)).toBe("waiting");
    setup.client.linkUp();
    expect(setup.peer.links).toHaveLength(3);
  });
});

describe("publishing from the store", () => {
  test("QoS 1: PUBLISH, PUBACK, settled; the first id is 1", () => {
    const setup = new Setup();
    setup.connect();
    setup.publish("hi");
    expect(setup.take()).toBe("32 07 00 01 61 00 01 68 69");
    setup.link.give("40 02 00 01");
    expect(setup.settled).toEqual(["0 delivered"]);
    expect(setup.client.status()).toMatchObject({ inFlight: 0, delivered: 1 });
  });

  test("QoS 2: PUBLISH, PUBREC, PUBREL, PUBCOMP, settled; PUBREC is in the store before PUBREL leaves", () => {
    const setup = new Setup();
    setup.connect();
    setup.publish("hi", 2);
    expect(setup.take()).toBe("34 07 00 01 61 00 01 68 69");
    const released = setup.store.released.bind(setup.store);
    let sentBefore = "";
    setup.store.released = (sequence) => {
      sentBefore = setup.take();
      released(sequence);
    };
    setup.link.give("50 02 00 01");
    expect(sentBefore).toBe("");
    expect(setup.take()).toBe("62 02 00 01");
    setup.link.give("70 02 00 01");
    expect(setup.settled).toEqual(["0 delivered"]);
  });

  test("several entries leave in one write, within the window", () => {
    const setup = new Setup({ window: 3 });
    for (const payload of ["1", "2", "3", "4"]) setup.publish(payload);
    setup.connect();
    expect(setup.link.writes).toBe(2);
    expect(setup.take()).toBe("32 06 00 01 61 00 01 31 32 06 00 01 61 00 02 32 32 06 00 01 61 00 03 33");
    setup.link.give("40 02 00 01");
    expect(setup.take()).toBe("32 06 00 01 61 00 04 34");
  });

  test("after a drop: PUBLISH again with DUP and its id, PUBREL where PUBREC came, in order; new ones without DUP", () => {
    const setup = new Setup({ window: 4 });
    setup.connect();
    setup.publish("1", 1);
    setup.publish("2", 2);
    setup.publish("3", 2);
    setup.take();
    setup.link.give("50 02 00 02");
    setup.link.end();
    setup.publish("4", 2);
    setup.reconnect();
    expect(setup.take()).toBe("3a 06 00 01 61 00 01 31 62 02 00 02 3c 06 00 01 61 00 03 33 34 06 00 01 61 00 04 34");
  });

  test("after a reboot: entries that may have been sent get DUP, the others do not, whatever the window is now", () => {
    const setup = new Setup({ window: 1, perhapsSent: 2 });
    for (const payload of ["1", "2", "3"]) setup.publish(payload);
    setup.connect(CONNACK_PRESENT);
    setup.link.give("40 02 00 01");
    setup.link.give("40 02 00 02");
    expect(setup.take()).toBe("3a 06 00 01 61 00 01 31 3a 06 00 01 61 00 02 32 32 06 00 01 61 00 03 33");
  });

  test("Session Present 0: released entries are sent as new, and counted as possible doubles", () => {
    const setup = new Setup();
    setup.connect();
    setup.publish("1", 2);
    setup.publish("2", 2);
    setup.publish("3", 1);
    setup.link.give("50 02 00 01");
    setup.link.end();
    setup.reconnect(CONNACK_NEW);
    expect(setup.take()).toBe("34 06 00 01 61 00 01 31 34 06 00 01 61 00 02 32"); // "3" waits behind QoS 2
    expect(setup.sessions.at(-1)).toEqual({ present: false, wiped: false, possibleDoubles: 2, reach: 8 });
    expect(setup.client.status().possibleDoubles).toBe(2);
  });

  test("after a reboot, Session Present 0: entries that may have been sent before it are counted, too", () => {
    const before = new Setup({ window: 4 });
    for (const qos of [2, 1, 2, 2, 2] as const) before.publish("x", qos);
    before.store.released(0);
    for (const perhapsSent of [4, 0]) {
      const after = new Setup({ window: 2, perhapsSent }, { store: before.store });
      after.connect(CONNACK_NEW);
      expect(after.sessions.at(-1)?.possibleDoubles).toBe(perhapsSent ? 3 : 0); // the second one requeues nothing
      after.link.end();
      after.reconnect(CONNACK_PRESENT);
      expect(after.client.status().possibleDoubles).toBe(perhapsSent ? 3 : 0);
      after.client.close();
    }
  });

  test("an entry that cannot be rendered is a dead letter; the next one is sent", () => {
    const setup = new Setup({ render: (entry) => (entry.sequence === 0 ? undefined : entry) });
    setup.connect();
    setup.publish("bad");
    setup.publish("good");
    expect(setup.settled).toEqual(["0 deadLetter"]);
    expect(setup.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64");
    expect(setup.client.status().deadLetters).toBe(1);
  });
});

describe("wipe", () => {
  test("connected: leaves, wipes the session, and sends the rest as new in the next", () => {
    const setup = new Setup();
    setup.connect(CONNACK_PRESENT);
    setup.publish("1", 2);
    setup.publish("2", 2);
    setup.take();
    setup.store.settle(0);
    setup.client.wipe();
    expect(setup.peer.links[0].take()).toBe("e0 00");
    expect(setup.open()).toMatch(/^10 0e 00 04 4d 51 54 54 04 02 /);
    setup.link.give(CONNACK_NEW);
    expect(setup.peer.links[1].take()).toBe("e0 00");
    expect(setup.open()).toMatch(/^10 0e 00 04 4d 51 54 54 04 00 /);
    setup.link.give(CONNACK_NEW);
    expect(setup.take()).toBe("34 06 00 01 61 00 02 32");
    expect(setup.sessions.at(-1)).toEqual({ present: false, wiped: true, possibleDoubles: 1, reach: 8 });
    expect(setup.errors).toEqual([]);
  });

  test("not connected: with the next attempt; a client of clean sessions has none to wipe", () => {
    const setup = new Setup();
    setup.connect(CONNACK_PRESENT);
    setup.link.end();
    setup.client.wipe();
    setup.time.runUntil(() => setup.peer.links.length > 1, 600_000);
    expect(setup.open()).toMatch(/^10 0e 00 04 4d 51 54 54 04 02 /);
    const clean = new Setup({ clean: true });
    clean.connect();
    clean.client.wipe();
    expect([clean.take(), clean.peer.links.length]).toEqual(["", 1]);
  });
});

describe("ending", () => {
  test("stop: DISCONNECT, close, then whenDone; no attempt follows", () => {
    const setup = new Setup();
    setup.connect();
    let done = 0;
    setup.client.stop(() => done++);
    expect(setup.take()).toBe("e0 00");
    expect([setup.link.isClosed, done, setup.states.at(-1)]).toEqual([true, 1, "stopped"]);
    expect(setup.time.waiting).toBe(0);
  });

  test("stop again, from within onState: each whenDone is called once", () => {
    for (const isStuck of [false, true]) {
      const calls: string[] = [];
      const setup: Setup = new Setup({
        onState: (state) => {
          if (state === "stopped") setup.client.stop(() => calls.push("second"));
        },
      });
      setup.connect(undefined, isStuck ? 14 + "t1".length : undefined); // CONNECT fits, DISCONNECT does not
      setup.client.stop(() => calls.push("first"));
      setup.time.advance(2_000);
      expect(calls).toEqual(["second", "first"]);
      expect(setup.time.waiting).toBe(0);
    }
  });

  test("close: nothing is sent, no timer is left", () => {
    const setup = new Setup();
    setup.connect();
    setup.client.close();
    expect(setup.take()).toBe("");
    expect([setup.link.isClosed, setup.time.waiting]).toEqual([true, 0]);
  });
});
