/*
 * Summary of many runs with sleepers: time awake, states in which the power failed, errors of the times.
 */
import type { RunResult } from "../run.js";

const SECOND = 1000;
const PERCENTILES = [50, 90, 99, 100];

export class Summary {
  private readonly reportsMs: number[] = [];
  private readonly daysMs: number[] = [];
  private readonly cuts: Record<string, number> = {};
  private lightStarts = 0;
  private wholeStarts = 0;
  private dated = 0;
  private worstMs = 0;

  add({ sleepers, exact }: RunResult): void {
    for (const { awake, cuts } of sleepers) {
      for (const ms of awake.reportsMs) this.reportsMs.push(ms);
      for (const ms of awake.daysMs) this.daysMs.push(ms);
      this.lightStarts += awake.lightStarts;
      this.wholeStarts += awake.wholeStarts;
      for (const [state, count] of Object.entries(cuts)) this.cuts[state] = (this.cuts[state] ?? 0) + count;
    }
    this.dated += exact.count;
    this.worstMs = Math.max(this.worstMs, exact.worstMs);
  }

  /** Times in seconds. */
  figures(): Record<string, string | number> {
    return {
      reports: this.reportsMs.length,
      radioOfAReport: distribution(this.reportsMs),
      awakeOnADay: distribution(this.daysMs),
      lightStarts: this.lightStarts,
      wholeStartsWithoutReport: this.wholeStarts,
      cutsByState: Object.entries(this.cuts)
        .map(([state, count]) => `${state} ${count}`)
        .join(", "),
      datedByTwo: this.dated,
      worstOfThemMs: Math.round(this.worstMs),
    };
  }
}

/** "p50 1.2 s, p90 3.4 s, ...". */
function distribution(valuesMs: readonly number[]): string {
  const sorted = Float64Array.from(valuesMs).sort();
  const at = (percent: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))];
  return PERCENTILES.map((p) => `${p === 100 ? "max" : `p${p}`} ${((at(p) ?? 0) / SECOND).toFixed(1)} s`).join(", ");
}
