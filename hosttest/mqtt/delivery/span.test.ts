/*
 * One entry that the server does not accept, at the head of a store that looks 256 numbers ahead of the oldest: it must not use them up.
 * All others are delivered, for days; that one becomes a dead letter on proof, and is reported by its number. Also servers that accept some
 * on each connection, or some at random: no reading becomes a dead letter because of them.
 */
import { describe, expect, test } from "vitest";
import { MemoryStore, SPAN } from "../../../src/mqtt/delivery/store.js";
import { WINDOW } from "../../../src/outbox/blocks/marks.js";
import { Setup } from "../support/setup.js";
import { FlashStore, SpannedStore } from "../support/spanned-store.js";
import { type Answer, type Sent, UnwillingServer } from "../support/unwilling-server.js";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const STORES = {
  "in RAM": () => new SpannedStore(1_000_000),
  "on flash": () => new FlashStore(),
};

interface Options {
  readonly store: MemoryStore;
  readonly answer: (sent: Sent, second: number) => Answer;
  readonly session: "kept" | "lost";
  readonly qos: (n: number) => 1 | 2;
  /** Seconds from one reading to the next. */
  readonly every: number;
  readonly seconds: number;
  /** Number of seconds without new readings at the end. */
  readonly quiet?: number;
  readonly keepAlive?: number;
  readonly random?: () => number;
  /** The name of a reading; default: r and its number. */
  readonly name?: (n: number) => string;
}

function outcome(options: Options) {
  const { store, answer, session, qos, every, seconds, quiet = 0, keepAlive = 60, name = (n) => `r${n}` } = options;
  const dead: string[] = [];
  const isDead = new Set<number>();
  const settled = new Set<number>();
  const names: string[] = [];
  let second = 0;
  let deadAt = 0;
  let longest = 0;
  const setup: Setup = new Setup(
    {
      keepAlive,
      random: options.random ?? (() => 0.5),
      onSettled: (sequence, how, by) => {
        settled.add(sequence);
        if (how !== "deadLetter") return;
        isDead.add(sequence);
        dead.push(`${names[sequence]}: ${by}`);
        deadAt = second;
      },
    },
    { store },
  );
  const server = new UnwillingServer(setup, { session, answer: (sent) => answer(sent, second) });
  server.run(seconds + quiet, (now) => {
    second = now;
    for (; now < seconds && names.length * every <= now; ) {
      const n = names.length;
      names.push(name(n));
      setup.publish(names[n], qos(n));
    }
    longest = Math.max(longest, store.length);
  });
  const taken = new Set(server.taken);
  return {
    dead,
    deadAt,
    longest,
    lost: names.filter((each, sequence) => settled.has(sequence) && !taken.has(each) && !isDead.has(sequence)),
    stays: store.length,
    doubles: server.taken.length - taken.size,
    connections: server.connections,
    refusal: setup.client.status().refusal,
    breaches: server.breaches,
  };
}

test("an outbox looks ahead as many numbers as the proof may use", () => {
  expect(WINDOW).toBeGreaterThanOrEqual(SPAN);
});

describe("one reading that the server does not accept", () => {
  const rows = Object.keys(STORES).flatMap((store) =>
    (["close", "silence"] as const).flatMap((how) =>
      (["kept", "lost"] as const).flatMap((session) =>
        ([1, 2] as const).flatMap((qos) =>
          (store === "in RAM" ? [0.4, 2, 10, 60] : [2]).map((every) => ({
            store: store as keyof typeof STORES,
            how,
            session,
            qos,
            every,
          })),
        ),
      ),
    ),
  );
  test.each(rows)("$store, every $every s, QoS $qos, $how, session $session", ({ store, how, session, qos, every }) => {
    const result = outcome({
      store: STORES[store](),
      answer: ({ payload }) => (payload === "r20" ? how : "acknowledge"),
      session,
      qos: () => qos,
      every,
      seconds: every === 2 ? DAY_S : 4 * HOUR_S,
    });
    expect(result).toMatchObject({
      dead: [`r20: ${how === "close" ? "closing" : "silence"}`],
      lost: [],
      refusal: undefined,
      breaches: [],
    });
    expect(result.stays).toBeLessThanOrEqual(4);
    expect(result.deadAt).toBeLessThan(how === "close" ? HOUR_S : 2 * HOUR_S);
  });
});

test("40 of them in a row, and every other one of the 40 after these: each is a dead letter, and no other", () => {
  for (const [qos, session] of [
    [1, "kept"],
    [2, "lost"],
  ] as const) {
    const isBad = (n: number) => n >= 20 && (n < 60 || (n < 100 && n % 2 === 0));
    const result = outcome({
      store: new SpannedStore(1_000_000),
      answer: ({ payload }) => (payload.startsWith("bad") ? "close" : "acknowledge"),
      session,
      qos: () => qos,
      every: 10,
      seconds: DAY_S,
      name: (n) => `${isBad(n) ? "bad" : "r"}${n}`,
    });
    expect(result).toMatchObject({ lost: [], refusal: undefined, breaches: [] });
    expect(result.dead).toEqual(
      Array.from({ length: 100 }, (_, n) => n)
        .filter(isBad)
        .map((n) => `bad${n}: closing`),
    );
    expect(result.stays).toBeLessThanOrEqual(4);
  }
});

describe("no reading is a dead letter because of a server that accepts only some", () => {
  test.each([1, 2, 4, 8])(
    "it closes on everything for 20 minutes, then takes %s on each connection and closes on the next",
    (count) => {
      for (const qos of [1, 2] as const)
        for (const every of [5, 60]) {
          const result = outcome({
            store: new SpannedStore(1_000_000),
            answer: ({ before }, second) => (second < 1_200 || before >= count * qos ? "close" : "acknowledge"),
            session: "kept",
            qos: () => qos,
            every,
            seconds: 6 * HOUR_S,
            quiet: HOUR_S,
          });
          expect(result, `QoS ${qos}, every ${every} s`).toMatchObject({ dead: [], lost: [], stays: 0, breaches: [] });
        }
    },
  );

  test.each([
    ["close", 0.3],
    ["close", 0.6],
    ["close", 0.8],
    ["silence", 0.3],
    ["silence", 0.6],
    ["silence", 0.8],
  ] as const)("by chance: %s, %s of all packets", (how, share) => {
    for (const qos of [1, 2] as const) {
      const random = generator(qos);
      const result = outcome({
        store: new MemoryStore(100_000),
        answer: () => (random() < share ? how : "acknowledge"),
        session: "kept",
        qos: () => qos,
        every: 60,
        seconds: DAY_S,
      });
      expect(result, `QoS ${qos}`).toMatchObject({ dead: [], lost: [], breaches: [] });
    }
  });
});

/** Uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
}
