/*
 * Fleet: a broker that goes away for ten minutes, and everybody who wants it back.
 *
 *   npm run fleet -- [--devices N] [--seed S] [--real N] [--svg FILE] [--json]
 *
 * First on virtual time, with our back-off and with fixed retries of ten seconds (esp-mqtt's default), in one table and
 * one plot; then, for real, as many clients in one process against a mosquitto, with the memory that each takes.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { plot } from "./plot.js";
import { measureReal } from "./real.js";
import { type FleetResult, runFleet } from "./virtual.js";

const AWAY_MS = 600_000;
const ACCEPTS_PER_SECOND = 500;

const { values } = parseArgs({
  options: {
    devices: { type: "string", default: "10000" },
    real: { type: "string", default: "1000" },
    seed: { type: "string" },
    svg: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const devices = whole("--devices", values.devices);
const real = whole("--real", values.real);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : whole("--seed", values.seed);
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
const memory = await measureReal(real);
report();

function report(): void {
  if (values.json) {
    const short = ({ attempts: _, ...rest }: FleetResult) => rest;
    console.log(JSON.stringify({ seed, devices, ours: short(jitter), fixed: short(fixed), real: memory }));
    return;
  }
  const rows: [string, (result: FleetResult) => string][] = [
    ["attempts a second, at most", (result) => `${result.peakPerSecond}`],
    ["attempts in all", (result) => `${result.totalAttempts}`],
    ["99 % back after", (result) => `${result.backS} s`],
    ["backlog drained after", (result) => `${result.drainedS} s`],
  ];
  console.log(`${"".padEnd(28)}${"ours".padStart(12)}${"fixed 10 s".padStart(12)}`);
  for (const [name, cell] of rows) console.log(name.padEnd(28) + cell(jitter).padStart(12) + cell(fixed).padStart(12));
  console.log(
    `for real: ${memory.connected} of ${real} clients connected to mosquitto, ${memory.bytesPerDevice} bytes of heap each`,
  );
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  console.error(`${option} ${text}: expected a whole number from 1`);
  process.exit(2);
}
