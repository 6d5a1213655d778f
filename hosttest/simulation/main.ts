/*
 * The simulation from the command line.
 *
 * Simulates Y device-years in all, as runs of D devices and N days with the seeds S, S+1, … Without --seed a random one is used and printed
 * first. At the first violation it prints the seed, the shrunk schedule, the last events and
 * the command that replays it, and ends with exit code 1.
 */
import { isMainThread } from "node:worker_threads";
import { counted } from "../../src/thermometer/agreement.js";
import { commandLine, flag, positive, preset, seedOption, whole } from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import { CORES, inOrder } from "../support/workers/in-order.js";
import { type RunOptions, type RunResult, run } from "./run.js";
import { shrink } from "./shrink.js";
import { Summary } from "./sleepers/summary.js";

Error.stackTraceLimit = 0; // a run throws and catches thousands of errors, and their stacks are expensive

const DAYS_PER_YEAR = 365;

const { values } = commandLine(
  {
    program: "npm run simulate --",
    does: "Runs devices with the unchanged firmware through years of failures on virtual time, and looks for broken promises.",
    notes: ["Exit: 0 no violation, 1 a violation (with the command that replays it), 2 usage."],
  },
  {
    years: preset("1", positive("Y", "device-years in all", 10_000)),
    devices: preset("1", whole("D", "devices in one run", 1, 1000)),
    seed: seedOption(),
    "reading-every": preset("60", positive("SECONDS", "between readings", 86_400, "seconds")),
    "cuts-a-day": preset("24", whole("N", "power cuts of a device, on average", 0, 200)),
    "faults-a-day": preset("72", whole("N", "other faults, on average", 0, 600)),
    sleepers: flag("devices that sleep between their samples"),
    "run-days": positive("N", "days of one run (default: 36.5 device-days, or all there are)", 36_500, "days"),
    workers: preset(`${CORES}`, whole("N", "threads; as many as there are cores", 1, 256)),
    json: flag("only the figures, as one line of JSON"),
  },
);
const { years, devices, seed, "reading-every": intervalS, sleepers, workers, json } = values;
const { "cuts-a-day": cutsPerDay, "faults-a-day": troublesPerDay } = values;
const days = values["run-days"] ?? Math.min(36.5, years * DAYS_PER_YEAR) / devices;
const kind = sleepers ? "sleeper" : "device";
const runs = Math.max(1, Math.round((years * DAYS_PER_YEAR) / (days * devices)));

if (isMainThread) {
  console.error(
    `seed ${seed}: ${counted(runs, "run")} of ${counted(devices, kind)} and ${days} days, a reading every ${intervalS} s; ` +
      `on average ${cutsPerDay} power cuts a device and ${troublesPerDay} other faults a day`,
  );
}

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
  deadLetters: 0,
  connects: 0,
  connectsAt5: 0,
  digest: "",
};
const slept = new Summary();
const startedMs = performance.now();
const progress = new Progress();
await inOrder({
  count: runs,
  workers,
  about: optionsOf,
  run,
  take: (result, job) => {
    add(result);
    if (result.violations.length > 0) {
      explain(optionsOf(job), result);
      return false;
    }
    progress.show(() => {
      const speed = ((performance.now() - startedMs) / 1000 / totals.deviceYears).toFixed(1);
      return `${job + 1} of ${runs} runs, ${totals.readings} readings, ${totals.cuts} cuts, ${speed} s a device-year`;
    });
    return true;
  },
});
progress.end();
report();

function optionsOf(job: number): RunOptions {
  return {
    seed: seed + job,
    devices,
    days,
    intervalS,
    cutsPerDay,
    troublesPerDay,
    sleepers,
  };
}

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
  totals.deadLetters += result.deadLetters;
  totals.connects += result.connects;
  totals.connectsAt5 += result.connectsAt5;
  totals.digest = result.digest;
  slept.add(result);
}

function explain(options: RunOptions, result: RunResult): void {
  progress.end();
  const [first] = result.violations;
  console.error(
    `\nseed ${options.seed}: ${first.kind}, device ${first.device}, after ${first.atMs / 1000} s: ${first.text}`,
  );
  Error.stackTraceLimit = 20;
  const shrunk = shrink(options, result);
  console.error(`\nschedule, shrunk from ${result.events.length} to ${shrunk.events.length} events:`);
  for (const { atMs, trouble } of shrunk.events) console.error(`  ${atMs / 1000} s ${JSON.stringify(trouble)}`);
  const last = shrunk.violations[0];
  console.error(`\nit ends with ${last.kind} after ${last.atMs / 1000} s: ${last.text}\nlast events:`);
  for (const line of shrunk.latest) console.error(`  ${line}`);
  console.error(
    `\nto repeat: npm run simulate -- --seed ${options.seed} --years ${(days * devices) / DAYS_PER_YEAR} --devices ${devices} ` +
      `--run-days ${days} --reading-every ${intervalS} --cuts-a-day ${cutsPerDay} --faults-a-day ${troublesPerDay}${sleepers ? " --sleepers" : ""}`,
  );
}

function report(): void {
  const figures = {
    ...totals,
    deviceYears: Number(totals.deviceYears.toFixed(3)),
    ...(sleepers ? slept.figures() : {}),
  };
  if (json) console.log(JSON.stringify(figures));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
  const { lost, doubled, disordered, otherViolations } = totals;
  const violations = lost + doubled + disordered + otherViolations;
  printVerdict(
    `${violations === 0 ? "kept" : "BROKEN"}: ${lost} lost, ${doubled} doubled, ${disordered} out of order, ` +
      `${otherViolations} other violations in ${figures.deviceYears} device-years, ${totals.cuts} power cuts`,
    json,
  );
  process.exitCode = violations > 0 ? 1 : 0;
}
