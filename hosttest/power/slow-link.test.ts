/*
 * A sleeper on a link so slow that a report of 20 s cannot send the samples of an hour: the next report comes earlier. The queue does not
 * grow, and the radio is not always on.
 */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SLEEPER = { sleep: "on", interval: "10", report: "60", awake: "10" };

/** After `latencyMs` each way for `hours`: what waits at the end of each, and the share of the time awake. */
function live(
  qos: string,
  latencyMs: number,
  hours: number,
): { waiting: number[]; awake: number; device: SimulatedDevice } {
  const device = new SimulatedDevice({ defaults: { ...SLEEPER, "mqtt.qos": qos }, sleep: { rate: 1 } }).powerOn();
  const { house } = device;
  house.network.weather.latencyMs = latencyMs;
  const waiting: number[] = [];
  const sleptMs = device.sleptMs;
  for (let hour = 0; hour < hours; hour++) {
    house.time.advance(HOUR);
    waiting.push(device.taken.length - new Set(house.sequences()).size);
  }
  return { waiting, awake: 1 - (device.sleptMs - sleptMs) / (hours * HOUR), device };
}

test.each([
  ["1", 300],
  ["2", 300],
])("QoS %s, %d ms each way: what waits is never much more than two hours' samples", (qos, latencyMs) => {
  const { waiting, device } = live(qos, latencyMs, 6);
  expect(Math.max(...waiting)).toBeLessThan(2.2 * 360);
  expect(device.crashes).toEqual([]);
});

test("a link on which a report sends only a few: the device is awake for a tenth of the time at most", () => {
  const { awake, device } = live("2", 1_800, 4);
  expect(device.house.readings().length).toBeGreaterThan(100);
  expect(awake).toBeLessThan(0.1);
});

test("acknowledgements early in the report, and none later: the next report comes as usual", () => {
  const device = new SimulatedDevice({ defaults: { ...SLEEPER, "mqtt.qos": "1" }, sleep: { rate: 1 } }).powerOn();
  const { house } = device;
  house.time.advance(HOUR / 2);
  const gapsMs: number[] = [];
  for (let last = Number.NaN, report = 0; report < 4; report++) {
    const settled = device.settled.length;
    house.time.runUntil(() => device.settled.length > settled, 2 * HOUR);
    gapsMs.push(house.time.nowMs - last);
    last = house.time.nowMs;
    house.network.weather.blackHole = true;
    house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
    house.network.weather.blackHole = false;
    expect(device.settled.length).toBeLessThan(device.taken.length);
  }
  for (const gapMs of gapsMs.slice(1)) expect(gapMs).toBeGreaterThan(HOUR - MINUTE);
});
