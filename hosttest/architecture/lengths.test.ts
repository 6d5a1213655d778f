/* Files of at most 400 lines, folders of at most 15 files: of the firmware, of its boards, and of the tests. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const MAX_LINES = 400;
const MAX_FILES = 15;
const CODE = [".ts", ".js", ".mjs", ".cjs", ".c", ".h", ".css", ".sh", ".bash"];

const entries = ["src", "boards", "hosttest", "findings"].flatMap((place) =>
  readdirSync(join(TOP, place), { withFileTypes: true, recursive: true }),
);
const pathOf = (entry: { parentPath: string; name: string }): string => join(entry.parentPath, entry.name);
const files = entries.filter((entry) => entry.isFile()).map(pathOf);

test(`no file has more than ${MAX_LINES} lines`, () => {
  const code = files.filter((path) => CODE.includes(extname(path)));
  expect(code.length).toBeGreaterThan(500);
  const lines = (path: string): number => readFileSync(path, "utf8").split("\n").length - 1;
  expect(code.filter((path) => lines(path) > MAX_LINES)).toEqual([]);
});

test(`no folder of src, boards or hosttest has more than ${MAX_FILES} files`, () => {
  const counts = new Map<string, number>();
  for (const path of files) {
    const folder = join(path, "..");
    if (folder !== join(TOP, "findings")) counts.set(folder, (counts.get(folder) ?? 0) + 1); // it has one script for each finding
  }
  expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
});
