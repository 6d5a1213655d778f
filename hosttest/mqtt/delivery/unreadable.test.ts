/*
 * A store that cannot be read when a connection begins: what the session has to know of its entries is looked up as soon as it can be. No
 * DUP, no possible double and no lost session is forgotten meanwhile (MQTT 3.1.1 §3.3.1.1, §4.4).
 */
import { describe, expect, test } from "vitest";
import type { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";
import { SpannedStore } from "../support/spanned-store.js";

class FailingStore extends SpannedStore {
  /** How reading fails: it finds nothing, or throws. */
  fault: "empty" | "throws" | undefined;
  /** Number of reads that succeed before. */
  good = 0;

  override seek(from: number): ReturnType<MemoryStore["seek"]> {
    if (this.fault && this.good-- <= 0) {
      if (this.fault === "empty") return undefined;
      throw new Error("flash");
    }
    return super.seek(from);
  }
}

/** Three entries were sent: the first was released, of the second the answer is lost, the third is of QoS 1. */
function sent(): Setup & { readonly store: FailingStore } {
  const setup = new Setup({}, { store: new FailingStore(100) });
  setup.connect();
  setup.publish("1", 2);
  setup.publish("2", 2);
  setup.link.give("50 02 00 01 50 02 00 02");
  setup.publish("3", 1);
  setup.publish("4", 2);
  setup.take();
  return setup as Setup & { readonly store: FailingStore };
}

/** The same after a power cut. */
function restarted(perhapsSent = 8) {
  const { store, client, time } = sent();
  client.close();
  const setup = new Setup({ perhapsSent }, { store, time });
  return { setup, store, sessions: setup.sessions };
}

const PUBRELS = "62 02 00 01 62 02 00 02";
const AGAIN = `${PUBRELS} 3a 06 00 01 61 00 03 33 3c 06 00 01 61 00 04 34`;
/** One waits for the other: QoS 1 behind QoS 2. */
const ANEW = "34 06 00 01 61 00 01 31 34 06 00 01 61 00 02 32";

describe("after a reboot", () => {
  test("the session is present: entries that may have been sent have DUP 1 once the store can be read", () => {
    const { setup, store, sessions } = restarted();
    store.fault = "empty";
    setup.connect(CONNACK_PRESENT);
    expect(setup.take()).toBe("");
    store.fault = undefined;
    setup.publish("5", 2);
    expect(setup.take()).toBe(`${AGAIN} 34 06 00 01 61 00 05 35`);
    expect(sessions).toEqual([{ present: true, wiped: false, possibleDoubles: 0, reach: 8 }]);
  });

  test("the session is lost: they are sent as new, and the owner learns of the possible doubles when the store can be read", () => {
    const { setup, store, sessions } = restarted();
    store.fault = "empty";
    setup.connect(CONNACK_NEW);
    store.fault = undefined;
    setup.client.wake();
    expect(setup.take()).toBe(ANEW);
    expect(sessions).toEqual([
      { present: false, wiped: false, possibleDoubles: 0, reach: 8 },
      { present: false, wiped: false, possibleDoubles: 3, reach: 8, again: true },
    ]);
    expect(setup.client.status().possibleDoubles).toBe(3);
  });

  test("without a new entry, it is read again with the next ping", () => {
    const { setup, store } = restarted();
    store.fault = "empty";
    setup.connect(CONNACK_PRESENT);
    store.fault = undefined;
    setup.time.advance(61_000);
    expect(setup.take()).toBe(`c0 00 ${AGAIN}`);
  });

  test("the store is empty: the first new entry has DUP 0, and `onSession` is called once", () => {
    const { setup, store, sessions } = restarted();
    for (let n = 0; n < 4; n++) store.settle(n);
    setup.connect(CONNACK_PRESENT);
    setup.publish("5", 2);
    expect(setup.take()).toBe("34 06 00 01 61 00 05 35");
    setup.link.give("50 02 00 05 70 02 00 05");
    setup.publish("6", 1);
    expect(setup.take()).toBe("62 02 00 05 32 06 00 01 61 00 06 36");
    expect(sessions).toHaveLength(1);
  });

  test("entries that were stored after the boot were not sent before it", () => {
    const { setup, store } = restarted();
    for (let n = 0; n < 3; n++) store.settle(n);
    setup.publish("5", 2);
    setup.connect(CONNACK_PRESENT);
    expect(setup.take()).toBe("3c 06 00 01 61 00 04 34 34 06 00 01 61 00 05 35");
  });

  test("the store throws at the third entry: on the next connection all have DUP 1", () => {
    const { setup, store } = restarted(4);
    store.fault = "throws";
    store.good = 2;
    setup.connect(CONNACK_PRESENT);
    expect(setup.errors).toMatchObject([{ kind: "application", message: "flash" }]);
    store.fault = undefined;
    setup.reconnect(CONNACK_PRESENT);
    expect(setup.take()).toBe(AGAIN);
  });
});

describe.each([
  ["finds nothing", "empty", 0],
  ["throws", "throws", 0],
  ["throws at the third entry", "throws", 2],
] as const)("the session is lost while reading %s", (_name, fault, good) => {
  test("and present on the next connection: it is not the one that had the entries", () => {
    const setup = sent();
    const { store } = setup;
    setup.link.end();
    store.fault = fault;
    store.good = good;
    setup.reconnect(CONNACK_NEW);
    expect(setup.take()).toBe("");
    if (!setup.link.isClosed) setup.link.end();
    store.fault = undefined;
    setup.reconnect(CONNACK_PRESENT);
    expect(setup.take()).toBe(ANEW);
    expect(setup.client.status().possibleDoubles).toBe(3);
    expect(setup.sessions.reduce((sum, { possibleDoubles }) => sum + possibleDoubles, 0)).toBe(3);
  });
});
