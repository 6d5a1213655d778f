import { expect, test } from "vitest";
import { Waiting } from "./waiting.js";

const BEGAN = Date.parse("2026-06-17T09:00:00Z");

test("before the subscription is answered, and after the connection is lost, nothing is over", () => {
  const waiting = new Waiting();
  waiting.received(0, BEGAN);
  expect(waiting.isOver(10_000)).toBe(false);
  waiting.begin(10_000, BEGAN);
  waiting.stop();
  waiting.received(11_000, BEGAN + 1_000);
  expect(waiting.isOver(60_000)).toBe(false);
});

test("over after three seconds without a message, and not before", () => {
  const waiting = new Waiting();
  waiting.begin(0, BEGAN);
  waiting.received(2_000, BEGAN - 3_600_000);
  expect(waiting.isOver(4_900)).toBe(false);
  expect(waiting.isOver(5_100)).toBe(true);
});

test("old messages without end, and messages without a time, are waited for; new ones without end are not", () => {
  const waiting = new Waiting();
  waiting.begin(0, BEGAN);
  let nowMs = 0;
  for (; nowMs < 60_000; nowMs += 500) {
    waiting.received(nowMs, nowMs % 1_000 === 0 ? BEGAN - 60_000 : undefined);
    expect(waiting.isOver(nowMs)).toBe(false);
  }
  const firstNew = nowMs;
  for (; !waiting.isOver(nowMs); nowMs += 500) {
    waiting.received(nowMs, BEGAN + nowMs);
    expect(nowMs - firstNew).toBeLessThanOrEqual(3_500);
  }
  expect(nowMs - firstNew).toBeGreaterThan(3_000);
});
