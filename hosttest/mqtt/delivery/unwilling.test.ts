/*
 * Servers that do not accept everything, by session regime and queue: which entries are settled or stay, and the reports. No entry is ever settled
 * undelivered because of a server that refuses or ignores everything, and one that it does not accept stops no other.
 */
import { describe, expect, test } from "vitest";
import { Setup } from "../support/setup.js";
import { type Answer, type Sent, UnwillingServer } from "../support/unwilling-server.js";

const HOUR_S = 3_600;

type Rule = (sent: Sent) => Answer;
const isBad = ({ kind, payload }: Sent): boolean => kind === "publish" && payload.startsWith("bad");
const RULES = {
  "takes everything": () => "acknowledge",
  "closes on one message": (sent) => (isBad(sent) ? "close" : "acknowledge"),
  "never acknowledges one message": (sent) => (isBad(sent) ? "silence" : "acknowledge"),
  "closes on every message": () => "close",
  "closes on every message but the first": ({ before }) => (before ? "close" : "acknowledge"),
  "acknowledges nothing, and takes nothing": () => "silence",
  "acknowledges nothing, and takes everything": () => "late",
  "closes on QoS 2": ({ qos }) => (qos === 2 ? "close" : "acknowledge"),
  "never acknowledges QoS 2": ({ qos }) => (qos === 2 ? "silence" : "acknowledge"),
  "closes on QoS 1": ({ qos }) => (qos === 1 ? "close" : "acknowledge"),
  "answers QoS 2 by PUBACK": () => "puback",
  "never answers PUBREL": ({ kind }) => (kind === "pubrel" ? "silence" : "acknowledge"),
  "never answers PUBREL 1": ({ kind, id }) => (kind === "pubrel" && id === 1 ? "silence" : "acknowledge"),
  "closes on PUBREL 1": ({ kind, id }) => (kind === "pubrel" && id === 1 ? "close" : "acknowledge"),
} satisfies Record<string, Rule>;

type Queue = readonly (readonly [payload: string, qos: 1 | 2])[];
const good = (count: number, qos: 1 | 2, name = "g"): Queue =>
  Array.from({ length: count }, (_, n) => [`${name}${n}`, qos] as const);
const QUEUES = {
  "one, QoS 1": [["bad", 1]],
  "one, QoS 2": [["bad", 2]],
  "30, QoS 1, the fourth is bad": [...good(3, 1, "a"), ["bad", 1], ...good(26, 1)],
  "30, QoS 2, the fourth is bad": [...good(3, 2, "a"), ["bad", 2], ...good(26, 2)],
  "12 bad ones of 30, QoS 2": [...good(3, 2, "a"), ...good(12, 2, "bad"), ...good(15, 2)],
  "20 of QoS 2, then 10 of QoS 1": [...good(20, 2, "a"), ...good(10, 1)],
} satisfies Record<string, Queue>;

interface Options {
  readonly queue: Queue;
  readonly rule: Rule;
  readonly session: "kept" | "lost";
  readonly hours: number;
  /** Another good entry of this QoS, so many seconds after the last. */
  readonly every?: readonly [seconds: number, qos: 1 | 2];
  readonly window?: number;
}

/** The result as text: short, for a readable table. */
function outcome({ queue, rule, session, hours, every, window = 8 }: Options) {
  const payloads = queue.map(([payload]) => payload);
  const settled: string[] = [];
  const lowered: string[] = [];
  let refusals = 0;
  let loweredAgain = 0;
  const setup: Setup = new Setup({
    keepAlive: 10,
    window,
    onSettled: (sequence, how, by) => settled.push(`${payloads[sequence]}: ${how}${by === undefined ? "" : `, ${by}`}`),
    onRefusal: () => refusals++,
    onLowered: (sequence, why, isPossibleDouble) => {
      lowered.push(`${payloads[sequence]}: ${why}`);
      if (isPossibleDouble) loweredAgain++;
    },
  });
  const server = new UnwillingServer(setup, { session, answer: rule });
  for (const [payload, qos] of queue) setup.publish(payload, qos);
  server.run(hours * HOUR_S, (second) => {
    if (every === undefined || second % every[0] > 0) return;
    payloads.push(`n${second}`);
    setup.publish(`n${second}`, every[1]);
  });
  const { refusal, possibleDoubles } = setup.client.status();
  const counted = setup.sessions.reduce((sum, each) => sum + each.possibleDoubles, 0) + loweredAgain;
  expect(counted, "the owner hears of each possible double").toBe(possibleDoubles);
  expect(setup.client.status().unconfirmed).toBe(settled.filter((line) => line.endsWith(", unanswered")).length);
  const unique = new Set(server.taken);
  const doubles = [...unique].filter(
    (payload) => server.taken.indexOf(payload) !== server.taken.lastIndexOf(payload),
  ).length;
  expect(server.breaches, "the client kept to the standard").toEqual([]);
  // Only dead letters are settled without being accepted.
  const missing = settled.filter(
    (line) => !line.includes("deadLetter") && !unique.has(line.slice(0, line.indexOf(":"))),
  );
  expect(missing).toEqual([]);
  return {
    setup,
    server,
    settled,
    lowered,
    refusals,
    doubles,
    possibleDoubles,
    taken: unique.size,
    stays: setup.store.length,
    dead: settled.filter((line) => line.includes("deadLetter")),
    says: refusal === undefined ? "nothing" : `${refusal.scope}, ${refusal.by}`,
  };
}

/**
 * Entries accepted, entries that stay, and the report at the end: with a server that keeps the session and, if it differs, with one that
 * loses it.
 */
type Row = readonly [rule: keyof typeof RULES, taken: number, stays: number, says: string];
const TABLE: Readonly<Record<keyof typeof QUEUES, readonly Row[]>> = {
  "one, QoS 1": [
    ["takes everything", 1, 0, "nothing"],
    ["closes on one message", 0, 1, "all, closing"],
    ["never acknowledges one message", 0, 1, "all, silence"],
    ["closes on every message", 0, 1, "all, closing"],
    ["acknowledges nothing, and takes nothing", 0, 1, "all, silence"],
    ["closes on QoS 1", 0, 1, "all, closing"],
  ],
  "one, QoS 2": [
    ["takes everything", 1, 0, "nothing"],
    ["closes on one message", 0, 1, "all, closing"],
    ["never acknowledges one message", 0, 1, "all, silence"],
    ["acknowledges nothing, and takes everything", 1, 1, "all, silence"],
    ["closes on QoS 2", 0, 1, "all, closing"],
    ["answers QoS 2 by PUBACK", 1, 0, "nothing"],
    ["never answers PUBREL", 1, 0, "nothing"],
  ],
  "30, QoS 1, the fourth is bad": [
    ["takes everything", 30, 0, "nothing"],
    ["closes on one message", 29, 1, "some, closing"],
    ["never acknowledges one message", 29, 1, "all, silence"],
    ["closes on every message", 0, 30, "all, closing"],
    ["closes on every message but the first", 30, 0, "nothing"],
    ["acknowledges nothing, and takes nothing", 0, 30, "all, silence"],
    ["closes on QoS 1", 0, 30, "all, closing"],
    ["closes on QoS 2", 30, 0, "nothing"],
  ],
  "30, QoS 2, the fourth is bad": [
    ["takes everything", 30, 0, "nothing"],
    ["closes on one message", 29, 1, "some, closing"],
    ["never acknowledges one message", 29, 1, "all, silence"],
    ["closes on every message", 0, 30, "all, closing"],
    ["acknowledges nothing, and takes nothing", 0, 30, "all, silence"],
    ["closes on QoS 2", 0, 30, "all, closing"],
    ["never acknowledges QoS 2", 0, 30, "all, silence"],
    ["answers QoS 2 by PUBACK", 30, 0, "nothing"],
    ["never answers PUBREL", 30, 0, "nothing"],
    ["never answers PUBREL 1", 30, 0, "nothing"],
    ["closes on PUBREL 1", 30, 1, "some, closing"],
  ],
  "12 bad ones of 30, QoS 2": [["closes on every message", 0, 30, "all, closing"]],
  "20 of QoS 2, then 10 of QoS 1": [
    ["closes on every message", 0, 30, "all, closing"],
    ["closes on QoS 1", 20, 10, "all, closing"],
    ["never answers PUBREL", 30, 0, "nothing"],
  ],
};

describe("no new entry for two hours: no dead letter, and all acceptable entries are delivered", () => {
  const rows = Object.entries(TABLE).flatMap(([queue, list]) =>
    list.flatMap(([rule, taken, stays, says]) =>
      (["kept", "lost"] as const).map((session) => ({
        queue: queue as keyof typeof QUEUES,
        rule,
        session,
        taken,
        stays,
        says,
      })),
    ),
  );
  test.each(rows)("$queue; a server that $rule; session $session: $taken taken, $stays stay, said: $says", (row) => {
    const { queue, rule, session, taken, stays, says } = row;
    const result = outcome({ queue: QUEUES[queue], rule: RULES[rule], session, hours: 2 });
    expect(result).toMatchObject({ taken, stays, says, dead: [] });
    expect(result.refusals).toBeLessThanOrEqual(4); // reported when it changes, not with every connection
    const ofQoS2 = QUEUES[queue].filter(([, qos]) => qos === 2).length;
    expect(result.possibleDoubles).toBeGreaterThanOrEqual(queue.includes("QoS 1") ? 0 : result.doubles);
    expect(result.possibleDoubles, "each reading is one at most").toBeLessThanOrEqual(ofQoS2);
  });
});

describe("a good one more each minute", () => {
  test.each([
    ["30, QoS 1, the fourth is bad", "closes on one message", 1, ["bad: deadLetter, closing"]],
    ["30, QoS 2, the fourth is bad", "closes on one message", 2, ["bad: deadLetter, closing"]],
    ["30, QoS 1, the fourth is bad", "never acknowledges one message", 1, ["bad: deadLetter, silence"]],
    ["30, QoS 2, the fourth is bad", "never acknowledges one message", 2, ["bad: deadLetter, silence"]],
    ["30, QoS 2, the fourth is bad", "closes on PUBREL 1", 2, []],
    ["one, QoS 1", "closes on one message", 1, ["bad: deadLetter, closing"]],
    [
      "12 bad ones of 30, QoS 2",
      "closes on one message",
      2,
      good(12, 2, "bad").map(([name]) => `${name}: deadLetter, closing`),
    ],
    ["20 of QoS 2, then 10 of QoS 1", "closes on QoS 2", 1, []],
    ["20 of QoS 2, then 10 of QoS 1", "never acknowledges QoS 2", 1, []],
  ] as const)(
    "%s; a server that %s: the bad ones alone are dead letters, the rest arrives, in both regimes",
    (queue, rule, qos, dead) => {
      for (const session of ["kept", "lost"] as const) {
        const result = outcome({ queue: QUEUES[queue], rule: RULES[rule], session, hours: 6, every: [60, qos] });
        expect(result, session).toMatchObject({ dead, says: "nothing" });
        expect(result.stays, session).toBeLessThanOrEqual(1);
      }
    },
  );

  test.each(["closes on every message", "acknowledges nothing, and takes nothing"] as const)(
    "a server that %s for six hours, then takes everything: all arrive",
    (rule) => {
      for (const session of ["kept", "lost"] as const)
        for (const qos of [1, 2] as const) {
          let isOver = false;
          const result = outcome({
            queue: good(1, qos),
            rule: () => (isOver ? "acknowledge" : RULES[rule]()),
            session,
            hours: 6,
            every: [600, qos],
          });
          expect(result).toMatchObject({ dead: [], taken: 0, stays: 37 });
          isOver = true;
          result.server.run(HOUR_S);
          expect([result.setup.store.length, new Set(result.server.taken).size, result.doubles]).toEqual([0, 37, 0]);
          expect(result.setup.client.status().refusal).toBeUndefined();
        }
    },
  );

  test("QoS 2 refused where each reading comes alone, 600 s after the last: all stay; once there is one of QoS 1, all go at that", () => {
    const result = outcome({
      queue: good(1, 2),
      rule: RULES["closes on QoS 2"],
      session: "kept",
      hours: 12,
      every: [600, 2],
    });
    expect(result).toMatchObject({ dead: [], taken: 0, stays: 73, says: "all, closing" });
    result.server.run(6 * HOUR_S, (second) => {
      if (second % 600 === 0) result.setup.publish(`later${second}`, 1);
    });
    expect(result.setup.store.length).toBeLessThanOrEqual(1);
    expect(result.settled.filter((line) => line.includes("deadLetter"))).toEqual([]);
    expect(result.lowered.length).toBeGreaterThanOrEqual(73);
  });
});

test("a backlog under a room at which the server closes (a Unicode non-character in it, stored by an earlier firmware) holds up no reading after it", () => {
  for (const qos of [1, 2] as const)
    for (const session of ["kept", "lost"] as const) {
      const queue: Queue = [...good(40, qos, "bad\ufdd0"), ...good(20, qos)];
      const result = outcome({ queue, rule: RULES["closes on one message"], session, hours: 12, every: [60, qos] });
      expect(result, `QoS ${qos}, session ${session}`).toMatchObject({ dead: { length: 40 }, says: "nothing" });
      expect(result.stays).toBeLessThanOrEqual(1);
      expect(result.taken).toBeGreaterThanOrEqual(20 + 12 * 60 - 1);
    }
});

test("a window of 1 is always obeyed", () => {
  for (const rule of ["closes on one message", "never acknowledges one message"] as const) {
    const result = outcome({
      queue: QUEUES["30, QoS 2, the fourth is bad"],
      rule: RULES[rule],
      session: "kept",
      hours: 6,
      every: [60, 2],
      window: 1,
    });
    expect(result.dead).toHaveLength(1);
    expect(result.stays).toBeLessThanOrEqual(1);
  }
});

test.each([
  ["acknowledges nothing, and takes everything", "lost", true],
  ["acknowledges nothing, and takes everything", "kept", false],
  ["closes on QoS 2", "kept", true],
] as const)(
  "a server that %s, session %s: a message sent again a hundred times is one possible double, one that was never sent is none",
  (rule, session, isCounted) => {
    const result = outcome({ queue: good(20, 2), rule: RULES[rule], session, hours: 12, every: [600, 1] });
    const { size } = result.server.cameAtQoS2;
    expect(result.server.connections).toBeGreaterThan(40);
    expect([size >= 8, size < 20]).toEqual([true, true]); // those in flight, and those tried alone
    expect(result.possibleDoubles).toBe(isCounted ? size : 0);
  },
);

test("PUBACK in answer to QoS 2: entries sent again count as possible doubles, the rest do not", () => {
  let answers: Rule = () => "late";
  const result = outcome({ queue: good(20, 2), rule: () => answers({} as Sent), session: "kept", hours: 0 });
  expect(result.stays).toBe(20);
  result.setup.link.end();
  answers = () => "puback";
  result.server.run(HOUR_S);
  expect(result.setup.store.length).toBe(0);
  expect(result.lowered).toHaveLength(20);
  expect(result.setup.client.status().possibleDoubles).toBe(8);
});

test.each([
  ["kept", 1],
  ["lost", 1],
  ["kept", 2],
  ["lost", 2],
] as const)(
  "a SUBSCRIBE is on its way when the server closes on one message (session %s, QoS %d): the filter is granted, the message alone is a dead letter",
  (session, qos) => {
    const settled: string[] = [];
    const setup = new Setup({ onSettled: (sequence, how, by) => settled.push(`${sequence}: ${how}, ${by}`) });
    const server = new UnwillingServer(setup, { session, isSubackLate: true, answer: RULES["closes on one message"] });
    setup.client.subscribe("home/set", 1);
    setup.publish("bad", qos);
    server.run(4 * HOUR_S, (second) => {
      if (second % 60 === 0) setup.publish(`n${second}`, qos);
    });
    expect([...new Set(setup.subscribed)]).toEqual(["home/set 1"]);
    expect(settled.filter((line) => line.includes("deadLetter"))).toEqual(["0: deadLetter, closing"]);
    expect([setup.store.length, setup.client.status().dropped, server.breaches]).toEqual([0, 0, []]);
    expect(server.connections).toBeLessThan(45);
  },
);
