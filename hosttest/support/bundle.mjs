/*
 * Bundles a TypeScript entry with esbuild for Node; `board` is the desktop's. Most npm packages stay outside the bundle.
 * The bundle is named by its content and moved into place whole: programs that start at the same time never run a half-written one.
 * Its source map is beside it. While no input has changed, the last bundle is used again, which saves half a second at each start.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder: this file is two folders below it, and so are the bundles. */
export const top = fileURLToPath(new URL("../..", import.meta.url));

const FOLDER = join(top, "build", "run");
/** Further inputs of every bundle. npm rewrites the last one at each install. */
const COMMON = ["hosttest/support/bundle.mjs", "tsconfig.json", "package.json", "node_modules/.package-lock.json"];
/** Packages of many small files: they load faster as a part of the bundle. */
const INSIDE = ["aedes", "mqtt", "ws"];
/** Optional C++ parts of these packages. */
const OPTIONAL = ["bufferutil", "utf-8-validate"];

/**
 * @param {string} entry from the top of the repository
 * @returns {Promise<string>} the path of the bundle, an ES module
 */
export async function bundle(entry) {
  const record = join(FOLDER, `${entry.replaceAll(/[^\w.]/g, "_")}.json`);
  return unchanged(record) ?? (await build(entry, record));
}

/**
 * @param {string} record
 * @returns {string | undefined} the bundle that it names, if all its inputs are unchanged
 */
function unchanged(record) {
  try {
    const { name, inputs } = JSON.parse(readFileSync(record, "utf8"));
    const path = join(FOLDER, name);
    return existsSync(path) && Object.entries(inputs).every(([input, state]) => stateOf(input) === state)
      ? path
      : undefined;
  } catch {
    return undefined; // there is none yet, or an input is missing
  }
}

/** @param {string} input from the top of the repository */
function stateOf(input) {
  const state = statSync(join(top, input), { throwIfNoEntry: false });
  return state === undefined ? "none" : `${state.size} ${state.mtimeMs} ${state.ctimeMs}`;
}

/**
 * @param {string} entry
 * @param {string} record where the inputs' state is kept
 */
async function build(entry, record) {
  const esbuild = await import("esbuild");
  const { devDependencies } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  const outside = Object.keys(devDependencies).filter((name) => !INSIDE.includes(name));
  const beganMs = Date.now();
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: top,
    entryPoints: [join(top, entry)],
    outdir: FOLDER,
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: [...outside, ...OPTIONAL],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    sourcemap: "external",
    metafile: true,
    alias: { board: join(top, "boards/desktop/board.ts") },
    logLevel: "error",
  });
  const [map, code] = [".map", ".mjs", ".js"].flatMap((end) => outputFiles.filter(({ path }) => path.endsWith(end)));
  const hash = createHash("sha256").update(code.contents).digest("hex").slice(0, 16);
  const name = `${basename(entry, ".ts")}-${hash}.mjs`;
  const path = join(FOLDER, name);
  mkdirSync(FOLDER, { recursive: true });
  moveIntoPlace(`${path}.map`, map.contents);
  if (!existsSync(path)) moveIntoPlace(path, `${code.text}//# sourceMappingURL=${name}.map\n`);
  const modules = Object.keys(metafile.inputs).filter((input) => !input.startsWith("node_modules/"));
  const inputs = [...COMMON, ...modules];
  // An input that was edited meanwhile may be in the bundle in its earlier state.
  const isCertain = inputs.every(
    (input) => (statSync(join(top, input), { throwIfNoEntry: false })?.ctimeMs ?? 0) < beganMs,
  );
  const states = Object.fromEntries(inputs.map((input) => [input, stateOf(input)]));
  if (isCertain) moveIntoPlace(record, JSON.stringify({ name, inputs: states }));
  return path;
}

/**
 * @param {string} path
 * @param {string | Uint8Array} contents
 */
function moveIntoPlace(path, contents) {
  const part = `${path}.${process.pid}`;
  writeFileSync(part, contents);
  renameSync(part, path);
}
