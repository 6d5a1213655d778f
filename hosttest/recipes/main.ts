/*
 * Runs the recipes with the real programs: readings of the desktop device through mosquitto, Node-RED and Telegraf into InfluxDB, with
 * and without `ts`, through outages of the broker, of the database and of Telegraf, and delivered twice. Then every message is searched for in the database.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector } from "../support/collector.js";
import { commandLine, flag, misused, preset, text, whole } from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import type { Found } from "../support/processes/commands.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { freePort } from "../support/processes/ports.js";
import { DeviceRun } from "./device-run.js";
import { Influx } from "./influx.js";
import { runKept } from "./kept/kept.js";
import { influxDB, nodeRed, prometheus, telegraf } from "./programs.js";
import { nodeRedRecipe, type Recipe, telegrafRecipe } from "./recipes.js";
import { publishTwice } from "./twice.js";
import { type Expected, isKept, judge, uncovered, type Verdict } from "./verdict.js";
import { CHECK_MS, NO_CLOCK, sleep, Waiting } from "./waiting.js";

const FAIR_S = 40; // longer than a device waits for its clock before it sends
const RESTART_S = 20;
const STALL_MS = 60_000; // several times what the recipes wait between two attempts
/** mosquitto's defaults, except for the limit of 1,000 messages that wait for a subscriber, as the README recommends. */
const BROKER = "max_inflight_messages 20";

const { values: options, words } = commandLine(
  {
    program: "npm run recipes --",
    words: "[kept]",
    does: "Runs the recipes for InfluxDB, Node-RED and Telegraf with the real programs on loopback, and counts every point.",
    notes: [
      "Needed: mosquitto and InfluxDB 1.x (apt-get install mosquitto influxdb); for Node-RED npm's registry; for Telegraf Go",
      "1.26 or later, which builds it from the Go module proxy, or --telegraf FILE. A recipe whose program is missing is skipped.",
      "kept: tests the companion `npm run backfill` instead, killed by signal 9, into InfluxDB and, by its --openmetrics, into Prometheus (apt-get",
      "install prometheus).",
      "Exit: 0 each message one point, at its time; 1 otherwise, or nothing could be run; 2 usage.",
    ],
  },
  {
    outage: preset("60", whole("SECONDS", "how long the broker is down", 1, 86_400)),
    "database-outage": preset("75", whole("SECONDS", "how long InfluxDB is down", 1, 86_400)),
    telegraf: text("FILE", "an installed Telegraf, instead of building one"),
    "node-red": text("FILE", "the red.js of an installed Node-RED with node-red-contrib-influxdb"),
    json: flag("only the figures, as one line of JSON"),
  },
);
if (words.length > 1 || (words[0] ?? "kept") !== "kept") misused(`${words.join(" ")}: expected kept, or nothing`);
const progress = new Progress();
const folder = mkdtempSync(join(tmpdir(), "recipes-"));
/** What was started, to be ended in the opposite order. */
const endings: (() => Promise<unknown>)[] = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
}
process.exitCode = 1;
try {
  const isGood = await (words.length > 0 ? kept() : main());
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  progress.line(error instanceof Error ? error.message : String(error));
  printVerdict("BROKEN: the run did not get to its end", options.json);
} finally {
  await cleanUp();
}
process.exit();

async function kept(): Promise<boolean> {
  const [influxd, server, promtool] = [influxDB(), prometheus("prometheus"), prometheus("promtool")].map(commandOf);
  if (influxd === undefined || server === undefined || promtool === undefined) {
    printVerdict("BROKEN: nothing was run, because a program is missing", options.json);
    return false;
  }
  const times = { outageS: options.outage, databaseOutageS: options["database-outage"] };
  const found = await runKept({ folder, influxd, prometheus: server, promtool, ...times, progress, endings });
  return report([...found].map(([name, verdict]) => ({ name, verdict, complaints: [] })));
}

async function main(): Promise<boolean> {
  const influxProgram = commandOf(influxDB());
  if (influxProgram === undefined) {
    printVerdict("BROKEN: nothing was run, because every recipe needs InfluxDB", options.json);
    return false;
  }
  const nodeRedProgram = await installed("Node-RED", options["node-red"], () => nodeRed(join(folder, "npm")));
  const telegrafProgram = await installed("Telegraf", options.telegraf, () => telegraf(join(folder, "go")));

  const broker = await Mosquitto.start(BROKER);
  endings.push(() => broker.close());
  const influxFolder = join(folder, "influxdb");
  mkdirSync(influxFolder);
  const influx = new Influx(influxProgram, influxFolder, await freePort(), await freePort());
  endings.push(() => influx.stop()); // also where it does not get ready
  await influx.start();

  const addresses = { mqttPort: broker.port, influxPort: influx.port };
  const recipes: Recipe[] = [];
  if (nodeRedProgram !== undefined) recipes.push(nodeRedRecipe(nodeRedProgram, folder, await freePort(), addresses));
  if (telegrafProgram !== undefined) recipes.push(telegrafRecipe(telegrafProgram, folder, addresses));
  for (const { service, isReady } of recipes) {
    endings.push(() => service.stop()); // also where it does not get ready
    await service.start(isReady);
  }
  if (recipes.length === 0) {
    printVerdict("BROKEN: nothing was run, because neither Node-RED nor Telegraf is installed", options.json);
    return false;
  }
  const observer = await Collector.start(broker.port, "home/+/temperature");
  endings.push(() => observer.close());
  const waiting = new Waiting(progress, observer);
  await goThrough(broker, influx, recipes, waiting);
  const expected = waiting.expected();
  reportRooms(expected);
  const missing = uncovered(expected);
  if (missing.length > 0) throw new Error(`no device has sent a message with ${missing.join(", or with ")}`);
  const found = [...(await verdicts(recipes, influx, expected))];
  return report(
    found.map(([{ name, service, complaints }, verdict]) => ({ name, verdict, complaints: complaints(service.log) })),
  );
}

/** The program that is installed, or one that is installed for this run. */
async function installed(
  name: string,
  given: string | undefined,
  install: () => Promise<Found>,
): Promise<string | undefined> {
  if (given !== undefined) return given;
  progress.line(`installing ${name}: some minutes the first time`);
  return commandOf(await install());
}

function commandOf(found: Found): string | undefined {
  if ("command" in found) return found.command;
  progress.line(`skipped: ${found.missing}`);
  return undefined;
}

/** The whole sequence of outages; ends when the devices have settled their readings, or with an error. */
async function goThrough(
  broker: Mosquitto,
  influx: Influx,
  recipes: readonly Recipe[],
  waiting: Waiting,
): Promise<void> {
  const start = (room: string, intervalS: number, environment?: Record<string, string>): DeviceRun => {
    const device = new DeviceRun(room, intervalS, broker.port, folder, environment);
    endings.push(() => device.kill());
    return device;
  };
  const seconds = start("seconds", 2);
  const milliseconds = start("milliseconds", 0.4);
  const undated = start("undated", 0.4, NO_CLOCK);
  await waiting.wait(FAIR_S, "fair waiting, without Node-RED's database");
  await influx.query("CREATE DATABASE nodered"); // Telegraf makes its own
  await publishTwice(broker.port);
  await broker.stop();
  await waiting.wait(options.outage, "the broker is away");
  await broker.start();
  for (const device of [seconds, milliseconds, undated]) await waiting.drain(device);
  await publishTwice(broker.port);
  // For Telegraf a message arrives when it reads it, and it reads no further than InfluxDB accepts. So it must have stored the messages
  // without ts before the next step.
  await undated.end();
  await waiting.untilSeen(undated);
  await verdicts(recipes, influx, waiting.expected());
  for (const { name, service, isReady } of recipes.filter(({ survivesRestart }) => survivesRestart)) {
    await service.stop();
    await waiting.wait(RESTART_S, `${name} is away`);
    await service.start(isReady);
  }
  await influx.stop();
  await waiting.wait(options["database-outage"], "InfluxDB is away");
  await influx.start();
  await waiting.wait(FAIR_S, "InfluxDB is back");
  for (const device of [seconds, milliseconds]) {
    await device.end();
    await waiting.untilSeen(device);
  }
}

/** Waits until each recipe has stored all, or stores nothing more. */
async function verdicts(
  recipes: readonly Recipe[],
  influx: Influx,
  expected: readonly Expected[],
): Promise<Map<Recipe, Verdict>> {
  const found = new Map<Recipe, Verdict>();
  for (const recipe of recipes) {
    let verdict = judge(expected, await influx.points(recipe.database));
    for (let changedMs = Date.now(); verdict.lost.length > 0 && Date.now() < changedMs + STALL_MS; ) {
      progress.show(() => `${recipe.name}: ${verdict.lost.length} of ${expected.length} not stored yet`);
      await sleep(CHECK_MS);
      const before = verdict;
      verdict = judge(expected, await influx.points(recipe.database));
      if (verdict.points !== before.points) changedMs = Date.now();
    }
    found.set(recipe, verdict);
  }
  return found;
}

/** Number of messages by room, with and without `ts`. */
function reportRooms(expected: readonly Expected[]): void {
  const rooms = new Set(expected.map(({ room }) => room));
  for (const room of rooms) {
    const messages = expected.filter((one) => one.room === room);
    const undated = messages.filter(({ tsMs }) => tsMs === undefined).length;
    progress.line(`${room}: ${messages.length} messages, ${undated} of them without ts`);
  }
}

interface Judged {
  readonly name: string;
  readonly verdict: Verdict;
  readonly complaints: readonly string[];
}

function report(found: readonly Judged[]): boolean {
  const rows = found.map(({ name, verdict, complaints }) => ({
    recipe: name,
    messages: verdict.expected,
    points: verdict.points,
    lost: verdict.lost.length,
    doubled: verdict.doubled.length,
    misdated: verdict.misdated.length,
    wrong: verdict.wrong.length,
    complaints: complaints.length,
  }));
  progress.end();
  if (options.json) console.log(JSON.stringify(rows));
  else console.log(table(rows));
  for (const { name, verdict, complaints } of found) {
    const { lost, doubled, misdated, wrong } = verdict;
    for (const [what, names] of Object.entries({ lost, doubled, misdated, wrong })) {
      if (names.length > 0) progress.line(`${name}: ${what}: ${names.slice(0, 20).join(", ")}`);
    }
    for (const line of complaints.slice(0, 5)) progress.line(`${name}: ${line}`);
  }
  const broken = found.filter(({ verdict }) => !isKept(verdict)).map(({ name }) => name);
  const all = found.map(({ name }) => name).join(" and ");
  printVerdict(
    broken.length > 0
      ? `BROKEN: ${broken.join(" and ")}`
      : `kept: ${rows[0].messages} messages, each one point at its time, by ${all}`,
    options.json,
  );
  return broken.length === 0;
}

function table(rows: readonly Record<string, string | number>[]): string {
  const heads = Object.keys(rows[0]);
  const lines = [heads, ...rows.map((row) => heads.map((head) => `${row[head]}`))];
  const widths = heads.map((_head, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) => line.map((cell, column) => cell.padStart(widths[column])).join("  ")).join("\n");
}

async function cleanUp(): Promise<void> {
  while (endings.length > 0) await endings.pop()?.();
  rmSync(folder, { recursive: true, force: true });
}
