/*
 * The choice of the version: 5 first, 3.1.1 if the server shows in any way that it does not support 5; what continues across a
 * change of version; and the cost of a server that is only down, or has stalled.
 */
import { describe, expect, test } from "vitest";
import type { Version } from "../../../src/mqtt/client.js";
import type { World } from "../support/world.js";
import { CONNACK_NEW, CONNACK_PRESENT } from "../support/world.js";
import { connack5, levelOf, world5 } from "../support/world5.js";

const HOUR_MS = 3_600_000;

/** How a server without version 5 answers a CONNECT of level 5. */
const FALLBACKS: Readonly<Record<string, (world: World) => void>> = {
  "CONNACK 0x84": ({ link }) => link.give(connack5({}, { code: 0x84 })),
  "return code 1, in 3.1.1's form": ({ link }) => link.give("20 02 00 01"),
  "it closes without CONNACK": ({ link }) => link.end(),
  "it is silent": ({ time }) => time.advance(5_000),
};

/** A connection on which nothing is sent but pings, which are answered. */
function idle(world: World, ms: number): void {
  for (const endMs = world.time.nowMs + ms; world.time.nowMs < endMs; world.time.advance(5_000))
    if (world.take() === "c0 00") world.link.give("d0 00");
}

/** Waits for the next attempt, and returns the level of its CONNECT. */
function next(world: World): number {
  const before = world.peer.links.length;
  if (world.link.isClosed) world.time.runUntil(() => world.peer.links.length > before, 96 * HOUR_MS);
  return levelOf(world.open());
}

describe.each(Object.entries(FALLBACKS))("a server that has 3.1.1 only: %s", (_name, refuse) => {
  test("3.1.1 at once, on a second connection once the first is closed; the owner may remember it", () => {
    const versions: Version[] = [];
    const world = world5({ onVersion: (version) => versions.push(version) });
    expect(levelOf(world.open())).toBe(5);
    const first = world.link;
    const startMs = world.time.nowMs;
    refuse(world);
    expect([world.peer.links.length, first.isClosed, world.errors]).toEqual([2, true, []]);
    expect(world.time.nowMs - startMs).toBeLessThanOrEqual(5_000);
    expect(levelOf(world.open())).toBe(4);
    world.link.give(CONNACK_NEW);
    expect(world.client.status()).toMatchObject({ state: "connected", version: 4 });
    expect(versions).toEqual([4]);
    world.link.end();
    expect(next(world), "and again without asking").toBe(4);
  });

  test("if the owner allows only 5, it is an error, and no other version is tried", () => {
    const world = world5({ version: 5, connectTimeoutMs: 5_000 });
    world.open();
    refuse(world);
    expect([world.peer.links.length, world.errors.length]).toEqual([1, 1]);
    expect(next(world)).toBe(5);
  });
});

test("3.1.1 alone, and 5 without its code", () => {
  expect(levelOf(world5({ version: 4 }).open())).toBe(4);
  expect(levelOf(world5({ version5: undefined }).open())).toBe(4);
  expect(() => world5({ version: 5, version5: undefined })).toThrow("version 5: expected with version5");
  expect(() => world5({ sessionExpiryS: 0 })).toThrow("sessionExpiryS 0: expected 1 or more, or clean");
});

describe("a server that is down, or has stalled", () => {
  test("costs one attempt more, once, and no version is remembered", () => {
    const versions: Version[] = [];
    const world = world5({ onVersion: (version) => versions.push(version) });
    world.open();
    world.link.end();
    expect([world.peer.links.length, levelOf(world.open())]).toEqual([2, 4]);
    world.link.end();
    expect([world.peer.links.length, world.client.status().state]).toEqual([2, "waiting"]);
    for (const level of [5, 4, 5]) {
      expect(next(world)).toBe(level);
      world.link.end();
      expect(world.client.status().state).toBe("waiting");
    }
    expect(next(world)).toBe(4);
    world.link.end();
    expect(next(world)).toBe(5);
    world.link.give(connack5());
    expect([world.client.status().version, versions]).toEqual([5, [5]]);
  });

  test("a server that is not reached shows nothing about its version", () => {
    const world = world5();
    world.client.start();
    for (let n = 0; n < 5; n++) {
      world.link.end();
      const before = world.peer.links.length;
      world.time.runUntil(() => world.peer.links.length > before, HOUR_MS);
      expect(before).toBe(n + 1);
    }
    expect(levelOf(world.open())).toBe(5);
  });

  test("one that has answered 5 is tried with 3.1.1 after nine silent ends, more than a restart behind a proxy causes, and with 5 again on the next connection", () => {
    for (const knownVersion of [5, undefined] as const) {
      const world = world5({ knownVersion });
      world.connect(connack5());
      world.link.end();
      for (let n = 0; n < 9; n++) {
        expect(next(world), `${n}`).toBe(5);
        world.time.advance(10_000);
        expect(world.link.isClosed, "CONNACK may take its time").toBe(false);
        world.link.end();
      }
      expect(next(world)).toBe(4);
      world.link.give(CONNACK_PRESENT);
      world.link.end();
      expect(next(world)).toBe(5);
    }
  });

  test("3.1.1 because of silence: 5 is tried again within hours, at a connection that is made anyway, and costs one attempt", () => {
    const versions: Version[] = [];
    const world = world5({ onVersion: (version) => versions.push(version) });
    world.open();
    world.time.advance(5_000);
    world.connect(CONNACK_NEW);
    for (const [hours, level] of [
      [0.5, 4],
      [1, 5],
      [1, 4],
      [1.5, 5],
    ]) {
      idle(world, hours * HOUR_MS);
      world.link.end();
      expect(next(world), `after ${hours} h`).toBe(level);
      if (level === 5) {
        world.time.advance(5_000);
        expect(levelOf(world.open())).toBe(4);
      }
      world.link.give(CONNACK_PRESENT);
    }
    expect(versions).toEqual([4]);
  });
});

test("3.1.1 on silence alone: one message of QoS 2 at a time, safe against a limit that the server could not state", () => {
  const open = (world: World): number => {
    world.link.give(CONNACK_NEW);
    return world.client.status().maxQoS2;
  };
  for (const [name, refuse] of Object.entries(FALLBACKS)) {
    const world = world5();
    world.open();
    refuse(world);
    world.open();
    expect(open(world), name).toBe(name.startsWith("it ") ? 1 : 8);
  }
  const fixed = world5({ version: 4 });
  fixed.open();
  expect(open(fixed)).toBe(8);
});

test("a remembered version is tried first; 5 again after three days", () => {
  const world = world5({ knownVersion: 4 });
  world.connect(CONNACK_NEW);
  world.link.end();
  world.time.advance(71 * HOUR_MS);
  expect(next(world)).toBe(4);
  world.link.give(CONNACK_PRESENT);
  idle(world, 2 * HOUR_MS);
  world.link.end();
  expect(next(world)).toBe(5);
  world.link.give(connack5());
  expect(world.client.status().version).toBe(5);
});

test("a server that no longer supports 3.1.1, or 5, is tried with the other at once", () => {
  const four = world5({ knownVersion: 4 });
  four.open();
  four.link.give("20 02 00 01");
  expect(levelOf(four.open())).toBe(5);
  const five = world5({ knownVersion: 5 });
  five.open();
  five.link.give("20 02 00 01");
  expect(levelOf(five.open())).toBe(4);
});

test("one that supports neither is not tried without a pause", () => {
  const world = world5();
  for (let n = 0; n < 2; n++) {
    world.open();
    world.link.give("20 02 00 01");
  }
  expect([world.peer.links.length, world.client.status().state]).toEqual([2, "waiting"]);
  expect(world.errors).toMatchObject([{ kind: "refused", message: "refused: protocol version", code: 1 }]);
});

describe("across a change of version", () => {
  test("packet ids, released messages and requests continue, in the form of the version", () => {
    const world = world5();
    world.connect(connack5());
    world.publish("x", 2);
    world.publish("y", 2);
    world.client.subscribe("f/+", 1);
    world.client.publish("r", Buffer.from("z"), { qos: 1 });
    expect(world.take()).toBe(
      "34 07 00 01 61 00 01 00 78 34 07 00 01 61 00 02 00 79 82 09 f0 01 00 00 03 66 2f 2b 11 32 07 00 01 72 f0 02 00 7a",
    );
    world.link.give("50 02 00 01"); // of the first: it is the server's
    world.take();
    world.client.linkDown();
    world.client.linkUp();
    world.open();
    world.link.give(connack5({}, { code: 0x84 }));
    expect(levelOf(world.open())).toBe(4);
    world.link.give(CONNACK_PRESENT);
    expect(world.take()).toBe(
      "82 08 f0 01 00 03 66 2f 2b 01 3a 06 00 01 72 f0 02 7a 62 02 00 01 3c 06 00 01 61 00 02 79",
    );
    world.link.give("90 03 f0 01 01");
    world.link.give("40 02 f0 02");
    world.link.give("70 02 00 01");
    world.link.give("50 02 00 02");
    world.link.give("70 02 00 02");
    expect([world.settled, world.errors]).toEqual([["0 delivered", "1 delivered"], []]);
    expect(world.client.status().possibleDoubles).toBe(0);
  });

  test("limits learned in 5 apply in 3.1.1, where the broker would only close", () => {
    const world = world5();
    world.connect(connack5({ maxQoS: 1, retainAvailable: 0, receiveMaximum: 3 }));
    world.link.end();
    next(world);
    world.link.give(connack5({}, { code: 0x84 }));
    world.connect(CONNACK_NEW);
    for (let n = 0; n < 5; n++) world.store.append("a", Buffer.from("x"), 2, true);
    world.client.wake();
    expect(world.take()).toBe([1, 2, 3].map((id) => `32 06 00 01 61 00 0${id} 78`).join(" "));
    expect(world.client.status()).toMatchObject({ version: 4, limits: { effective: { sessionExpiryS: undefined } } });
  });

  test("the session is wiped by a first connection of Clean Start 1; the second has Clean Start 0 before anything is sent", () => {
    const world = world5({ wipeFirst: true });
    world.publish("x", 2);
    const wipe = world.open();
    expect(wipe.slice(27, 29)).toBe("02");
    world.link.give(connack5());
    expect([world.peer.links[0].isClosed, world.peer.links.length]).toEqual([true, 2]);
    const second = world.open();
    expect(second.slice(27, 29)).toBe("00");
    expect(second, "never without a session expiry").toContain("11 00 09 3a 80");
    world.link.give(connack5());
    expect(world.take()).toBe("34 07 00 01 61 00 01 00 78");
  });
});
