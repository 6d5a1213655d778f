/*
 * The humidity of an SHT3x, from the desktop's firmware on Node and on XS to a real mosquitto: through an outage and through signal 9,
 * with none missing, and in discovery.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test as plainTest } from "vitest";
import { Collector } from "../support/collector.js";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { xsAvailable } from "../xs/available.js";

let folder: string;
let broker: Mosquitto;
let samples: Collector;
let announcements: Collector;
let devices: DeviceProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  broker = await Mosquitto.start();
  samples = await Collector.start(broker.port, "home/kitchen/temperature");
  announcements = await Collector.start(broker.port, "homeassistant/device/+/config");
  devices = [];
});

afterEach(async () => {
  for (const device of devices) await device.kill();
  await samples.close();
  await announcements.close();
  await broker.close();
  rmSync(folder, { recursive: true });
});

interface Seen {
  readonly value: number;
  readonly humidity: number;
  readonly ts: string;
  readonly seq: number;
}

const ENGINES = [
  { engine: "node", isAvailable: true },
  { engine: "xs", isAvailable: xsAvailable },
] as const;

describe.each(ENGINES)("--sensor sht3x on $engine", ({ engine, isAvailable }) => {
  const test = plainTest.runIf(isAvailable);

  function start(...more: string[]): DeviceProcess {
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const options = `--headless --broker ${url} --room kitchen --qos 2 --interval 0.05 --sensor sht3x --engine ${engine}`;
    const device = new DeviceProcess([...options.split(" "), "--flash", join(folder, "chip.flash"), ...more]);
    devices.push(device);
    return device;
  }

  const seen = (): Seen[] => samples.arrivals.map(({ payload }) => JSON.parse(payload));
  const numbers = (): number[] => seen().map(({ seq }) => seq);

  test("humidity in every message, through an outage and signal 9 during it; and in discovery", async () => {
    const before = start();
    await samples.until(15);
    await broker.stop();
    const taken = before.lines("reading ").length;
    await before.until((one) => one.lines("reading ").length >= taken + 20);
    await before.kill();
    const written = before.lines("reading ").length;
    await broker.start();
    const after = start("--count", "10");
    expect(await after.exit()).toBe(0);
    const last = Number(
      after
        .lines("reading ")
        .at(-1)
        ?.match(/seq=(\d+)/)?.[1],
    );
    await samples.untilTrue(() => numbers().includes(last));
    expect(last).toBeGreaterThanOrEqual(written + 9);
    expect(numbers()).toEqual(Array.from({ length: last + 1 }, (_, seq) => seq));
    for (const { value, humidity } of seen()) {
      expect(value).toBeGreaterThan(-40);
      expect([typeof humidity, humidity > 0 && humidity < 100]).toEqual(["number", true]);
    }
    await announcements.until(1);
    const { cmps } = JSON.parse(announcements.arrivals.at(-1)?.payload ?? "{}");
    expect(cmps).toMatchObject({
      temperature: { dev_cla: "temperature" },
      humidity: { dev_cla: "humidity", unit_of_meas: "%", val_tpl: "{{ value_json.humidity|default(None) }}" },
    });
  });
});
