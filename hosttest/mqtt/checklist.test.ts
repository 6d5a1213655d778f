/*
 * Every rule of the standard that binds a client has a test that carries its id, and the page says which.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { coverage, page, rules } from "./support/checklist.js";

const PAGE = fileURLToPath(new URL("checklist.md", import.meta.url));

test("every applicable rule is covered", () => {
  const covered = coverage();
  const missing = rules.filter(({ id, notApplicable }) => notApplicable === undefined && !covered.has(id));
  expect(missing.map(({ id, text }) => `${id} ${text}`)).toEqual([]);
});

test("no test carries an id that the checklist does not know, or that does not apply", () => {
  const known = new Set(rules.filter(({ notApplicable }) => notApplicable === undefined).map(({ id }) => id));
  expect([...coverage().keys()].filter((id) => !known.has(id))).toEqual([]);
});

test("the page is up to date", () => {
  if (process.env.UPDATE) writeFileSync(PAGE, page());
  expect(readFileSync(PAGE, "utf8")).toBe(page());
});
