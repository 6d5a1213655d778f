/*
 * Bundles TypeScript into one script for XS, without Node's modules.
 */
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import { topFolder } from "../../hosttest/engine/build.js";

/** `entry`: the first module, relative to the top folder. `alias`: files for module names. `define`: constants for expressions. `plugins`: of esbuild, for modules that need one. */
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
