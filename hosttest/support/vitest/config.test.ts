/* What is run where: `npm run check` and `npm test` need Node alone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import config from "../../../vitest.config.js";
import { top } from "../bundle.mjs";

interface Project {
  readonly test: { name: string; include: string[]; exclude?: string[]; globalSetup?: string };
}

const projects = (config.test?.projects ?? []) as Project[];
const named = (name: string): Project["test"] => {
  const found = projects.find((project) => project.test.name === name);
  if (found === undefined) throw new Error(`no project ${name}`);
  return found.test;
};
const { scripts } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));

test.each(["check", "test"])("npm run %s runs one project, which builds no XS engine", (script) => {
  const [, name] = / --project (\w+)/.exec(scripts[script]) ?? [];
  expect(scripts[script].match(/\bvitest run/g)).toHaveLength(1);
  expect(named(name).globalSetup).toBeUndefined();
});

test("a file of one project is not run by another as well", () => {
  const { include: gates } = named("gates");
  const { include: programs, exclude } = named("programs");
  expect(gates.length).toBeGreaterThan(0);
  expect(exclude).toEqual(gates);
  expect(named("node").exclude).toEqual([...programs, ...gates]);
});
