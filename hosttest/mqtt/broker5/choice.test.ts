/*
 * The choice of the version: 5 first, 3.1.1 if the server shows in any way that it does not support 5; what continues across a
 * change of version; and the cost of a server that is only down, or has stalled.
 */
import { describe, expect, test } from "vitest";
import type { Version } from "../../../src/mqtt/client.js";
import type { Setup } from "../support/setup.js";
import { CONNACK_NEW, CONNACK_PRESENT } from "../support/setup.js";
import { connack5, levelOf, setup5 } from "../support/setup5.js";

const HOUR_MS = 3_600_000;

/** How a server without version 5 answers a CONNECT of level 5. */
const FALLBACKS: Readonly<Record<string, (setup: Setup) => void>> = {
  "CONNACK 0x84": ({ link }) => link.give(connack5({}, { code: 0x84 })),
  "return code 1, in 3.1.1's form": ({ link }) => link.give("20 02 00 01"),
  "it closes without CONNACK": ({ link }) => link.end(),
  "it is silent": ({ time }) => time.advance(5_000),
};

/** A connection on which nothing is sent but pings, which are answered. */
function idle(setup: Setup, ms: number): void {
  for (const endMs = setup.time.nowMs + ms; setup.time.nowMs < endMs; setup.time.advance(5_000))
    if (setup.take() === "c0 00") setup.link.give("d0 00");
}

/** Waits for the next attempt, and returns the level of its CONNECT. */
function next(setup: Setup): number {
  const before = setup.peer.links.length;
  if (setup.link.isClosed) setup.time.runUntil(() => setup.peer.links.length > before, 96 * HOUR_MS);
  return levelOf(setup.open());
}

describe.each(Object.entries(FALLBACKS))("a server that has 3.1.1 only: %s", (_name, refuse) => {
  test("3.1.1 at once, on a second connection once the first is closed; the owner may remember it", () => {
    const versions: Version[] = [];
    const setup = setup5({ onVersion: (version) => versions.push(version) });
    expect(levelOf(setup.open())).toBe(5);
    const first = setup.link;
    const startMs = setup.time.nowMs;
    refuse(setup);
    expect([setup.peer.links.length, first.isClosed, setup.errors]).toEqual([2, true, []]);
    expect(setup.time.nowMs - startMs).toBeLessThanOrEqual(5_000);
    expect(levelOf(setup.open())).toBe(4);
    setup.link.give(CONNACK_NEW);
    expect(setup.client.status()).toMatchObject({ state: "connected", version: 4 });
    expect(versions).toEqual([4]);
    setup.link.end();
    expect(next(setup), "and again without asking").toBe(4);
  });

  test("if the owner allows only 5, it is an error, and no other version is tried", () => {
    const setup = setup5({ version: 5, connectTimeoutMs: 5_000 });
    setup.open();
    refuse(setup);
    expect([setup.peer.links.length, setup.errors.length]).toEqual([1, 1]);
    expect(next(setup)).toBe(5);
  });
});

test("3.1.1 alone, and 5 without its code", () => {
  expect(levelOf(setup5({ version: 4 }).open())).toBe(4);
  expect(levelOf(setup5({ version5: undefined }).open())).toBe(4);
  expect(() => setup5({ version: 5, version5: undefined })).toThrow("version 5: expected with version5");
  expect(() => setup5({ sessionExpiryS: 0 })).toThrow("sessionExpiryS 0: expected 1 or more, or clean");
});

describe("a server that is down, or has stalled", () => {
  test("costs one attempt more, once, and no version is remembered", () => {
    const versions: Version[] = [];
    const setup = setup5({ onVersion: (version) => versions.push(version) });
    setup.open();
    setup.link.end();
    expect([setup.peer.links.length, levelOf(setup.open())]).toEqual([2, 4]);
    setup.link.end();
    expect([setup.peer.links.length, setup.client.status().state]).toEqual([2, "waiting"]);
    for (const level of [5, 4, 5]) {
      expect(next(setup)).toBe(level);
      setup.link.end();
      expect(setup.client.status().state).toBe("waiting");
    }
    expect(next(setup)).toBe(4);
    setup.link.end();
    expect(next(setup)).toBe(5);
    setup.link.give(connack5());
    expect([setup.client.status().version, versions]).toEqual([5, [5]]);
  });

  test("a server that is not reached shows nothing about its version", () => {
    const setup = setup5();
    setup.client.start();
    for (let n = 0; n < 5; n++) {
      setup.link.end();
      const before = setup.peer.links.length;
      setup.time.runUntil(() => setup.peer.links.length > before, HOUR_MS);
      expect(before).toBe(n + 1);
    }
    expect(levelOf(setup.open())).toBe(5);
  });

  test("one that has answered 5 is tried with 3.1.1 after nine silent ends, more than a restart behind a proxy causes, and with 5 again on the next connection", () => {
    for (const knownVersion of [5, undefined] as const) {
      const setup = setup5({ knownVersion });
      setup.connect(connack5());
      setup.link.end();
      for (let n = 0; n < 9; n++) {
        expect(next(setup), `${n}`).toBe(5);
        setup.time.advance(10_000);
        expect(setup.link.isClosed, "CONNACK may take its time").toBe(false);
        setup.link.end();
      }
      expect(next(setup)).toBe(4);
      setup.link.give(CONNACK_PRESENT);
      setup.link.end();
      expect(next(setup)).toBe(5);
    }
  });

  test("3.1.1 because of silence: 5 is tried again within hours, at a connection that is made anyway, and costs one attempt", () => {
    const versions: Version[] = [];
    const setup = setup5({ onVersion: (version) => versions.push(version) });
    setup.open();
    setup.time.advance(5_000);
    setup.connect(CONNACK_NEW);
    for (const [hours, level] of [
      [0.5, 4],
      [1, 5],
      [1, 4],
      [1.5, 5],
    ]) {
      idle(setup, hours * HOUR_MS);
      setup.link.end();
      expect(next(setup), `after ${hours} h`).toBe(level);
      if (level === 5) {
        setup.time.advance(5_000);
        expect(levelOf(setup.open())).toBe(4);
      }
      setup.link.give(CONNACK_PRESENT);
    }
    expect(versions).toEqual([4]);
  });
});

test("3.1.1 on silence alone: one message of QoS 2 at a time, safe against a limit that the server could not state", () => {
  const open = (setup: Setup): number => {
    setup.link.give(CONNACK_NEW);
    return setup.client.status().maxQoS2;
  };
  for (const [name, refuse] of Object.entries(FALLBACKS)) {
    const setup = setup5();
    setup.open();
    refuse(setup);
    setup.open();
    expect(open(setup), name).toBe(name.startsWith("it ") ? 1 : 8);
  }
  const fixed = setup5({ version: 4 });
  fixed.open();
  expect(open(fixed)).toBe(8);
});

test("a remembered version is tried first; 5 again after three days", () => {
  const setup = setup5({ knownVersion: 4 });
  setup.connect(CONNACK_NEW);
  setup.link.end();
  setup.time.advance(71 * HOUR_MS);
  expect(next(setup)).toBe(4);
  setup.link.give(CONNACK_PRESENT);
  idle(setup, 2 * HOUR_MS);
  setup.link.end();
  expect(next(setup)).toBe(5);
  setup.link.give(connack5());
  expect(setup.client.status().version).toBe(5);
});

test("a server that no longer supports 3.1.1, or 5, is tried with the other at once", () => {
  const four = setup5({ knownVersion: 4 });
  four.open();
  four.link.give("20 02 00 01");
  expect(levelOf(four.open())).toBe(5);
  const five = setup5({ knownVersion: 5 });
  five.open();
  five.link.give("20 02 00 01");
  expect(levelOf(five.open())).toBe(4);
});

test("one that supports neither is not tried without a pause", () => {
  const setup = setup5();
  for (let n = 0; n < 2; n++) {
    setup.open();
    setup.link.give("20 02 00 01");
  }
  expect([setup.peer.links.length, setup.client.status().state]).toEqual([2, "waiting"]);
  expect(setup.errors).toMatchObject([{ kind: "refused", message: "refused: protocol version", code: 1 }]);
});

describe("across a change of version", () => {
  test("packet ids, released messages and requests continue, in the form of the version", () => {
    const setup = setup5();
    setup.connect(connack5());
    setup.publish("x", 2);
    setup.publish("y", 2);
    setup.client.subscribe("f/+", 1);
    setup.client.publish("r", Buffer.from("z"), { qos: 1 });
    expect(setup.take()).toBe(
      "34 07 00 01 61 00 01 00 78 34 07 00 01 61 00 02 00 79 82 09 f0 01 00 00 03 66 2f 2b 11 32 07 00 01 72 f0 02 00 7a",
    );
    setup.link.give("50 02 00 01"); // of the first: it is the server's
    setup.take();
    setup.client.linkDown();
    setup.client.linkUp();
    setup.open();
    setup.link.give(connack5({}, { code: 0x84 }));
    expect(levelOf(setup.open())).toBe(4);
    setup.link.give(CONNACK_PRESENT);
    expect(setup.take()).toBe(
      "82 08 f0 01 00 03 66 2f 2b 01 3a 06 00 01 72 f0 02 7a 62 02 00 01 3c 06 00 01 61 00 02 79",
    );
    setup.link.give("90 03 f0 01 01");
    setup.link.give("40 02 f0 02");
    setup.link.give("70 02 00 01");
    setup.link.give("50 02 00 02");
    setup.link.give("70 02 00 02");
    expect([setup.settled, setup.errors]).toEqual([["0 delivered", "1 delivered"], []]);
    expect(setup.client.status().possibleDoubles).toBe(0);
  });

  test("limits learned in 5 apply in 3.1.1, where the broker would only close", () => {
    const setup = setup5();
    setup.connect(connack5({ maxQoS: 1, retainAvailable: 0, receiveMaximum: 3 }));
    setup.link.end();
    next(setup);
    setup.link.give(connack5({}, { code: 0x84 }));
    setup.connect(CONNACK_NEW);
    for (let n = 0; n < 5; n++) setup.store.append("a", Buffer.from("x"), 2, true);
    setup.client.wake();
    expect(setup.take()).toBe([1, 2, 3].map((id) => `32 06 00 01 61 00 0${id} 78`).join(" "));
    expect(setup.client.status()).toMatchObject({ version: 4, limits: { effective: { sessionExpiryS: undefined } } });
  });

  test("the session is wiped by a first connection of Clean Start 1; the second has Clean Start 0 before anything is sent", () => {
    const setup = setup5({ wipeFirst: true });
    setup.publish("x", 2);
    const wipe = setup.open();
    expect(wipe.slice(27, 29)).toBe("02");
    setup.link.give(connack5());
    expect([setup.peer.links[0].isClosed, setup.peer.links.length]).toEqual([true, 2]);
    const second = setup.open();
    expect(second.slice(27, 29)).toBe("00");
    expect(second, "never without a session expiry").toContain("11 00 09 3a 80");
    setup.link.give(connack5());
    expect(setup.take()).toBe("34 07 00 01 61 00 01 00 78");
  });
});
