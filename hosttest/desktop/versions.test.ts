/*
 * Which version of MQTT the desktop device speaks with real brokers, how it reports their limits, and what it remembers of this from one
 * run to the next.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Collector } from "../support/collector.js";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { freePort } from "../support/processes/ports.js";

let folder: string;
let devices: DeviceProcess[];
let endings: (() => Promise<void> | void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  devices = [];
  endings = [];
});

afterEach(async () => {
  for (const device of devices) await device.kill();
  for (const end of endings.reverse()) await end();
  rmSync(folder, { recursive: true });
});

function start(port: number, ...options: string[]): DeviceProcess {
  const all = ["--flash", join(folder, "chip.flash"), "--broker", `mqtt://127.0.0.1:${port}`, "--room", "kitchen"];
  const device = new DeviceProcess([...all, ...options]);
  devices.push(device);
  return device;
}

async function mosquitto(extra = ""): Promise<Mosquitto> {
  const broker = await Mosquitto.start(extra);
  endings.push(() => broker.close());
  return broker;
}

/** `status`, once the device has connected. */
async function statusOf(device: DeviceProcess): Promise<string> {
  await device.until(({ stdout }) => stdout.includes("connected to "));
  device.write("status\n");
  await device.until((one) => one.lines("heap ").length > 0);
  device.terminate();
  await device.exit();
  return device.lines("mqtt ").join("\n");
}

const DEFAULT_TERMS = /^mqtt +MQTT 5, session kept for (90 days|good)$/;

describe("with mosquitto", () => {
  test.each([
    ["auto", "MQTT 5", DEFAULT_TERMS],
    ["5", "MQTT 5", DEFAULT_TERMS],
    ["3.1.1", "MQTT 3.1.1", /^mqtt +MQTT 3\.1\.1$/],
  ])("mqtt.version %s: %s in log and status; readings arrive, each once", async (version, name, terms) => {
    const { port } = await mosquitto();
    const collector = await Collector.start(port, "home/+/temperature");
    endings.push(() => collector.close());
    const run = start(
      port,
      "--headless",
      "--mqtt-version",
      version,
      "--qos",
      "2",
      "--interval",
      "0.05",
      "--count",
      "40",
    );
    expect(await run.exit()).toBe(0);
    await collector.until(40);
    expect(collector.sequences).toEqual([...Array(40).keys()]);
    const next = start(port, "--mqtt-version", version, "--interval", "3600");
    expect(await statusOf(next)).toMatch(terms);
    expect(next.stdout).toContain(`connected to 127.0.0.1:${port}, ${name}, session resumed\n`);
  });

  test("a broker's limits are obeyed and in status: nothing is lost, though it takes 3 at once, QoS 1 at most, no retained messages", async () => {
    const { port } = await mosquitto("max_inflight_messages 3\nmax_qos 1\nretain_available false");
    const collector = await Collector.start(port, "home/+/temperature");
    endings.push(() => collector.close());
    const run = start(port, "--headless", "--qos", "2", "--interval", "0.02", "--count", "60");
    expect(await run.exit()).toBe(0);
    await collector.until(60);
    expect(new Set(collector.sequences).size).toBe(60);
    const status = await statusOf(start(port, "--qos", "2", "--interval", "3600"));
    expect(status).toContain("QoS 2 not supported: 1 is the highest");
    expect(status).toContain("3 in flight at most");
    expect(status).toContain("retained messages not supported");
  });

  test("a change of version between two runs: what was not settled in the one arrives in the other, each once", async () => {
    const { port } = await mosquitto();
    const collector = await Collector.start(port, "home/+/temperature");
    endings.push(() => collector.close());
    let seen = 0;
    for (const version of ["5", "3.1.1", "auto"]) {
      const device = start(port, "--headless", "--mqtt-version", version, "--qos", "2", "--interval", "0.02");
      seen += 30;
      await collector.untilTrue(() => collector.sequences.length >= seen);
      await device.kill();
    }
    const last = start(port, "--headless", "--qos", "2", "--interval", "0.02", "--count", "5");
    expect(await last.exit()).toBe(0);
    const newest = Number(/seq=(\d+)/.exec(last.lines("settled ").at(-1) ?? "")?.[1]);
    await collector.untilTrue(() => collector.sequences.includes(newest));
    expect(collector.sequences).toEqual([...Array(newest + 1).keys()]);
  });
});

describe("with a broker that has no MQTT 5 (aedes)", () => {
  /** Listens; `levels`: the protocol level of each CONNECT of the device, in order. */
  async function aedes(): Promise<{ port: number; levels: number[] }> {
    const broker = await Aedes.createBroker();
    const port = await freePort();
    const levels: number[] = [];
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.once("data", (bytes) => {
        if (bytes.includes("thermometer")) levels.push(bytes[bytes.indexOf("MQTT") + 4]); // the subscriber connects, too
        socket.unshift(bytes);
        broker.handle(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    endings.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
      broker.close();
    });
    return { port, levels };
  }

  test("auto falls back to 3.1.1, reports it, and remembers it: the next run does not try 5", async () => {
    const { port, levels } = await aedes();
    const first = start(port, "--interval", "3600");
    expect(await statusOf(first)).toMatch(/^mqtt +MQTT 3\.1\.1: the broker has no MQTT 5/);
    expect(levels[0]).toBe(5);
    expect(levels.at(-1)).toBe(4);
    const before = levels.length;
    await statusOf(start(port, "--interval", "3600"));
    expect(levels.length).toBeGreaterThan(before);
    expect(levels.slice(before)).not.toContain(5);
  });
});
