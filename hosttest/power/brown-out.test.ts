/*
 * A sleeper whose cells are nearly empty: the radio pulls their voltage down, and the chip resets. After such a reset it does not use
 * the radio at once, or it would do nothing else until the cells are empty.
 */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SLEEPER = { sleep: "on", interval: "60", report: "60", awake: "120", "mqtt.qos": "1" };

function sleeper(settings: Record<string, string> = {}): SimulatedDevice {
  return new SimulatedDevice({ defaults: { ...SLEEPER, ...settings }, sleep: { rate: 1 } });
}

/** Cuts the power, and returns it after a second, as a chip does that has detected too low a voltage. */
function sag(device: SimulatedDevice): void {
  device.cut();
  device.house.time.advance(SECOND);
  device.powerOn("brownout");
}

test("cells that break down whenever the radio is on: a sample a minute is kept, the radio is tried every five minutes; new cells send all", () => {
  const device = sleeper().powerOn();
  const { house, wifi } = device;
  house.time.advance(10 * MINUTE);
  let resets = 0;
  const endMs = house.time.nowMs + 3 * HOUR;
  const before = device.taken.length;
  for (;;) {
    const { joins, scans } = wifi;
    house.time.runUntil(() => wifi.joins + wifi.scans > joins + scans || house.time.nowMs >= endMs, 4 * HOUR);
    if (house.time.nowMs >= endMs) break;
    sag(device);
    resets++;
  }
  expect(resets).toBeGreaterThan(20);
  expect(resets).toBeLessThan(38);
  expect(device.taken.length - before).toBeGreaterThan(150);
  device.cut();
  device.powerOn("power");
  house.time.advance(10 * MINUTE);
  expect(house.readings().length).toBeGreaterThanOrEqual(device.taken.length - 10);
  expect(device.crashes).toEqual([]);
});

test("one dip of the voltage: the device sleeps within seconds, and reports after five minutes; the button has the prompt", () => {
  const device = sleeper().powerOn();
  const { house } = device;
  house.time.advance(10 * MINUTE);
  const before = house.readings().length;
  sag(device);
  house.time.advance(5 * SECOND);
  expect([device.isOn, device.wifi.connected]).toEqual([false, false]);
  house.time.advance(4 * MINUTE);
  expect(house.readings()).toHaveLength(before);
  house.time.advance(2.5 * MINUTE);
  expect(house.readings().length).toBeGreaterThan(before + 4);
  device.chip?.press();
  house.time.advance(5 * SECOND);
  expect(device.status("uptime")).toMatch(/woke up$/);
});

test("a change that is reported at once otherwise does not start the radio before", () => {
  const device = sleeper({ "report.change": "1" }).powerOn();
  const { house, wifi } = device;
  house.time.advance(10 * MINUTE);
  const { joins } = wifi;
  sag(device);
  for (let n = 0; n < 4; n++) {
    device.sensor.celsius += n % 2 === 0 ? 3 : -3;
    house.time.advance(MINUTE);
  }
  expect(wifi.joins).toBe(joins);
  house.time.advance(3 * MINUTE);
  expect(wifi.joins).toBeGreaterThan(joins);
});

test("power on, a restart or a crash: the prompt is there, and the report comes at once", () => {
  for (const cause of ["power", "restart", "crash", "unknown"] as const) {
    const device = sleeper().powerOn(cause);
    device.house.time.advance(10 * SECOND);
    expect([cause, device.isOn, device.house.readings().length]).toEqual([cause, true, 1]);
  }
});
