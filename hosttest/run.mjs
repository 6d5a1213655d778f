/*
 * Bundles one TypeScript entry and runs it on Node: `node hosttest/run.mjs ENTRY.ts [ARGUMENT ...]`.
 * In this very process, so that signals, standard input and the exit code are the program's own.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundle, top } from "./support/bundle.mjs";
import { sourceStack } from "./support/stack/source-stack.mjs";

const USAGE = "usage: node hosttest/run.mjs ENTRY.ts [ARGUMENT ...]";
const [entry, ...rest] = process.argv.slice(2);
if (entry === "--help" || entry === "-h") {
  console.log(USAGE);
  process.exit(0);
}
if (entry === undefined || !existsSync(join(top, entry))) {
  console.error(`run.mjs${entry === undefined ? "" : ` ${entry}`}: expected a program of this repository; ${USAGE}`);
  process.exit(2);
}
const path = await bundle(entry);
process.argv = [process.argv[0], join(top, entry), ...rest];
// A person waits for the device's first line: Node would read the source map for 0.3 s first. What ends it is reported by the sources all the same.
process.setSourceMapsEnabled(entry !== "src/main.ts");
process.on("uncaughtExceptionMonitor", (error) => {
  if (error instanceof Error) error.stack = sourceStack(error.stack, path);
});
await import(pathToFileURL(path).href);
