/*
 * Byte code by folder of src, in bytes, by the SDK's compiler as in a release build: the flash that each folder uses before linking.
 * Only where `xsc` of the Moddable SDK is on the PATH; nothing else of the SDK is needed.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { topFolder } from "../engine/build.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import { type Row, row } from "./row.js";

const run = promisify(execFile);

/** The options with which the SDK's build calls the TypeScript compiler. */
const OPTIONS = JSON.parse(readFileSync(join(topFolder, "manifest.json"), "utf8")).typescript.tsconfig.compilerOptions;

/** The libraries are listed module by module. */
const BY_MODULE = ["mqtt", "outbox"];

/** Rows by folder, largest first; none if the compiler is missing. */
export async function codeRows(): Promise<Row[]> {
  if (spawnSync("xsc", []).error !== undefined) {
    console.error("byte code: not measured, no xsc on the PATH (the Moddable SDK's build/bin/lin/release)");
    return [];
  }
  const scratch = temporaryFolder("bytecode-");
  try {
    const bytes = new Map<string, number>();
    for (const file of readdirSync(join(topFolder, "src"), { recursive: true, encoding: "utf8" })) {
      if (file.endsWith(".ts")) bytes.set(file.slice(0, -".ts".length), await codeBytes(file, scratch));
    }
    return rowsOf(bytes);
  } finally {
    removeFolder(scratch);
  }
}

function rowsOf(bytes: ReadonlyMap<string, number>): Row[] {
  const folders = new Map<string, number>();
  for (const [module, size] of bytes) {
    const folder = module.includes("/") ? module.slice(0, module.indexOf("/")) : module;
    folders.set(folder, (folders.get(folder) ?? 0) + size);
  }
  const modules = [...bytes].filter(([module]) => BY_MODULE.includes(dirname(module)));
  const total = [...folders.values()].reduce((sum, size) => sum + size, 0);
  return [["src", total] as const, ...descending(folders), ...descending(modules)].map(([name, size]) =>
    row(`byte code: ${name}`, size, "bytes"),
  );
}

function descending(sizes: Iterable<readonly [string, number]>): (readonly [string, number])[] {
  return [...sizes].sort(([, a], [, b]) => b - a);
}

/** The length of a module's byte code. `file` is below src. */
async function codeBytes(file: string, scratch: string): Promise<number> {
  const compilerOptions = { ...OPTIONS, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.Preserve };
  const { outputText } = ts.transpileModule(readFileSync(join(topFolder, "src", file), "utf8"), { compilerOptions });
  const name = basename(file, ".ts");
  const folder = join(scratch, dirname(file));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.js`), outputText);
  await run("xsc", [join(folder, `${name}.js`), "-c", "-e", "-o", folder, "-r", name]);
  return atomBytes(readFileSync(join(folder, `${name}.xsb`)), "CODE");
}

/** The content's length of an atom (32 bits of length, four letters, content) inside the file's own atom. */
function atomBytes(file: Buffer, kind: string): number {
  for (let at = 8; at < file.length; at += file.readUInt32BE(at)) {
    if (file.toString("latin1", at + 4, at + 8) === kind) return file.readUInt32BE(at) - 8;
  }
  throw new Error(`no ${kind} in the compiler's output`);
}
