/*
 * Which broker the desktop device uses: the embedded one, until another one is saved; the command line overrides both.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmbeddedBroker, startBroker } from "../../boards/desktop/network/broker.js";
import { schema } from "../../src/settings/schema.js";
import { DeviceProcess } from "../support/device.js";
import { xsAvailable } from "../xs/available.js";

let folder: string;
let own: EmbeddedBroker; // the user's
let device: DeviceProcess | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  const usual = await startBroker();
  own = await startBroker(); // on an unusual port
  usual.close();
});

afterEach(async () => {
  await device?.kill();
  device = undefined;
  own.close();
  rmSync(folder, { recursive: true });
});

async function start(...options: string[]): Promise<DeviceProcess> {
  device = new DeviceProcess(["--flash", join(folder, "chip.flash"), "--interval", "0.2", ...options]);
  await device.until(({ stdout }) => stdout.includes("connected to "));
  return device;
}

const brokers = (one: DeviceProcess): string[] =>
  one.lines("connected to ").map((line) => line.replace("connected to ", "").replace(/, .*/, ""));

async function rebootTo(one: DeviceProcess, commands: string): Promise<void> {
  const before = brokers(one).length;
  one.write(commands);
  await one.until((running) => brokers(running).length > before);
}

const engines = xsAvailable ? ["node", "xs"] : ["node"];

describe.each(engines)("--engine %s", (engine) => {
  test("a broker that was saved is used from the next boot on, and what arrives there is shown", async () => {
    const one = await start("--engine", engine);
    expect(one.stdout).toContain(" (embedded");
    await rebootTo(one, `set mqtt.host ${own.host}\nset mqtt.port ${own.port}\nsave\nreboot\n`);
    expect(brokers(one).at(-1)).toBe(`${own.host}:${own.port}`);
    const arrived = one.lines("home/livingroom/temperature").length;
    await one.until((running) => running.lines("home/livingroom/temperature").length > arrived + 2);
    one.write("show mqtt.port\n");
    await one.until(({ stdout }) => stdout.includes("The broker's TCP port"));
    expect(one.stdout).toMatch(new RegExp(`mqtt.port +${own.port}$`, "m"));
  });
});

test("so it is when setup asked for it", async () => {
  const one = await start();
  const answers: Readonly<Record<string, string>> = { "mqtt.host": own.host, "mqtt.port": String(own.port) };
  const asked = schema.filter(({ key, asked }) => asked && !key.startsWith("wifi."));
  await rebootTo(one, `setup\n${asked.map(({ key }) => `${answers[key] ?? ""}\n`).join("")}yes\n`);
  expect(brokers(one).at(-1)).toBe(`${own.host}:${own.port}`);
});

test("a broker on the command line wins over the saved one, after a reboot too", async () => {
  const other = await startBroker();
  const one = await start("--broker", `mqtt://${other.host}:${other.port}`);
  await rebootTo(one, `set mqtt.host ${own.host}\nset mqtt.port ${own.port}\nsave\nreboot\n`);
  expect(new Set(brokers(one))).toEqual(new Set([`${other.host}:${other.port}`]));
  other.close();
});

test("a port alone does not name a broker: the embedded one stays", async () => {
  const one = await start();
  const [first] = brokers(one);
  await rebootTo(one, `set mqtt.port ${own.port}\nsave\nreboot\n`);
  expect(brokers(one)).toEqual([first, first]);
});
