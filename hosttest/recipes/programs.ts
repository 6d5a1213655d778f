/*
 * The programs of the recipes: where they are, or how to get them. Node-RED comes from npm and Telegraf from the Go module
 * proxy, pinned, into a folder of this run; InfluxDB from Debian, for there is no other way without a foreign archive.
 */
import { join } from "node:path";
import { commandFile, type Found, run } from "../support/processes/commands.js";

export const NODE_RED = "node-red@4.1.8";
const NODE_RED_INFLUXDB = "node-red-contrib-influxdb@0.7.0";
export const TELEGRAF = "github.com/influxdata/telegraf/cmd/telegraf@v1.39.0";
const TELEGRAF_PARTS = [
  "inputs.mqtt_consumer",
  "outputs.influxdb",
  "parsers.json_v2",
  "processors.converter",
  "processors.dedup",
];

export function influxDB(): Found {
  const command = commandFile("influxd");
  return command ? { command } : { missing: "InfluxDB 1.x is not installed: apt-get install influxdb" };
}

/** The server or its tool. */
export function prometheus(name: "prometheus" | "promtool"): Found {
  const command = commandFile(name);
  return command ? { command } : { missing: `${name} is not installed: apt-get install prometheus` };
}

/** Installs Node-RED below `folder`. */
export async function nodeRed(folder: string): Promise<Found> {
  const result = await run("npm", [
    ...["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", folder],
    ...[NODE_RED, NODE_RED_INFLUXDB],
  ]);
  if (result.code !== 0) return { missing: `npm cannot install ${NODE_RED}: ${result.output.slice(-500)}` };
  return { command: join(folder, "node_modules", "node-red", "red.js") };
}

/** Builds Telegraf below `folder`, with the recipe's parts alone: a minute or two of two cores the first time. */
export async function telegraf(folder: string): Promise<Found> {
  const go = commandFile("go");
  const advice = "Go 1.26 or later, or --telegraf FILE";
  if (go === undefined) return { missing: `Telegraf is built with Go, which is not installed: ${advice}` };
  // No other toolchain is downloaded, and no C compiler is asked for.
  const environment = { GOBIN: folder, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "" };
  const tags = ["custom", ...TELEGRAF_PARTS].join(",");
  const result = await run(go, ["install", "-ldflags", "-s -w", "-tags", tags, TELEGRAF], environment);
  if (result.code !== 0)
    return { missing: `Telegraf does not build (needed: ${advice}): ${result.output.slice(-500)}` };
  return { command: join(folder, "telegraf") };
}
