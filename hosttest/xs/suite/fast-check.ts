/*
 * `fast-check` inside XS: the real one, with a tenth of the runs, because XS is an interpreter. The full number runs on Node.
 */
import "./frozen.js"; // before fast-check, which looks for them at once
import * as fc from "fast-check";
import { SEED } from "../../support/seed.js";

export * from "fast-check";

const SHARE = 0.1;
const RUNS_BY_DEFAULT = 100;

type Parameters = { readonly numRuns?: number; readonly seed?: number };

function fewer<P extends Parameters>(parameters: P | undefined): P {
  const runs = Math.max(5, Math.ceil((parameters?.numRuns ?? RUNS_BY_DEFAULT) * SHARE));
  return { seed: SEED, ...parameters, numRuns: runs } as unknown as P;
}

export const assert = ((property, parameters) => fc.assert(property, fewer(parameters))) as typeof fc.assert;
export const check = ((property, parameters) => fc.check(property, fewer(parameters))) as typeof fc.check;

export default { ...fc, assert, check };
