/*
 * Bundles a TypeScript entry with esbuild for Node. npm packages stay outside the bundle; `board` is the desktop's.
 * The bundle is named by its content and moved into place whole: programs started side by side never run a half-written one.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The repository's folder: this file is two folders below it, and so are the bundles. */
export const top = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @param {string} entry from the top of the repository
 * @returns {Promise<string>} the path of the bundle, an ES module
 */
export async function bundle(entry) {
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
  const [{ contents }] = outputFiles;
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, 16);
  const path = join(folder, `${basename(entry, ".ts")}-${hash}.mjs`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const part = `${path}.${process.pid}`;
    writeFileSync(part, contents);
    renameSync(part, path);
  }
  return path;
}
