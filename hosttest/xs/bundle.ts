/* Bundles a test file into one script for XS, with a `vitest` of our own, and with fast-check at fewer runs. */
import { join } from "node:path";
import type { Plugin } from "esbuild";
import { bundle } from "../../boards/xs/bundle.js";
import { topFolder } from "../engine/build.js";
import { SEED } from "../support/seed.js";

const SUITE = join(topFolder, "hosttest", "xs", "suite");

/** Only our `fast-check` imports the real one. */
const suiteModules: Plugin = {
  name: "suite modules",
  setup(build) {
    build.onResolve({ filter: /^vitest$/ }, () => ({ path: join(SUITE, "vitest.ts") }));
    build.onResolve({ filter: /^fast-check$/ }, ({ importer }) =>
      importer.startsWith(SUITE) ? undefined : { path: join(SUITE, "fast-check.ts") },
    );
  },
};

/** @throws esbuild's error if something in it needs Node */
export function bundleSuite(file: string): Promise<string> {
  return bundle({ entry: file, plugins: [suiteModules], define: { "process.env.SEED": `"${SEED}"` } });
}
