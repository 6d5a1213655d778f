/*
 * The desktop's clock: it distinguishes a suspend of the computer from a clock that was set, and the device is notified of the latter.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DeviceClock } from "../../boards/desktop/device-clock.js";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { xsAvailable } from "../xs/available.js";

const HOUR = 3_600_000;
const BEGIN = Date.UTC(2026, 5, 17, 9);

/** A computer; `grainMs`: resolution of its time since boot. */
function computer(grainMs = 10) {
  const time = { monotonic: 5_000.25, utc: BEGIN, sinceBoot: 77_000 };
  const clock = new DeviceClock({
    monotonicMs: () => time.monotonic,
    utcMs: () => time.utc,
    sinceBootMs: () => Math.floor(time.sinceBoot / grainMs) * grainMs,
  });
  return {
    clock,
    run(ms: number): void {
      time.monotonic += ms;
      this.suspend(ms);
    },
    suspend(ms: number): void {
      time.utc += ms;
      time.sinceBoot += ms;
    },
    set(byMs: number): void {
      time.utc += byMs;
    },
  };
}

test.each([10, 1_000])("a suspend is time that passes, and no step of the clock; boot known to %d ms", (grainMs) => {
  const { clock, ...one } = computer(grainMs);
  const begin = clock.uptimeMs();
  for (let n = 1; n <= 5; n++) {
    one.run(1_234);
    one.suspend(HOUR);
    expect(clock.uptimeMs() - begin).toBe(n * (HOUR + 1_234));
    expect(clock.noticesStep()).toBe(false);
  }
});

test("a computer that begins in 1970 does not know the time until it is set, which is noticed", () => {
  const { clock, ...one } = computer();
  one.set(5_000 - BEGIN);
  clock.noticesStep();
  expect(clock.utcMs()).toBeUndefined();
  one.set(BEGIN);
  expect(clock.utcMs()).toBe(BEGIN + 5_000);
  expect(clock.noticesStep()).toBe(true);
});

test.each([2 * HOUR, -365 * 24 * HOUR, 1_000, -1_000])(
  "a clock that is set by %d ms: noticed once, uptime goes on",
  (byMs) => {
    const { clock, ...one } = computer();
    const begin = clock.uptimeMs();
    one.run(60_000);
    expect(clock.noticesStep()).toBe(false);
    one.set(byMs);
    expect(clock.uptimeMs() - begin).toBe(60_000);
    expect(clock.noticesStep()).toBe(true);
    expect(clock.noticesStep()).toBe(false);
    one.run(1_000);
    expect(clock.uptimeMs() - begin).toBe(61_000);
    expect(clock.noticesStep()).toBe(false);
  },
);

test("set while it was suspended: both are seen", () => {
  const { clock, ...one } = computer();
  const begin = clock.uptimeMs();
  one.suspend(HOUR);
  one.set(-2 * HOUR);
  expect(clock.uptimeMs() - begin).toBe(HOUR);
  expect(clock.noticesStep()).toBe(true);
  one.suspend(HOUR);
  expect(clock.uptimeMs() - begin).toBe(2 * HOUR);
  expect(clock.noticesStep()).toBe(false);
});

test("small corrections count when they add up to a second", () => {
  const { clock, ...one } = computer();
  one.set(600);
  expect(clock.noticesStep()).toBe(false);
  one.set(600);
  expect(clock.noticesStep()).toBe(true);
});

/** In the device's process the wall clock is a year behind, until SIGUSR2 signals that it was set. */
const BEHIND = `const now = Date.now;
  let behindMs = ${365 * 24 * HOUR};
  Date.now = () => now() - behindMs;
  process.on("SIGUSR2", () => { behindMs = 0 });`;
const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(BEHIND)}`;

test.each(xsAvailable ? ["node", "xs"] : ["node"])(
  "the computer's clock is set while the device runs: waiting readings get the right year, like later ones; engine %s",
  async (engine) => {
    const broker = await Mosquitto.start();
    await broker.stop();
    const folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
    const options = ["--flash", join(folder, "chip.flash"), "--engine", engine, "--interval", "0.5"];
    const device = new DeviceProcess([...options, "--broker", `mqtt://127.0.0.1:${broker.port}`], { NODE_OPTIONS });
    try {
      await device.until(({ stdout }) => stdout.includes("kept in flash"));
      device.signal("SIGUSR2");
      await device.until(({ stdout }) => stdout.includes("the clock was set"));
      await broker.start();
      await device.until((one) => one.lines("home/").length > 3);
    } finally {
      await device.kill();
      await broker.close();
      rmSync(folder, { recursive: true });
    }
    const ages = device.lines("home/").map((line) => Date.now() - Date.parse(/"ts":"([^"]*)"/.exec(line)?.[1] ?? ""));
    expect(Math.max(...ages)).toBeLessThan(24 * HOUR);
  },
);
