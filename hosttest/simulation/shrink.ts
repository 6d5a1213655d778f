/*
 * Shrinks the schedule of a failing run: leaves events out, in halves, then quarters, then one by one, as long as the run
 * still fails in the same way. The remaining events are needed. (Zeller's ddmin, with a limit on the number of runs.)
 */
import { type RunOptions, type RunResult, run } from "./run.js";
import type { Event } from "./troubles/storm.js";

const MAX_RUNS = 200;

/** The shortest failing run found. `failing` is the run of these options. */
export function shrink(options: RunOptions, failing: RunResult): RunResult {
  const { kind } = failing.violations[0];
  let runs = 1;
  // Nothing after the first violation can have caused it.
  let events: readonly Event[] = failing.events.filter(({ atMs }) => atMs <= failing.violations[0].atMs);
  const without = run({ ...options, events });
  let best = without.violations[0]?.kind === kind ? without : failing;
  for (let parts = 2; parts <= events.length * 2 && runs < MAX_RUNS; ) {
    const size = Math.ceil(events.length / parts);
    let reduced = false;
    for (let from = 0; from < events.length && runs < MAX_RUNS; from += size) {
      const fewer = [...events.slice(0, from), ...events.slice(from + size)];
      runs++;
      const result = run({ ...options, events: fewer });
      if (result.violations[0]?.kind !== kind) continue;
      best = result;
      events = fewer;
      reduced = true;
      break;
    }
    if (reduced) parts = Math.max(2, parts - 1);
    else if (size <= 1) break;
    else parts *= 2;
  }
  return best;
}
