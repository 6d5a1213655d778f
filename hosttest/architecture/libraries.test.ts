/*
 * The folders that the README calls usable alone are: each module is reached by the folder's manifest and preloaded, and imports nothing
 * outside the folder. No other folder has a manifest, because it would be neither included nor tested. A folder with its own manifest
 * inside a library is a part that the user may leave out: the rest does not import it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { importsIn } from "../boards/archive.js";
import { hasCode } from "../boards/manifest.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const SRC = join(TOP, "src");
const readme = readFileSync(join(TOP, "README.md"), "utf8");
const section = /\n## Two libraries\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? "";
const LIBRARIES = [...section.matchAll(/\]\(src\/(\w+)\/README\.md\)/g)].map(([, room]) => room).sort();

const rooms = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());

test("the rooms with a manifest are the libraries that the README names", () => {
  expect(LIBRARIES).toHaveLength(2);
  const withManifest = rooms.map(({ name }) => name).filter((name) => existsSync(join(SRC, name, "manifest.json")));
  expect(withManifest.sort()).toEqual(LIBRARIES);
});

describe.each(LIBRARIES)("%s", (room) => {
  const folder = join(SRC, room);
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const parts = all.filter((name) => name.endsWith("/manifest.json")).map(dirname);
  const modules = all.filter((name) => name.endsWith(".ts"));
  const files = modules.filter((name) => !parts.includes(dirname(name)));
  const withCode = files.filter((name) => hasCode(readFileSync(join(folder, name), "utf8")));
  const manifest: { modules: Record<string, string | string[]>; preload: string[] } = JSON.parse(
    readFileSync(join(folder, "manifest.json"), "utf8"),
  );

  const nameOf = (file: string): string => file.replace(/\.ts$/, "");

  test("its manifest takes every module with code, by the name of its place: a star takes one folder", () => {
    const withoutCode = files.filter((name) => !withCode.includes(name));
    const folders = [...new Set(files.map((name) => dirname(name)))];
    expect({ ...manifest.modules, "~": [...manifest.modules["~"]].sort() }).toEqual({
      ...Object.fromEntries(folders.map((each) => [posix.join(room, each, "*"), each === "." ? "./*" : `./${each}/*`])),
      "~": withoutCode.map((name) => `./${nameOf(name)}`).sort(),
    });
  });

  // A star in `preload` means only JavaScript for mcconfig; a module that is not preloaded takes RAM.
  test("every module with code is preloaded", () => {
    expect(manifest.preload).toEqual(withCode.map((name) => `${room}/${nameOf(name)}`).sort());
  });

  test("imports nothing but itself", () => {
    const imported = files.flatMap((name) =>
      importsIn(readFileSync(join(folder, name), "utf8")).map((specifier) =>
        /^\.{1,2}\//.test(specifier) ? posix.join(dirname(name), specifier.replace(/\.js$/, ".ts")) : specifier,
      ),
    );
    expect(imported.length).toBeGreaterThan(5);
    const outside = imported.filter((file) => !files.includes(file));
    expect(outside).toEqual([]);
  });

  for (const part of parts) {
    test(`${part}, which may be left out, has a manifest with all of it, and imports of the library what its users include anyway`, () => {
      const inPart = modules.filter((name) => dirname(name) === part);
      const code = inPart.filter((name) => hasCode(readFileSync(join(folder, name), "utf8")));
      const types = inPart.filter((name) => !code.includes(name)).map((name) => `./${basename(name, ".ts")}`);
      expect(JSON.parse(readFileSync(join(folder, part, "manifest.json"), "utf8"))).toEqual({
        include: "../manifest.json",
        modules: { [posix.join(room, part, "*")]: "./*", ...(types.length ? { "~": types } : {}) },
        preload: code.map((name) => `${room}/${nameOf(name)}`).sort(),
      });
      const imported = inPart.flatMap((name) =>
        importsIn(readFileSync(join(folder, name), "utf8")).map((specifier) =>
          posix.join(dirname(name), specifier.replace(/\.js$/, ".ts")),
        ),
      );
      expect(imported.filter((file) => !modules.includes(file))).toEqual([]);
    });
  }
});
