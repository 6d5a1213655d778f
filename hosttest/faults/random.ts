/*
 * Random lives, until so many cuts were made: most have CUTS_A_LIFE, and a few more where a cut falls in a recovery. Life number i has
 * the seed S + i, so that a violation replays alone, and lives can be shared out in portions.
 */
import { Life, newTally, type Tally } from "./life.js";

const CUTS_A_LIFE = 40;
/** Lives at a time where several threads share them. */
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

/** A part of a campaign, to be run alone. */
export interface Portion {
  readonly seed: number;
  readonly cuts: number;
  readonly unit: 1 | 16;
}

/** A campaign of so many cuts, in portions that depend on nothing else. */
export function portions(seed: number, cuts: number, unit: 1 | 16): Portion[] {
  const inOne = LIVES_A_PORTION * CUTS_A_LIFE;
  return Array.from({ length: Math.ceil(cuts / inOne) }, (_, i) => {
    return { seed: seed + i * LIVES_A_PORTION, cuts: Math.min(inOne, cuts - i * inOne), unit };
  });
}

/** Adds what a portion brought. */
export function addOutcome(total: Outcome, part: Outcome): void {
  for (const key of Object.keys(newTally()) as (keyof Tally)[]) total[key] += part[key];
  total.violations += part.violations;
  total.first ??= part.first;
}
