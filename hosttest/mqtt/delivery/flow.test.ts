/*
 * The session as a table: for every state of a packet id and every packet that can arrive for it, the bytes that are sent and the next
 * state. Tested through the whole client. The table is complete: a pair without a row fails.
 */
import { describe, expect, test } from "vitest";
import { hexOf } from "../support/scripted-peer.js";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";

const PACKETS = {
  PUBACK: "40 02",
  PUBREC: "50 02",
  PUBREL: "62 02",
  PUBCOMP: "70 02",
  SUBACK: "90 03",
  UNSUBACK: "b0 02",
} as const;
type Packet = keyof typeof PACKETS;

/** Brings a setup into a state, with packet id `id`; returns the setup with nothing left to take. */
const STATES = {
  FREE: { id: "00 01", enter: () => connected() },
  "FREE, a request's id": { id: "f0 01", enter: () => connected() },
  RESUMING: {
    id: "00 05",
    enter: () => {
      // Entry 4 was sent on the connection before; on this one only entry 0 fitted the buffer.
      const setup = connected({ bufferLength: 64 });
      for (let n = 0; n < 5; n++) setup.publish("x".repeat(40));
      setup.link.end();
      setup.time.runUntil(() => setup.peer.links.length === 2, 10_000);
      setup.connect(CONNACK_PRESENT, 16);
      return setup;
    },
  },
  AWAIT_PUBACK: { id: "00 01", enter: () => published(1) },
  AWAIT_PUBREC: { id: "00 01", enter: () => published(2) },
  AWAIT_PUBCOMP: {
    id: "00 01",
    enter: () => {
      const setup = published(2);
      setup.link.give("50 02 00 01");
      setup.take();
      return setup;
    },
  },
  "AWAIT_PUBACK, from RAM": {
    id: "f0 01",
    enter: () => {
      const setup = connected();
      setup.client.publish("a", Buffer.from("x"), { qos: 1 });
      setup.take();
      return setup;
    },
  },
  AWAIT_SUBACK: { id: "f0 01", enter: () => subscribed() },
  AWAIT_UNSUBACK: {
    id: "f0 01",
    enter: () => {
      const setup = connected();
      setup.client.unsubscribe("a");
      setup.take();
      return setup;
    },
  },
} as const;
type State = keyof typeof STATES;

const CLOSES = "closes";
const IGNORES = "";
const ALL_CLOSE = { PUBACK: CLOSES, PUBREC: CLOSES, PUBCOMP: CLOSES, SUBACK: CLOSES, UNSUBACK: CLOSES } as const;
/** What the client sends; `ID` stands for the packet id. PUBREL concerns the server's ids, and is always answered with PUBCOMP. */
const ROWS: Record<State, Record<Packet, string>> = {
  FREE: { ...ALL_CLOSE, PUBACK: IGNORES, PUBREC: "62 02 ID", PUBCOMP: IGNORES, PUBREL: "70 02 ID" },
  "FREE, a request's id": { ...ALL_CLOSE, PUBACK: IGNORES, PUBREC: "62 02 ID", PUBCOMP: IGNORES, PUBREL: "70 02 ID" },
  RESUMING: { ...ALL_CLOSE, PUBACK: IGNORES, PUBREC: IGNORES, PUBCOMP: IGNORES, PUBREL: "70 02 ID" },
  AWAIT_PUBACK: { ...ALL_CLOSE, PUBACK: "settles", PUBREL: "70 02 ID" },
  AWAIT_PUBREC: { ...ALL_CLOSE, PUBACK: "settles", PUBREC: "62 02 ID", PUBREL: "70 02 ID" },
  AWAIT_PUBCOMP: { ...ALL_CLOSE, PUBREC: "62 02 ID", PUBCOMP: "settles", PUBREL: "70 02 ID" },
  "AWAIT_PUBACK, from RAM": { ...ALL_CLOSE, PUBACK: "settles", PUBREL: "70 02 ID" },
  AWAIT_SUBACK: { ...ALL_CLOSE, SUBACK: "settles", PUBREL: "70 02 ID" },
  AWAIT_UNSUBACK: { ...ALL_CLOSE, UNSUBACK: "settles", PUBREL: "70 02 ID" },
};

function connected(options: ConstructorParameters<typeof Setup>[0] = {}): Setup {
  const setup = new Setup(options);
  setup.connect(CONNACK_NEW);
  return setup;
}

function published(qos: 1 | 2): Setup {
  const setup = connected();
  setup.publish("x", qos);
  setup.take();
  return setup;
}

function subscribed(): Setup {
  const setup = connected();
  setup.client.subscribe("a", 1);
  setup.take();
  return setup;
}

/** What the client has sent, except for repetitions. */
function answers(setup: Setup): string {
  setup.link.allow(65_536);
  const bytes = Array.from(setup.link.takeBytes());
  const kept: number[] = [];
  while (bytes.length) {
    const packet = bytes.splice(0, 2 + bytes[1]);
    if (packet[0] >> 4 !== 3) kept.push(...packet);
  }
  return hexOf(kept);
}

/** Whether the exchange for the state's packet id is over: another acknowledgement of the same kind is then not awaited. */
function isSettled(setup: Setup, state: State, packet: Packet): boolean {
  if (setup.settled.length || setup.subscribed.length) return true;
  const before = setup.errors.length;
  setup.link.give(`${PACKETS[packet]} ${STATES[state].id}${packet === "SUBACK" ? " 00" : ""}`);
  return packet === "PUBACK" ? setup.errors.length === before : setup.errors.length === before + 1;
}

describe("an acknowledgement in every state of its packet id", () => {
  for (const state of Object.keys(STATES) as State[]) {
    for (const packet of Object.keys(PACKETS) as Packet[]) {
      const expected = ROWS[state]?.[packet];
      test(`${state}, ${packet}: ${expected === IGNORES ? "nothing happens" : expected} (4.8.0-1)`, () => {
        expect(expected, "a row is missing").toBeDefined();
        const { id, enter } = STATES[state];
        const setup = enter();
        setup.errors.length = 0;
        setup.link.give(`${PACKETS[packet]} ${id}${packet === "SUBACK" ? " 00" : ""}`);
        if (expected === CLOSES) {
          expect(setup.link.isClosed).toBe(true);
          expect(setup.errors).toMatchObject([{ kind: "protocol", message: expect.stringMatching(/not awaited/) }]);
          return;
        }
        expect(setup.errors).toEqual([]);
        expect(answers(setup)).toBe(expected === "settles" ? "" : expected.replace("ID", id));
        if (expected === "settles") expect(isSettled(setup, state, packet)).toBe(true);
        else expect(setup.settled).toEqual([]);
      });
    }
  }
});

describe("a PUBLISH of QoS 2 and its PUBREL, by what the inbound store knows", () => {
  const PUBLISH = "34 06 00 01 61 00 07 78";
  const RELEASE = "62 02 00 07";

  test.each([
    ["new, PUBLISH: delivered, PUBREC", [PUBLISH], 1, "50 02 00 07"],
    ["held, PUBLISH again: PUBREC again, not delivered (4.3.3-2)", [PUBLISH, PUBLISH], 1, "50 02 00 07 50 02 00 07"],
    ["held, PUBREL: forgotten, PUBCOMP", [PUBLISH, RELEASE], 1, "50 02 00 07 70 02 00 07"],
    ["new, PUBREL: PUBCOMP all the same (4.3.3-2)", [RELEASE], 0, "70 02 00 07"],
    ["released, PUBLISH: a new message", [PUBLISH, RELEASE, PUBLISH], 2, "50 02 00 07 70 02 00 07 50 02 00 07"],
  ])("%s", (_name, packets, delivered, answer) => {
    const setup = connected();
    for (const packet of packets) setup.link.give(packet);
    expect(setup.received).toHaveLength(delivered);
    expect(setup.take()).toBe(answer);
  });
});

describe("CONNACK, by what was asked for", () => {
  test.each([
    ["CleanSession 0, present: resumed", false, CONNACK_PRESENT, "3a"],
    ["CleanSession 0, not present: everything as new", false, CONNACK_NEW, "32"],
    ["CleanSession 1, not present: everything as new", true, CONNACK_NEW, "32"],
    ["CleanSession 1, present: violation, closes (3.2.2-1)", true, CONNACK_PRESENT, ""],
  ])("%s", (_name, clean, connack, first) => {
    const setup = new Setup({ clean });
    setup.connect(CONNACK_NEW);
    setup.publish("x");
    setup.link.end();
    setup.reconnect(connack);
    expect(setup.take().slice(0, 2)).toBe(first);
    expect(setup.link.isClosed).toBe(first === "");
  });
});
