/*
 * The files of the page: bundled from the sources beside this at the first request, and kept in build/ under a hash of
 * all inputs. Nothing is loaded from elsewhere.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { build } from "esbuild";
import { topFolder } from "../../../../hosttest/engine/build.js";

const PAGE = join(topFolder, "boards", "desktop", "page");
const CLIENT = join(PAGE, "client");
/** Written after all others. */
const LAST = "page.js";
const SHARED = ["protocol.ts", "ledger.ts"].map((name) => join(PAGE, name));

export interface Asset {
  readonly type: string;
  readonly body: Uint8Array;
}

let made: Promise<Map<string, Asset>> | undefined;

/** By path, "/" first of all. @throws esbuild's error */
export function assets(): Promise<Map<string, Asset>> {
  made ??= collect();
  return made;
}

const TYPES: Readonly<Record<string, string>> = Object.freeze({
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
});

async function collect(): Promise<Map<string, Asset>> {
  const folder = join(topFolder, "build", "page", await digest());
  if (!existsSync(join(folder, LAST))) await bundle(folder);
  const [html, icon, ...bundled] = await Promise.all([
    readFile(join(CLIENT, "index.html")),
    readFile(join(CLIENT, "icon.svg")),
    ...(await readdir(folder)).map(async (name) => ({ name, body: await readFile(join(folder, name)) })),
  ]);
  const files = new Map([
    ["/", { type: "text/html; charset=utf-8", body: html }],
    ["/icon.svg", { type: "image/svg+xml", body: icon }],
  ]);
  for (const { name, body } of bundled) {
    const type = TYPES[extname(name)];
    if (type !== undefined) files.set(`/${name}`, { type, body });
  }
  return files;
}

/** Hash of the sources, and of the installed npm packages. */
async function digest(): Promise<string> {
  const names = (await readdir(CLIENT, { recursive: true })).filter((name) => /\.(tsx?|css)$/.test(name)).sort();
  const files = [...names.map((name) => join(CLIENT, name)), ...SHARED, join(topFolder, "package-lock.json")];
  const hash = createHash("sha256");
  for (const text of await Promise.all(files.map((file) => readFile(file)))) hash.update(text).update("\0");
  return hash.digest("hex").slice(0, 16);
}

/** Each file is moved into place whole: others may read it meanwhile. */
async function bundle(folder: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [join(CLIENT, "page.tsx")],
    outdir: folder,
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: "[name]-[hash]",
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "silent",
    tsconfigRaw: {},
  });
  await mkdir(folder, { recursive: true });
  const isLast = ({ path }: { path: string }): boolean => path.endsWith(LAST);
  for (const { path, contents } of [...outputFiles].sort((a, b) => Number(isLast(a)) - Number(isLast(b)))) {
    const part = `${path}.${process.pid}`;
    await writeFile(part, contents);
    await rename(part, path);
  }
}
