/*
 * Outgoing PUBLISH and its acknowledgements, in every session: the checklist's ids, byte by byte.
 */
import { describe, expect, test } from "vitest";
import { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { VirtualTime } from "../../support/virtual-time.js";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";

function connected(options: ConstructorParameters<typeof Setup>[0] = {}): Setup {
  const setup = new Setup(options);
  setup.connect();
  return setup;
}

/** A store with `first` as its first sequence number. */
function storeFrom(first: number): MemoryStore {
  const store = new MemoryStore(1_000);
  for (let n = 0; n < first; n++) {
    store.append("a", new Uint8Array(0), 1);
    store.settle(n);
  }
  return store;
}

describe("packet ids", () => {
  test("are never 0, and turn from 61,440 to 1 (2.3.1-1)", () => {
    const setup = new Setup({}, { store: storeFrom(61_438) });
    setup.connect();
    for (let n = 0; n < 4; n++) setup.publish("x");
    const ids = setup.take().match(/32 06 00 01 61 (.. ..) 78/g);
    expect(ids?.map((packet) => packet.slice(15, 20))).toEqual(["ef ff", "f0 00", "00 01", "00 02"]);
  });

  test("a new packet takes one that is not in use: two entries of the same id never are in flight together (2.3.1-2)", () => {
    const store = storeFrom(0);
    const setup = new Setup({}, { store });
    setup.connect();
    setup.publish("x");
    for (let n = 0; n < 61_439; n++) store.settle(store.append("a", new Uint8Array(0), 1)); // numbers used up elsewhere
    expect(setup.publish("y")).toBe(61_440);
    expect(setup.take()).toBe("32 06 00 01 61 00 01 78");
    setup.link.give("40 02 00 01");
    expect(setup.take()).toBe("32 06 00 01 61 00 01 79");
    expect(setup.settled).toEqual(["0 delivered"]);
  });

  test("requests and messages from RAM have their own range, and turn from 65,535 to 61,441 past those in use (2.3.1-2)", () => {
    const setup = connected();
    setup.client.subscribe("keep", 0); // f0 01, never acknowledged
    setup.take();
    const seen: string[] = [];
    for (let n = 0; n < 4_096; n++) {
      setup.client.publish("a", Buffer.from("x"), { qos: 1 });
      const id = setup.take().slice(15, 20);
      seen.push(id);
      setup.link.give(`40 02 ${id}`);
    }
    expect(seen[4_093]).toBe("ff ff");
    expect(seen[4_094]).toBe("f0 02");
    expect(seen).not.toContain("f0 01");
    expect(setup.errors).toEqual([]);
  });

  test("a re-send keeps its id; the id is free after PUBACK only (2.3.1-3)", () => {
    const setup = connected();
    setup.publish("x");
    setup.publish("y");
    setup.link.give("40 02 00 01");
    setup.link.end();
    setup.reconnect();
    expect(setup.take()).toBe("3a 06 00 01 61 00 02 79");
  });

  test("QoS 0 has none (2.3.1-5)", () => {
    const setup = connected();
    setup.client.publish("a", Buffer.from("x"), { qos: 0 });
    expect(setup.take()).toBe("30 04 00 01 61 78");
  });

  test("acknowledgements carry the id of the PUBLISH, both ways (2.3.1-6)", () => {
    const setup = connected();
    setup.publish("x", 2);
    setup.take();
    setup.link.give("50 02 00 01 32 05 00 01 61 ab cd 34 05 00 01 61 12 34");
    expect(setup.take()).toBe("62 02 00 01 40 02 ab cd 50 02 12 34");
  });
});

describe("PUBLISH going out", () => {
  test("DUP is 0 the first time and 1 on every delivery after it (3.3.1-1)", () => {
    const setup = connected();
    setup.publish("x");
    expect(setup.take().slice(0, 2)).toBe("32");
    for (let n = 0; n < 3; n++) {
      setup.link.end();
      setup.reconnect();
      expect(setup.take().slice(0, 2)).toBe("3a");
    }
  });

  test("DUP is 0 on every message of QoS 0, QoS bits 0 (3.3.1-2, 4.3.1-1)", () => {
    const setup = connected();
    for (let n = 0; n < 2; n++) {
      setup.client.publish("a", Buffer.from("x"), { qos: 0 });
      expect(setup.take().slice(0, 2)).toBe("30");
      setup.link.end();
      setup.reconnect();
    }
  });

  test("the topic comes first, as UTF-8; retain is bit 0 (3.3.2-1)", () => {
    const setup = connected();
    setup.client.publish("é/€", Buffer.from("x"), { qos: 0, retain: true });
    expect(setup.take()).toBe("31 09 00 06 c3 a9 2f e2 82 ac 78");
  });

  test("a wildcard in its topic is refused (3.3.2-2, 4.7.1-1)", () => {
    const setup = connected();
    for (const topic of ["a/+", "#", "a#", "+"]) {
      expect(() => setup.client.publish(topic, Buffer.from("x"), { qos: 0 })).toThrow(/wildcard in a topic name/);
      expect(() => setup.store.append(topic, Buffer.from("x"), 1)).toThrow(/wildcard in a topic name/);
    }
    expect(setup.take()).toBe("");
  });

  test("an empty payload is legal (3.3.1-10)", () => {
    const setup = connected();
    setup.client.publish("a", new Uint8Array(0), { qos: 0, retain: true });
    setup.publish("", 1);
    expect(setup.take()).toBe("31 03 00 01 61 32 05 00 01 61 00 01");
  });

  test("QoS 1: an unused id, DUP 0, unacknowledged until PUBACK (4.3.2-1)", () => {
    const setup = connected();
    setup.publish("x");
    expect(setup.take()).toBe("32 06 00 01 61 00 01 78");
    expect(setup.client.status().inFlight).toBe(1);
    setup.link.give("40 02 00 01");
    expect(setup.client.status().inFlight).toBe(0);
    setup.link.end();
    setup.reconnect();
    expect(setup.take()).toBe("");
  });

  test("QoS 2: after PUBREC only PUBREL, across drops, until PUBCOMP (4.3.3-1, 3.6.1-1)", () => {
    const setup = connected();
    setup.publish("x", 2);
    expect(setup.take()).toBe("34 06 00 01 61 00 01 78");
    setup.link.give("50 02 00 01");
    expect(setup.take()).toBe("62 02 00 01");
    for (let n = 0; n < 3; n++) {
      setup.link.end();
      setup.reconnect();
      expect(setup.take()).toBe("62 02 00 01");
    }
    setup.link.give("70 02 00 01");
    expect(setup.settled).toEqual(["0 delivered"]);
  });

  test("released, reboot: PUBREL again, never PUBLISH (4.3.3-1)", () => {
    const time = new VirtualTime();
    const store = new MemoryStore();
    const before = new Setup({}, { store, time });
    before.connect();
    before.publish("x", 2);
    before.publish("y", 2);
    before.link.give("50 02 00 01");
    before.client.close(); // the power goes; the store is on flash
    const after = new Setup({ perhapsSent: 8 }, { store, time });
    after.connect(CONNACK_PRESENT);
    expect(after.take()).toBe("62 02 00 01 3c 06 00 01 61 00 02 79");
  });

  test("on reconnect everything unacknowledged is sent again, and on the same connection nothing is (4.4.0-1)", () => {
    const setup = connected();
    setup.publish("1");
    setup.publish("2", 2);
    setup.take();
    setup.time.advance(50_000);
    expect(setup.take()).toBe("c0 00"); // no retry while the connection lives
    setup.link.give("d0 00");
    setup.link.end();
    setup.reconnect();
    expect(setup.take()).toBe("3a 06 00 01 61 00 01 31 3c 06 00 01 61 00 02 32");
  });

  test("re-sent ones are in the original order, QoS 1 and 2 mixed, before any new one (4.6.0-1)", () => {
    const setup = connected({ window: 4 });
    for (let n = 1; n <= 6; n++) setup.publish(String(n), n === 3 || n === 4 ? 2 : 1);
    setup.take();
    setup.link.give("50 02 00 04"); // out of order, as a server may
    setup.link.end();
    setup.reconnect();
    setup.link.give("40 02 00 01 40 02 00 02 50 02 00 03");
    expect(setup.take()).toBe(
      "3a 06 00 01 61 00 01 31 3a 06 00 01 61 00 02 32 3c 06 00 01 61 00 03 33 62 02 00 04 " +
        "62 02 00 03 32 06 00 01 61 00 05 35 32 06 00 01 61 00 06 36",
    );
  });

  test("QoS 1 waits behind QoS 2 until that is released: a server may forward at PUBREL, and must not turn them round", () => {
    const setup = connected();
    setup.publish("1", 2);
    setup.publish("2", 1);
    setup.publish("3", 2);
    expect(setup.take()).toBe("34 06 00 01 61 00 01 31");
    setup.link.give("50 02 00 01");
    expect(setup.take()).toBe("62 02 00 01 32 06 00 01 61 00 02 32 34 06 00 01 61 00 03 33");
  });

  test("PUBRELs are sent in the order of the PUBRECs, also after a drop and after a reboot (4.6.0-4)", () => {
    const setup = connected();
    for (const payload of ["1", "2", "3"]) setup.publish(payload, 2);
    setup.take();
    setup.link.give("50 02 00 01 50 02 00 02 50 02 00 03");
    expect(setup.take()).toBe("62 02 00 01 62 02 00 02 62 02 00 03");
    setup.link.end();
    setup.reconnect();
    expect(setup.take()).toBe("62 02 00 01 62 02 00 02 62 02 00 03");
    setup.client.close();
    const after = new Setup({ perhapsSent: 8 }, { store: setup.store });
    after.connect(CONNACK_PRESENT);
    expect(after.take()).toBe("62 02 00 01 62 02 00 02 62 02 00 03");
  });

  test("an unauthorised PUBLISH is answered by PUBACK: it settles the entry (3.3.5-2)", () => {
    const setup = connected();
    setup.publish("x");
    setup.link.give("40 02 00 01");
    expect(setup.settled).toEqual(["0 delivered"]);
  });

  test("QoS 1 waits behind QoS 2 that is not released: subscribers see both in the order of publication (4.6.0-1)", () => {
    const setup = connected();
    setup.publish("1", 2);
    setup.publish("2", 2);
    setup.publish("3", 1);
    setup.publish("4", 2);
    expect(setup.take()).toBe("34 06 00 01 61 00 01 31 34 06 00 01 61 00 02 32");
    setup.link.give("50 02 00 01");
    expect(setup.take()).toBe("62 02 00 01");
    setup.link.give("50 02 00 02");
    expect(setup.take()).toBe("62 02 00 02 32 06 00 01 61 00 03 33 34 06 00 01 61 00 04 34");
  });

  describe("QoS 1 behind several of QoS 2, and a server that answers these out of order: it waits for all of them", () => {
    function behindTwo(): Setup {
      const setup = connected();
      setup.publish("1", 2);
      setup.publish("2", 2);
      setup.publish("3", 1);
      setup.take();
      return setup;
    }

    test("the last one is released first", () => {
      const setup = behindTwo();
      setup.link.give("50 02 00 02");
      expect(setup.take()).toBe("62 02 00 02");
      setup.link.give("70 02 00 02");
      expect(setup.take()).toBe("");
      setup.link.give("50 02 00 01");
      expect(setup.take()).toBe("62 02 00 01 32 06 00 01 61 00 03 33");
    });

    test("it was released on an earlier connection", () => {
      const setup = behindTwo();
      setup.link.give("50 02 00 02");
      setup.link.end();
      setup.reconnect();
      expect(setup.take()).toBe("3c 06 00 01 61 00 01 31 62 02 00 02");
      setup.link.give("50 02 00 01");
      expect(setup.take()).toBe("62 02 00 01 32 06 00 01 61 00 03 33");
    });
  });

  test("a window of 1 sends one after the other", () => {
    const setup = connected({ window: 1 });
    setup.publish("1");
    setup.publish("2", 2);
    expect(setup.take()).toBe("32 06 00 01 61 00 01 31");
    setup.link.give("40 02 00 01");
    expect(setup.take()).toBe("34 06 00 01 61 00 02 32");
    setup.link.give("50 02 00 02 70 02 00 02");
    expect(setup.settled).toEqual(["0 delivered", "1 delivered"]);
  });

  test("the window is bounded, however long the queue", () => {
    const setup = new Setup({ window: 5 });
    for (let n = 0; n < 900; n++) setup.publish("x");
    setup.connect();
    expect(setup.client.status().inFlight).toBe(5);
    expect(setup.take().match(/32 06/g)).toHaveLength(5);
    expect(() => new Setup({ window: 0 })).toThrow(/window 0: expected 1..1024/);
  });

  test("of QoS 2 there are 8 in flight at most, whatever the window: a server may drop what is above its limit, in silence", () => {
    const setup = new Setup({ window: 64 });
    for (let n = 0; n < 40; n++) setup.publish("x", n < 20 ? 1 : 2);
    setup.connect();
    expect(setup.take().match(/32 06/g)).toHaveLength(20);
    for (let n = 1; n <= 20; n++) setup.link.giveBytes([0x40, 2, 0, n]);
    expect(setup.take().match(/34 06/g)).toHaveLength(8);
    setup.link.give("50 02 00 15"); // released, and not completed: it still counts
    expect(setup.take()).toBe("62 02 00 15");
    setup.link.give("70 02 00 15");
    expect(setup.take().match(/34 06/g)).toHaveLength(1);
    setup.link.give("50 02 00 18 70 02 00 18"); // one between others makes way for one more
    expect(setup.take().match(/34 06/g)).toHaveLength(1);
    expect(setup.client.status().maxQoS2).toBe(8);
  });

  test("a missing acknowledgement blocks one place of the window, not the queue", () => {
    const setup = new Setup({ window: 4 });
    for (let n = 0; n < 30; n++) setup.publish("x");
    setup.connect();
    for (let n = 2; n <= 30; n++) setup.link.giveBytes([0x40, 2, 0, n]);
    expect(setup.take().match(/32 06/g)).toHaveLength(30);
    expect(setup.settled).toHaveLength(29);
  });

  test("messages from RAM at QoS 1: kept across drops with DUP, at most 16", () => {
    const setup = new Setup();
    for (let n = 0; n < 16; n++) expect(setup.client.publish("a", Buffer.from([n]), { qos: 1 })).toBe(true);
    expect(setup.client.publish("a", Buffer.from("x"), { qos: 1 })).toBe(false);
    setup.connect();
    expect(setup.take().startsWith("32 06 00 01 61 f0 01 00 32 06 00 01 61 f0 02 01")).toBe(true);
    setup.link.give("40 02 f0 01");
    setup.link.end();
    setup.reconnect();
    expect(setup.take().startsWith("3a 06 00 01 61 f0 02 01")).toBe(true);
  });

  test("QoS 0 is not queued: false when not connected, or when it does not fit", () => {
    const setup = new Setup({ bufferLength: 64 });
    expect(setup.client.publish("a", Buffer.from("x"), { qos: 0 })).toBe(false);
    setup.connect(CONNACK_NEW, 16);
    expect(setup.client.publish("a", Buffer.alloc(50), { qos: 0 })).toBe(true);
    expect(setup.client.publish("a", Buffer.alloc(50), { qos: 0 })).toBe(false);
  });
});

describe("a store that knows the number of its next entry", () => {
  class Counted extends MemoryStore {
    looks = 0;
    nextSequence = 0;
    override append(...message: Parameters<MemoryStore["append"]>): number {
      this.nextSequence++;
      return super.append(...message);
    }
    override seek(from: number): ReturnType<MemoryStore["seek"]> {
      this.looks++;
      return super.seek(from);
    }
  }

  test("is not asked for an entry that does not exist, and no later entry is overlooked", () => {
    const store = new Counted();
    const setup = new Setup({}, { store });
    setup.connect();
    store.looks = 0;
    for (const text of ["x", "y", "z"]) setup.publish(text);
    expect(store.looks).toBe(3);
    expect(setup.take().match(/32 06/g)).toHaveLength(3);
    setup.link.end();
    store.append("a", Buffer.from("w"), 1);
    setup.reconnect();
    expect(setup.take().match(/3[2a] 06/g)).toHaveLength(4);
  });
});
