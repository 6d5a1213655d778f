/*
 * Runs one seed after the other, each for a short time, until a promise is broken; reports that seed to the parent process.
 */
import { run } from "../run.js";

export interface Finding {
  readonly seed: number;
  readonly kind: string;
  readonly text: string;
}

const [first, count] = process.argv.slice(2).map(Number);
const sleepers = process.argv[4] === "sleepers";
for (let seed = first; seed < first + count; seed++) {
  const { violations } = run({
    seed,
    devices: 1,
    days: 1,
    intervalS: 30,
    cutsPerDay: 12,
    troublesPerDay: 40,
    sleepers,
  });
  if (violations.length === 0) continue;
  const [{ kind, text }] = violations;
  const finding: Finding = { seed, kind, text };
  process.send?.(finding, () => process.exit(0));
  break;
}
