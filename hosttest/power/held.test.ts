/*
 * A sleeper whose clock was never set does not send readings of hours without a time at once: a router that was away may need some minutes
 * until time servers can be reached. Two reports, five minutes apart, wait for them.
 */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SLEEPER = { sleep: "on", interval: "600", report: "60", awake: "10", "mqtt.qos": "1" };

function sleeper(settings: Record<string, string> = {}): SimulatedDevice {
  return new SimulatedDevice({ defaults: { ...SLEEPER, ...settings }, sleep: { rate: 1.02 } });
}

/** Power on without a network, which comes back later; then time until the device has used it. Time servers are silent. */
function linkedAfter(hours: number, settings: Record<string, string> = {}): SimulatedDevice {
  const device = sleeper(settings);
  device.wifi.down();
  device.ntp.faults.silent = true;
  device.powerOn();
  device.house.time.advance(hours * HOUR);
  device.wifi.up();
  device.house.time.runUntil(() => device.wifi.connected, 8 * HOUR);
  return device;
}

/** How many readings have arrived, and how many of them have no time. */
function arrived({ house }: SimulatedDevice): number[] {
  const readings = house.readings();
  return [readings.length, readings.filter(({ ts }) => ts === undefined).length];
}

test.each(["a.example,b.example,c.example", "router.example"])(
  "after half a day without a network, %s is silent in the first report: every reading arrives, with its time",
  (ntp) => {
    const device = linkedAfter(12, { ntp });
    const { time } = device.house;
    time.advance(MINUTE);
    expect([arrived(device), device.isOn]).toEqual([[0, 0], false]);
    device.ntp.faults.silent = undefined;
    time.advance(30 * MINUTE);
    const [count, undated] = arrived(device);
    expect(count).toBeGreaterThan(70);
    expect(undated).toBe(0);
    expect(device.longestWakeMs).toBeLessThan(21 * SECOND);
    expect([device.crashes, device.house.breaches]).toEqual([[], []]);
  },
);

test("time servers stay silent: two reports wait, the third sends, and no later one waits again", () => {
  const device = linkedAfter(3, { interval: "60" });
  const { time } = device.house;
  const upMs = time.nowMs;
  time.runUntil(() => device.house.readings().length > 0, 8 * HOUR);
  expect(time.nowMs - upMs).toBeGreaterThan(9 * MINUTE);
  expect(time.nowMs - upMs).toBeLessThan(12 * MINUTE);
  const waits = device.traces.filter((line) => line.includes("readings wait for the time"));
  expect(waits.map((line) => line.replace(/.*time, /, ""))).toEqual(
    Array(2).fill("but no longer than two more reports"),
  );
  time.advance(3 * HOUR);
  const [count, undated] = arrived(device);
  expect([undated, device.taken.length - count < 61]).toEqual([count, true]);
  expect(device.traces.filter((line) => line.includes("readings wait for the time"))).toHaveLength(2);
});

test("time servers are silent later in a boot whose clock was set: no report waits, and every reading has its time", () => {
  const device = sleeper().powerOn();
  device.house.time.advance(3 * HOUR);
  device.ntp.faults.silent = true;
  device.house.time.advance(6 * HOUR);
  const [count, undated] = arrived(device);
  expect([undated, device.taken.length - count < 7]).toEqual([0, true]);
  expect(device.longestWakeMs).toBeLessThan(8 * SECOND);
});

test("power on, and time servers are silent: the reading of that moment does not wait", () => {
  const device = sleeper();
  device.ntp.faults.silent = true;
  device.powerOn();
  device.house.time.advance(12 * SECOND);
  expect(arrived(device)).toEqual([1, 1]);
});

test.each([
  ["there is one time server, which has to answer twice", "router.example", () => false],
  [
    "the first of three time servers is silent",
    "a.example,b.example,c.example",
    (host: string) => host === "a.example",
  ],
])("power on, and %s: the first reading has its time", (_, ntp, isSilent) => {
  const device = sleeper({ ntp });
  const answers = device.ntp.answers.bind(device.ntp);
  device.ntp.answers = (question, host) => (isSilent(host) ? [] : answers(question, host));
  device.powerOn();
  device.house.time.advance(25 * SECOND);
  expect([arrived(device), device.isOn]).toEqual([[1, 0], false]);
  device.house.time.advance(12 * HOUR);
  expect(arrived(device)[1]).toBe(0);
});

/** The only time server answers one question in each report; its clock is then wrong by so many milliseconds. */
function answeringOnce(device: SimulatedDevice, wrongByMs: (report: number) => number): void {
  const { ntp } = device;
  const answers = ntp.answers.bind(ntp);
  let report = -1;
  ntp.answers = (question, host) => {
    if (report === device.wholes) return [];
    report = device.wholes;
    ntp.faults.wrongByMs = wrongByMs(report);
    return answers(question, host);
  };
}

test("the only time server answers once in each report: the second one confirms the first, and every reading has its time", () => {
  const device = sleeper({ ntp: "router.example" });
  answeringOnce(device, () => 0);
  device.powerOn();
  device.house.time.advance(25 * SECOND);
  expect(arrived(device)).toEqual([0, 0]);
  device.house.time.advance(HOUR);
  const [count, undated] = arrived(device);
  expect([count > 1, undated]).toEqual([true, 0]);
});

test("it answers once in each report, hours apart: two reports wait, then readings are sent without a time", () => {
  const device = sleeper({ ntp: "router.example" });
  answeringOnce(device, (report) => report * HOUR);
  device.powerOn();
  device.house.time.advance(25 * SECOND);
  expect(arrived(device)).toEqual([0, 0]);
  device.house.time.advance(HOUR);
  const [count, undated] = arrived(device);
  expect(count).toBeGreaterThan(1);
  expect(undated).toBe(count);
});

test("the button, after half a day without a network: readings wait as on a device that does not sleep, then they are sent", () => {
  const device = linkedAfter(12, { awake: "900" });
  const { time } = device.house;
  time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
  device.chip?.press();
  time.advance(9 * MINUTE);
  expect(arrived(device)).toEqual([0, 0]);
  time.advance(2 * MINUTE);
  expect(arrived(device)[0]).toBeGreaterThan(70);
});
