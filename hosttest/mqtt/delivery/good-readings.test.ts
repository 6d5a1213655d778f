/*
 * Servers that accept every message, but not always: they refuse for a while, accept few in a connection, or ignore many at random. An entry that
 * was refused then is no dead letter: it is delivered when it is the first of a connection, alone in flight.
 */
import { describe, expect, test } from "vitest";
import { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { Random } from "../../simulation/random.js";
import { Setup } from "../support/setup.js";
import { type Answer, type Sent, UnwillingServer } from "../support/unwilling-server.js";

const HOUR_S = 3_600;

/** An entry a minute for so many hours, and then half as many hours to deliver them. `answer` also gets the seconds. */
function run(qos: 1 | 2, hours: number, answer: (sent: Sent, second: number) => Answer, everyS = 60) {
  const dead: number[] = [];
  const store = new MemoryStore(100_000);
  const onSettled = (sequence: number, outcome: string): unknown => outcome === "deadLetter" && dead.push(sequence);
  const setup = new Setup({ keepAlive: 60, window: 8, onSettled }, { store });
  let now = 0;
  const server = new UnwillingServer(setup, { session: "kept", answer: (sent) => answer(sent, now) });
  server.run(hours * 1.5 * HOUR_S, (second) => {
    now = second;
    if (second % everyS === 0 && second < hours * HOUR_S) setup.publish(`n${second}`, qos);
  });
  return { dead, taken: new Set(server.taken).size, left: store.length, breaches: server.breaches };
}

describe.each([1, 2] as const)("QoS %d", (qos) => {
  test.each([
    [1, 0.33, 60],
    [1, 2, 60],
    [2, 2, 60],
    [1, 2, 5],
  ])(
    "closes at each message for a while, then takes %d a connection (refused for %d h, one in %d s): no dead letter",
    (limit, refusedHours, everyS) => {
      const { dead, taken, left, breaches } = run(
        qos,
        20,
        ({ before }, second) => {
          if (second < refusedHours * HOUR_S) return "close";
          return before >= limit * (qos === 2 ? 2 : 1) ? "close" : "acknowledge";
        },
        everyS,
      );
      expect(dead).toEqual([]);
      expect(breaches).toEqual([]);
      if (everyS === 60) expect({ taken, left }).toEqual({ taken: 1_200, left: 0 });
    },
  );

  test("ignores 60 % of all packets, at random: no dead letter", () => {
    const random = new Random(12_345);
    const { dead, taken } = run(qos, 6 * 24, () => (random.unit() < 0.6 ? "silence" : "acknowledge"));
    expect(dead).toEqual([]);
    expect(taken).toBeGreaterThan(0);
  });
});
