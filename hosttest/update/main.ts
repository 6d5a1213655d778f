/* `npm run updates`: the campaign of campaign.ts; with `--processes`, that of processes.ts. Exit: 0 all held; 1 not. */
import { commandLine, seedOption, whole } from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import { exitOnSignals } from "../support/temporary.js";
import { campaignUpdate, type Tally } from "./campaign.js";
import { updateProcesses } from "./processes.js";

const DEFAULT_UPDATES = 1_000;
const MAX_VIOLATIONS = 5;

const { values: options } = commandLine(
  {
    program: "npm run updates --",
    does: "Updates of a simulated device with power cuts, losses, and images that are no good: it starts each time, and says how it ended.",
  },
  {
    updates: whole("N", `how many (default: ${DEFAULT_UPDATES})`, 1, 10_000_000),
    processes: whole("N", "so many updates of a real process over mosquitto, killed by signal 9, instead", 1, 100_000),
    seed: seedOption(),
  },
);
const { updates = DEFAULT_UPDATES, seed } = options;
const progress = new Progress();
if (options.processes !== undefined) {
  exitOnSignals();
  progress.line(`seed ${seed}: ${options.processes} updates of a process`);
  const result = await updateProcesses(options.processes, seed, progress);
  progress.end();
  for (const violation of result.violations) console.log(violation);
  printVerdict(`seed ${seed}: ${options.processes} updates, ${JSON.stringify(result)}`, false);
  process.exit(result.violations.length === 0 ? 0 : 1);
}
const tally: Tally = {};
let violations = 0;
let done = 0;
for (; done < updates && violations < MAX_VIOLATIONS; done++) {
  try {
    campaignUpdate(seed + done, tally);
  } catch (error) {
    violations++;
    progress.line(`seed ${seed + done}: ${error}`);
  }
  progress.show(() => `${done} of ${updates}: ${JSON.stringify(tally)}`);
}
progress.end();
printVerdict(`seeds ${seed} on: ${done} updates, ${JSON.stringify(tally)}, ${violations} violations`, false);
process.exit(violations === 0 ? 0 : 1);
