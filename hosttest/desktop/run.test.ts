/* Runs from the command line: the data kept from one to the next, and the terminal's output. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { freePort } from "../support/processes/ports.js";
import { xsAvailable } from "../xs/available.js";

let folder: string;
let image: string;
let devices: DeviceProcess[];
let broker: Mosquitto | undefined;
let usualPort: Server;

// Other programs on this machine may publish to port 1883: an embedded broker there would receive their readings, too.
beforeAll(async () => {
  usualPort = await holdUsualPort();
});

afterAll(() => {
  usualPort.close();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  image = join(folder, "chip.flash");
  devices = [];
});

afterEach(async () => {
  for (const device of devices) await device.kill();
  await broker?.close();
  broker = undefined;
  rmSync(folder, { recursive: true });
});

function start(...options: string[]): DeviceProcess {
  const device = new DeviceProcess(["--flash", image, ...options]);
  devices.push(device);
  return device;
}

/** Makes sure that port 1883 is in use: by this server at once, or when the program that uses it has ended. */
function holdUsualPort(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    const listen = (): void => {
      server.listen(1883, "127.0.0.1", () => resolve(server));
    };
    server.on("error", () => {
      setTimeout(listen, 20).unref();
      resolve(server);
    });
    listen();
  });
}

/** A run that executes these lines of a script and ends. */
async function run(lines: string, ...options: string[]): Promise<DeviceProcess> {
  const device = start("--interval", "3600", ...options);
  device.write(lines);
  device.endInput();
  expect(await device.exit()).toBe(0);
  return device;
}

const shown = (device: DeviceProcess): string[] => device.lines("home/");
const engines = xsAvailable ? ["node", "xs"] : ["node"];

describe.each(engines)("on %s", (engine) => {
  test("what was saved is there in the next run, and the next change in the one after", async () => {
    for (const room of ["one", "two", "three"]) {
      await run(`set room ${room}\nset wifi.password secret-of-${room}\nsave\n`, "--engine", engine);
      const { stdout } = await run("show room\n", "--engine", engine);
      expect(stdout).toMatch(new RegExp(`^ {2}room +${room}$`, "m"));
    }
  });

  test("after a factory reset no setting is in force, nor in the image", async () => {
    await run("set wifi.password first-secret\nsave\n", "--engine", engine);
    await run("set wifi.password second-secret; set room attic; set mqtt.password third-secret\nsave\n");
    const before = readFileSync(image);
    for (const secret of ["first-secret", "second-secret", "third-secret", "attic"]) {
      expect(before.includes(secret), secret).toBe(true);
    }
    const device = start("--engine", engine, "--interval", "3600");
    await device.until(({ stdout }) => stdout.includes("connected to "));
    device.write("factory-reset\nerase\n");
    await device.until((one) => one.lines("connected to ").length === 2);
    device.write("show room\n");
    await device.until(({ stdout }) => stdout.includes("Readings go to"));
    expect(device.stdout).toMatch(/^ {2}room +livingroom +\(default\)$/m);
    device.terminate();
    expect(await device.exit()).toBe(0);
    const after = readFileSync(image);
    for (const secret of ["first-secret", "second-secret", "third-secret", "attic"]) {
      expect(after.includes(secret), secret).toBe(false);
    }
  });

  test("--count 3 shows three readings; with plain payloads, too", async () => {
    const device = start("--engine", engine, "--count", "3", "--interval", "0.1");
    expect(await device.exit()).toBe(0);
    expect(shown(device)).toHaveLength(3);
    await run("set payload plain\nsave\n");
    const plain = start("--engine", engine, "--count", "3", "--interval", "0.1");
    expect(await plain.exit()).toBe(0);
    expect(shown(plain)).toHaveLength(3);
  });
});

test.runIf(xsAvailable)(
  "the engine's process ends: it is reported, waiting readings are kept, and the run ends with 1",
  async () => {
    const port = await freePort();
    const device = start("--engine", "xs", "--interval", "0.2", "--broker", `mqtt://127.0.0.1:${port}`);
    await device.until(({ stdout }) => stdout.includes("kept in flash"));
    for (const pid of device.children) process.kill(pid, "SIGKILL");
    expect(await device.exit()).toBe(1);
    expect(device.stderr).toContain("XS aborted: the worker ended (SIGKILL)");
    expect(device.stderr).toContain("--engine xs: the engine has ended; start the device again");
    expect(device.stderr).toMatch(/^unsettled readings: [1-9]\d*: they are kept in /m);
  },
);

test("the subscription is reported when it is granted, once for each broker", async () => {
  const port = await freePort();
  const alone = start("--broker", `mqtt://127.0.0.1:${port}`, "--duration", "1");
  expect(await alone.exit()).toBe(0);
  expect(alone.stdout).not.toContain("subscribed");
  broker = await Mosquitto.start();
  const device = start("--broker", `mqtt://127.0.0.1:${broker.port}`, "--interval", "0.5");
  const line = `subscribed to home/+/+ at 127.0.0.1:${broker.port}`;
  await device.until((one) => one.lines(line).length > 0 && shown(one).length > 0);
  await broker.stop();
  await device.until(({ stdout }) => stdout.includes("kept in flash"));
  const before = shown(device).length;
  await broker.start();
  await device.until((one) => shown(one).length > before);
  expect(device.lines(line)).toHaveLength(1);
});

test("an outage: readings are kept, and their number is printed, and when they are sent", async () => {
  broker = await Mosquitto.start();
  const device = start("--broker", `mqtt://127.0.0.1:${broker.port}`, "--interval", "0.5");
  await device.until((one) => shown(one).length > 1);
  await broker.stop();
  await device.until((one) => one.lines("not confirmed by the broker: ").length > 0);
  expect(device.stdout).toMatch(/^not confirmed by the broker: \d+ readings? kept in flash, to be sent again$/m);
  await broker.start();
  await device.until(({ stdout }) => /^\d+ kept readings? sent$/m.test(stdout));
});

test("port 1883 in use: the log names it as the reason for the embedded broker's other port", async () => {
  const device = start("--count", "1");
  expect(await device.exit()).toBe(0);
  expect(device.stdout).toContain("(embedded: port 1883 is in use by another program)");
});

test("a deleted image is reported once, and that its content is lost", async () => {
  const port = await freePort();
  const device = start("--broker", `mqtt://127.0.0.1:${port}`, "--interval", "0.2");
  await device.until(({ stdout }) => stdout.includes("kept in flash"));
  rmSync(image);
  const line = `${image}: was deleted or replaced`;
  await device.until((one) => one.lines(line).length > 0);
  device.write("status\n");
  await device.until(({ stdout }) => stdout.includes("uptime"));
  device.terminate();
  expect(await device.exit()).toBe(0);
  expect(device.lines(line)).toHaveLength(1);
  expect(device.stderr).toMatch(/unsettled readings: \d+: they are lost: .* was deleted or replaced/);
  expect(existsSync(image)).toBe(false);
});

test("a message of 30 MB on the topic is named with its length, and nothing waits for it", async () => {
  broker = await Mosquitto.start();
  const device = start("--broker", `mqtt://127.0.0.1:${broker.port}`, "--interval", "0.5");
  await device.until((one) => shown(one).length > 0);
  const client = await mqtt.connectAsync({ host: "127.0.0.1", port: broker.port });
  await client.publishAsync("home/evil/temperature", Buffer.alloc(30_000_000, 0x61), { qos: 1 });
  await client.endAsync();
  await device.until((one) => one.lines("home/evil/temperature (").length > 0);
  expect(device.lines("home/evil/")).toEqual(["home/evil/temperature (30000023 bytes: too long to be shown)"]);
  const before = shown(device).length;
  await device.until((one) => shown(one).length > before);
  expect(device.stdout.length).toBeLessThan(100_000);
});
