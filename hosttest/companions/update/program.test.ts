/*
 * The companion and the desktop device as processes, over a real mosquitto: confirmed, refused, rolled back, resumed after kills, a whole
 * house. No reading is lost or doubled.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ImageDescription, makeImage } from "../../../boards/parts/flash/image.js";
import { INSTALL, updateTopic } from "../../../src/homeassistant/update-entity.js";
import { VERSION } from "../../../src/version.js";
import { bundle, top } from "../../support/bundle.mjs";
import { Collector } from "../../support/collector.js";
import { DeviceProcess } from "../../support/device.js";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { xsAvailable } from "../../xs/available.js";
import { makeKey, publicHex, readImage, readKey } from "./image-file.js";

/** Bundled once, started many times. */
const PROGRAM = await bundle("hosttest/companions/update/main.ts");
/** The device's engine where it can be had; the other tests run on Node. */
const XS = xsAvailable ? "xs" : "node";
const LONG = { timeout: 240_000 };

let folder: string;
let broker: Mosquitto;
let collector: Collector;
let devices: DeviceProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  makeKey(join(folder, "key.pem"));
  broker = await Mosquitto.start();
  collector = await Collector.start(broker.port, "home/kitchen/temperature");
  devices = [];
});

afterEach(async () => {
  for (const device of devices) await device.kill();
  await collector.close();
  await broker.close();
  rmSync(folder, { recursive: true });
});

/** A device with its chip in a file of that name. */
async function device(name = "one", room = "kitchen", engine = "node"): Promise<DeviceProcess> {
  const options = ["--flash", join(folder, name), "--broker", `mqtt://127.0.0.1:${broker.port}`, "--room", room];
  const started = new DeviceProcess([
    ...options,
    "--interval",
    "0.2",
    "--qos",
    "2",
    "--update-key",
    join(folder, "key.pub"),
    "--engine",
    engine,
  ]);
  devices.push(started);
  await started.until(({ stdout }) => stdout.includes("connected to "));
  return started;
}

function image(description: Partial<ImageDescription>, length = 60_000): string {
  const path = join(folder, "image");
  writeFileSync(path, makeImage({ version: "9.0.0", chip: "desktop", ...description }, length));
  return path;
}

const idOf = (one: DeviceProcess): string => /device +(\S+),/.exec(one.stdout)![1];

async function identified(one: DeviceProcess): Promise<string> {
  one.write("status\n");
  await one.until(({ stdout }) => /device +\S+,/.test(stdout));
  return idOf(one);
}

function start(...options: string[]) {
  const all = ["--broker", `mqtt://127.0.0.1:${broker.port}`, "--key", join(folder, "key.pem"), ...options];
  const child = spawn(process.execPath, [PROGRAM, ...all], { cwd: top });
  let printed = "";
  child.stderr.on("data", (text) => {
    printed += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code, printed }));
  return { child, ended };
}

const update = (...options: string[]) => start(...options).ended;

async function expectAllOnce(count: number): Promise<void> {
  await collector.until(count);
  expect(collector.sequences).toEqual([...Array(collector.sequences.length).keys()]);
}

test(
  "on XS: sent, on trial, confirmed; then it is current, and the same again is refused; readings go on all the while",
  LONG,
  async () => {
    const one = await device("one", "kitchen", XS);
    const id = await identified(one);
    const path = image({});
    expect(await update("--device", id, "--image", path)).toMatchObject({
      code: 0,
      printed: expect.stringContaining(`${id}: runs 9.0.0\n`),
    });
    expect(one.stdout).toMatch(/update: 9\.0\.0 is on trial[\s\S]*update: 9\.0\.0 is confirmed/);
    one.write("status\n");
    await one.until(({ stdout }) => stdout.includes("home-thermometer 9.0.0 on desktop"));
    expect(await update("--device", id, "--image", path)).toEqual({
      code: 1,
      printed: `${id}: refused: not newer: 9.0.0, installed is 9.0.0\n`,
    });
    await one.kill();
    const next = await device(); // by Node, from the same chip
    next.write("status\n");
    await next.until(({ stdout }) => stdout.includes("home-thermometer 9.0.0 on desktop"));
    await expectAllOnce(collector.sequences.length + 10);
  },
);

test(
  "killed while it is written, again and again, and the companion with it: it goes on where it was",
  LONG,
  async () => {
    let one = await device();
    const id = await identified(one);
    const path = image({}, 250_000);
    for (let n = 0; n < 2; n++) {
      const { child, ended } = start("--device", id, "--image", path);
      await one.until(({ stdout }) => stdout.includes("update: 9.0.0 is being received") || n > 0);
      await collector.until(collector.sequences.length + 2);
      child.kill("SIGKILL");
      await ended;
      await one.kill();
      one = await device();
    }
    const last = await update("--device", id, "--image", path);
    expect(last, last.printed).toMatchObject({ code: expect.any(Number) });
    if (last.code !== 0) expect((await update("--device", id, "--image", path)).printed).toContain("9.0.0"); // a kill hit the trial
    one.write("status\n");
    await one.until(({ stdout }) => stdout.includes("home-thermometer 9.0.0 on desktop"));
    await expectAllOnce(collector.sequences.length + 10);
  },
);

test(
  "on XS: an image that crashes at boot: the old one runs and reports why, and the other devices are not updated",
  LONG,
  async () => {
    const one = await device("one", "kitchen", XS);
    const id = await identified(one);
    await device("two", "attic");
    const { code, printed } = await update("--all", "--image", image({ fault: "crash" }));
    expect(code).toBe(1);
    expect(printed).toMatch(/rolled back: it ended before it was confirmed/);
    expect(printed).toContain("the other devices (1) are not updated");
    expect(printed).not.toContain("runs 9.0.0");
    expect(id).toMatch(/^thermometer/);
    await expectAllOnce(collector.sequences.length + 10);
  },
);

test(
  "--wait-for-install: shown in Home Assistant while the program runs, and sent when Install is pressed there",
  LONG,
  async () => {
    const one = await device();
    const id = await identified(one);
    const house = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`);
    const retained: Record<string, string> = {};
    house.on("message", (topic, payload) => {
      retained[topic] = payload.toString();
    });
    await house.subscribeAsync("home/#");
    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await new Promise<void>((resolve) => void house.once("message", () => resolve()));
    };
    const state = updateTopic("kitchen", id, "state");
    const press = (retain = false) => house.publishAsync(updateTopic("kitchen", id, INSTALL), INSTALL, { retain });
    const available = (): unknown => JSON.parse(retained[state] ?? "{}").available;

    const path = image({});
    await press(true); // of some other day
    const interrupted = start("--device", id, "--image", path, "--wait-for-install");
    await until(() => available() === "9.0.0");
    interrupted.child.kill("SIGTERM");
    expect((await interrupted.ended).code).toBe(1);
    await until(() => available() === undefined);
    expect(retained[updateTopic("kitchen", id, "offer")]).toBe("");

    const { ended } = start("--all", "--image", path, "--wait-for-install");
    await until(() => available() === "9.0.0");
    await broker.stop();
    await broker.start();
    expect(one.stdout).not.toContain("9.0.0 is being received");
    while (!one.stdout.includes("9.0.0 is being received")) {
      await press(); // until the program is back at the broker
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await ended).toMatchObject({ code: 0, printed: expect.stringContaining(`${id}: runs 9.0.0\n`) });
    await until(() => available() === undefined);
    await house.endAsync(true);
  },
);

test("--dry-run sends nothing; another key's image is refused with the reason", LONG, async () => {
  const one = await device();
  const id = await identified(one);
  const path = image({});
  const dry = await update("--device", id, "--image", path, "--dry-run");
  expect(dry).toEqual({ code: 0, printed: `${id}: ${VERSION} to 9.0.0, 60000 bytes: would be sent\n` });
  makeKey(join(folder, "other.pem"));
  expect((await update("--device", id, "--image", path, "--key", join(folder, "other.pem"))).printed).toBe(
    `${id}: refused: wrong signature: not made with the key that this build trusts\n`,
  );
});

test("--keygen: a private key for its owner alone, the public one for the build; never over another", () => {
  const path = join(folder, "new.pem");
  const { hex, publicPath } = makeKey(path);
  expect(readFileSync(publicPath, "utf8")).toBe(`${hex}\n`);
  expect(publicHex(readKey(path))).toBe(hex);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(() => makeKey(path)).toThrow("new.pem exists");
});

test("an ESP32's image contains its chip, and is refused for a board with another one, or without a version", () => {
  const path = join(folder, "xs_esp32.bin");
  const bytes = new Uint8Array(300);
  bytes[0] = 0xe9;
  bytes[12] = 5;
  writeFileSync(path, bytes);
  expect(readImage(path, "0.3.0", "esp32c3_cdc")).toMatchObject({ version: "0.3.0", board: "esp32c3_cdc" });
  expect(() => readImage(path, "0.3.0", "esp32")).toThrow("--board esp32: the image is for esp32c3");
  expect(() => readImage(path, "0.3.0", "m5atom")).toThrow("--board m5atom: the image is for esp32c3");
  expect(() => readImage(path, undefined, "esp32c3")).toThrow("--version and --board: expected both");
});
