/* An exception that ends a program of this repository is reported with the lines of its sources, even if Node's source maps are off. */
import { spawnSync } from "node:child_process";
import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { bundle, top } from "../bundle.mjs";
import { sourceStack } from "./source-stack.mjs";

const ENTRY = `build/source-stack-${process.pid}.ts`;
const SOURCE = join(top, ENTRY);
afterEach(() => rmSync(SOURCE, { force: true }));

/** With a time in the past, as a file has that was not edited just now. */
function write(text: string, ageS: number): void {
  writeFileSync(SOURCE, text);
  utimesSync(SOURCE, Date.now() / 1_000 - ageS, Date.now() / 1_000 - ageS);
}

test("a stack of the bundle names the source's lines; one of another file is unchanged", async () => {
  write(
    "interface Unused { a: 1 }\n\n\nfunction deep(): never {\n  throw new RangeError('planted');\n}\n\ndeep();\n",
    10,
  );
  const path = await bundle(ENTRY);
  const { stderr } = spawnSync(process.execPath, [path], { cwd: top, encoding: "utf8" });
  const [first] = stderr.split("\n").filter((line) => line.includes(" at "));
  expect(first).toContain("build/run/");
  expect(sourceStack(stderr, path)).toMatch(new RegExp(`at deep \\(.*${ENTRY}:5:9\\)`));
  expect(sourceStack("at x (node:fs:1:2)", path)).toBe("at x (node:fs:1:2)");
  expect(sourceStack(stderr, "/nowhere.mjs")).toBe(stderr);
});

test("a program that was edited is bundled again; one that was not is reused", async () => {
  write("console.log(1);\n", 10);
  const first = await bundle(ENTRY);
  expect(await bundle(ENTRY)).toBe(first);
  write("console.log(2);\n", 10);
  const second = await bundle(ENTRY);
  expect(second).not.toBe(first);
  expect(spawnSync(process.execPath, [second], { encoding: "utf8" }).stdout).toBe("2\n");
});
