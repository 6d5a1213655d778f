/*
 * Every rule of the standards that binds a client has a test that carries its id, and the pages say which.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { CHECKLISTS, coverage, pageOf } from "./support/checklist.js";

describe.each(CHECKLISTS)("$title", (checklist) => {
  const path = fileURLToPath(new URL(checklist.page, import.meta.url));

  test("every applicable rule is covered", () => {
    const covered = coverage(checklist);
    const missing = checklist.rules.filter(([id, , notApplicable]) => notApplicable === undefined && !covered.has(id));
    expect(missing.map(([id, text]) => `${id} ${text}`)).toEqual([]);
  });

  test("no test has an id that the checklist lacks, or that does not apply", () => {
    const known = new Set(
      checklist.rules.filter(([, , notApplicable]) => notApplicable === undefined).map(([id]) => id),
    );
    expect([...coverage(checklist).keys()].filter((id) => !known.has(id))).toEqual([]);
  });

  test("no rule is listed twice", () => {
    expect(new Set(checklist.rules.map(([id]) => id)).size).toBe(checklist.rules.length);
  });

  test("the page is up to date", () => {
    if (process.env.UPDATE) writeFileSync(path, pageOf(checklist));
    expect(readFileSync(path, "utf8")).toBe(pageOf(checklist));
  });
});
