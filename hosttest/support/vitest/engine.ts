/*
 * Builds the XS worker before the first test of a clone, with all cores: this takes a minute, longer than any test's limit.
 * If it cannot be built, the tests that need it report it.
 */
import { type Variant, workerProgram } from "../../engine/build.js";

/** After this time the build is announced; if nothing has to be built, it is ready sooner. */
const QUICK_MS = 2_000;
const VARIANTS: readonly Variant[] = ["plain", "tls"];

/** Called by vitest, once a run. */
export default async function buildEngine(): Promise<void> {
  const says = setTimeout(() => console.log("building the XS engine: once in a clone, a minute or two"), QUICK_MS);
  for (const variant of VARIANTS) await workerProgram(variant).catch(() => {});
  clearTimeout(says);
}
