/*
 * A server of version 5 that refuses everything, or some entries at random, takes no entry from the store; and what its answers to a repeated
 * message mean.
 */
import { describe, expect, test } from "vitest";
import { RefusingServer } from "../support/refusing-server.js";
import { answer5, connack5, setup5 } from "../support/setup5.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOT_ALLOWED = 0x87;
const ID_IN_USE = 0x91;
const TOO_LARGE = 0x95;
const NOT_VALID = 0x99;

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `m${n}`);

/** A linear congruential generator: 0 to 1. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function start(count: number, code: (payload: string) => number, qos: 1 | 2 = 1) {
  const setup = setup5();
  for (let n = 0; n < count; n++) setup.publish(`m${n}`, qos);
  return { setup, server: new RefusingServer(setup, code) };
}

describe("a server that takes nothing", () => {
  test.each([NOT_ALLOWED, TOO_LARGE, NOT_VALID])(
    "code %i to each entry for an hour: all stay, and arrive afterwards",
    (code) => {
      let isRepaired = false;
      const { setup, server } = start(300, () => (isRepaired ? 0 : code));
      server.run(HOUR_MS);
      expect([setup.store.length, setup.client.status().refusal?.scope]).toEqual([300, "all"]);
      isRepaired = true;
      server.run(HOUR_MS);
      expect([setup.client.status().deadLetters, [...server.taken].sort()]).toEqual([0, numbers(300).sort()]);
    },
  );

  test("a Maximum Packet Size below every entry: all stay; they are sent when it is higher", () => {
    const { setup, server } = start(300, () => 0);
    server.limits = { maxPacketBytes: 8 };
    server.run(HOUR_MS);
    expect([setup.store.length, setup.client.status().refusal]).toMatchObject([300, { scope: "all", code: TOO_LARGE }]);
    server.limits = {};
    setup.link.end();
    server.run(MINUTE_MS);
    expect([setup.client.status().deadLetters, server.taken]).toEqual([0, numbers(300)]);
  });

  test("it is repaired between two messages of a window: nothing is lost", () => {
    let isRepaired = false;
    let since = 0;
    const { setup, server } = start(200, () => (isRepaired && since++ > 0 ? 0 : NOT_VALID));
    server.run(20 * MINUTE_MS);
    isRepaired = true;
    server.run(2 * HOUR_MS);
    expect([setup.client.status().deadLetters, [...server.taken].sort()]).toEqual([0, numbers(200).sort()]);
  });
});

describe("refused at random", () => {
  test.each([0.1, 0.3])("with probability %d, an entry a second: none is lost", (probability) => {
    const random = generator(5);
    const { setup, server } = start(300, () => (random() < probability ? NOT_ALLOWED : 0));
    for (let n = 300; n < 1_500; n++) {
      setup.publish(`m${n}`);
      server.run(SECOND_MS);
    }
    server.run(2 * HOUR_MS);
    expect([setup.client.status().deadLetters, server.taken.length]).toEqual([0, 1_500]);
  });
});

describe("PUBREC 0x91, packet id in use", () => {
  test("for an entry that was sent before: the server has it, PUBREL follows", () => {
    const setup = setup5();
    setup.publish("x", 2);
    setup.connect(connack5());
    expect(setup.take()).toContain("34");
    setup.link.end();
    setup.reconnect(connack5({}, { present: true }));
    expect(setup.take()).toContain("3c");
    setup.link.give(answer5(5, 1, ID_IN_USE));
    expect(setup.take()).toBe("62 02 00 01");
    setup.link.give(answer5(7, 1, 0));
    expect([setup.settled, setup.client.status().refusal]).toEqual([["0 delivered"], undefined]);
  });

  test.each([1, 2] as const)(
    "for the first sending at QoS %i: PUBREL frees the id, then it is sent again, without DUP",
    (qos) => {
      const setup = setup5();
      setup.publish("x", qos);
      setup.connect(connack5());
      const first = setup.take();
      setup.link.give(answer5(qos === 2 ? 5 : 4, 1, ID_IN_USE));
      expect(setup.take()).toBe("62 02 00 01");
      setup.link.give(answer5(7, 1, 0));
      setup.time.advance(SECOND_MS);
      expect(setup.take()).toBe(first);
    },
  );
});

test("entries that the store did not find for a while are sent when a ping is answered", () => {
  const setup = setup5({ keepAlive: 10 });
  const { store } = setup;
  const seek = store.seek.bind(store);
  for (let n = 0; n < 20; n++) setup.publish(`m${n}`);
  store.seek = (from) => seek(Math.max(from, 15));
  const server = new RefusingServer(setup, () => 0);
  server.run(SECOND_MS);
  expect(server.taken).toEqual(numbers(20).slice(15));
  store.seek = seek;
  server.run(MINUTE_MS);
  expect(server.taken.slice(5)).toEqual(numbers(15));
  expect([store.length, setup.peer.links.length]).toEqual([0, 1]);
});

test.each([60, 110])(
  "%i entries that are not allowed, more than are remembered: a new one is sent at once, also after they were refused again",
  (count) => {
    const { setup, server } = start(0, (payload) => (payload.startsWith("bad") ? 0x87 : 0));
    for (let n = 0; n < count; n++) {
      setup.publish(`bad${n}`);
      setup.publish(`good${n}`);
    }
    server.run(30 * SECOND_MS);
    expect(server.taken).toHaveLength(count);
    const before = server.came.length;
    server.run(60 * SECOND_MS);
    expect(server.came.length - before, "all were tried again").toBeGreaterThanOrEqual(count);
    setup.publish("new");
    server.run(SECOND_MS);
    expect(server.taken.at(-1)).toBe("new");
  },
);
