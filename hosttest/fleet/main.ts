/*
 * Fleet: a broker is down for ten minutes, and all devices reconnect.
 * First on virtual time, with our back-off and with fixed retries of ten seconds (esp-mqtt's default), in one table and
 * one plot; then in real time, with the given number of whole devices in one process and a mosquitto, and the memory of each.
 */
import { writeFileSync } from "node:fs";
import {
  commandLine,
  flag,
  many,
  misused,
  preset,
  seedOption,
  text,
  whole,
} from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import { exitOnSignals } from "../support/temporary.js";
import { type CampaignResult, runCampaign } from "./cluster/campaign.js";
import { enterOwnNetwork } from "./cluster/namespaces.js";
import { plot } from "./plot.js";
import { measureReal, type RealResult } from "./real.js";
import { type FleetOptions, type FleetResult, runFleet } from "./virtual.js";

const AWAY_MS = 600_000;
const ACCEPTS_PER_SECOND = 500;

const MAX_DEVICES = 100_000; // all of them in this process's memory
const MAX_REAL = 10_000; // a socket each, here and at the broker

const { values, words } = commandLine(
  {
    program: "npm run fleet --",
    does: "A broker is down for ten minutes, and all devices reconnect: on virtual time, then whole devices with mosquitto.",
    words: "[cluster]",
    notes: [
      "cluster: whole devices on three nodes of RabbitMQ 4 behind HAProxy, each node in its own network namespace (Linux, as root).",
      "One node is killed, later another one is cut off, and no acknowledged reading may be missing.",
      "Exit: 0 every device was served and nothing acknowledged was lost, 1 otherwise, 2 usage.",
    ],
  },
  {
    devices: preset("10000", whole("N", "devices on virtual time", 1, MAX_DEVICES)),
    real: preset("1000", whole("N", "whole devices with mosquitto (or the cluster), 0: none", 0, MAX_REAL)),
    seed: seedOption(),
    svg: text("FILE", "a plot of the attempts"),
    root: many(text("FOLDER", "cluster: a Debian with RabbitMQ 4, as for `npm run peers`")),
    interval: preset("20", whole("SECONDS", "cluster: between two readings", 1, 3600)),
    away: preset("120", whole("SECONDS", "cluster: how long a node is down, at least", 1, 86_400)),
    json: flag("only the figures, as one line of JSON"),
  },
);
const { devices, real, seed, json } = values;
const [mode, ...more] = words;
if (more.length > 0 || (mode !== undefined && mode !== "cluster"))
  misused(`${words.join(" ")}: expected cluster, or nothing`);
if (mode === "cluster") enterOwnNetwork();
const progress = new Progress();
if (mode === "cluster") await runOnCluster();
else await runAway();

async function runAway(): Promise<void> {
  progress.line(`seed ${seed}: ${devices} devices, the broker down for ${AWAY_MS / 60_000} min`);
  const jitter = simulated("jitter");
  const fixed = simulated("fixed");
  if (values.svg !== undefined) {
    const title = `${devices} devices, broker away for ten minutes`;
    writeFileSync(values.svg, plot(title, { ours: jitter.attempts, "fixed 10 s": fixed.attempts }));
  }
  const memory = real === 0 ? undefined : await served();
  progress.end();
  report(jitter, fixed, memory);
}

async function runOnCluster(): Promise<void> {
  exitOnSignals();
  const result = await runCampaign({
    devices: real,
    intervalS: values.interval,
    roots: ["/", ...values.root],
    awayMs: values.away * 1000,
    say: (line) => progress.line(line),
    show: (text) => progress.show(text),
  });
  progress.end();
  reportCluster(result);
  process.exit();
}

function reportCluster({ version, steps, balance, isServed }: CampaignResult): void {
  const { taken, settled, seen, lost, waiting, repeated } = balance;
  if (json) console.log(JSON.stringify({ version, devices: real, steps, ...balance, lost: lost.length }));
  else {
    for (const { what, servedS, spread } of steps)
      console.log(`${what.padEnd(24)}all served after ${servedS} s; ${spread}`);
    console.log(
      `${taken} readings taken, ${settled} acknowledged, ${seen} seen, ${repeated} seen again, ${waiting} waiting`,
    );
  }
  const isGood = isServed && lost.length === 0;
  const losses =
    lost.length === 0 ? "no acknowledged reading lost" : `${lost.length} LOST: ${lost.slice(0, 20).join(", ")}`;
  printVerdict(`${isServed ? "served" : "NOT SERVED"}: ${real} devices on RabbitMQ ${version}; ${losses}`, json);
  process.exitCode = isGood ? 0 : 1;
}

function simulated(retry: FleetOptions["retry"]): FleetResult {
  const onProgress = (virtualS: number): void =>
    progress.show(() => `${retry === "jitter" ? "ours" : "fixed 10 s"}: ${Math.floor(virtualS / 60)} virtual minutes`);
  return runFleet({ devices, seed, awayMs: AWAY_MS, acceptsPerSecond: ACCEPTS_PER_SECOND, retry, onProgress });
}

function served(): Promise<RealResult> {
  progress.line(`real time: ${real} devices in one process, and mosquitto`);
  return measureReal(real, (count) => progress.show(() => `${count} of ${real} served`));
}

function report(jitter: FleetResult, fixed: FleetResult, memory: RealResult | undefined): void {
  if (json) {
    const short = ({ attempts: _, ...rest }: FleetResult) => rest;
    console.log(JSON.stringify({ seed, devices, ours: short(jitter), fixed: short(fixed), real: memory }));
  } else printTable(jitter, fixed, memory);
  const isServed = Number.isFinite(jitter.drainedS) && (memory === undefined || memory.served === real);
  const realPart = memory === undefined ? "" : `; in real time ${memory.served} of ${real} served`;
  printVerdict(`${isServed ? "served" : "NOT SERVED"}: ${devices} devices in ${jitter.drainedS} s${realPart}`, json);
  process.exitCode = isServed ? 0 : 1;
}

function printTable(jitter: FleetResult, fixed: FleetResult, memory: RealResult | undefined): void {
  const rows: [string, (result: FleetResult) => string][] = [
    ["peak attempts/s at its failure", (result) => `${result.peakAtLoss}`],
    ["peak attempts/s at its return", (result) => `${result.peakAtReturn}`],
    ["attempts in all", (result) => `${result.totalAttempts}`],
    ["99 % connected after", (result) => `${result.backS} s`],
    ["backlogs drained after", (result) => `${result.drainedS} s`],
  ];
  console.log(`${"".padEnd(34)}${"ours".padStart(12)}${"fixed 10 s".padStart(12)}`);
  for (const [name, cell] of rows) console.log(name.padEnd(34) + cell(jitter).padStart(12) + cell(fixed).padStart(12));
  if (memory === undefined) return;
  console.log(
    `real time: ${memory.served} of ${real} devices served by mosquitto, ${Math.round(memory.bytesPerDevice / 1024)} KB of memory each ` +
      `and ${memory.flashBytesPerDevice / 1024} KB of flash image`,
  );
}
