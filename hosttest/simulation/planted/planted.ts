/*
 * Tests the simulation itself: plants one bug after the other in the firmware's bundle, and tries seeds until a run fails.
 * Prints, for each bug, the first seed that found it, and the violation. Exit code 1 if one was not found.
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { commandLine, MAX_SEED, misused, preset, whole } from "../../support/command-line/command-line.js";
import { Progress, printVerdict } from "../../support/command-line/progress.js";
import { bugs, editsOf, type PlantedBug } from "./bugs.js";
import type { Finding } from "./hunt.js";

const top = process.cwd();

const { values, words } = commandLine(
  {
    program: "npm run planted --",
    does: "Removes one safeguard after the other from the firmware, and searches for a seed of the simulation that fails.",
    words: "[NAME ...]",
    notes: [
      `NAME: ${bugs.map(({ name }) => name).join(", ")} (default: all)`,
      "Exit: 0 all found, 1 one was not, 2 usage.",
    ],
  },
  {
    seeds: preset("1000", whole("N", "seeds to try for each bug", 1, 1_000_000)),
    seed: preset("1", whole("S", "the first of them", 0, MAX_SEED)),
  },
);
const { seeds, seed: firstSeed } = values;
const unknown = words.filter((word) => !bugs.some(({ name }) => name === word));
if (unknown.length > 0) misused(`${unknown[0]}: no such bug; there are ${bugs.map(({ name }) => name).join(", ")}`);
const chosen = words.length === 0 ? bugs : bugs.filter(({ name }) => words.includes(name));
const progress = new Progress();
let missed = 0;
for (const [at, bug] of chosen.entries()) {
  const startedMs = performance.now();
  const shown = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    progress.show(() => `bug ${at + 1} of ${chosen.length}, ${bug.name}: hunting for ${seconds} s`);
  }, 1000);
  const finding = await hunt(await plant(bug), bug.sleeps ? ["sleepers"] : []);
  clearInterval(shown);
  progress.end();
  if (finding === undefined) missed++;
  const how =
    finding === undefined ? `not found in ${seeds} seeds` : `seed ${finding.seed}: ${finding.kind}: ${finding.text}`;
  console.log(`${bug.name.padEnd(28)} ${how.slice(0, 140)}`);
}
printVerdict(
  `${missed === 0 ? "all found" : "NOT ALL FOUND"}: ${chosen.length - missed} of ${chosen.length} bugs`,
  false,
);
process.exitCode = missed > 0 ? 1 : 0;

/** Bundles the hunt with the bug in it. @throws Error if the code that the bug replaces is no longer there */
async function plant(bug: PlantedBug): Promise<string> {
  const { name } = bug;
  const edits = editsOf(bug).map((edit) => ({ ...edit, path: join(top, edit.file) }));
  const plugin: Plugin = {
    name: "planted bug",
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, ({ path: loading }) => {
        const edit = edits.find(({ path }) => path === loading);
        if (edit === undefined) return undefined;
        const { file, find, replace } = edit;
        const text = readFileSync(loading, "utf8");
        if (text.split(find).length !== 2) throw new Error(`${name}: ${file} does not hold this once: ${find}`);
        return { contents: text.replace(find, () => replace), loader: "ts" };
      });
    },
  };
  const outfile = join(top, "build", "planted", `${name}.mjs`);
  await build({
    entryPoints: [join(top, "hosttest/simulation/planted/hunt.ts")],
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

/** Runs seeds in a child process until one fails. */
function hunt(bundle: string, kind: readonly string[]): Promise<Finding | undefined> {
  return new Promise((resolve, reject) => {
    let finding: Finding | undefined;
    const child = fork(bundle, [String(firstSeed), String(seeds), ...kind], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.on("message", (message) => {
      finding = message as Finding;
    });
    child.once("error", reject);
    child.once("exit", () => resolve(finding));
  });
}
