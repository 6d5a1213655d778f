/*
 * The session as a table: every state of a packet id with every packet that can come for it, to the state after it and the bytes that
 * leave. Through the whole client, byte by byte. The enumeration is complete by construction: a pair without a row fails.
 */
import { describe, expect, test } from "vitest";
import { hexOf } from "../support/scripted-peer.js";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "../support/world.js";

const PACKETS = {
  PUBACK: "40 02",
  PUBREC: "50 02",
  PUBREL: "62 02",
  PUBCOMP: "70 02",
  SUBACK: "90 03",
  UNSUBACK: "b0 02",
} as const;
type Packet = keyof typeof PACKETS;

/** How a world gets into a state, with packet id `id` in it; returns the world with nothing left to take. */
const STATES = {
  FREE: { id: "00 01", enter: () => connected() },
  "FREE, a request's id": { id: "f0 01", enter: () => connected() },
  RESUMING: {
    id: "00 05",
    enter: () => {
      // Entry 4 was sent on the connection before; on this one only entry 0 fitted the buffer.
      const world = connected({ bufferLength: 64 });
      for (let n = 0; n < 5; n++) world.publish("x".repeat(40));
      world.link.end();
      world.time.runUntil(() => world.peer.links.length === 2, 10_000);
      world.connect(CONNACK_PRESENT, 16);
      return world;
    },
  },
  AWAIT_PUBACK: { id: "00 01", enter: () => published(1) },
  AWAIT_PUBREC: { id: "00 01", enter: () => published(2) },
  AWAIT_PUBCOMP: {
    id: "00 01",
    enter: () => {
      const world = published(2);
      world.link.give("50 02 00 01");
      world.take();
      return world;
    },
  },
  "AWAIT_PUBACK, from RAM": {
    id: "f0 01",
    enter: () => {
      const world = connected();
      world.client.publish("a", Buffer.from("x"), { qos: 1 });
      world.take();
      return world;
    },
  },
  AWAIT_SUBACK: { id: "f0 01", enter: () => subscribed() },
  AWAIT_UNSUBACK: {
    id: "f0 01",
    enter: () => {
      const world = connected();
      world.client.unsubscribe("a");
      world.take();
      return world;
    },
  },
} as const;
type State = keyof typeof STATES;

const CLOSES = "closes";
const IGNORES = "";
const ALL_CLOSE = { PUBACK: CLOSES, PUBREC: CLOSES, PUBCOMP: CLOSES, SUBACK: CLOSES, UNSUBACK: CLOSES } as const;
/** What leaves the client, `ID` standing for the packet id. PUBREL is about the server's ids: PUBCOMP always. */
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

function connected(options: ConstructorParameters<typeof World>[0] = {}): World {
  const world = new World(options);
  world.connect(CONNACK_NEW);
  return world;
}

function published(qos: 1 | 2): World {
  const world = connected();
  world.publish("x", qos);
  world.take();
  return world;
}

function subscribed(): World {
  const world = connected();
  world.client.subscribe("a", 1);
  world.take();
  return world;
}

/** What the client has sent, but for what it re-sends meanwhile. */
function answers(world: World): string {
  world.link.allow(65_536);
  const bytes = Array.from(world.link.takeBytes());
  const kept: number[] = [];
  while (bytes.length) {
    const packet = bytes.splice(0, 2 + bytes[1]);
    if (packet[0] >> 4 !== 3) kept.push(...packet);
  }
  return hexOf(kept);
}

/** Is the flow of the state's packet id over? A further acknowledgement of the same kind shows it: it is not awaited any more. */
function isSettled(world: World, state: State, packet: Packet): boolean {
  if (world.settled.length || world.subscribed.length) return true;
  const before = world.errors.length;
  world.link.give(`${PACKETS[packet]} ${STATES[state].id}${packet === "SUBACK" ? " 00" : ""}`);
  return packet === "PUBACK" ? world.errors.length === before : world.errors.length === before + 1;
}

describe("an acknowledgement in every state of its packet id", () => {
  for (const state of Object.keys(STATES) as State[]) {
    for (const packet of Object.keys(PACKETS) as Packet[]) {
      const expected = ROWS[state]?.[packet];
      test(`${state}, ${packet}: ${expected === IGNORES ? "nothing happens" : expected} (4.8.0-1)`, () => {
        expect(expected, "a row is missing").toBeDefined();
        const { id, enter } = STATES[state];
        const world = enter();
        world.errors.length = 0;
        world.link.give(`${PACKETS[packet]} ${id}${packet === "SUBACK" ? " 00" : ""}`);
        if (expected === CLOSES) {
          expect(world.link.isClosed).toBe(true);
          expect(world.errors).toMatchObject([{ kind: "protocol", message: expect.stringMatching(/not awaited/) }]);
          return;
        }
        expect(world.errors).toEqual([]);
        expect(answers(world)).toBe(expected === "settles" ? "" : expected.replace("ID", id));
        if (expected === "settles") expect(isSettled(world, state, packet)).toBe(true);
        else expect(world.settled).toEqual([]);
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
    const world = connected();
    for (const packet of packets) world.link.give(packet);
    expect(world.received).toHaveLength(delivered);
    expect(world.take()).toBe(answer);
  });
});

describe("CONNACK, by what was asked for", () => {
  test.each([
    ["CleanSession 0, present: resumed", false, CONNACK_PRESENT, "3a"],
    ["CleanSession 0, not present: everything as new", false, CONNACK_NEW, "32"],
    ["CleanSession 1, not present: everything as new", true, CONNACK_NEW, "32"],
    ["CleanSession 1, present: violation, closes (3.2.2-1)", true, CONNACK_PRESENT, ""],
  ])("%s", (_name, clean, connack, first) => {
    const world = new World({ clean });
    world.connect(CONNACK_NEW);
    world.publish("x");
    world.link.end();
    world.reconnect(connack);
    expect(world.take().slice(0, 2)).toBe(first);
    expect(world.link.isClosed).toBe(first === "");
  });
});
