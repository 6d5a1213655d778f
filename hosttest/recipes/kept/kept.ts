/*
 * The companion `npm run backfill` with a real InfluxDB and a real Prometheus. Devices publish through mosquitto, the companion is killed
 * by signal 9, and broker and InfluxDB are away for a while. InfluxDB gets points as they arrive, Prometheus blocks made from the stored
 * samples; then each sample is searched for.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Collector } from "../../support/collector.js";
import type { Progress } from "../../support/command-line/progress.js";
import { run } from "../../support/processes/commands.js";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { freePort } from "../../support/processes/ports.js";
import { Service } from "../../support/processes/service.js";
import { DeviceRun } from "../device-run.js";
import { Influx } from "../influx.js";
import { type Expected, judge, type Point, uncovered, type Verdict } from "../verdict.js";
import { NO_CLOCK, Waiting } from "../waiting.js";
import { Prometheus } from "./prometheus.js";

const FAIR_S = 40;
const PROGRAM = ["hosttest/run.mjs", "hosttest/companions/backfill/main.ts"];
const DATABASE = "kept";

export interface KeptOptions {
  readonly folder: string;
  readonly influxd: string;
  readonly prometheus: string;
  readonly promtool: string;
  readonly outageS: number;
  readonly databaseOutageS: number;
  readonly progress: Progress;
  /** What was started, to be ended in the opposite order. */
  readonly endings: (() => Promise<unknown>)[];
}

/** @returns the verdicts by the database's name */
export async function runKept(options: KeptOptions): Promise<Map<string, Verdict>> {
  const { folder, endings, progress } = options;
  const broker = await Mosquitto.start();
  endings.push(() => broker.close());
  const influxFolder = join(folder, "influxdb");
  mkdirSync(influxFolder);
  const influx = new Influx(options.influxd, influxFolder, await freePort(), await freePort());
  endings.push(() => influx.stop());
  await influx.start();
  await influx.query(`CREATE DATABASE ${DATABASE}`);

  const store = ["--store", join(folder, "kept.sqlite")];
  const words = [...PROGRAM, "--broker", `mqtt://127.0.0.1:${broker.port}`, ...store];
  words.push("--influx", `http://127.0.0.1:${influx.port}/write?db=${DATABASE}`);
  const companion = new Service("backfill", process.execPath, [...words, "--every", "2"]);
  endings.push(() => companion.stop());
  const begin = (): Promise<void> => companion.start((log) => /samples kept|connected/.test(log));
  await begin();

  const observer = await Collector.start(broker.port, "home/+/temperature");
  endings.push(() => observer.close());
  const waiting = new Waiting(progress, observer);
  const start = (room: string, intervalS: number, environment?: Record<string, string>): DeviceRun => {
    const device = new DeviceRun(room, intervalS, broker.port, folder, environment);
    endings.push(() => device.kill());
    return device;
  };
  const undated = start("undated", 0.4, NO_CLOCK);
  const devices = [start("seconds", 2), start("milliseconds", 0.4)];
  await waiting.wait(FAIR_S, "all is there");
  await broker.stop();
  await waiting.wait(options.outageS, "the broker is away");
  await broker.start();
  for (const device of [undated, ...devices]) await waiting.drain(device);
  // A sample without `ts` gets the time of its arrival at the companion, which must be running by then.
  await undated.end();
  await waiting.untilSeen(undated);
  await waiting.wait(FAIR_S / 2, "the device without a clock has ended");
  await companion.kill();
  await waiting.wait(FAIR_S / 2, "the companion was killed by signal 9");
  await begin();
  await influx.stop();
  await waiting.wait(options.databaseOutageS, "InfluxDB is away");
  await influx.start();
  await waiting.wait(FAIR_S, "InfluxDB is back");
  for (const device of devices) {
    await device.end();
    await waiting.untilSeen(device);
  }
  await companion.stop();
  await toItsEnd(process.execPath, [...words, "--once"]);

  const expected = waiting.expected();
  const missing = uncovered(expected);
  if (missing.length > 0) throw new Error(`no device has sent a message with ${missing.join(", or with ")}`);
  const metrics = join(folder, "kept.txt");
  await toItsEnd(process.execPath, [...PROGRAM, ...store, "--openmetrics", metrics]);
  const blocks = join(folder, "blocks");
  await toItsEnd(options.promtool, ["tsdb", "create-blocks-from", "openmetrics", metrics, blocks]);
  const prometheus = new Prometheus(options.prometheus, folder, blocks, await freePort());
  endings.push(() => prometheus.stop());
  await prometheus.start();
  return new Map([
    ["InfluxDB", judge(expected, await influx.points(DATABASE))],
    ["Prometheus", judge(expected, numbered(expected, await prometheus.points("home_temperature")))],
  ]);
}

/** Runs a command to its end. @throws Error with its output */
async function toItsEnd(command: string, words: readonly string[]): Promise<void> {
  const { code, output } = await run(command, words);
  if (code !== 0) throw new Error(`${words.join(" ")}: exit code ${code}: ${output.slice(-500)}`);
}

/** Points of Prometheus have no number: they get that of the message at the same position in time, room by room. */
export function numbered(expected: readonly Expected[], points: readonly Omit<Point, "seq">[]): Point[] {
  const numbersOf = new Map<string, number[]>();
  const inOrder = [...expected].sort((a, b) => (a.tsMs ?? a.arrivedMs) - (b.tsMs ?? b.arrivedMs) || a.seq - b.seq);
  for (const { room, seq } of inOrder) numbersOf.set(room, [...(numbersOf.get(room) ?? []), seq]);
  return [...points]
    .sort((a, b) => a.timeMs - b.timeMs)
    .map((point) => ({ ...point, seq: numbersOf.get(point.room)?.shift() ?? -1 }));
}
