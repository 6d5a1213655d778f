/*
 * Does the simulation find anything? Bugs are planted in the firmware one at a time, as the code is bundled, and seeds
 * are tried until a run fails. Prints, for each bug, the first seed that found it and how it showed; exit code 1 if one was not found.
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { commandLine, whole } from "../support/command-line.js";
import { bugs, type PlantedBug } from "./bugs.js";
import type { Finding } from "./hunt.js";

const USAGE = "npm run planted -- [--seeds N] [--seed S] [NAME ...]";
const top = process.cwd();

const { values, positionals } = commandLine(
  USAGE,
  { seeds: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } },
  "words",
);
const seeds = whole("--seeds", values.seeds);
const firstSeed = whole("--seed", values.seed, 0);
const chosen = positionals.length === 0 ? bugs : bugs.filter(({ name }) => positionals.includes(name));
if (chosen.length === 0) {
  console.error(`${positionals.join(" ")}: no such bug; there are ${bugs.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
let missed = 0;
for (const bug of chosen) {
  const bundle = await plant(bug);
  const finding = await hunt(bundle);
  if (finding === undefined) missed++;
  const how =
    finding === undefined ? `not found in ${seeds} seeds` : `seed ${finding.seed}: ${finding.kind}: ${finding.text}`;
  console.log(`${bug.name.padEnd(28)} ${how.slice(0, 140)}`);
}
process.exitCode = missed > 0 ? 1 : 0;

/** Bundles the hunt with the bug in it. @throws Error if the code that the bug replaces is no longer there */
async function plant({ name, file, find, replace }: PlantedBug): Promise<string> {
  const path = join(top, file);
  const plugin: Plugin = {
    name: "planted bug",
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, ({ path: loading }) => {
        if (loading !== path) return undefined;
        const text = readFileSync(path, "utf8");
        if (text.split(find).length !== 2) throw new Error(`${name}: ${file} does not hold this once: ${find}`);
        return { contents: text.replace(find, () => replace), loader: "ts" };
      });
    },
  };
  const outfile = join(top, "build", "planted", `${name}.mjs`);
  await build({
    entryPoints: [join(top, "hosttest/simulation/hunt.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    plugins: [plugin],
    logLevel: "error",
  });
  return outfile;
}

/** Runs seeds in a process of its own until one fails. */
function hunt(bundle: string): Promise<Finding | undefined> {
  return new Promise((resolve, reject) => {
    let finding: Finding | undefined;
    const child = fork(bundle, [String(firstSeed), String(seeds)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    child.on("message", (message) => {
      finding = message as Finding;
    });
    child.once("error", reject);
    child.once("exit", () => resolve(finding));
  });
}
