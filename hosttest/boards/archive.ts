/*
 * Reads what mcconfig has linked: the modules of mc.xs.c, their sources, their sizes. The linker does not check whether an imported module
 * is in the archive; the machine aborts when it is imported.
 * Formats: mc.xs.c, as xsl writes it; the makefile, as mcconfig does; .xsb files, a chain of atoms (length, type).
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Module {
  /** As it is imported: "src/main", "embedded:io/i2c". */
  readonly specifier: string;
  /** Its functions are slots in flash; nothing is loaded at boot. */
  readonly isPreloaded: boolean;
  readonly codeBytes: number;
  /** Its imports, resolved. */
  readonly imports: readonly string[];
}

export interface Archive {
  readonly modules: readonly Module[];
  /** Slots in flash, made by preloading. */
  readonly slots: number;
}

/** An import of a module that is not in the archive. */
export interface Gap {
  readonly importer: string;
  readonly specifier: string;
}

/** `folder`: where mcconfig left mc.xs.c. @throws Error if that is no build, with one line */
export function readArchive(folder: string): Archive {
  if (!existsSync(join(folder, "mc.xs.c"))) throw new Error(`${folder}: no mc.xs.c in it; run mcconfig first`);
  const linked = readFileSync(join(folder, "mc.xs.c"), "utf8");
  const sources = readSources(folder);
  const modules = scriptsIn(linked).map(({ specifier, codeBytes }) => ({
    specifier,
    isPreloaded: codeBytes === 0,
    codeBytes: codeBytes || codeOf(join(folder, "modules", `${fileName(specifier)}.xsb`)),
    imports: importsIn(readSource(sources, specifier)).map((imported) => resolve(imported, specifier)),
  }));
  return { modules, slots: defined(linked, "mxHeapCount") + defined(linked, "mxStackCount") };
}

export function gaps({ modules }: Pick<Archive, "modules">): Gap[] {
  const known = new Set(modules.map(({ specifier }) => specifier));
  return modules.flatMap(({ specifier: importer, imports }) =>
    imports.filter((specifier) => !known.has(specifier)).map((specifier) => ({ importer, specifier })),
  );
}

/**
 * Modules that no import from `roots` reaches: they need not be linked. Modules that only a driver imports are among them on a board
 * without that driver.
 */
export function unused({ modules }: Pick<Archive, "modules">, roots: readonly string[]): Module[] {
  const reached = new Set<string>();
  const reach = (specifier: string): void => {
    if (reached.has(specifier)) return;
    reached.add(specifier);
    modules.find((module) => module.specifier === specifier)?.imports.forEach(reach);
  };
  roots.forEach(reach);
  return modules.filter(({ specifier }) => !reached.has(specifier));
}

/** A C file that names the destructor of a class that no linked module has: it does not compile. */
export interface Undeclared {
  readonly file: string;
  readonly destructor: string;
}

/**
 * What mc.xs.h does not declare. xsl declares there the native functions of the linked modules, and mcconfig compiles the C files of the
 * manifests whether their modules are linked or left out. `folder`: as for `readArchive`.
 */
export function undeclared(folder: string): Undeclared[] {
  const declared = destructorsIn(readFileSync(join(folder, "mc.xs.h"), "utf8"));
  const makefile = readFileSync(join(folder, "makefile"), "utf8");
  return [...makefile.matchAll(/^\$\(TMP_DIR\)\/\S+\.c\.xsi: (\S+)/gm)].flatMap(([, file]) => {
    const source = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    const unknown = [...destructorsIn(source)].filter((name) => !declared.has(name) && !isDefinedFirst(source, name));
    return unknown.map((destructor) => ({ file, destructor }));
  });
}

/** Whether a C file defines or declares a function before it names it otherwise. */
function isDefinedFirst(source: string, name: string): boolean {
  return new RegExp(`\\b(void\\s+)?${name}\\b`).exec(source)?.[1] !== undefined;
}

function destructorsIn(source: string): Set<string> {
  return new Set(source.match(/\b\w+_destructor_?\b/g));
}

/** The specifiers that a module's text imports, as written. Comments and strings do not begin a line with `import`. */
export function importsIn(source: string): string[] {
  const statement = /^[ \t]*(?:import|export)\s+(?:[^"';]*?\sfrom\s*)?["']([^"']+)["']/gm;
  return [...source.matchAll(statement)].map((match) => match[1]);
}

/** Resolves a specifier as XS does: without `.js` or `.mjs`, and joined to the importer's specifier if it begins with a dot. */
export function resolve(imported: string, importer: string): string {
  const path = imported.replace(/\.m?js$/, "");
  if (!path.startsWith(".")) return path;
  const folders = importer.split("/").slice(0, -1);
  for (const step of path.split("/")) {
    if (step === "..") {
      if (folders.pop() === undefined) return `(above the root) ${path}`;
    } else if (step !== ".") folders.push(step);
  }
  return folders.join("/");
}

function scriptsIn(linked: string): { specifier: string; codeBytes: number }[] {
  const table = /gxScripts\[mxScriptsCount\] = \{([\s\S]*?)\n\};/.exec(linked)?.[1] ?? "";
  const row = /^\t\{ \w+, \w+, \d+, (?:NULL|\(txS1\*\)\w+), (\d+), .*?, "([^"]*)", \{/gm;
  return [...table.matchAll(row)].map((match) => ({ codeBytes: Number(match[1]), specifier: match[2] }));
}

/** The file that each module was compiled from, by specifier. */
function readSources(folder: string): Map<string, string> {
  const makefile = readFileSync(join(folder, "makefile"), "utf8");
  const rule = /^\$\(MODULES_DIR\)\/(.+)\.xsb: (\S+)/gm;
  return new Map(
    [...makefile.matchAll(rule)].map((match) => [
      match[1].replace(/^~\.(\w+)\//, "$1:"),
      match[2].replace("$(TMP_DIR)", folder),
    ]),
  );
}

function readSource(sources: Map<string, string>, specifier: string): string {
  const path = sources.get(specifier);
  if (path === undefined) throw new Error(`${specifier}: linked, but not in the makefile`);
  return readFileSync(path, "utf8");
}

/** The file name of a specifier: "embedded:io/i2c" is in the folder "~.embedded". */
function fileName(specifier: string): string {
  return specifier.replace(/^(\w+):/, "~.$1/");
}

/** The length of the byte code in an .xsb file. */
function codeOf(path: string): number {
  const file = readFileSync(path);
  for (let at = 8; at + 8 <= file.length; at += file.readUInt32BE(at)) {
    if (file.toString("latin1", at + 4, at + 8) === "CODE") return file.readUInt32BE(at) - 8;
  }
  return 0;
}

function defined(linked: string, name: string): number {
  return Number(new RegExp(`#define ${name} (\\d+)`).exec(linked)?.[1] ?? 0);
}
