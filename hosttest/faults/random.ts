/*
 * Random lives, one after another, until so many cuts were made. Life number i has the seed S + i, so that a violation
 * replays alone.
 */
import { Life, newTally, type Tally } from "./life.js";

const CUTS_A_LIFE = 40;

export interface Outcome extends Tally {
  readonly seed?: number;
  readonly writeUnit: 1 | 16;
  violations: number;
  first?: { readonly what: string; readonly replay: string };
}

export interface CampaignOptions {
  /** Called after each life. */
  onProgress?(outcome: Outcome): void;
  /** See LENGTHS. */
  readonly lengths?: readonly number[];
}

/** Makes at least `cuts` cuts, from `seed` on. Goes on after a violation, with the next life. */
export function campaign(
  seed: number,
  cuts: number,
  unit: 1 | 16,
  { onProgress, lengths }: CampaignOptions = {},
): Outcome {
  const outcome: Outcome = { seed, writeUnit: unit, ...newTally(), violations: 0 };
  for (let life = seed; outcome.cuts < cuts; life++) {
    const before = outcome.cuts;
    const what = live(life, unit, cuts - before, outcome, lengths);
    onProgress?.(outcome);
    if (what === undefined) continue;
    outcome.violations++;
    const replay = `npm run faults -- --cuts ${outcome.cuts - before} --seed ${life} --write-unit ${unit}`;
    outcome.first ??= { what, replay };
  }
  return outcome;
}

/** One life; what was violated, if anything. */
function live(
  seed: number,
  unit: 1 | 16,
  atMost: number,
  tally: Tally,
  lengths: readonly number[] | undefined,
): string | undefined {
  const end = tally.cuts + Math.min(CUTS_A_LIFE, atMost);
  try {
    const life = new Life(seed, unit, tally, lengths);
    while (tally.cuts < end) life.cut();
    life.end();
    return undefined;
  } catch (error) {
    if (tally.cuts < end) tally.cuts++; // the cut in question
    return error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
  }
}
