/*
 * Bundles TypeScript into one script for XS: without Node, and without packages unless a plugin allows them.
 */
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { topFolder } from "../../hosttest/engine/build.js";

/** Where a bundle begins, relative to the top folder; plugins, modules by other names, and expressions replaced by constants. */
export interface BundleOptions {
  readonly entry: string;
  readonly plugins?: readonly Plugin[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly define?: Readonly<Record<string, string>>;
}

/** @throws esbuild's error if something needs Node */
export async function bundle({ entry, plugins = [], alias = {}, define = {} }: BundleOptions): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(topFolder, entry)],
    bundle: true,
    write: false,
    format: "iife",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    target: "es2022",
    charset: "utf8",
    logLevel: "silent",
    define: { ...define },
    plugins: [...plugins],
    alias: Object.fromEntries(Object.entries(alias).map(([name, file]) => [name, join(topFolder, file)])),
  });
  return outputFiles[0].text;
}
