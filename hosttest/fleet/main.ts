/*
 * Fleet: a broker that goes away for ten minutes, and everybody who wants it back.
 * First on virtual time, with our back-off and with fixed retries of ten seconds (esp-mqtt's default), in one table and
 * one plot; then, for real, as many whole devices as asked for in one process against a mosquitto, with the memory that each takes.
 */
import { writeFileSync } from "node:fs";
import { commandLine, seedOf, whole } from "../support/command-line.js";
import { plot } from "./plot.js";
import { measureReal } from "./real.js";
import { type FleetResult, runFleet } from "./virtual.js";

const USAGE = "npm run fleet -- [--devices N] [--real N] [--seed S] [--svg FILE] [--json]";
const AWAY_MS = 600_000;
const ACCEPTS_PER_SECOND = 500;

const { values } = commandLine(USAGE, {
  devices: { type: "string", default: "10000" },
  real: { type: "string", default: "1000" },
  seed: { type: "string" },
  svg: { type: "string" },
  json: { type: "boolean", default: false },
});
const devices = whole("--devices", values.devices);
const real = whole("--real", values.real);
const seed = seedOf(values.seed);
console.error(`seed ${seed}: ${devices} devices, the broker away for ${AWAY_MS / 60_000} min`);

const common = { devices, seed, awayMs: AWAY_MS, acceptsPerSecond: ACCEPTS_PER_SECOND };
const jitter = runFleet({ ...common, retry: "jitter" });
const fixed = runFleet({ ...common, retry: "fixed" });
if (values.svg !== undefined) {
  writeFileSync(
    values.svg,
    plot(`${devices} devices, broker away for ten minutes`, { ours: jitter.attempts, "fixed 10 s": fixed.attempts }),
  );
}
console.error(`for real: ${real} devices in one process, and a mosquitto`);
const memory = await measureReal(real, (served) => console.error(`${served} of ${real} served`));
report();

function report(): void {
  if (values.json) {
    const short = ({ attempts: _, ...rest }: FleetResult) => rest;
    console.log(JSON.stringify({ seed, devices, ours: short(jitter), fixed: short(fixed), real: memory }));
    return;
  }
  const rows: [string, (result: FleetResult) => string][] = [
    ["attempts a second as it goes", (result) => `${result.peakAtLoss}`],
    ["attempts a second as it returns", (result) => `${result.peakAtReturn}`],
    ["attempts in all", (result) => `${result.totalAttempts}`],
    ["99 % back after", (result) => `${result.backS} s`],
    ["backlog drained after", (result) => `${result.drainedS} s`],
  ];
  console.log(`${"".padEnd(34)}${"ours".padStart(12)}${"fixed 10 s".padStart(12)}`);
  for (const [name, cell] of rows) console.log(name.padEnd(34) + cell(jitter).padStart(12) + cell(fixed).padStart(12));
  console.log(
    `for real: ${memory.served} of ${real} devices served by mosquitto, ${Math.round(memory.bytesPerDevice / 1024)} KB of memory each ` +
      `and ${memory.flashBytesPerDevice / 1024} KB of flash image`,
  );
}
