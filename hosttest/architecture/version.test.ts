/* src/version.ts has the version, and all other files that name it have the same. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { VERSION } from "../../src/version.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string): string => readFileSync(join(TOP, name), "utf8");

test("it is semantic, and the package and its lock file have the same", () => {
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+(-dev)?$/);
  expect(JSON.parse(read("package.json")).version).toBe(VERSION);
  const lock = JSON.parse(read("package-lock.json"));
  expect([lock.version, lock.packages[""].version]).toEqual([VERSION, VERSION]);
});

test("it is that of the changelog's newest entry: before its release with -dev, which semantic versioning puts before it", () => {
  const [, release, state] = /^## (\S+)(?: - (\S+))?$/m.exec(read("CHANGELOG.md"))!;
  expect(VERSION).toBe(state === "unreleased" ? `${release}-dev` : release);
});

test("the prompt that boards/README.md shows has it", () => {
  const shown = [...read("boards/README.md").matchAll(/home-thermometer (\d\S*)/g)].map(([, version]) => version);
  expect(shown.length).toBeGreaterThan(1);
  expect(shown.filter((version) => version !== VERSION)).toEqual([]);
});
