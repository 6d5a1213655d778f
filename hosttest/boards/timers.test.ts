/*
 * Delays beyond the 31 bits of the platform's timers, on the boards that make timers.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { timers as desktopTimers } from "../../boards/desktop/timers.js";
import type { Timers } from "../../src/board.js";
import { Hardware, load } from "./sdk.js";

const DAY_MS = 86_400_000;
const LIMIT_MS = 2 ** 31 - 1;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The SDK's timers: a delay is taken modulo 2^32, and what looks negative in 32 bits fires at once. */
async function moddableTimers(): Promise<Timers> {
  return (await load<{ timers: Timers }>("boards/moddable/timers.ts", new Hardware())).timers;
}

describe.each([
  ["desktop", async () => desktopTimers],
  ["the SDK", moddableTimers],
])("timers of %s", (_board, open) => {
  test.each([
    1,
    DAY_MS,
    LIMIT_MS,
    LIMIT_MS + 1,
    30 * DAY_MS,
    2 * LIMIT_MS,
    2 * LIMIT_MS + 1,
    2 ** 32 + 5,
    400 * DAY_MS,
  ])("a delay of %d ms ends when it is over, once", async (delayMs) => {
    const timers = await open();
    let fired = 0;
    timers.set(() => fired++, delayMs);
    vi.advanceTimersByTime(delayMs - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
    vi.advanceTimersByTime(500 * DAY_MS);
    expect(fired).toBe(1);
  });

  test.each([1_000, 30 * DAY_MS])(
    "a delay of %d ms that is cleared never ends, in whichever part it is",
    async (delayMs) => {
      const timers = await open();
      for (const clearedAtMs of [0, delayMs - 1]) {
        let fired = 0;
        const id = timers.set(() => fired++, delayMs);
        vi.advanceTimersByTime(clearedAtMs);
        timers.clear(id);
        vi.advanceTimersByTime(3 * delayMs);
        expect(fired).toBe(0);
      }
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test("clearing a timer that has fired does nothing, also from inside its own callback", async () => {
    const timers = await open();
    for (const delayMs of [10, 30 * DAY_MS]) {
      let fired = 0;
      const id: object | number = timers.set(() => {
        fired++;
        timers.clear(id);
      }, delayMs);
      vi.advanceTimersByTime(delayMs);
      timers.clear(id);
      expect(fired).toBe(1);
    }
  });
});
