/*
 * Random lives, until so many cuts were made. A life has CUTS_A_LIFE cuts, and a few more if some fall in a recovery. Life number i has the
 * seed S + i, so that a violation can be replayed alone, and lives can be divided into portions.
 */
import { Life, newTally, type Tally } from "./life.js";

const CUTS_A_LIFE = 40;
/** Number of lives that a thread takes at a time. */
const LIVES_A_PORTION = 5;

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

/** Makes at least `cuts` cuts, from `seed` on. After a violation it continues with the next life. */
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

/** Runs one life; returns the violation, if there is one. */
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

/** A part of a campaign, to be run alone. */
export interface Portion {
  readonly seed: number;
  readonly cuts: number;
  readonly unit: 1 | 16;
}

/** Divides a campaign of so many cuts into portions; the division depends only on the arguments. */
export function portions(seed: number, cuts: number, unit: 1 | 16): Portion[] {
  const inOne = LIVES_A_PORTION * CUTS_A_LIFE;
  return Array.from({ length: Math.ceil(cuts / inOne) }, (_, i) => {
    return { seed: seed + i * LIVES_A_PORTION, cuts: Math.min(inOne, cuts - i * inOne), unit };
  });
}

/** Adds the outcome of a portion. */
export function addOutcome(total: Outcome, part: Outcome): void {
  for (const key of Object.keys(newTally()) as (keyof Tally)[]) total[key] += part[key];
  total.violations += part.violations;
  total.first ??= part.first;
}
