/* placeholder until written */
import { newTally } from "./life.js";
import type { Outcome } from "./random.js";

export function exhaust(unit: 1 | 16): Outcome {
  return { writeUnit: unit, ...newTally(), violations: 0 };
}
