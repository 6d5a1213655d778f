/*
 * The simulation from the command line.
 *
 * Y device-years in all, as many runs of D devices and N days as they take, with the seeds S, S+1, … Without --seed a
 * new one is drawn and printed first. The first violation prints its seed, the shrunken schedule, the last events and
 * the command that replays it, and ends with exit code 1.
 */
import { commandLine, positive, seedOf, whole } from "../support/command-line.js";
import { type RunOptions, type RunResult, run } from "./run.js";
import { shrink } from "./shrink.js";

Error.stackTraceLimit = 0; // thousands are thrown and caught in a run, and their stacks are dear

const DAYS_PER_YEAR = 365;
const CUTS_PER_DAY = 4;
const TROUBLES_PER_DAY = 12;

const USAGE =
  "npm run simulate -- [--years Y] [--devices D] [--seed S] [--reading-every SECONDS] [--run-days N] [--json]";

const { values } = commandLine(USAGE, {
  years: { type: "string", default: "1" },
  devices: { type: "string", default: "1" },
  seed: { type: "string" },
  "reading-every": { type: "string", default: "60" },
  "run-days": { type: "string" },
  json: { type: "boolean", default: false },
});
const years = positive("--years", values.years);
const devices = whole("--devices", values.devices);
const intervalS = positive("--reading-every", values["reading-every"]);
const seed = seedOf(values.seed);
const days =
  values["run-days"] === undefined
    ? Math.min(36.5, years * DAYS_PER_YEAR) / devices
    : positive("--run-days", values["run-days"]);
const runs = Math.max(1, Math.round((years * DAYS_PER_YEAR) / (days * devices)));

console.error(
  `seed ${seed}: ${runs} runs of ${devices} devices and ${days} days, a reading every ${intervalS} s; ` +
    `a day has ${CUTS_PER_DAY} power cuts a device and ${TROUBLES_PER_DAY} troubles, on average`,
);

const totals = {
  seed,
  runs: 0,
  deviceYears: 0,
  readings: 0,
  cuts: 0,
  cutsInsideFlash: 0,
  drops: 0,
  sessionsLost: 0,
  lost: 0,
  doubled: 0,
  disordered: 0,
  otherViolations: 0,
  droppedWhenFull: 0,
  possibleDoubles: 0,
  lostByBroker: 0,
  digest: "",
};
const startedMs = performance.now();
let shownMs = startedMs;
for (let i = 0; i < runs; i++) {
  const options: RunOptions = {
    seed: seed + i,
    devices,
    days,
    intervalS,
    cutsPerDay: CUTS_PER_DAY,
    troublesPerDay: TROUBLES_PER_DAY,
  };
  const result = run(options);
  add(result);
  if (result.violations.length > 0) {
    explain(options, result);
    break;
  }
  if (performance.now() - shownMs > 10_000) {
    shownMs = performance.now();
    const speed = ((shownMs - startedMs) / 1000 / totals.deviceYears).toFixed(1);
    console.error(
      `${i + 1} of ${runs} runs, ${totals.readings} readings, ${totals.cuts} cuts, ${speed} s a device-year`,
    );
  }
}
report();

function add(result: RunResult): void {
  const count = (kind: string): number => result.violations.filter((violation) => violation.kind === kind).length;
  totals.runs++;
  totals.deviceYears += (days * devices) / DAYS_PER_YEAR;
  totals.readings += result.readings;
  totals.cuts += result.cuts;
  totals.cutsInsideFlash += result.cutsInside;
  totals.drops += result.drops;
  totals.sessionsLost += result.sessionsLost;
  totals.lost += count("lost");
  totals.doubled += count("doubled");
  totals.disordered += count("disordered");
  totals.otherViolations += result.violations.length - count("lost") - count("doubled") - count("disordered");
  totals.droppedWhenFull += result.dropped;
  totals.possibleDoubles += result.possibleDoubles;
  totals.lostByBroker += result.lostByBroker;
  totals.digest = result.digest;
}

function explain(options: RunOptions, result: RunResult): void {
  const [first] = result.violations;
  console.error(
    `\nseed ${options.seed}: ${first.kind}, device ${first.device}, after ${first.atMs / 1000} s: ${first.text}`,
  );
  Error.stackTraceLimit = 20;
  const shrunk = shrink(options, result);
  console.error(`\nschedule, shrunken from ${result.events.length} to ${shrunk.events.length} events:`);
  for (const { atMs, trouble } of shrunk.events) console.error(`  ${atMs / 1000} s ${JSON.stringify(trouble)}`);
  const last = shrunk.violations[0];
  console.error(`\nit ends with ${last.kind} after ${last.atMs / 1000} s: ${last.text}\nlast events:`);
  for (const line of shrunk.latest) console.error(`  ${line}`);
  console.error(
    `\nagain: npm run simulate -- --seed ${options.seed} --years ${(days * devices) / DAYS_PER_YEAR} --devices ${devices} ` +
      `--run-days ${days} --reading-every ${intervalS}`,
  );
}

function report(): void {
  const figures = { ...totals, deviceYears: Number(totals.deviceYears.toFixed(3)) };
  if (values.json) console.log(JSON.stringify(figures));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
  process.exitCode = totals.lost + totals.doubled + totals.disordered + totals.otherViolations > 0 ? 1 : 0;
}
