/*
 * The keep-alive: when PINGREQ is sent, and when a server that does not answer is disconnected.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_NEW, Setup } from "../support/setup.js";

describe("keep-alive", () => {
  /** Times of PINGREQ and of other packets within `ms`, answering each PINGREQ. */
  function sentWithin(setup: Setup, ms: number): { pings: number[]; all: number[] } {
    const pings: number[] = [];
    const all = [setup.time.nowMs];
    const endMs = setup.time.nowMs + ms;
    while (setup.time.nowMs < endMs) {
      setup.time.advance(100);
      const sent = setup.take();
      if (sent) all.push(setup.time.nowMs);
      if (sent !== "c0 00") continue;
      pings.push(setup.time.nowMs);
      setup.link.give("d0 00");
    }
    return { pings, all };
  }

  test("idle: PINGREQ, before the interval has passed since the last packet sent (3.1.2-23, 3.1.2-24)", () => {
    for (const keepAlive of [1, 10, 60, 600]) {
      const setup = new Setup({ keepAlive });
      setup.connect();
      const { pings, all } = sentWithin(setup, keepAlive * 10_000);
      expect(pings.length).toBeGreaterThanOrEqual(9);
      expect(pings.length).toBeLessThanOrEqual(13);
      for (let n = 1; n < all.length; n++) expect(all[n] - all[n - 1]).toBeLessThan(keepAlive * 1_000);
      expect(setup.errors).toEqual([]);
    }
  });

  test("a slow answer does not delay the next PINGREQ (3.1.2-23)", () => {
    for (const [keepAlive, answerMs] of [
      [60, 14_000],
      [30, 11_000],
      [10, 3_500],
      [10, 7_000],
    ]) {
      const setup = new Setup({ keepAlive });
      setup.connect();
      setup.take();
      let sentMs = setup.time.nowMs;
      const answersMs: number[] = [];
      while (setup.time.nowMs < keepAlive * 10_000) {
        setup.time.advance(100);
        const { nowMs } = setup.time;
        if (setup.take()) {
          expect(nowMs - sentMs, `${keepAlive} s, answered after ${answerMs} ms`).toBeLessThan(keepAlive * 1_000);
          sentMs = nowMs;
          answersMs.push(nowMs + answerMs);
        }
        if (answersMs[0] <= nowMs && answersMs.shift()) setup.link.give("d0 00");
      }
      expect(setup.errors).toEqual([]);
    }
  });

  test("other packets that are sent and answered replace PINGREQ (3.1.2-23)", () => {
    const setup = new Setup({ keepAlive: 10 });
    setup.connect();
    let sequence = 0;
    for (let n = 0; n < 40; n++) {
      setup.publish("x");
      expect(setup.take()).not.toContain("c0 00");
      const id = ++sequence;
      setup.link.giveBytes([0x40, 2, id >> 8, id & 255]);
      setup.time.advance(2_000);
      expect(setup.take()).toBe("");
    }
  });

  test("receiving only does not count as sending (3.1.2-23)", () => {
    const setup = new Setup({ keepAlive: 10 });
    setup.connect();
    let pings = 0;
    for (let n = 0; n < 30; n++) {
      setup.link.give("30 03 00 01 61");
      setup.time.advance(1_000);
      if (setup.take() === "c0 00") {
        pings++;
        setup.link.give("d0 00");
      }
    }
    expect(pings).toBeGreaterThanOrEqual(3);
  });

  test("QoS 0 into a half-open connection is noticed: PINGREQ although packets are sent, and no PINGRESP ends it (3.12.4-1)", () => {
    const setup = new Setup({ keepAlive: 10, pingTimeoutMs: 5_000 });
    setup.connect();
    const message = { topic: Buffer.from("a"), payload: Buffer.from("x"), payloadLength: 1, retain: false };
    for (let n = 0; n < 20 && setup.errors.length === 0; n++) {
      setup.client.publishNow(message);
      setup.time.advance(1_000);
    }
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(setup.link.isClosed).toBe(true);
    expect(setup.time.nowMs).toBeLessThanOrEqual(14_000);
  });

  test("PINGREQ is sent while a long PUBLISH is being received, and PINGRESP may arrive after it (3.1.2-24)", () => {
    const setup = new Setup({ keepAlive: 10, pingTimeoutMs: 5_000 });
    setup.connect();
    setup.link.give("30 83 c0 02 00 01 61"); // 40,960 bytes of payload follow, slowly
    let pings = 0;
    for (let n = 0; n < 40; n++) {
      setup.time.advance(1_000);
      setup.link.giveBytes(new Uint8Array(1_024));
      if (setup.take().includes("c0 00")) pings++;
    }
    expect(setup.errors).toEqual([]);
    expect(pings).toBeGreaterThanOrEqual(3);
    setup.time.advance(15_000);
    expect(setup.errors).toMatchObject([{ message: "no PINGRESP" }]);
  });

  test.each([
    ["a byte a second", 1, 1_000],
    ["200 bytes a second", 200, 1_000],
  ])(
    "a message of 200 MB that drips in, %s: what neither acknowledges nor answers pings is left",
    (_how, bytes, everyMs) => {
      const setup = new Setup({ keepAlive: 60 });
      setup.connect();
      setup.publish("x");
      setup.link.give("30 80 84 af 5f 00 01 61");
      for (let n = 0; n < 3_600 && setup.errors.length === 0; n++) {
        setup.time.advance(everyMs);
        if (!setup.link.isClosed) setup.link.giveBytes(new Uint8Array(bytes));
      }
      expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
      expect(setup.time.nowMs).toBeLessThanOrEqual(80_000);
    },
  );

  test("a message received for hours, slowly but steadily, blocks the queue for at most ten minutes", () => {
    const setup = new Setup({ keepAlive: 60 });
    setup.connect();
    setup.publish("x");
    setup.link.give("30 80 84 af 5f 00 01 61");
    for (let n = 0; n < 7_200 && setup.errors.length === 0; n++) {
      setup.time.advance(1_000);
      if (!setup.link.isClosed) setup.link.giveBytes(new Uint8Array(1_000));
    }
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(setup.time.nowMs).toBeGreaterThan(600_000);
    expect(setup.time.nowMs).toBeLessThanOrEqual(700_000);
  });

  test("1 MB at 10 KB a second is received completely, at keep-alive 10", () => {
    const setup = new Setup({ keepAlive: 10, onMessage: ({ last }) => (isWhole ||= last) });
    let isWhole = false;
    setup.connect();
    setup.link.give("30 80 80 40 00 01 61"); // 1,048,576 bytes, topic included
    for (let n = 0; n < 1_024; n++) {
      setup.link.giveBytes(new Uint8Array(n < 1_023 ? 1_024 : 1_021));
      setup.time.advance(100);
    }
    expect([isWhole, setup.errors]).toEqual([true, []]);
  });

  test("a peer that receives a long message byte by byte is disconnected, too", () => {
    const setup = new Setup({ keepAlive: 60 });
    setup.connect(CONNACK_NEW, 16);
    setup.publish("x".repeat(30_000));
    for (let n = 0; n < 3_600 && setup.errors.length === 0; n++) {
      setup.time.advance(1_000);
      if (!setup.link.isClosed) setup.link.allow(1);
    }
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(setup.time.nowMs).toBeLessThanOrEqual(80_000);
  });

  test("a half-open connection is closed within 9 s at keep-alive 2: PINGRESP is not waited for longer than the keep-alive", () => {
    const setup = new Setup({ keepAlive: 2 });
    setup.connect();
    setup.time.advance(9_000);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
  });

  test("a server that sends messages, and acknowledges none: pinged all the same, and disconnected", () => {
    const setup = new Setup({ keepAlive: 10 });
    setup.connect();
    setup.publish("x");
    const message = { topic: Buffer.from("b"), payload: Buffer.from("x"), payloadLength: 1, retain: false };
    for (let n = 0; n < 120 && setup.errors.length === 0; n++) {
      setup.client.publishNow(message);
      setup.link.give("30 03 00 01 61");
      setup.time.advance(1_000);
      if (!setup.link.isClosed && setup.take().includes("c0 00")) setup.link.give("d0 00");
    }
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no acknowledgement" }]);
  });

  test("a socket that accepts nothing any more is noticed, too: a PINGREQ that does not fit is no excuse", () => {
    const setup = new Setup({ keepAlive: 10, pingTimeoutMs: 5_000, bufferLength: 64 });
    setup.connect(CONNACK_NEW, 16);
    setup.publish("x".repeat(55));
    setup.time.advance(13_000);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
  });

  test("a PINGREQ that did not fit is sent when it does, and only then its answer is waited for", () => {
    for (const keepAlive of [10, 60]) {
      const setup = new Setup({ keepAlive, pingTimeoutMs: 15_000, bufferLength: 64 });
      setup.connect(CONNACK_NEW, 16);
      setup.publish("x".repeat(200));
      setup.time.advance(keepAlive * 800 + Math.min(keepAlive, 15) * 1_000 - 1_000);
      setup.link.allow(1_000);
      setup.take();
      setup.time.runUntil(() => setup.take() === "c0 00", 5_000);
      setup.time.advance(9_000);
      setup.link.give("d0 00");
      expect(setup.errors, `${keepAlive} s`).toEqual([]);
      expect(setup.client.status().state).toBe("connected");
    }
  });

  test("keep-alive 0: no PINGREQ, ever", () => {
    const setup = new Setup({ keepAlive: 0 });
    setup.connect();
    setup.time.advance(10_000_000);
    expect(setup.take()).toBe("");
    expect(setup.errors).toEqual([]);
  });

  test("65,536 s are refused at construction", () => {
    expect(() => new Setup({ keepAlive: 65_536 })).toThrow(/keepAlive 65536: expected 0..65535 s/);
  });
});
