/*
 * Builds the XS worker before the first test of a clone, with all cores: it takes a minute there, and no test's limit is meant for that.
 * Where it cannot be built, the tests that need it say so.
 */
import { type Variant, workerProgram } from "../../engine/build.js";

/** Where it is built already, it is there sooner, and nothing is said. */
const QUICK_MS = 2_000;
const VARIANTS: readonly Variant[] = ["plain", "tls"];

/** Called by vitest, once a run. */
export default async function buildEngine(): Promise<void> {
  const says = setTimeout(() => console.log("building the XS engine: once in a clone, a minute or two"), QUICK_MS);
  for (const variant of VARIANTS) await workerProgram(variant).catch(() => {});
  clearTimeout(says);
}
