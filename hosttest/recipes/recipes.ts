/*
 * The two recipes as people use them: the files beside this one. Only the addresses, and a file for Telegraf's state, are set in them.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { top } from "../support/bundle.mjs";
import { Service } from "../support/processes/service.js";

export interface Recipe {
  readonly name: string;
  readonly database: string;
  readonly service: Service;
  /** Connected to the broker, by its log. */
  readonly isReady: (log: string) => boolean;
  /** Whether nothing is lost when it is ended normally and started again. */
  readonly survivesRestart: boolean;
  /** The errors and warnings in its log, from the first connection on, that are out of the usual. */
  readonly complaints: (log: string) => string[];
}

export interface Addresses {
  readonly mqttPort: number;
  readonly influxPort: number;
}

const CONNECTED = { telegraf: "Connected [tcp:", nodeRed: "Connected to broker" };
/** Usual log lines of the two programs while the broker or the database is down, and at each start. */
const USUAL =
  /Strict environment variable handling|connection (refused|reset|lost)|ECONNREFUSED|ECONNRESET|could not write any address/i;
const FOLDER = join(top, "hosttest", "recipes");

/** `folder`: for its configuration. */
export function telegrafRecipe(command: string, folder: string, addresses: Addresses): Recipe {
  const file = join(folder, "telegraf.conf");
  const text = readFileSync(join(FOLDER, "telegraf.conf"), "utf8");
  const statefile = /# statefile = ".*"/;
  if (!statefile.test(text)) throw new Error("telegraf.conf: its line for a statefile is not found");
  writeFileSync(
    file,
    readdressed(text, addresses).replace(statefile, `statefile = "${join(folder, "telegraf.state")}"`),
  );
  const service = new Service("Telegraf", command, ["--config", file]);
  return {
    name: "Telegraf",
    database: "telegraf",
    service,
    isReady: (log) => log.includes(CONNECTED.telegraf),
    survivesRestart: true,
    complaints: (log) => complaints(log, CONNECTED.telegraf, / [EW]! /),
  };
}

/** `command`: Node-RED's script. `uiPort`: for its editor. */
export function nodeRedRecipe(command: string, folder: string, uiPort: number, addresses: Addresses): Recipe {
  const user = join(folder, "node-red");
  mkdirSync(user);
  const flow: Record<string, unknown>[] = JSON.parse(readFileSync(join(FOLDER, "flow.json"), "utf8"));
  for (const node of flow) {
    if (node.type === "mqtt-broker") node.port = `${addresses.mqttPort}`;
    if (node.type === "influxdb") node.port = `${addresses.influxPort}`;
  }
  writeFileSync(join(user, "flows.json"), JSON.stringify(flow));
  writeFileSync(
    join(user, "settings.js"),
    `module.exports = ${JSON.stringify({
      uiHost: "127.0.0.1",
      uiPort,
      flowFile: "flows.json",
      nodesDir: join(command, "..", "..", "node-red-contrib-influxdb"),
      telemetry: { enabled: false, updateNotification: false },
      logging: { console: { level: "info", metrics: false, audit: false } },
    })};\n`,
  );
  const service = new Service("Node-RED", process.execPath, [command, "--userDir", user]);
  return {
    name: "Node-RED",
    database: "nodered",
    service,
    isReady: (log) => log.includes(CONNECTED.nodeRed),
    survivesRestart: false,
    complaints: (log) => complaints(log, CONNECTED.nodeRed, /\[(?:error|warn)\]/),
  };
}

function readdressed(text: string, { mqttPort, influxPort }: Addresses): string {
  return text.replace("127.0.0.1:1883", `127.0.0.1:${mqttPort}`).replace("127.0.0.1:8086", `127.0.0.1:${influxPort}`);
}

function complaints(log: string, connected: string, severity: RegExp): string[] {
  const lines = log.slice(Math.max(0, log.indexOf(connected))).split("\n");
  return lines.filter((line) => severity.test(line) && !USUAL.test(line));
}
