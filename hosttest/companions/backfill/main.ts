/*
 * Stores every sample of a house, and writes it to InfluxDB and into Home Assistant's statistics, which cannot take late samples from MQTT.
 */
import { messageOf } from "../../../src/common/message-of.js";
import {
  choice,
  commandLine,
  flag,
  misused,
  option,
  orMisused,
  positive,
  preset,
  text,
  UsageError,
} from "../../support/command-line/command-line.js";
import { Progress } from "../../support/command-line/progress.js";
import { BROKER_OPTIONS, connectOptions, contentOf, placeOf } from "../broker-option.js";
import { serveHours, serveInflux, type Target, TokenRefused } from "./delivery.js";
import { writeCSV } from "./export/csv.js";
import { writeOpenMetrics } from "./export/openmetrics.js";
import { Intake } from "./intake.js";
import { Store } from "./store.js";

const CHECK_MS = 200;

const { values: options } = commandLine(
  {
    program: "npm run backfill --",
    does: "Stores every sample of all rooms in a file, once, and corrects Home Assistant's hourly statistics for samples that arrived late.",
    notes: [
      "Home Assistant: --home-assistant ws://HOST:8123 --token-file FILE, the token of an administrator (profile, security, long-lived access tokens).",
      "InfluxDB: --influx 'http://HOST:8086/write?db=NAME', or of 2.x 'http://HOST:8086/api/v2/write?org=ORG&bucket=NAME' with --influx-token-file.",
      "--csv FILE and --openmetrics FILE export all stored samples, and end; promtool makes Prometheus blocks from the second. Exit: 0 done; 1 failed; 2 usage.",
    ],
  },
  {
    ...BROKER_OPTIONS,
    "mqtt-version": preset("5", choice("version of MQTT", ["5", "3.1.1"])),
    filter: preset("home/+/temperature", text("TOPICS", "which samples; with topics = each: 'home/+/+'")),
    id: preset("thermometers-backfill", text("NAME", "client id of the session in which the broker keeps messages")),
    store: preset("backfill.sqlite", text("FILE", "the file with all samples")),
    "home-assistant": option("ws[s]://HOST[:PORT]", "whose statistics to correct", addressOf(["ws:", "wss:"])),
    "token-file": text("FILE", "with Home Assistant's access token"),
    influx: option("http[s]://…", "where to write points", addressOf(["http:", "https:"])),
    "influx-token-file": text("FILE", "with InfluxDB's token"),
    every: preset("30", positive("SECONDS", "how often to write", 86_400, "seconds")),
    once: flag("receive the messages that wait at the broker, write what is due, and end"),
    csv: text("FILE", "export all samples, and end"),
    openmetrics: text("FILE", "the same for promtool tsdb create-blocks-from openmetrics"),
  },
);
const progress = new Progress();
const store = opened(options.store);
if (options.csv !== undefined || options.openmetrics !== undefined) exportAll();
if (options.broker === undefined) misused("--broker: expected; as in npm run backfill -- --broker mqtt://127.0.0.1");
const { broker } = options;
const homeAssistant = target("home-assistant", "token-file");
const influx = target("influx", "influx-token-file");
if (homeAssistant !== undefined && homeAssistant.token === undefined)
  misused("--token-file: expected with --home-assistant: a file with an administrator's long-lived access token");
const settings = orMisused(() => connectOptions(broker, options.ca));

let isEnding = false;
const printed = new Set<string>();
const intake = new Intake(
  { ...settings, clientId: options.id, protocolVersion: options["mqtt-version"] === "5" ? 5 : 4 },
  options.filter,
  store,
  {
    onState: (state) => sayOnce("broker", `${placeOf(broker)}: ${state}`),
    onRefused: (problem) => void end(1, problem),
    onBroken: (error) => void end(1, `${options.store}: ${messageOf(error)}: new messages wait at the broker`),
  },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void end(0));
await (options.once ? once() : forEver());

async function forEver(): Promise<void> {
  while (!isEnding) {
    await serve();
    await pause(options.every * 1000);
  }
}

async function once(): Promise<void> {
  while (!isEnding && !intake.hasReceivedWaiting) await pause(CHECK_MS);
  const isGood = await serve();
  await end(isGood ? 0 : 1);
}

/** @returns whether everything due was written */
async function serve(): Promise<boolean> {
  const done = [await attempt("InfluxDB", pointsServed), await attempt("Home Assistant", hoursServed)];
  progress.show(
    () => `${store.count} samples stored, ${intake.taken} of them since the start, ${intake.doubles} arrived twice`,
  );
  return done.every((isGood) => isGood);
}

async function pointsServed(): Promise<readonly string[]> {
  const sent = influx === undefined ? 0 : await serveInflux(store, influx);
  if (sent > 0) progress.line(`InfluxDB: ${sent} samples`);
  return [];
}

async function hoursServed(): Promise<readonly string[]> {
  if (homeAssistant === undefined) return [];
  const { hours, corrected, problems } = await serveHours(store, homeAssistant, Date.now());
  if (hours > 0) progress.line(`Home Assistant: ${hours} hours verified, ${corrected} values corrected`);
  return problems;
}

/** A failure is printed once, and the work tried again in the next round. */
async function attempt(name: string, work: () => Promise<readonly string[]>): Promise<boolean> {
  try {
    const problems = await work();
    sayOnce(name, problems.join("; "));
    return problems.length === 0;
  } catch (error) {
    if (isEnding) return true;
    if (error instanceof TokenRefused) await end(1, messageOf(error));
    else sayOnce(name, `${messageOf(error) || String((error as { code?: unknown }).code)}: trying again`);
    return false;
  }
}

function sayOnce(name: string, problem: string): void {
  const text = `${name}: ${problem}`;
  if (printed.has(text)) return;
  for (const other of printed) if (other.startsWith(`${name}: `)) printed.delete(other);
  printed.add(text);
  if (problem !== "" && !isEnding) progress.line(text);
}

async function end(code: number, problem?: string): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  if (problem !== undefined) progress.line(problem);
  await intake.close();
  progress.end();
  console.log(`${store.count} samples stored in ${options.store}, ${intake.taken} of them new`);
  store.close();
  process.exit(code);
}

function exportAll(): never {
  const { csv, openmetrics } = options;
  if (csv !== undefined) exportTo("csv", csv, () => `${writeCSV(csv, store.all())} samples`);
  if (openmetrics !== undefined)
    exportTo("openmetrics", openmetrics, () => `${writeOpenMetrics(openmetrics, () => store.all())} points`);
  process.exit(0);
}

function exportTo(name: string, file: string, write: () => string): void {
  try {
    console.log(`${write()} in ${file}`);
  } catch (error) {
    misused(`--${name} ${file}: ${messageOf(error)}`);
  }
}

function opened(file: string): Store {
  try {
    return new Store(file);
  } catch (error) {
    const reason = messageOf(error);
    return misused(`--store ${file}: ${reason.includes("locked") ? "another process uses it" : reason}`);
  }
}

function target(address: "home-assistant" | "influx", file: "token-file" | "influx-token-file"): Target | undefined {
  const url = options[address];
  const path = options[file];
  if (url === undefined) return undefined;
  const token = path === undefined ? undefined : orMisused(() => contentOf(path, `--${file}`)).trim();
  return { url, token };
}

function addressOf(schemes: readonly string[]): (given: string, name: string) => string {
  return (given, name) => {
    if (URL.canParse(given) && schemes.includes(new URL(given).protocol)) return given;
    throw new UsageError(`${name} ${given}: expected an address that begins with ${schemes.join("// or ")}//`);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
