/* The suites of every folder of src run inside XS: a new or renamed folder must not be missing from the lists. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { topFolder } from "../engine/build.js";

/** Folders that have no suites of their own inside XS, and why. */
const WITHOUT: Readonly<Record<string, string>> = {
  common: "types, and one function that all others use",
  tls: "types, and PEM, which the settings take: hosttest/settings/pasted.test.ts",
  thermometer: "runs as a process, on XS too: mosquitto.test.ts and hosttest/xs/board.test.ts",
};

test("each folder of src is named by one of suites-*.test.ts, and each that is named has suites", () => {
  const here = join(topFolder, "hosttest/xs");
  const files = readdirSync(here).filter((name) => /^suites-.*\.test\.ts$/.test(name));
  const named = files.flatMap((name) => {
    const lists = readFileSync(join(here, name), "utf8").matchAll(/runSuites\(\[([^\]]*)\]/g);
    return [...lists].flatMap(([, list]) => [...list.matchAll(/"([^"]+)"/g)].map(([, folder]) => folder));
  });
  const folders = readdirSync(join(topFolder, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !(entry.name in WITHOUT))
    .map(({ name }) => name);
  expect(folders.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => !existsSync(join(topFolder, "hosttest", name)))).toEqual([]);
});
