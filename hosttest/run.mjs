/*
 * Bundles one TypeScript entry with esbuild and runs it on Node: `node hosttest/run.mjs ENTRY.ts [ARGUMENT ...]`.
 * In this very process, so that signals, standard input and the exit code are the program's own. npm packages stay
 * outside the bundle; `board` is the desktop's.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const top = fileURLToPath(new URL("..", import.meta.url));
const [entry, ...rest] = process.argv.slice(2);
if (entry === undefined) {
  console.error("run.mjs: which program? usage: node hosttest/run.mjs ENTRY.ts [ARGUMENT ...]");
  process.exit(2);
}
const folder = join(top, "build", "run");
const { outputFiles } = await build({
  entryPoints: [join(top, entry)],
  outdir: folder,
  write: false,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  alias: { board: join(top, "boards/desktop/board.ts") },
  logLevel: "error",
});
// Named by its content and moved into place whole: programs started side by side never run a half-written bundle.
const [{ contents }] = outputFiles;
const hash = createHash("sha256").update(contents).digest("hex").slice(0, 16);
const bundle = join(folder, `${basename(entry, ".ts")}-${hash}.mjs`);
if (!existsSync(bundle)) {
  mkdirSync(folder, { recursive: true });
  const part = `${bundle}.${process.pid}`;
  writeFileSync(part, contents);
  renameSync(part, bundle);
}
process.argv = [process.argv[0], join(top, entry), ...rest];
process.setSourceMapsEnabled(true);
await import(pathToFileURL(bundle).href);
