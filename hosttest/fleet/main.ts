/*
 * Fleet: a broker that goes away for ten minutes, and everybody who wants it back.
 * First on virtual time, with our back-off and with fixed retries of ten seconds (esp-mqtt's default), in one table and
 * one plot; then, for real, as many whole devices as asked for in one process against a mosquitto, with the memory that each takes.
 */
import { writeFileSync } from "node:fs";
import { commandLine, flag, preset, seedOption, text, whole } from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import { plot } from "./plot.js";
import { measureReal, type RealResult } from "./real.js";
import { type FleetOptions, type FleetResult, runFleet } from "./virtual.js";

const AWAY_MS = 600_000;
const ACCEPTS_PER_SECOND = 500;

const MAX_DEVICES = 100_000; // all of them in this process's memory
const MAX_REAL = 10_000; // a socket each, here and at the broker

const { values } = commandLine(
  {
    program: "npm run fleet --",
    does: "A broker goes away for ten minutes and everybody wants it back: on virtual time, then whole devices on mosquitto.",
    notes: ["Exit: 0 every device was served, 1 one was not, 2 usage."],
  },
  {
    devices: preset("10000", whole("N", "devices on virtual time", 1, MAX_DEVICES)),
    real: preset("1000", whole("N", "whole devices on a mosquitto, 0: none", 0, MAX_REAL)),
    seed: seedOption(),
    svg: text("FILE", "a plot of the attempts"),
    json: flag("the figures alone, as one line of JSON"),
  },
);
const { devices, real, seed, json } = values;
const progress = new Progress();
progress.line(`seed ${seed}: ${devices} devices, the broker away for ${AWAY_MS / 60_000} min`);

const jitter = simulated("jitter");
const fixed = simulated("fixed");
if (values.svg !== undefined) {
  writeFileSync(
    values.svg,
    plot(`${devices} devices, broker away for ten minutes`, { ours: jitter.attempts, "fixed 10 s": fixed.attempts }),
  );
}
const memory = real === 0 ? undefined : await served();
progress.end();
report();

function simulated(retry: FleetOptions["retry"]): FleetResult {
  const onProgress = (virtualS: number): void =>
    progress.show(() => `${retry === "jitter" ? "ours" : "fixed 10 s"}: ${Math.floor(virtualS / 60)} virtual minutes`);
  return runFleet({ devices, seed, awayMs: AWAY_MS, acceptsPerSecond: ACCEPTS_PER_SECOND, retry, onProgress });
}

function served(): Promise<RealResult> {
  progress.line(`for real: ${real} devices in one process, and a mosquitto`);
  return measureReal(real, (count) => progress.show(() => `${count} of ${real} served`));
}

function report(): void {
  if (json) {
    const short = ({ attempts: _, ...rest }: FleetResult) => rest;
    console.log(JSON.stringify({ seed, devices, ours: short(jitter), fixed: short(fixed), real: memory }));
  } else printTable();
  const isServed = Number.isFinite(jitter.drainedS) && (memory === undefined || memory.served === real);
  const realPart = memory === undefined ? "" : `; for real ${memory.served} of ${real} served`;
  printVerdict(`${isServed ? "served" : "NOT SERVED"}: ${devices} devices in ${jitter.drainedS} s${realPart}`, json);
  process.exitCode = isServed ? 0 : 1;
}

function printTable(): void {
  const rows: [string, (result: FleetResult) => string][] = [
    ["attempts a second as it goes", (result) => `${result.peakAtLoss}`],
    ["attempts a second as it returns", (result) => `${result.peakAtReturn}`],
    ["attempts in all", (result) => `${result.totalAttempts}`],
    ["99 % back after", (result) => `${result.backS} s`],
    ["backlog drained after", (result) => `${result.drainedS} s`],
  ];
  console.log(`${"".padEnd(34)}${"ours".padStart(12)}${"fixed 10 s".padStart(12)}`);
  for (const [name, cell] of rows) console.log(name.padEnd(34) + cell(jitter).padStart(12) + cell(fixed).padStart(12));
  if (memory === undefined) return;
  console.log(
    `for real: ${memory.served} of ${real} devices served by mosquitto, ${Math.round(memory.bytesPerDevice / 1024)} KB of memory each ` +
      `and ${memory.flashBytesPerDevice / 1024} KB of flash image`,
  );
}
