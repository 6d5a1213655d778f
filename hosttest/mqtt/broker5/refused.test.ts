/*
 * Entries that a server refuses by a reason code of version 5: delivered all the same, a dead letter at once, postponed in order, or held back
 * while others are sent, and tried again. No entry is lost that the server might accept later, and none stops the others for ever.
 */
import { describe, expect, test } from "vitest";
import type { Refusal } from "../../../src/mqtt/client.js";
import { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { RefusingServer } from "../support/refusing-server.js";
import { answer5, connack5, disconnect5, setup5 } from "../support/setup5.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

interface Heard {
  readonly refusals: (Refusal | undefined)[];
  readonly settled: string[];
}

function start(code: (payload: string, qos: number) => number, count: number, qos: 1 | 2 = 1, window = 8) {
  const heard: Heard = { refusals: [], settled: [] };
  const setup = setup5({
    window,
    onRefusal: (refusal) => heard.refusals.push(refusal),
    onSettled: (sequence, outcome, by, reason) =>
      heard.settled.push(`${sequence} ${outcome}${by ? ` ${by} 0x${reason?.toString(16)}` : ""}`),
  });
  for (let n = 0; n < count; n++) setup.publish(`m${n}`, qos);
  return { setup, server: new RefusingServer(setup, code), ...heard };
}

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `m${from + n}`);

describe.each([1, 2] as const)("QoS %i", (qos) => {
  test("0x10, no matching subscribers, is a delivery", () => {
    const { setup, server, settled } = start(() => 0x10, 3, qos);
    server.run(SECOND_MS);
    expect([settled, setup.store.length]).toEqual([numbers(3).map((_, n) => `${n} delivered`), 0]);
    expect(server.taken).toEqual(numbers(3));
  });

  test.each([0x95, 0x99])(
    "0x%s: this message can never be accepted: a dead letter when it is refused again, with the code; the rest is sent",
    (code) => {
      const { setup, server, settled } = start((payload) => (payload === "m1" ? code : 0), 20, qos);
      server.run(SECOND_MS);
      expect(settled.filter((line) => line.includes("dead"))).toEqual([]);
      expect(setup.client.status().refusal).toMatchObject({ scope: "some", sequence: 1, code });
      server.run(MINUTE_MS);
      expect(settled.filter((line) => line.includes("dead"))).toEqual([`1 deadLetter refused 0x${code.toString(16)}`]);
      expect(server.taken).toEqual(["m0", ...numbers(18, 2)]);
      expect(setup.client.status()).toMatchObject({ deadLetters: 1, delivered: 19, refusal: undefined });
      expect(setup.client.status().lastReason?.text).toContain('"why not"');
    },
  );

  test.each([0x97, 0x80, 0x83])(
    "0x%s: later; no new entry is sent meanwhile, and repeated ones are sent first",
    (code) => {
      let isShort = true;
      const { setup, server, settled } = start((payload) => (isShort && payload !== "m0" ? code : 0), 60, qos);
      server.run(500);
      const first = server.came.length;
      expect(server.taken).toEqual(["m0"]);
      expect(first, "as many as were in flight").toBeLessThanOrEqual(9);
      server.run(300);
      expect(server.came).toHaveLength(first);
      isShort = false;
      server.run(1_500);
      expect(server.taken).toEqual(numbers(60));
      expect([settled.length, setup.store.length, setup.client.status().refusal]).toEqual([60, 0, undefined]);
      expect(server.came.filter((payload) => payload.endsWith("+"))).toEqual([]);
    },
  );

  test("of several postponed entries, the first is accepted and the others postponed again: all are delivered, in order", () => {
    const tries = new Map<string, number>();
    const { setup, server } = start(
      (payload) => {
        const before = tries.get(payload) ?? 0;
        tries.set(payload, before + 1);
        return before < (payload === "m0" ? 1 : 3) ? 0x97 : 0;
      },
      12,
      qos,
    );
    server.run(10 * MINUTE_MS);
    expect(server.taken).toEqual(numbers(12));
    expect([setup.store.length, setup.peer.links.length]).toEqual([0, 1]);
  });

  test("later and later: the pauses grow to a minute, on the same connection", () => {
    const { setup, server } = start(() => 0x97, 1, qos);
    server.run(10 * MINUTE_MS);
    expect(server.came.length).toBeGreaterThan(10);
    expect(server.came.length).toBeLessThan(20);
    expect([setup.peer.links.length, setup.store.length]).toEqual([1, 1]);
  });

  test.each([0x87, 0x90])("0x%s for one of them: held back, reported, and sent when it is allowed", (code) => {
    let isAllowed = false;
    const { setup, server, refusals } = start((payload) => (!isAllowed && payload === "m1" ? code : 0), 30, qos);
    server.run(SECOND_MS);
    expect(server.taken).toEqual(["m0", ...numbers(28, 2)]);
    expect(refusals.at(-1)).toMatchObject({ scope: "some", by: "reason", sequence: 1, code });
    expect(refusals.at(-1)?.text).toContain("why not");
    server.run(5 * MINUTE_MS);
    expect(server.came.filter((payload) => payload === "m1").length, "a few times, with pauses").toBeLessThan(6);
    isAllowed = true;
    server.run(10 * MINUTE_MS);
    expect(server.taken.at(-1)).toBe("m1");
    expect(refusals.at(-1)).toBeUndefined();
    expect([setup.peer.links.length, setup.client.status().deadLetters]).toEqual([1, 0]);
  });

  test("not allowed, all of them: a few are tried, all stay; the owner's retry sends them at once", () => {
    let isAllowed = false;
    const { setup, server, refusals } = start(() => (isAllowed ? 0 : 0x87), 100, qos);
    server.run(SECOND_MS);
    expect(server.came, "eight, and those in flight behind them").toEqual(numbers(15));
    expect(refusals).toMatchObject([{ scope: "all", by: "reason", sequence: 0, code: 0x87 }]);
    server.run(30 * MINUTE_MS);
    expect(server.came.length).toBeLessThan(15 + 5 * 40);
    expect([setup.store.length, setup.peer.links.length]).toEqual([100, 1]);
    isAllowed = true;
    setup.client.retry();
    server.run(SECOND_MS);
    expect(server.taken).toEqual(numbers(100));
    expect([setup.store.length, refusals.at(-1)]).toEqual([0, undefined]);
  });

  test("an entry held back is sent again on the next connection", () => {
    let isAllowed = false;
    const { setup, server } = start((payload) => (!isAllowed && payload === "m0" ? 0x87 : 0), 3, qos);
    server.run(SECOND_MS);
    isAllowed = true;
    setup.link.end();
    server.run(5 * SECOND_MS);
    expect([server.taken, setup.store.length]).toEqual([["m1", "m2", "m0"], 0]);
  });

  test("new entries pass one that is held back; it is a dead letter only where it would stop them", () => {
    const { setup, server, settled } = start((payload) => (payload === "m0" ? 0x87 : 0), 1, qos);
    for (let n = 1; n <= 400; n++) {
      setup.publish(`m${n}`, qos);
      server.run(10 * SECOND_MS);
      if (n === 170)
        expect(
          settled.some((line) => line.startsWith("0 ")),
          "not for 170 others",
        ).toBe(false);
    }
    expect(settled.filter((line) => line.includes("dead"))).toEqual(["0 deadLetter refused 0x87"]);
    expect(server.taken).toEqual(numbers(400, 1));
  });

  test("two topics, one of them not allowed, in a store that looks 256 numbers ahead: the other one's entries are sent", () => {
    const { setup, server } = start((payload) => (Number(payload.slice(1)) % 2 ? 0x87 : 0), 0, qos);
    for (let n = 0; n < 600; n++) {
      setup.publish(`m${n}`, qos);
      server.run(5 * SECOND_MS);
    }
    server.run(20 * MINUTE_MS);
    expect(server.taken).toEqual(numbers(600).filter((_, n) => n % 2 === 0));
    expect(setup.store.length).toBeLessThanOrEqual(32);
  });
});

test("two are postponed, the first of them is delivered meanwhile: the second is sent again all the same", () => {
  const setup = setup5({ window: 2 });
  setup.publish("x", 2);
  setup.publish("y", 2);
  setup.connect(connack5());
  setup.link.give(answer5(5, 1, 0x97));
  setup.link.give(answer5(5, 2, 0x97));
  setup.time.advance(SECOND_MS);
  setup.link.give(answer5(5, 1, 0));
  setup.link.give(answer5(5, 2, 0x97));
  setup.link.give(answer5(7, 1, 0));
  setup.take();
  setup.time.advance(MINUTE_MS / 2);
  expect(setup.take()).toContain("34 07 00 01 61 00 02 00 79");
});

test("a repeated entry overtakes those in flight", () => {
  const setup = setup5({ window: 4 });
  for (let n = 0; n < 6; n++) setup.publish(`m${n}`);
  setup.connect(connack5());
  setup.take();
  setup.link.give(answer5(4, 2, 0x97)); // 1, 3 and 4 are not answered yet
  expect(setup.take()).toBe("");
  setup.time.advance(SECOND_MS);
  expect(setup.take()).toBe("32 08 00 01 61 00 02 00 6d 31");
  for (const id of [1, 2, 3]) setup.link.give(answer5(4, id, 0));
  expect(setup.take()).toBe("32 08 00 01 61 00 05 00 6d 34 32 08 00 01 61 00 06 00 6d 35");
});

test("an entry is postponed ten times, and others are not: they are sent", () => {
  const { setup, server } = start((payload) => (payload === "m0" ? 0x97 : 0), 20, 1, 1);
  server.run(20 * MINUTE_MS);
  expect(server.taken).toEqual(numbers(19, 1));
  expect(setup.store.length).toBe(1);
});

test("evicted, or settled by the owner, while it is held back: it is not reported any more", () => {
  const { setup, server, refusals } = start((payload) => (payload === "m0" ? 0x87 : 0), 3);
  server.run(SECOND_MS);
  setup.store.settle(0);
  setup.client.retry();
  setup.publish("m3");
  server.run(SECOND_MS);
  expect([refusals.at(-1), server.taken.at(-1)]).toEqual([undefined, "m3"]);
});

test("PUBCOMP 0x92: the exchange is complete, and the server had accepted the message with PUBREC", () => {
  const setup = setup5();
  setup.publish("x", 2);
  setup.connect(connack5());
  setup.link.give(answer5(5, 1, 0));
  setup.link.give(answer5(7, 1, 0x92));
  expect([setup.settled, setup.client.status().refusal]).toEqual([["0 delivered"], undefined]);
});

test("PUBREC 0x10 is followed by PUBREL", () => {
  const setup = setup5();
  setup.publish("x", 2);
  setup.connect(connack5());
  setup.take();
  setup.link.give(answer5(5, 1, 0x10));
  expect([setup.take(), setup.settled]).toEqual(["62 02 00 01", []]);
});

test("PUBREC that refuses ends the exchange: no PUBREL, and the id is free", () => {
  const setup = setup5();
  setup.publish("x", 2);
  setup.connect(connack5());
  setup.take();
  setup.link.give(answer5(5, 1, 0x99));
  expect([setup.take(), setup.client.status().inFlight, setup.settled]).toEqual(["", 0, []]);
  setup.publish("y", 1);
  expect(setup.take()).toContain("32");
});

test("a message from RAM that is refused is dropped and counted; SUBACK's code is the owner's to read", () => {
  const setup = setup5();
  setup.client.publish("r", Buffer.from("x"), { qos: 1 });
  setup.client.subscribe("f", 1);
  setup.client.unsubscribe("g");
  setup.connect(connack5());
  setup.take();
  setup.link.give(answer5(4, 0xf001, 0x87, "not you"));
  expect(setup.client.status().lastReason).toEqual({
    packet: "PUBACK",
    code: 0x87,
    text: 'not authorised (0x87): "not you"',
  });
  setup.link.give("90 04 f0 02 00 87");
  setup.link.give("b0 04 f0 03 00 11");
  expect([setup.subscribed, setup.client.status().dropped, setup.errors]).toEqual([["f 135"], 1, []]);
  setup.link.end();
  setup.reconnect(connack5({}, { present: true }));
  expect(setup.take()).toBe("");
});

describe("CONNACK and DISCONNECT", () => {
  test("a refusal contains the server's reason string, escaped", () => {
    const setup = setup5({ knownVersion: 5 });
    setup.open();
    setup.link.give(connack5({ reason: "go\n\u001b[31maway\u202e" }, { code: 0x87 }));
    expect(setup.errors).toMatchObject([
      { kind: "refused", code: 0x87, message: 'refused: not authorised (0x87): "go\\u{a}\\u{1b}[31maway\\u{202e}"' },
    ]);
  });

  test.each([
    [0x88, false],
    [0x89, false],
    [0x97, false],
    [0x9f, false],
    [0x82, true],
    [0x85, true],
    [0x86, true],
    [0x87, true],
    [0x8a, true],
    [0x9c, true],
    [0x9d, true],
  ])("CONNACK 0x%s: tried again slowly, unless it is temporary", (code, isSlow) => {
    const setup = setup5({ knownVersion: 5 });
    setup.open();
    setup.link.give(connack5({}, { code }));
    const { retryMs = 0 } = setup.client.status();
    expect(retryMs >= 60_000).toBe(isSlow);
  });

  test("a takeover is certain: it is reported, and not answered at once", () => {
    const setup = setup5();
    setup.connect(connack5());
    setup.link.give(disconnect5(0x8e));
    expect(setup.errors).toMatchObject([
      { kind: "closed", code: 0x8e, message: "closed by the server: session taken over (0x8e)" },
    ]);
    expect(setup.client.status().retryMs).toBeGreaterThanOrEqual(60_000);
    expect(setup.client.status().lastReason).toMatchObject({ packet: "DISCONNECT", code: 0x8e });
  });

  test("a protocol error after CONNACK does not slow down reconnecting: one entry may be the cause", () => {
    const setup = setup5();
    setup.connect(connack5());
    setup.link.give(disconnect5(0x82));
    expect(setup.client.status().retryMs).toBeLessThanOrEqual(1_000);
  });

  test("a shutdown of the server blames no entry, however often; a protocol error may concern the entry", () => {
    for (const [code, held] of [
      [0x8b, false],
      [0x93, true],
      [0x82, true],
    ] as const) {
      const setup = setup5();
      setup.publish("x");
      for (let n = 0; n < 12; n++) {
        if (n === 0) setup.connect(connack5());
        else setup.reconnect(connack5({}, { present: true }));
        setup.link.give(disconnect5(code));
      }
      expect(setup.client.status().refusal !== undefined).toBe(held);
      expect(setup.store.length).toBe(1);
    }
  });

  test("a server reference is reported, and followed only if the owner allows it; back, if there is no server", () => {
    const serverReference = "other.example:1884 third";
    const stays = setup5({ knownVersion: 5 });
    stays.open();
    stays.link.give(connack5({ serverReference }, { code: 0x9c }));
    expect(stays.errors[0].message).toBe(`refused: use another server (0x9c), server reference "${serverReference}"`);
    stays.time.runUntil(() => stays.peer.links.length === 2, 3 * MINUTE_MS);
    expect(stays.link.options.host).toBe("192.0.2.1");
    const follows = setup5({ knownVersion: 5, followReference: true });
    follows.connect(connack5());
    follows.link.give(disconnect5(0x9d, { serverReference }));
    const hosts = (): string => `${follows.link.options.host}:${follows.link.options.port}`;
    follows.time.runUntil(() => follows.peer.links.length === 2, MINUTE_MS);
    expect(hosts()).toBe("other.example:1884");
    follows.link.end();
    follows.time.runUntil(() => follows.peer.links.length === 3, MINUTE_MS);
    expect(hosts()).toBe("192.0.2.1:1883");
  });

  test.each([
    ["[2001:db8::1]:1884", "2001:db8::1:1884"],
    ["[2001:db8::1]", "2001:db8::1:1883"],
    ["broker.example", "broker.example:1883"],
    [":1884", "192.0.2.1:1883"],
    ["broker.example:99999", "192.0.2.1:1883"],
  ])("a server reference %s", (serverReference, expected) => {
    const setup = setup5({ knownVersion: 5, followReference: true });
    setup.connect(connack5());
    setup.link.give(disconnect5(0x9d, { serverReference }));
    setup.time.runUntil(() => setup.peer.links.length === 2, 3 * MINUTE_MS);
    expect(`${setup.link.options.host}:${setup.link.options.port}`).toBe(expected);
  });
});

describe("a server that silently closes at the same packet again and again, and accepts others", () => {
  const HOURS = 6;

  function closing(mustClose: (packet: Uint8Array) => boolean) {
    const { setup, server, settled } = start(() => 0, 10, 2);
    server.mustClose = mustClose;
    for (let minute = 0; minute < HOURS * 60; minute++) {
      server.run(MINUTE_MS);
      setup.publish(`m${10 + minute}`, 2);
    }
    server.run(MINUTE_MS);
    return { setup, server, settled };
  }

  test("at one message: that alone is a dead letter, the rest arrives", () => {
    const { setup, server, settled } = closing((packet) => String.fromCharCode(...packet.slice(-2)) === "m3");
    expect(settled.filter((line) => line.includes("dead"))).toEqual(["3 deadLetter closing 0xundefined"]);
    expect(new Set(server.taken)).toEqual(new Set(numbers(10 + HOURS * 60).filter((name) => name !== "m3")));
    expect([setup.store.length, server.breaches]).toEqual([0, []]);
  });

  test("at one PUBREL: its message is settled as delivered, as PUBREC had come; the rest arrives", () => {
    const { setup, server, settled } = closing((packet) => packet[0] === 0x62 && packet[3] === 4);
    expect(settled.filter((line) => line.startsWith("3 "))).toEqual(["3 delivered unanswered 0xundefined"]);
    expect(new Set(server.taken)).toEqual(new Set(numbers(10 + HOURS * 60)));
    expect([setup.store.length, setup.client.status().deadLetters, server.breaches]).toEqual([0, 0, []]);
  });
});

test("a store without numbers, for those who only subscribe", () => {
  const setup = setup5({ outbound: undefined });
  setup.connect(connack5());
  setup.client.retry();
  expect([setup.errors, setup.client.status().state]).toEqual([[], "connected"]);
  expect(new MemoryStore().length).toBe(0);
});
