/*
 * The fault campaign: lives of devices that lose power at any byte, compared with the promises of the outbox. Random lives,
 * replayable by their seed, or every byte of a small ring. Prints cuts, operations, violations, the share of cuts inside
 * a program or an erase, and for the first violation the command that replays it.
 */
import { isMainThread } from "node:worker_threads";
import {
  choice,
  commandLine,
  flag,
  misused,
  preset,
  seedOption,
  text,
  whole,
} from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import { CORES, inOrder } from "../support/workers/in-order.js";
import { exhaust, SCENARIOS } from "./exhaustive.js";
import { newTally } from "./life.js";
import { addOutcome, campaign, type Outcome, portions } from "./random.js";

Error.stackTraceLimit = 5;

const { values } = commandLine(
  {
    program: "npm run faults --",
    does: "Cuts the power at every byte that the outbox programs and inside every erase, and looks for broken promises.",
    notes: ["Exit: 0 no violation, 1 a violation (with the command that replays it), 2 usage."],
  },
  {
    cuts: preset("20000", whole("N", "power cuts, at random", 1, 1_000_000_000)),
    seed: seedOption(),
    "write-unit": preset("1", choice("bytes of flash that are programmed at once", ["1", "16"])),
    exhaustive: flag("every cut of a small ring, instead of random ones"),
    only: text("CASE", "with --exhaustive: the one case that a violation named"),
    workers: preset(`${CORES}`, whole("N", "threads, for random cuts; as many as there are cores", 1, 256)),
    json: flag("the figures alone, as one line of JSON"),
  },
);
const { cuts, seed, exhaustive, only, workers, json } = values;
const unit = values["write-unit"] === "1" ? 1 : 16;
if (only !== undefined && !exhaustive) misused("--only: expected with --exhaustive");
if (only !== undefined && !SCENARIOS.some((name) => only === name || only.startsWith(`${name}/`))) {
  misused(`--only ${only}: expected a case of ${SCENARIOS.map((name) => `"${name}"`).join(", ")}`);
}

async function run(): Promise<Outcome> {
  const progress = new Progress();
  const onProgress = (outcome: Outcome): void =>
    progress.show(() => `${outcome.cuts}${exhaustive ? "" : ` of ${cuts}`} cuts, ${outcome.violations} violations`);
  try {
    if (isMainThread)
      console.error(exhaustive ? `exhaustive, write unit ${unit}` : `seed ${seed}, ${cuts} cuts, write unit ${unit}`);
    return exhaustive ? exhaust(unit, { only, onProgress }) : await atRandom(onProgress);
  } finally {
    progress.end();
  }
}

async function atRandom(onProgress: (outcome: Outcome) => void): Promise<Outcome> {
  const total: Outcome = { seed, writeUnit: unit, ...newTally(), violations: 0 };
  const parts = portions(seed, cuts, unit);
  await inOrder({
    count: parts.length,
    workers,
    about: (job) => parts[job],
    run: (part) => campaign(part.seed, part.cuts, part.unit),
    take: (outcome) => {
      addOutcome(total, outcome);
      onProgress(total);
      return true;
    },
  });
  return total;
}

function report(outcome: Outcome): void {
  const { inside, operations, appended, dropped, refused, erases, returned, violations, first } = outcome;
  const share = ((inside / Math.max(1, outcome.cuts)) * 100).toFixed(1);
  if (json) console.log(JSON.stringify(outcome));
  else {
    const kinds = `${appended} appended, ${dropped} dropped, ${refused} refused, ${returned} back after a settle, ${erases} erases`;
    console.log(`operations      ${operations} (${kinds})`);
    console.log(`cuts            ${outcome.cuts}`);
    console.log(`inside          ${share} % fell in a program or an erase`);
    console.log(`violations      ${violations}`);
    if (first !== undefined) console.log(`first violation ${first.what}\nreplay          ${first.replay}`);
  }
  printVerdict(`${violations === 0 ? "kept" : "BROKEN"}: ${violations} violations in ${outcome.cuts} cuts`, json);
}

const outcome = await run();
report(outcome);
process.exitCode = outcome.violations === 0 ? 0 : 1;
