/*
 * The cost of a reading, compared with hosttest/bench/baseline.json. Computrons (byte codes run), slots and chunk bytes are the
 * same on every machine, however busy it is. After a change that is worth its cost, run `npm run bench -- --rebase`, and give the
 * reason in the commit message.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { topFolder } from "../engine/build.js";
import { xs32Test as test } from "../xs/available.js";
import { appRows, readingRows, updateRows } from "./cost.js";
import type { Row } from "./row.js";

const TOLERANCE = 1.02;
const SLACK = 0.05; // in slots or bytes: figures are means over many readings

const baseline: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(join(topFolder, "hosttest/bench/baseline.json"), "utf8"),
);

/** Why rows fail: a figure has risen, exceeds a goal that the baseline met, or is not in the baseline. */
function complaints(rows: readonly Row[]): string[] {
  return rows.flatMap(({ name, value, goal }) => {
    const before = baseline[name];
    if (before === undefined) return [`${name}: not in the baseline`];
    if (value > before * TOLERANCE + SLACK) return [`${name}: ${value}, was ${before}`];
    return goal !== undefined && before <= goal && value > goal ? [`${name}: ${value}, the goal is ${goal}`] : [];
  });
}

const timeout = 300_000; // only against a hang: XS interprets, and CI may be busy

describe("cost of a reading", () => {
  test("no more than 2 percent above the baseline, and within the goals", { timeout }, async () => {
    const rows = await readingRows();
    expect(complaints(rows)).toEqual([]);
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(baseline).sort());
  });

  test("a loop of eight turns more in each publish makes it fail", { timeout }, async () => {
    const slower = (script: string) => replaced(script, "wake() {", "wake() { for (let i = 0; i < 8; i++) ;");
    expect(complaints(await readingRows(slower))).not.toEqual([]);
  });

  test("one more object for each reading makes it fail", { timeout }, async () => {
    const fatter = (script: string) => replaced(script, "wake() {", "wake() { ({ at: 1 });");
    expect(complaints(await readingRows(fatter))).not.toEqual([]);
  });
});

describe("the app's heap", () => {
  test("meets its goal; after 1,000 readings, and with a full outbox, it is the same as after the start", {
    timeout,
  }, async () => {
    const rows = await appRows(1_000);
    const more = rows.filter(({ unit }) => unit === "bytes more");
    expect(more).toHaveLength(2);
    for (const { name, value } of more) expect(value, name).toBeLessThanOrEqual(128);
    expect(rows.filter(({ met }) => met === false)).toEqual([]);
  });

  test("updates use no more heap than allowed: without an update, while one is received and verified, and after it", {
    timeout,
  }, async () => {
    const rows = await updateRows();
    expect(rows).toHaveLength(4);
    expect(rows.filter(({ met }) => met !== true)).toEqual([]);
  });

  test("a leak of one object a reading makes it fail", { timeout }, async () => {
    const leaking = (script: string) =>
      `globalThis.leak = [];${replaced(script, "wake() {", "wake() { leak.push({});")}`;
    const [, later] = await appRows(1_000, leaking);
    expect(later.value).toBeGreaterThan(1_000 * 16);
  });
});

function replaced(script: string, part: string, by: string): string {
  if (!script.includes(part)) throw new Error(`the program has no "${part}" any more: choose another place`);
  return script.replaceAll(part, by);
}
