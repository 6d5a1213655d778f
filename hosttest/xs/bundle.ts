/*
 * TypeScript to one script for XS: nothing of Node, no npm package but fast-check. Test files get our `vitest`.
 */
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { topFolder } from "./build.js";

const SUITE = join(topFolder, "hosttest", "xs", "suite");

/** `vitest` and `fast-check` are ours in there; our `fast-check` alone sees the real one. */
const suiteModules: Plugin = {
  name: "suite modules",
  setup(build) {
    build.onResolve({ filter: /^vitest$/ }, () => ({ path: join(SUITE, "vitest.ts") }));
    build.onResolve({ filter: /^fast-check$/ }, ({ importer }) =>
      importer.startsWith(SUITE) ? undefined : { path: join(SUITE, "fast-check.ts") },
    );
  },
};

/** Where a bundle comes from: a file, or source text that imports as if it lay in hosttest/. */
export type Entry = { readonly file: string } | { readonly source: string };

/** Bundles an entry. `minify`: as small as a release. @throws esbuild's error if something needs Node */
export async function bundle(entry: Entry, plugins: readonly Plugin[] = []): Promise<string> {
  const from =
    "file" in entry
      ? { entryPoints: [join(topFolder, entry.file)] }
      : {
          stdin: {
            contents: entry.source,
            loader: "ts" as const,
            resolveDir: join(topFolder, "hosttest"),
            sourcefile: "entry.ts",
          },
        };
  const { outputFiles } = await build({
    ...from,
    bundle: true,
    write: false,
    format: "iife",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    target: "es2022",
    charset: "utf8",
    logLevel: "silent",
    plugins: [suiteModules, ...plugins],
  });
  return outputFiles[0].text;
}
