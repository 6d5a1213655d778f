/*
 * The README's recipes, run for real: readings of the desktop device through mosquitto, Node-RED and Telegraf into InfluxDB, with
 * and without `ts`, through outages of the broker, of the database and of Telegraf, and delivered twice. Then every message is looked for.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector, type SeenReading } from "../support/collector.js";
import { commandLine, flag, preset, text, whole } from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import type { Found } from "../support/processes/commands.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { freePort } from "../support/processes/ports.js";
import { DeviceRun } from "./device-run.js";
import { Influx } from "./influx.js";
import { influxDB, nodeRed, telegraf } from "./programs.js";
import { nodeRedRecipe, type Recipe, telegrafRecipe } from "./recipes.js";
import { publishTwice } from "./twice.js";
import { type Expected, isKept, judge, uncovered, type Verdict } from "./verdict.js";

const FAIR_S = 40; // longer than a device waits for its clock before it sends
const RESTART_S = 20;
const SETTLE_MS = 600_000; // a device's longest back-off, and a backlog
const STALL_MS = 60_000; // several times what the recipes wait between two attempts
const CHECK_MS = 1_000;
/** A computer whose clock stands at 1970, as a chip's before it has learned the time. */
const NO_CLOCK = { NODE_OPTIONS: "--import data:text/javascript,Date.now=()=>Math.floor(performance.now())" };
/** As mosquitto is delivered, but for the limit of 1000 on what waits for a subscriber: the README says so. */
const BROKER = "max_inflight_messages 20";

const { values: options } = commandLine(
  {
    program: "npm run recipes --",
    does: "The README's recipes for InfluxDB, Node-RED and Telegraf, run with the real programs on loopback; every point counted.",
    notes: [
      "Needed: mosquitto and InfluxDB 1.x (apt-get install mosquitto influxdb); for Node-RED npm's registry; for Telegraf Go",
      "1.26 or later, which builds it from the Go module proxy, or --telegraf FILE. A recipe whose program is missing is skipped.",
      "Exit: 0 each message one point, at its time; 1 not so, or nothing could be run; 2 usage.",
    ],
  },
  {
    outage: preset("60", whole("SECONDS", "how long the broker is away", 1, 86_400)),
    "database-outage": preset("75", whole("SECONDS", "how long InfluxDB is away", 1, 86_400)),
    telegraf: text("FILE", "a Telegraf that is there, instead of building one"),
    "node-red": text("FILE", "the red.js of a Node-RED that is there, node-red-contrib-influxdb beside it"),
    json: flag("the figures alone, as one line of JSON"),
  },
);
const progress = new Progress();
const folder = mkdtempSync(join(tmpdir(), "recipes-"));
/** What was started, to be ended in the opposite order. */
const endings: (() => Promise<unknown>)[] = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
}
process.exitCode = 1;
try {
  const isGood = await main();
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  progress.line(error instanceof Error ? error.message : String(error));
  printVerdict("BROKEN: the run did not get to its end", options.json);
} finally {
  await cleanUp();
}
process.exit();

async function main(): Promise<boolean> {
  const influxProgram = commandOf(influxDB());
  if (influxProgram === undefined) {
    printVerdict("BROKEN: nothing was run, for every recipe writes to InfluxDB", options.json);
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
    printVerdict("BROKEN: nothing was run, for neither Node-RED nor Telegraf is there", options.json);
    return false;
  }
  const observer = await Collector.start(broker.port, "home/+/temperature");
  endings.push(() => observer.close());
  await goThrough(broker, influx, recipes, observer);
  const expected = expectedOf(observer);
  reportRooms(expected);
  const missing = uncovered(expected);
  if (missing.length > 0) throw new Error(`no device has sent a message with ${missing.join(", or with ")}`);
  return report(await verdicts(recipes, influx, expected));
}

/** The program that is there, or one that is installed for this run. */
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

/** All that a house goes through; ends when the devices have settled what they wrote, or with an error. */
async function goThrough(
  broker: Mosquitto,
  influx: Influx,
  recipes: readonly Recipe[],
  observer: Collector,
): Promise<void> {
  const start = (room: string, intervalS: number, environment?: Record<string, string>): DeviceRun => {
    const device = new DeviceRun(room, intervalS, broker.port, folder, environment);
    endings.push(() => device.kill());
    return device;
  };
  const seconds = start("seconds", 2);
  const milliseconds = start("milliseconds", 0.4);
  const undated = start("undated", 0.4, NO_CLOCK);
  await wait(FAIR_S, "fair weather, without Node-RED's database", observer);
  await influx.query("CREATE DATABASE nodered"); // Telegraf makes its own
  await publishTwice(broker.port);
  await broker.stop();
  await wait(options.outage, "the broker is away", observer);
  await broker.start();
  for (const device of [seconds, milliseconds, undated]) await drain(device, observer);
  await publishTwice(broker.port);
  // Telegraf takes a message's arrival for when it reads it, and reads no further than InfluxDB takes: before what follows it
  // has to have stored what has no ts.
  await undated.end();
  await untilSeen(undated, observer);
  await verdicts(recipes, influx, expectedOf(observer));
  for (const { name, service, isReady } of recipes.filter(({ survivesRestart }) => survivesRestart)) {
    await service.stop();
    await wait(RESTART_S, `${name} is away`, observer);
    await service.start(isReady);
  }
  await influx.stop();
  await wait(options["database-outage"], "InfluxDB is away", observer);
  await influx.start();
  await wait(FAIR_S, "InfluxDB is back", observer);
  for (const device of [seconds, milliseconds]) {
    await device.end();
    await untilSeen(device, observer);
  }
}

/** Waits until a device has delivered all that it had when this began: it connects again when its back-off is over. */
async function drain(device: DeviceRun, observer: Collector): Promise<void> {
  const written = device.written;
  const left = (): number => {
    const settled = new Set(device.settled);
    return written.filter((seq) => !settled.has(seq)).length;
  };
  await until(
    () => left() === 0,
    () => `the broker is back, ${device.room} has ${left()} to send; ${observer.arrivals.length} messages`,
  );
}

/** Waits until the observer has seen all that a device has settled. */
async function untilSeen(device: DeviceRun, observer: Collector): Promise<void> {
  const missing = (): number[] => {
    const seen = new Set(
      observer.arrivals
        .filter(({ topic }) => topic.split("/")[1] === device.room)
        .map(({ payload }) => JSON.parse(payload).seq),
    );
    return device.settled.filter((seq) => !seen.has(seq));
  };
  await until(
    () => missing().length === 0,
    () => `${device.room}: settled, and not seen yet: ${missing().slice(0, 20).join(", ")}`,
  );
}

/** @throws Error with what is still the case after the longest time that it may take */
async function until(condition: () => boolean, state: () => string): Promise<void> {
  for (const untilMs = Date.now() + SETTLE_MS; !condition(); await sleep(CHECK_MS)) {
    if (Date.now() > untilMs) throw new Error(`after ${SETTLE_MS / 1000} s: ${state()}`);
    progress.show(state);
  }
}

async function wait(seconds: number, what: string, observer: Collector): Promise<void> {
  progress.line(`${what}: ${seconds} s`);
  for (const untilMs = Date.now() + seconds * 1000; Date.now() < untilMs; await sleep(CHECK_MS)) {
    const leftS = Math.ceil((untilMs - Date.now()) / 1000);
    progress.show(() => `${what}, ${leftS} s more; ${observer.arrivals.length} messages`);
  }
}

/** What the observer has seen, each message once: as it came first. */
function expectedOf(observer: Collector): Expected[] {
  const messages = new Map<string, Expected>();
  for (const { topic, payload, atMs } of observer.arrivals) {
    const { seq = -1, value, ts }: SeenReading = JSON.parse(payload);
    const room = topic.split("/")[1];
    const tsMs = ts === undefined ? undefined : Date.parse(ts);
    if (!messages.has(`${room}/${seq}`)) messages.set(`${room}/${seq}`, { room, seq, value, tsMs, arrivedMs: atMs });
  }
  return [...messages.values()];
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

/** What there was, by room, with and without `ts`. */
function reportRooms(expected: readonly Expected[]): void {
  const rooms = new Set(expected.map(({ room }) => room));
  for (const room of rooms) {
    const messages = expected.filter((one) => one.room === room);
    const undated = messages.filter(({ tsMs }) => tsMs === undefined).length;
    progress.line(`${room}: ${messages.length} messages, ${undated} of them without ts`);
  }
}

function report(found: ReadonlyMap<Recipe, Verdict>): boolean {
  const rows = [...found].map(([{ name, service, complaints }, verdict]) => ({
    recipe: name,
    messages: verdict.expected,
    points: verdict.points,
    lost: verdict.lost.length,
    doubled: verdict.doubled.length,
    misdated: verdict.misdated.length,
    wrong: verdict.wrong.length,
    complaints: complaints(service.log).length,
  }));
  progress.end();
  if (options.json) console.log(JSON.stringify(rows));
  else console.log(table(rows));
  for (const [{ name, service, complaints }, { lost, doubled, misdated, wrong }] of found) {
    for (const [what, names] of Object.entries({ lost, doubled, misdated, wrong })) {
      if (names.length > 0) progress.line(`${name}: ${what}: ${names.slice(0, 20).join(", ")}`);
    }
    for (const line of complaints(service.log).slice(0, 5)) progress.line(`${name}: ${line}`);
  }
  const broken = [...found].filter(([, verdict]) => !isKept(verdict)).map(([{ name }]) => name);
  const all = [...found.keys()].map(({ name }) => name).join(" and ");
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
