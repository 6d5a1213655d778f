/* npm run battery as a process: what it prints, what it refuses; and boards/battery.md, which quotes it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.js";
import { compare } from "./published.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const PROCESS = { timeout: 120_000 };

function battery(...words: string[]): { status: number | null; out: string; error: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["hosttest/run.mjs", "hosttest/battery/main.ts", ...words],
    { cwd: TOP, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );
  return { status, out: stdout, error: stderr };
}

test("the table states that it is a model, its sources, and its error", PROCESS, () => {
  const { status, out, error } = battery("--sleep-ua", "43");
  expect(error).toBe("");
  expect(status).toBe(0);
  expect(out).toMatch(/^A model, not a measurement/);
  expect(out).toMatch(/--sleep-ua +43 µA +the board asleep +given$/m);
  expect(out).toMatch(/--boot-ms +70 ms .*glenn20/);
  expect(out).toMatch(/sent each minute +17 to 18 days, model +\d+: [+-]\d+ %$/m);
  expect(out).toMatch(/sent each hour +140 to 157 days, model +\d+: [+-]\d+ %$/m);
  expect(out.trimEnd().split("\n").pop()).toMatch(/^by the model, not measured: \d+\.\d months \(\d+ days\)$/);
});

test("--json: one line with every figure and its source; the verdict on standard error", PROCESS, () => {
  const { status, out, error } = battery("--json", "--cells", "3xAA", "--interval", "300");
  expect(status).toBe(0);
  const { choice, times, inputs, life, published } = JSON.parse(out);
  expect(choice).toMatchObject({ board: "esp32c3", cell: "AA", count: 3, supply: "ldo" });
  expect(times).toEqual({ intervalS: 300, reportS: 3600 });
  expect(inputs.sleepUa).toEqual({ value: 43, source: expect.stringContaining("Seeed") });
  expect(life.days).toBeCloseTo(life.hours / 24, 9);
  expect(published.comparisons).toHaveLength(4);
  expect(error).toMatch(/^by the model, not measured: /);
});

test.each([
  [["--cells", "2xD"], "--cells 2xD: expected 1 to 8, x, and one of 18650, AA, AAA, AA-lithium, as 2xAA"],
  [["--cells", "0xAA"], "--cells 0xAA: expected 1 to 8"],
  [["--board", "uno"], "--board uno: expected esp32, "],
  [["--interval", "0"], "--interval 0: expected seconds, from 1 to 86400"],
  [["--interval", "1e3"], "--interval 1e3: expected seconds"],
  [["--report", "0.5"], "--report 0.5: shorter than --interval, 60 s; a report sends samples"],
  [["--sleep-ua", "-1"], "--sleep-ua -1: expected µA, from 0.1 to 100000"],
  [["--efficiency", "1.1"], "--efficiency 1.1: expected of 1, from 0.1 to 1"],
  [
    ["--supply", "direct", "--cells", "4xAA"],
    "--supply direct: 4xAA has 6.4 V when it is fresh, and the chip takes 3.6 V",
  ],
  [["--supply", "boost", "--cells", "3xAA"], "--supply boost: 3xAA has 4.8 V when it is fresh, above the 3.3 V"],
  [["--supply", "ldo", "--cells", "2xAA"], "2xAA, --supply ldo, --interval 60: a cell would have to keep 1.82 V"],
  [
    ["--interval", "1", "--boot-ms", "900", "--conversion-ms", "200"],
    "2xAA, --supply boost, --interval 1: it would be awake",
  ],
])("%j is refused in one line, exit 2", PROCESS, (words, line) => {
  const { status, out, error } = battery(...words);
  expect(error.startsWith(line), error).toBe(true);
  expect(error.trimEnd()).not.toContain("\n");
  expect(out).toBe("");
  expect(status).toBe(2);
});

describe("boards/battery.md", () => {
  const page = readFileSync(join(TOP, "boards/battery.md"), "utf8");
  const rows = [...page.matchAll(/^\|[^|]*\|[^|]*\| `(--[^`]*)` \| (\d+) \|$/gm)].map(([, options, months]) => ({
    options,
    months: Number(months),
  }));

  test("states the model's error", () => {
    const percent = compare().map(({ off }) => Math.round(-off * 100));
    expect(page.replace(/\s+/g, " ")).toContain(
      `The model gives ${Math.min(...percent)} to ${Math.max(...percent)} % less than that.`,
    );
  });

  test("has rows", () => expect(rows.length).toBeGreaterThan(8));

  test.each(rows)("$options: $months months", PROCESS, ({ options, months }) => {
    const { out } = battery("--json", ...options.split(" "));
    // Within one month: small changes of the bench's baseline change the result a little.
    expect(Math.abs(JSON.parse(out).life.days / 30.4375 - months)).toBeLessThan(1);
  });

  /** The words of a drawing, and its numbers. */
  const partsOf = (svg: string): [words: string, numbers: number[]] => [
    svg.replace(/\d+(\.\d+)?/g, "#"),
    [...svg.matchAll(/\d+(\.\d+)?/g)].map(([number]) => Number(number)),
  ];

  test("its plot is what the program draws, to a few pixels", PROCESS, () => {
    const file = join(temporaryFolder("battery-"), "battery.svg");
    expect(battery("--sleep-ua", "43", "--svg", file).status).toBe(0);
    const [words, numbers] = partsOf(readFileSync(file, "utf8"));
    const [shownWords, shown] = partsOf(readFileSync(join(TOP, "boards/battery.svg"), "utf8"));
    expect(words).toBe(shownWords);
    expect(Math.max(...numbers.map((number, i) => Math.abs(number - shown[i])))).toBeLessThan(5);
  });
});
