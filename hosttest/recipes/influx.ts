/*
 * InfluxDB 1.x on its own loopback port, with its data in a folder of this run.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Service } from "../support/processes/service.js";
import type { Point } from "./verdict.js";

const NS_PER_MS = 1_000_000n;

export class Influx {
  readonly port: number;
  readonly #service: Service;

  /** `folder`: for its configuration and data. */
  constructor(command: string, folder: string, port: number, backupPort: number) {
    this.port = port;
    const file = join(folder, "influxdb.conf");
    writeFileSync(
      file,
      `reporting-disabled = true
bind-address = "127.0.0.1:${backupPort}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
`,
    );
    this.#service = new Service("InfluxDB", command, ["run", "-config", file]);
  }

  /** Starts with the existing data. */
  async start(): Promise<void> {
    await this.#service.start(() =>
      fetch(`http://127.0.0.1:${this.port}/ping`).then(
        ({ status }) => status === 204,
        () => false,
      ),
    );
  }

  async stop(): Promise<void> {
    await this.#service.stop();
  }

  /** Runs a query such as `CREATE DATABASE` or `SELECT`. @throws Error with InfluxDB's message */
  async query(text: string, database = ""): Promise<unknown[][]> {
    const body = new URLSearchParams({ q: text, db: database, epoch: "ns" });
    const response = await fetch(`http://127.0.0.1:${this.port}/query`, { method: "POST", body });
    // Nanoseconds since 1970 do not fit a number: they are converted to strings.
    const json = (await response.text()).replace(/\[(\d{16,}),/g, '["$1",');
    const { error, results } = JSON.parse(json);
    const problem = error ?? results?.[0]?.error;
    if (problem !== undefined) throw new Error(`InfluxDB: ${text}: ${problem}`);
    return results[0].series?.[0]?.values ?? [];
  }

  /** All points of a database that a recipe has written. */
  async points(database: string): Promise<Point[]> {
    const rows = await this.query(`SELECT room, seq, value FROM temperature`, database);
    return rows.map(([time, room, seq, value]) => ({
      room: String(room),
      seq: Number(seq),
      value: Number(value),
      timeMs: Number(BigInt(String(time)) / NS_PER_MS) + Number(BigInt(String(time)) % NS_PER_MS) / Number(NS_PER_MS),
    }));
  }
}
