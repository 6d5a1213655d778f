/*
 * What is kept in RAM about entries that were sent: no more than a window of them, however many sessions are lost; and what it is for, byte by
 * byte: a late PUBREC, entries held back, limits.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";
import { answer5, connack5, setup5 } from "../support/setup5.js";
import { UnwillingServer } from "../support/unwilling-server.js";

/** How many numbers of entries the client keeps: there is no other way to see its RAM. */
function kept(setup: Setup): number {
  const sent: object = Reflect.get(Reflect.get(setup.client, "session"), "sent");
  return Object.values(sent).flatMap((list) => (Array.isArray(list) ? list : [])).length;
}

describe("a PUBREC that comes once more, when its exchange is over, is answered by PUBREL: the server awaits it", () => {
  test("the message was sent on two connections", () => {
    const setup = new Setup();
    setup.publish("x", 2);
    setup.connect();
    setup.take();
    setup.link.end();
    setup.reconnect();
    expect(setup.take()).toBe("3c 06 00 01 61 00 01 78");
    setup.link.give("50 02 00 01 70 02 00 01");
    expect([setup.take(), setup.settled]).toEqual(["62 02 00 01", ["0 delivered"]]);
    setup.link.give("50 02 00 01");
    expect(setup.take()).toBe("62 02 00 01");
  });

  test("it became a dead letter without having been sent on this connection", () => {
    const setup = new Setup({ deadLetterAfter: 1 });
    setup.publish("bad", 2);
    setup.publish("g0", 2);
    setup.connect();
    setup.take();
    setup.link.end(); // held back
    setup.reconnect();
    setup.link.give("50 02 00 02 70 02 00 02");
    setup.link.end();
    setup.publish("g1", 2);
    setup.reconnect();
    expect(setup.take()).toBe("3c 08 00 01 61 00 01 62 61 64"); // the first
    setup.link.end();
    setup.reconnect();
    setup.take();
    setup.link.give("50 02 00 03 70 02 00 03");
    expect(setup.settled).toEqual(["1 delivered", "0 deadLetter", "2 delivered"]);
    setup.take();
    setup.link.give("50 02 00 01");
    expect(setup.take()).toBe("62 02 00 01");
  });
});

test("a PUBREL that is never answered is counted, and one that is answered is not", () => {
  const setup = new Setup({ keepAlive: 10 });
  let answer: "silence" | "acknowledge" = "silence";
  const server = new UnwillingServer(setup, {
    session: "kept",
    answer: ({ kind }) => (kind === "pubrel" ? answer : "acknowledge"),
  });
  setup.publish("1", 2);
  setup.publish("2", 2);
  server.run(600);
  expect(setup.client.status()).toMatchObject({ delivered: 2, unconfirmed: 2 });
  answer = "acknowledge";
  setup.publish("3", 2);
  server.run(60);
  expect(setup.client.status()).toMatchObject({ delivered: 3, unconfirmed: 2 });
});

test("no more than a few windows of entries are remembered, however often the session is lost", () => {
  const setup = new Setup({ window: 4 });
  const idsFrom = (first: number) => [0, 1, 2, 3].map((n) => `00 ${(first + n).toString(16).padStart(2, "0")}`);
  for (let n = 0; n < 80; n++) setup.publish("x", 2);
  setup.connect();
  for (let first = 1; first <= 80; first += 4) {
    setup.take(); // four, which are not answered
    setup.link.end();
    setup.reconnect(CONNACK_NEW);
    for (const id of idsFrom(first)) setup.link.give(`50 02 ${id} 70 02 ${id}`);
    expect(kept(setup), `after ${first}`).toBeLessThanOrEqual(12);
  }
  expect(setup.settled).toHaveLength(80);
  expect(setup.client.status().possibleDoubles).toBeGreaterThanOrEqual(80);
});

describe("held back for what others do to the connection", () => {
  test("the server refuses another one by a reason code: those held back are sent again on this connection", () => {
    const setup = setup5({ deadLetterAfter: 1, version: 5 });
    for (const payload of ["bad", "g0", "g1", "g2"]) setup.publish(payload);
    setup.connect(connack5());
    expect(setup.take()).toContain("62 61 64");
    setup.link.end();
    setup.reconnect(connack5({}, { present: true }));
    expect(setup.take()).toContain("67 30"); // g0, alone
    setup.link.give(answer5(4, 2, 0));
    expect(setup.take()).not.toContain("62 61 64");
    setup.link.give(`${answer5(4, 3, 0x87)} ${answer5(4, 4, 0)}`);
    expect(setup.take()).toContain("62 61 64");
    setup.link.give(answer5(4, 1, 0));
    expect(setup.settled).toEqual(["1 delivered", "3 delivered", "0 delivered"]);
  });

  /** Entries that end the connection are held back; then eight more of QoS 2 are queued. Returns how many of them are in flight at once. */
  function inFlightBehind(qos: 1 | 2, connack: string): number {
    const setup = new Setup({ deadLetterAfter: 1 });
    for (let n = 0; n < 4; n++) setup.publish(`bad${n}`, qos);
    setup.publish("good", 2);
    setup.connect();
    for (let n = 0; n < 20 && !setup.settled.includes("4 delivered"); n++) {
      if (/62 61 64/.test(setup.take())) {
        setup.link.end();
        setup.reconnect(connack);
      } else setup.link.give("50 02 00 05 70 02 00 05");
    }
    setup.link.end();
    for (let n = 0; n < 20; n++) setup.publish(`new${n}`, 2);
    for (let n = 0; n < 9; n++) {
      setup.reconnect(connack);
      const sent = setup.take();
      if (!/62 61 64/.test(sent)) return (sent.match(/6e 65 77/g) ?? []).length;
      setup.link.end();
    }
    return -1;
  }

  test.each([
    ["of QoS 2 that the server may have", 2, CONNACK_PRESENT, 4],
    ["of QoS 1", 1, CONNACK_PRESENT, 8],
    ["of QoS 2, in a session that is lost", 2, CONNACK_NEW, 8],
  ] as const)("those %s count, or do not, as open at the server", (_what, qos, connack, count) => {
    expect(inFlightBehind(qos, connack)).toBe(count);
  });

  test("a store that throws when the connection of one of them ends: the end is reported, and the next connection works", () => {
    const setup = new Setup({ deadLetterAfter: 1 });
    setup.publish("bad");
    setup.publish("g0");
    setup.connect();
    setup.take();
    setup.link.end();
    setup.reconnect();
    setup.link.give("40 02 00 02");
    setup.link.end();
    setup.reconnect();
    expect(setup.take()).toContain("62 61 64"); // the first on its connection
    const { seek } = setup.store;
    setup.store.seek = () => {
      throw new Error("flash");
    };
    setup.link.end();
    setup.store.seek = seek;
    expect(setup.errors.at(-1)).toMatchObject({ kind: "closed" });
    expect(setup.client.status().state).toBe("waiting");
    setup.reconnect();
    expect(setup.take()).toContain("62 61 64");
  });
});
