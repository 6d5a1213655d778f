/*
 * The memory that the prompt keeps after input, on XS with slots as large as a device's. It is bounded, whatever is typed and
 * however often.
 */
import { describe, expect } from "vitest";
import { xs32Test as test } from "../xs/available.js";
import { bytesKept, promptRuns } from "./prompt.js";

const LINES = 4; // of 960 bytes
const HISTORY = 1_024; // bytes, as src/console/terminal/history.ts bounds it
const timeout = 300_000; // only against a hang: XS interprets, and CI may be busy

describe("lines of maximum length, all different", () => {
  test("keep no more memory than the limit of the history", { timeout }, async () => {
    expect(await bytesKept(LINES)).toBeLessThan(HISTORY);
  });

  test("without that limit the test fails", { timeout }, async () => {
    const change = (script: string) => replaced(script, /this\.bytes > MAX_BYTES\d*/, "false");
    expect(await bytesKept(LINES, { change })).toBeGreaterThan(2 * HISTORY);
  });

  test("a lookup by the typed text would make it fail: XS keeps the name of every property that was looked up", {
    timeout,
  }, async () => {
    const change = (script: string) => replaced(script, /= hintFor\((word\d*)\)/, "= ({})[$1]");
    expect(await bytesKept(LINES, { change })).toBeGreaterThan(2 * HISTORY);
  });
});

test("every command works in 50 of the board's 68 KB, with the largest settings and the longest history: the SDK needs the rest", {
  timeout,
}, async () => {
  expect(await promptRuns("largest", 50)).toBe(true);
});

function replaced(script: string, part: RegExp, by: string): string {
  if (!part.test(script)) throw new Error(`the program has no ${part} any more: choose another place`);
  return script.replace(part, by);
}
