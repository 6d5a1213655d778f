/*
 * Reads our manifests as mcconfig does: includes, the platform's part, which file becomes which module. Other features are not supported.
 * Files of the SDK, `$(...)`, are ignored, so that this runs without it.
 * Source: tools/mcmanifest.js of the Moddable SDK 8.2 (matchPlatform, parseManifest).
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { transformSync } from "esbuild";

type Lines = string | readonly string[];

interface Manifest {
  readonly include?: Lines;
  readonly modules?: Readonly<Record<string, Lines>>;
  readonly preload?: readonly string[];
  readonly build?: Readonly<Record<string, string>>;
  readonly config?: { readonly board?: BoardConfig; readonly led?: { readonly rainbow?: boolean } };
  readonly platforms?: Readonly<Record<string, Manifest & { readonly error?: string }>>;
}

export interface BoardConfig {
  readonly name: string;
  readonly sensor: { readonly data: number; readonly clock: number };
  readonly button: number;
  readonly hasTwoSlots?: boolean;
  readonly battery?: { readonly pin: number };
  readonly prompt: readonly { readonly port: number; readonly receive: number; readonly transmit: number }[];
}

/** The chips and boards that mcconfig's -p can name. */
export const DEVICES = [
  "esp32",
  "esp32/nodemcu",
  "esp32/esp32c3",
  "esp32/esp32c3_cdc",
  "esp32/esp32s3",
  "esp32/esp32s3_cdc",
  "esp32/m5atom_lite",
  "esp32/m5atom_matrix",
] as const;

/** All of our manifests for one platform, combined. */
export class Product {
  /** Files, from the top of the repository, by module specifier. */
  readonly modules = new Map<string, string>();
  readonly preload: string[] = [];
  readonly build: Record<string, string> = {};
  readonly errors: string[] = [];
  board: BoardConfig | undefined;
  isRainbow = true; // the SDK's own default, on the boards that have one
  readonly #top: string;
  readonly #read = new Set<string>();
  readonly #leftOut = new Set<string>();

  constructor(top: string, platform: string) {
    this.#top = top;
    this.#include("manifest.json", platform);
    for (const [specifier, path] of this.modules) if (this.#leftOut.has(path)) this.modules.delete(specifier);
  }

  #include(path: string, platform: string): void {
    if (this.#read.has(path)) return;
    this.#read.add(path);
    const manifest: Manifest = JSON.parse(readFileSync(join(this.#top, path), "utf8"));
    const parts = [manifest, partFor(manifest.platforms ?? {}, platform)];
    for (const part of parts) this.#takeBuild(part?.build ?? {}, dirname(path));
    for (const part of parts) {
      for (const include of list(part?.include)) {
        if (!include.startsWith("$")) this.#include(normalize(join(dirname(path), include)), platform);
      }
    }
    for (const part of parts) if (part !== undefined) this.#merge(part, dirname(path));
  }

  #merge(part: Manifest & { readonly error?: string }, folder: string): void {
    if (part.error !== undefined) this.errors.push(part.error);
    this.preload.push(...(part.preload ?? []));
    this.board = part.config?.board ?? this.board;
    this.isRainbow = part.config?.led?.rainbow ?? this.isRainbow;
    for (const [target, sources] of Object.entries(part.modules ?? {})) {
      for (const source of list(sources)) this.#map(target, normalize(join(folder, source)));
    }
  }

  /** Called before the includes, whose values therefore replace these. This is mcconfig's order; " ?=" in a name does not change it. */
  #takeBuild(build: Readonly<Record<string, string>>, folder: string): void {
    for (const [name, value] of Object.entries(build)) this.build[name] = normalize(join(folder, value));
  }

  #map(target: string, source: string): void {
    if (source.includes("$")) return;
    for (const file of filesOf(this.#top, source)) {
      if (target === "~") {
        this.#leftOut.add(file); // mcconfig reads these first, whatever the order
        continue;
      }
      const base = file.replace(/^.*\//, "").replace(/\.ts$/, "");
      this.modules.set(target.replace("*", base), file);
    }
  }
}

/** Whether this TypeScript has code. A module with only types has none: linked, it would only take flash. */
export function hasCode(source: string): boolean {
  let has = code.get(source);
  if (has === undefined) {
    has = transformSync(source, { loader: "ts" }).code.trim() !== "";
    code.set(source, has); // every platform asks for the same files
  }
  return has;
}

const code = new Map<string, boolean>();

/** The part for a platform: that of the full name, of "esp32/*", of the platform itself, or of "...", the first that exists. */
function partFor(platforms: NonNullable<Manifest["platforms"]>, name: string) {
  for (let parts = name.split("/"); parts.length > 0; parts = parts.slice(0, -1)) {
    const partial = parts.join("/");
    for (const key in platforms) {
      const isFamily = key.endsWith("/*") && partial.startsWith(key.slice(0, -1));
      if (isFamily || key === partial) return platforms[key];
    }
  }
  return platforms["..."];
}

/** TypeScript files, declarations apart. A star stands for the files of one folder. */
function filesOf(top: string, source: string): string[] {
  if (source.endsWith("/*")) {
    const folder = source.slice(0, -2);
    return readdir(top, folder).map((name) => join(folder, name));
  }
  return existsSync(join(top, `${source}.ts`)) ? [`${source}.ts`] : [];
}

function readdir(top: string, folder: string): string[] {
  return readdirSync(join(top, folder)).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
}

function list(lines: Lines | undefined): readonly string[] {
  return lines === undefined ? [] : typeof lines === "string" ? [lines] : lines;
}
