/*
 * `npm run peers`: every broker installed on this machine, at every QoS, through a restart and a kill.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { counted } from "../../src/thermometer/agreement.js";
import { top } from "../support/bundle.mjs";
import { commandLine, flag, many, misused, preset, text, whole } from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import { exitOnSignals } from "../support/temporary.js";
import { CATALOGUE } from "./catalogue.js";
import { type Embedded, type Peer, type Program, startPeer } from "./peer.js";
import { isKept, plainTable, type Row, updatedPage } from "./table.js";
import { EVENTS, type Event, type QoS, runTrial } from "./trial.js";

const PAGE = join(top, "hosttest", "peers.md");
const FETCHED = join(top, "build", "peers");
const ALL_QOS: readonly QoS[] = [0, 1, 2];

exitOnSignals();
const { values: options, words } = commandLine(
  {
    program: "npm run peers --",
    does: "Runs the desktop device with every installed broker at QoS 0, 1 and 2, each through a restart and a kill -9 of the broker.",
    words: "[BROKER ...]",
    notes: [
      "BROKER (default: all): the start of its name. One that is not installed is skipped, and the output shows how to get it.",
      "Exit: 0 nothing lost, doubled or out of order by us; 1 something was, or nothing could be run; 2 usage.",
    ],
  },
  {
    get: flag("downloads the brokers of package registries into build/peers (some are built for minutes), and ends"),
    root: many(text("FOLDER", "a Debian of another release, in which to look for brokers; as root, on Linux")),
    count: preset("200", whole("N", "readings for each row", 20, 100_000)),
    page: flag("replaces the rows of these brokers in hosttest/peers.md"),
    list: flag("lists the brokers, which of them are installed, and how to get the others"),
  },
);
const places = { roots: ["/", ...options.root], fetched: FETCHED };
for (const root of options.root) if (!existsSync(root)) misused(`--root ${root}: no such folder`);
const progress = new Progress();
const chosen = CATALOGUE.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().startsWith(word.toLowerCase())),
);
if (chosen.length === 0)
  misused(`${words.join(" ")}: no such broker; there are ${CATALOGUE.map(({ name }) => name).join(", ")}`);

if (options.get) await get();
else if (options.list) await list();
else await measure();
process.exit();

async function get(): Promise<void> {
  mkdirSync(FETCHED, { recursive: true });
  let failed = 0;
  for (const peer of chosen) {
    if (peer.fetch === undefined || (await peer.find(places)) !== undefined) continue;
    progress.line(`${peer.name}: fetching`);
    try {
      await peer.fetch(FETCHED);
    } catch (error) {
      failed++;
      progress.line(`${peer.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await list();
  process.exitCode = failed === 0 ? 0 : 1;
}

async function list(): Promise<void> {
  for (const peer of chosen) {
    const program = await peer.find(places);
    console.log(
      `${peer.name.padEnd(28)}${program === undefined ? `not here: ${peer.get}` : `here: ${program.version}`}`,
    );
  }
}

async function measure(): Promise<void> {
  const rows: Row[] = [];
  const problems: string[] = [];
  for (const peer of chosen) {
    const program = await peer.find(places);
    if (program === undefined) {
      progress.line(`skipped: ${peer.name} is not installed: ${peer.get}`);
      continue;
    }
    progress.line(`${peer.name}: ${program.version}`);
    for (const qos of ALL_QOS) {
      for (const event of EVENTS) {
        try {
          rows.push(await rowOf(peer, program, qos, event));
        } catch (error) {
          problems.push(
            `${peer.name}, QoS ${qos}, ${event}: ${error instanceof Error ? error.message : String(error)}`,
          );
          progress.line(problems[problems.length - 1]);
        }
      }
    }
  }
  report(rows, problems);
}

/** Each with its own broker, without data. */
async function rowOf(peer: Peer, program: Program | Embedded, qos: QoS, event: Event): Promise<Row> {
  const broker = await startPeer(peer.name, program);
  try {
    const trial = { qos, event, count: options.count };
    const outcome = await runTrial(broker, trial, (state) =>
      progress.show(() => `${peer.name}, QoS ${qos}, ${event}: ${state}`),
    );
    const row = {
      peer: peer.name,
      version: program.version,
      qos,
      event,
      outcome,
      date: new Date().toISOString().slice(0, 10),
    };
    progress.line(
      `QoS ${qos}, ${event}: ${outcome.seen} of ${outcome.taken} seen, ${isKept(outcome) ? "kept" : `BROKEN (exit code ${outcome.exitCode}): ${outcome.lastLine}`}`,
    );
    return row;
  } finally {
    await broker.close();
  }
}

function report(rows: readonly Row[], problems: readonly string[]): void {
  progress.end();
  if (rows.length > 0) console.log(plainTable(rows));
  if (options.page && rows.length > 0) {
    const order = CATALOGUE.map(({ name }) => name);
    writeFileSync(PAGE, updatedPage(readFileSync(PAGE, "utf8"), rows, order));
  }
  const broken = rows.filter(({ outcome }) => !isKept(outcome));
  const brokers = new Set(rows.map(({ peer }) => peer)).size;
  const isGood = rows.length > 0 && broken.length === 0 && problems.length === 0;
  printVerdict(
    isGood
      ? `kept: ${counted(rows.length, "row")}, ${counted(brokers, "broker")}: nothing lost, doubled or out of order by us`
      : `BROKEN: ${rows.length === 0 ? "nothing was run" : `${broken.length} of ${rows.length} rows`}${problems.length > 0 ? `, ${problems.length} could not be run` : ""}`,
    false,
  );
  process.exitCode = isGood ? 0 : 1;
}
