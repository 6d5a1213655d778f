/* The pages' tables of folders name every existing folder, and no other. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

const foldersIn = (place: string): string[] =>
  readdirSync(join(TOP, place), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

/** The names in backticks in the first column of the tables between a heading and the next section. */
function named(page: string, heading: string): string[] {
  const text = readFileSync(join(TOP, page), "utf8");
  const [, section = ""] = text.split(`${heading}\n`);
  const [rows] = section.split("\n## ");
  return [...rows.matchAll(/^\| (`[^|]*) \|/gm)]
    .flatMap(([, cell]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
    .sort();
}

test("the map in src/README.md names every folder of src and boards, and nothing that is not there", () => {
  const names = named("src/README.md", "\n## Where is what");
  const folders = ["src", "boards"].flatMap((place) => foldersIn(place).map((name) => `${place}/${name}`));
  expect(names.filter((name) => !name.endsWith(".ts"))).toEqual(folders.sort());
  expect(names.filter((name) => !existsSync(join(TOP, name)))).toEqual([]);
});

test("the table of the tests names every folder of hosttest without a counterpart in src", () => {
  const names = named("hosttest/README.md", "# Tests");
  const tested = new Set(foldersIn("src"));
  const folders = foldersIn("hosttest");
  expect(folders.filter((name) => !tested.has(name) && !names.includes(name))).toEqual([]);
  expect(names.filter((name) => !folders.includes(name))).toEqual([]);
});
