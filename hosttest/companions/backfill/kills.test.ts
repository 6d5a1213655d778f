/*
 * The backfill as a process, killed by signal 9 again and again, between a real mosquitto, a server that replays a recorded Home Assistant,
 * and one that receives points. In the end each sample is stored once, each hour has the expected values, and each point is there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTCPServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import mqtt from "mqtt";
import mqttPacket from "mqtt-packet";
import { expect, test } from "vitest";
import { bundle } from "../../support/bundle.mjs";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { removeFolder, temporaryFolder } from "../../support/temporary.js";
import { HOUR_MS, type HourStatistics, hourStatistics } from "./hours.js";
import { PlayedBack, type Statistics } from "./support/played-back.js";

const PROGRAM = await bundle("hosttest/companions/backfill/main.ts");
const TEMPERATURE = "sensor.attic_thermometer_attic_temperature";
const FIRST = Date.UTC(2026, 10, 1, 5);
const ROUNDS = 9;
const SAMPLES = 20; // in a round: six minutes apart, two hours
const STEP_MS = 360_000;

interface Sent {
  readonly value: number;
  readonly tsMs: number;
  readonly seq: number;
}

const sentAt = (seq: number): Sent => ({ seq, tsMs: FIRST + seq * STEP_MS, value: 15 + ((seq * 7) % 100) / 10 });

test("killed at its most delicate moments: no sample lost, none stored or written twice", {
  timeout: 240_000,
}, async () => {
  const folder = temporaryFolder("backfill-");
  const broker = await Mosquitto.start();
  const statistics: Statistics = new Map();
  const home = await PlayedBack.keeping(statistics);
  const points = await Points.start();
  const wire = await Wire.start(broker.port);
  writeFileSync(join(folder, "token"), "TOKEN\n");
  const words = [
    ...["--broker", `mqtt://127.0.0.1:${wire.port}`, "--store", join(folder, "store.sqlite"), "--every", "0.05"],
    ...["--home-assistant", home.url, "--token-file", join(folder, "token"), "--influx", points.url],
  ];
  let running: ChildProcess | undefined;
  const start = (more: readonly string[] = []): ChildProcess =>
    spawn(process.execPath, [PROGRAM, ...words, ...more], { stdio: ["ignore", "pipe", "pipe"] });
  const kill = (): void => void running?.kill("SIGKILL");
  try {
    running = start(["--once"]); // makes the session
    await ended(running);
    const publisher = await mqtt.connectAsync({ host: "127.0.0.1", port: broker.port });
    const acknowledged = fc.sample(fc.integer({ min: 1, max: SAMPLES }), { numRuns: ROUNDS, seed: 18 });
    for (let round = 0; round < ROUNDS; round++) {
      await publishAll(publisher, round);
      // The very moment: an acknowledgement has left, points or hours were sent and did not arrive.
      if (round % 3 === 0) wire.onAcknowledgement = (count) => count === acknowledged[round] && kill();
      if (round % 3 === 1) points.instead = kill;
      if (round % 3 === 2) home.insteadOfImport = kill;
      running = start();
      await ended(running);
      wire.onAcknowledgement = () => {};
      points.instead = home.insteadOfImport = undefined;
      if (round % 2 === 1) await broker.stop();
      if (round % 2 === 1) await broker.start();
    }
    await publisher.endAsync();
    running = start(["--once"]);
    const last = await ended(running);
    expect(last.error).toContain("hours verified");
    expect(last.code).toBe(0);

    running = start(["--csv", join(folder, "all.csv")]);
    await ended(running);
    const sent = Array.from({ length: ROUNDS * SAMPLES }, (_one, seq) => sentAt(seq));
    const rows = readFileSync(join(folder, "all.csv"), "utf8").trimEnd().split("\r\n").slice(1);
    expect(rows.map((row) => Number(row.split(",")[3]))).toEqual(sent.map(({ seq }) => seq));
    expect(points.all).toEqual(
      new Map(sent.map(({ seq, tsMs, value }) => [`${tsMs}000000`, `value=${value},seq=${seq}i`])),
    );
    expect(statistics.get(TEMPERATURE)).toEqual(hoursOf(sent));
  } finally {
    kill();
    await home.close();
    await points.close();
    await wire.close();
    await broker.close();
    removeFolder(folder);
  }
});

/** Some twice, as QoS 1 allows. */
async function publishAll(publisher: mqtt.MqttClient, round: number): Promise<void> {
  for (let n = 0; n < SAMPLES; n++) {
    const { value, tsMs, seq } = sentAt(round * SAMPLES + n);
    const payload = JSON.stringify({ value, ts: new Date(tsMs).toISOString(), seq });
    for (let times = seq % 5 === 0 ? 2 : 1; times > 0; times--)
      await publisher.publishAsync("home/attic/temperature", payload, { qos: 1 });
  }
}

function hoursOf(sent: readonly Sent[]): Map<number, HourStatistics> {
  const values = sent.map(({ tsMs, value }) => ({ atMs: tsMs, value }));
  const hours = new Map<number, HourStatistics>();
  for (let start = FIRST; start < FIRST + sent.length * STEP_MS; start += HOUR_MS) {
    const near = values.filter(({ atMs }) => atMs >= start - HOUR_MS && atMs < start + HOUR_MS);
    const statistics = hourStatistics(near, start);
    if (statistics !== undefined) hours.set(start, statistics);
  }
  return hours;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; error: string }> {
  let error = "";
  child.stdout?.resume();
  child.stderr?.on("data", (bytes) => (error += bytes));
  const [code] = await once(child, "close");
  return { code, error };
}

/** A proxy to the broker that counts the acknowledgements of each connection. */
class Wire {
  onAcknowledgement: (count: number) => unknown = () => {};
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(brokerPort: number) {
    this.server = createTCPServer((client) => {
      const broker = connect(brokerPort, "127.0.0.1");
      const parser = mqttPacket.parser({ protocolVersion: 5 });
      let count = 0;
      parser.on("packet", ({ cmd }) => cmd === "puback" && this.onAcknowledgement(++count));
      for (const socket of [client, broker]) {
        this.sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          client.destroy();
          broker.destroy();
        });
      }
      broker.pipe(client);
      client.on("data", (bytes) => {
        broker.write(bytes);
        parser.parse(bytes);
      });
    });
  }

  static async start(brokerPort: number): Promise<Wire> {
    const wire = new Wire(brokerPort);
    wire.server.listen(0, "127.0.0.1");
    await once(wire.server, "listening");
    return wire;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A minimal InfluxDB: a point of the same series and time is the same point, and must have the same value. */
class Points {
  readonly all = new Map<string, string>();
  /** Called instead of storing points. */
  instead: (() => void) | undefined;
  private readonly server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => (body += bytes));
    request.on("end", () => {
      if (this.instead !== undefined) return this.instead();
      for (const line of body.trimEnd().split("\n")) this.take(line);
      response.writeHead(204).end();
    });
  });

  static async start(): Promise<Points> {
    const points = new Points();
    points.server.listen(0, "127.0.0.1");
    await once(points.server, "listening");
    return points;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/write?db=house`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(line: string): void {
    const [series, fields, time] = line.split(" ");
    if (series !== "temperature,room=attic") throw new Error(line);
    const before = this.all.get(time);
    if (before !== undefined && before !== fields) throw new Error(`${line}: was ${before}`);
    this.all.set(time, fields);
  }
}
