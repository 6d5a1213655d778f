/*
 * The keep-alive: when PINGREQ is sent, and when a server that does not answer is disconnected.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_NEW, World } from "../support/world.js";

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
