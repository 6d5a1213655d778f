/*
 * `--duration`: the run ends then, also beyond the 24.8 days that Node's timers count.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Run } from "../../boards/desktop/run.js";
import type { Firmware } from "../../src/board.js";

const FIRMWARE: Firmware = {
  unsettled: 0,
  print: () => {},
  stopSampling: () => {},
  clockChanged: () => {},
  stop: (whenDone) => whenDone(),
  close: () => {},
};
const DAY_MS = 86_400_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const listeners = new Map<string, NodeJS.SignalsListener[]>();
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubEnv("npm_lifecycle_event", undefined);
  for (const signal of SIGNALS) listeners.set(signal, process.listeners(signal) as NodeJS.SignalsListener[]);
});
afterEach(() => {
  for (const signal of SIGNALS) {
    process.removeAllListeners(signal);
    for (const listener of listeners.get(signal) ?? []) process.on(signal, listener);
  }
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test.each([1, 24, 25, 60, 400])("--duration of %d days", (days) => {
  let ends = 0;
  vi.spyOn(process, "exit").mockImplementation((() => {}) as typeof process.exit);
  const run = new Run({ headless: true, count: undefined, durationMs: days * DAY_MS, atEnd: () => ends++ });
  vi.advanceTimersByTime(500 * DAY_MS); // an engine that is built first
  expect(ends).toBe(0);
  run.started(FIRMWARE);
  vi.advanceTimersByTime(1);
  run.started(FIRMWARE); // it rebooted
  vi.advanceTimersByTime(days * DAY_MS - 2);
  expect(ends).toBe(0);
  vi.advanceTimersByTime(1);
  expect(ends).toBeGreaterThan(0);
});
