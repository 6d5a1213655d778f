import fc from "fast-check";
import { expect, test } from "vitest";
import { MIN_ROUND_MS, ROUNDS, Watchdog } from "../../src/health/watchdog.js";
import { VirtualTime } from "../support/virtual-time.js";

function setup() {
  const time = new VirtualTime();
  const bites: { reason: string; atMs: number }[] = [];
  const loop = { rounds: 0 };
  const options = {
    timers: time.timers,
    pulse: () => loop.rounds,
    restart: (reason: string) => bites.push({ reason, atMs: time.nowMs }),
  };
  return { time, bites, loop, options, watchdog: new Watchdog(options) };
}

test("the loop runs in every interval: a year passes without a restart", () => {
  const { time, bites, loop, watchdog } = setup();
  watchdog.watch(600_000);
  for (let ms = 0; ms < 365 * 86_400_000; ms += 600_000) {
    time.advance(600_000);
    loop.rounds++;
  }
  expect(bites).toEqual([]);
});

test("it hangs: one restart, with the reason", () => {
  const { time, bites, watchdog } = setup();
  watchdog.watch(300_000);
  time.advance(3_000_000 - 1);
  expect(bites).toHaveLength(1);
  expect(bites[0].reason).toBe("watchdog: no sampling for 1500 s");
  expect(time.waiting).toBe(0);
});

test("a short interval: readings may be missing for as long as a missing sensor is not tried", () => {
  const { time, bites, watchdog } = setup();
  watchdog.watch(50);
  time.advance(ROUNDS * MIN_ROUND_MS - 1);
  expect(bites).toEqual([]);
  time.advance(MIN_ROUND_MS);
  expect(bites).toHaveLength(1);
});

test("stopped: nothing is expected, no timer waits; watched again: the count restarts", () => {
  const { time, bites, watchdog } = setup();
  time.advance(86_400_000);
  watchdog.watch(60_000);
  time.advance(ROUNDS * 60_000 - 1);
  watchdog.rest();
  expect(time.waiting).toBe(0);
  time.advance(86_400_000);
  watchdog.watch(60_000);
  time.advance(ROUNDS * 60_000 - 1);
  expect(bites).toEqual([]);
});

test("a longer interval is set: no bite by the old one", () => {
  const { time, bites, watchdog } = setup();
  watchdog.watch(60_000);
  time.advance(200_000);
  watchdog.watch(3_600_000);
  time.advance(ROUNDS * 3_600_000 - 1);
  expect(bites).toEqual([]);
});

test("the whole process was stopped for an hour: one late round, no bite", () => {
  const { time, bites, loop, options } = setup();
  const stopped = { now: false };
  const timers = {
    set: (callback: () => void, delayMs: number) =>
      time.timers.set(callback, stopped.now ? delayMs + 3_600_000 : delayMs),
    clear: time.timers.clear,
  };
  const watchdog = new Watchdog({ ...options, timers });
  watchdog.watch(60_000);
  stopped.now = true;
  time.advance(61_000);
  stopped.now = false;
  time.advance(3_600_000);
  loop.rounds++;
  time.advance(100_000);
  expect(bites).toEqual([]);
});

test("for any interval and last round: it resets after five rounds and at most six, and never before", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 86_400_000 }), fc.nat({ max: 100 }), (intervalMs, feeds) => {
      const { time, bites, loop, watchdog } = setup();
      const roundMs = Math.max(intervalMs, MIN_ROUND_MS);
      watchdog.watch(intervalMs);
      for (let i = 0; i < feeds; i++) {
        time.advance(intervalMs);
        loop.rounds++;
      }
      expect(bites).toEqual([]);
      const fedAtMs = time.nowMs;
      time.advance(10 * roundMs);
      expect(bites).toHaveLength(1);
      expect(bites[0].atMs - fedAtMs).toBeGreaterThan(ROUNDS * roundMs - 1);
      expect(bites[0].atMs - fedAtMs).toBeLessThanOrEqual((ROUNDS + 1) * roundMs);
    }),
    { numRuns: 200 },
  );
});

test("a loop that runs at the last moment is healthy, however the count changes", () => {
  const { time, bites, loop, watchdog } = setup();
  watchdog.watch(60_000);
  for (let i = 0; i < 50; i++) {
    time.advance(ROUNDS * 60_000 - 1);
    loop.rounds += i % 2 === 0 ? 1 : -1;
    time.advance(1);
  }
  expect(bites).toEqual([]);
});
