/*
 * The desktop device that sleeps, with a real broker, on Node and on XS: it sleeps, reports, is killed while it sleeps, and delivers all
 * readings in the next run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { freePort } from "../support/processes/ports.js";
import { xsAvailable } from "../xs/available.js";

const TIMEOUT_MS = 180_000;

let folder: string;
let devices: DeviceProcess[];
let broker: Mosquitto | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  devices = [];
});

afterEach(async () => {
  for (const device of devices) await device.kill();
  await broker?.close();
  broker = undefined;
  rmSync(folder, { recursive: true });
});

function start(port: number, ...options: string[]): DeviceProcess {
  const address = `mqtt://127.0.0.1:${port}`;
  const image = join(folder, "chip.flash");
  const device = new DeviceProcess([
    "--headless",
    "--sleep",
    "--qos",
    "2",
    "--flash",
    image,
    "--broker",
    address,
    ...options,
  ]);
  devices.push(device);
  return device;
}

const numbers = (device: DeviceProcess, word: string): number[] =>
  device.lines(word).map((line) => Number(/seq=([0-9]+)/.exec(line)?.[1]));

test("asleep it keeps what it measures, killed it loses nothing, and the next run delivers it", {
  timeout: TIMEOUT_MS,
}, async () => {
  const first = start(await freePort(), "--interval", "1", "--engine", xsAvailable ? "xs" : "node");
  // No broker answers: all samples stay in flash, those of short wakes, too.
  await first.until(({ stdout }) => /(asleep ms=[0-9]+\n(.*\n)*){4}/.test(stdout));
  await first.kill();
  const taken = numbers(first, "reading");
  expect(taken.length).toBeGreaterThan(10);
  expect(numbers(first, "settled")).toEqual([]);

  broker = await Mosquitto.start();
  // Up to 20 s after power-on it is awake, to announce its entities.
  const next = start(broker.port, "--interval", "1", "--count", "26");
  expect(await next.exit()).toBe(0);
  const all = [...taken, ...numbers(next, "reading")];
  expect(all).toEqual(all.map((_, n) => n));
  expect(numbers(next, "settled")).toEqual(all);
  // It has slept in between, and has woken to send the last samples.
  expect(next.lines("asleep").length).toBeGreaterThan(0);
});
