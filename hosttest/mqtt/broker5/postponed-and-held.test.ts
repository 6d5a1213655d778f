/*
 * Entries that are postponed, and others that are held back, at the same time: neither changes when the other kind is sent again, and no
 * entry becomes a dead letter because of answers that are temporary.
 */
import { expect, test } from "vitest";
import { RefusingServer } from "../support/refusing-server.js";
import { setup5 } from "../support/setup5.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOT_ALLOWED = 0x87;
const LATER = 0x97;

/** `rule`: the code for an entry. `before`: how often it was sent before. */
type Rule = (entry: number, before: number) => number;

/** A device with `count` entries, m0 onwards, and a server that answers by `rule`. */
function start(count: number, rule: Rule, window = 8) {
  const tries = new Map<number, number[]>(); // by entry, when it was sent, in milliseconds
  const setup = setup5({ window });
  const server = new RefusingServer(setup, (payload) => {
    const entry = Number(payload.slice(1));
    const times = tries.get(entry) ?? [];
    tries.set(entry, [...times, setup.time.nowMs]);
    return rule(entry, times.length);
  });
  for (let n = 0; n < count; n++) setup.publish(`m${n}`);
  return { setup, server, timesOf: (entry: number): readonly number[] => tries.get(entry) ?? [] };
}

function sorted(taken: readonly string[]): readonly number[] {
  return taken.map((payload) => Number(payload.slice(1))).sort((a, b) => a - b);
}

const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);
const gaps = (times: readonly number[]): number[] => times.slice(1).map((ms, n) => Math.round((ms - times[n]) / 1000));

test("not allowed for hours, then only postponed: nothing is a dead letter, and all is delivered", () => {
  let isAllowed = false;
  const sinceAllowed = new Map<number, number>();
  const { setup, server } = start(60, (entry) => {
    if (!isAllowed) return NOT_ALLOWED;
    const before = sinceAllowed.get(entry) ?? 0;
    sinceAllowed.set(entry, before + 1);
    return before < entry % 3 ? LATER : 0;
  });
  server.run(2 * HOUR_MS);
  for (let n = 60; n < 80; n++) setup.publish(`m${n}`);
  isAllowed = true;
  server.run(2 * HOUR_MS);
  expect(sorted(server.taken)).toEqual(numbers(80));
  expect(setup.client.status()).toMatchObject({ deadLetters: 0, delivered: 80 });
});

test("not allowed and postponed in turn: it stays as long as it stops no others, and is a dead letter then", () => {
  const { setup, server } = start(1, (entry, before) => (entry ? 0 : before % 2 ? LATER : NOT_ALLOWED));
  for (let n = 1; n <= 400; n++) {
    setup.publish(`m${n}`);
    server.run(10 * SECOND_MS);
    if (n === 170) expect(setup.client.status().deadLetters, "not for 170 others").toBe(0);
  }
  expect([setup.client.status().deadLetters, sorted(server.taken)]).toEqual([1, numbers(400, 1)]);
});

test("others are postponed again and again: one that is held back is not sent more often for that", () => {
  const { setup, server, timesOf } = start(1, (entry, before) => (entry === 0 ? NOT_ALLOWED : before ? 0 : LATER));
  for (let n = 1; n <= 60; n++) {
    setup.publish(`m${n}`);
    server.run(5 * SECOND_MS);
  }
  expect(sorted(server.taken)).toEqual(numbers(60, 1));
  expect(gaps(timesOf(0))).toEqual([60, 120]);
});

test("one is postponed all the time, one held back: each is sent at its own times, and the one held back in the end", () => {
  const { setup, server, timesOf } = start(2, (entry, before) => {
    if (entry) return LATER;
    return before < 3 ? NOT_ALLOWED : 0;
  });
  server.run(20 * MINUTE_MS);
  expect(gaps(timesOf(1)).slice(0, 9), "the waits are not cut short").toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  expect(gaps(timesOf(0))[0], "with the first that is sent after its minute").toBe(63);
  expect([server.taken, setup.store.length]).toEqual([["m0"], 1]);
});

test("eight are held back, and what was in flight behind them is postponed: it is sent after its wait", () => {
  const { server } = start(9, (entry, before) => (entry < 8 ? NOT_ALLOWED : before ? 0 : LATER), 16);
  server.run(2 * SECOND_MS);
  expect(server.taken).toEqual(["m8"]);
});

test("held back after ten postponements: it is tried after a minute, and twice as long each time, and stops the others no more", () => {
  const { setup, server, timesOf } = start(1, (entry) => (entry ? 0 : LATER), 1);
  for (let n = 1; n <= 600; n++) {
    setup.publish(`m${n}`);
    server.run(10 * SECOND_MS);
  }
  expect(gaps(timesOf(0)).slice(10, 13)).toEqual([60, 120, 240]);
  expect(sorted(server.taken)).toEqual(numbers(600, 1));
});

test("the owner's retry begins a new minute", () => {
  const { setup, server, timesOf } = start(1, () => NOT_ALLOWED);
  server.run(50 * SECOND_MS);
  setup.client.retry();
  server.run(3 * MINUTE_MS);
  expect(gaps(timesOf(0))).toEqual([50, 60, 120]);
});

test("no timer waits after the end", () => {
  const { setup, server } = start(2, (entry) => (entry ? LATER : NOT_ALLOWED));
  server.run(SECOND_MS);
  expect(server.came).not.toEqual([]);
  setup.client.close();
  expect(setup.time.waiting).toBe(0);
});

test("one that is not allowed becomes a dead letter before it stops the others", () => {
  const { setup, server } = start(1, (entry) => (entry ? 0 : NOT_ALLOWED));
  let passed = 0;
  while (passed < 400 && setup.client.status().deadLetters === 0) {
    setup.publish(`m${++passed}`);
    server.run(12 * SECOND_MS);
    expect(setup.store.length).toBeLessThan(2);
  }
  expect(passed, "a store delivers no more than 256 numbers from its oldest entry on").toBeLessThan(256);
  expect(passed).toBeGreaterThan(176);
});

test("half of the entries are never allowed, ten a minute: the others are not delayed for ever", () => {
  const { setup, server } = start(0, (entry) => (entry % 2 ? NOT_ALLOWED : 0));
  for (let n = 0; n < 1_200; n++) {
    setup.publish(`m${n}`);
    server.run(3 * SECOND_MS);
  }
  expect(setup.store.length).toBeLessThan(100);
  expect(server.taken.length + setup.store.length + setup.client.status().deadLetters).toBe(1_200);
});
