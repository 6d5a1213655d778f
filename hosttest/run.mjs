/*
 * Bundles one TypeScript entry and runs it on Node: `node hosttest/run.mjs ENTRY.ts [ARGUMENT ...]`.
 * In this very process, so that signals, standard input and the exit code are the program's own.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundle, top } from "./support/bundle.mjs";

const [entry, ...rest] = process.argv.slice(2);
if (entry === undefined) {
  console.error("run.mjs: which program? usage: node hosttest/run.mjs ENTRY.ts [ARGUMENT ...]");
  process.exit(2);
}
const path = await bundle(entry);
process.argv = [process.argv[0], join(top, entry), ...rest];
process.setSourceMapsEnabled(true);
await import(pathToFileURL(path).href);
