/* Settings that are changed on a device that sleeps, at its prompt or by a command: what Home Assistant knows, and how long it stays awake. */
import { expect, test } from "vitest";
import { discoveryTopic } from "../../../src/homeassistant/discovery.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { Commander } from "../remote/commander.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const ID = "thermometer020000000001";
const SLEEPER = { sleep: "on", interval: "60", report: "10", awake: "20", remote: "on" };

/** A sleeper after 15 minutes, and `command`, which sends it one. */
function asleep(settings: Record<string, string> = {}) {
  const device = new SimulatedDevice({ defaults: { ...SLEEPER, ...settings }, sleep: { rate: 1 } });
  const { house } = device;
  const commander = new Commander(house, `home/kitchen/${ID}/command`);
  device.powerOn();
  house.time.advance(15 * MINUTE);
  const command = (payload: string): void => commander.send({ payload, qos: 1 });
  return { device, house, time: house.time, command };
}

/** Seconds without a reading after which Home Assistant shows the temperature as unavailable. */
function expiryS({ house }: SimulatedDevice): unknown {
  return JSON.parse(house.retained.get(discoveryTopic(ID, undefined)) ?? "{}").cmps.temperature.exp_aft;
}

test.each([
  ["report 120", 3 * (7_200 + 60)],
  ["interval 600", 3 * (600 + 600)],
])("the command %s: Home Assistant gets the time for which the device may be silent", (line, seconds) => {
  const { device, time, command } = asleep();
  expect(expiryS(device)).toBe(3 * (600 + 60));
  command(line);
  time.advance(HOUR);
  expect(expiryS(device)).toBe(seconds);
});

test.each([
  ["report", "120", 3 * (7_200 + 60)],
  ["interval", "600", 3 * (600 + 600)],
])("%s is set at the prompt without a network: sent as soon as it is back, and once", (key, value, seconds) => {
  const { device, house, time } = asleep();
  device.wifi.down();
  device.chip?.press();
  time.advance(2 * SECOND);
  device.set({ [key]: value });
  time.advance(30 * SECOND);
  expect([device.chip?.isAsleep, expiryS(device)]).toEqual([true, 3 * (600 + 60)]);
  device.wifi.up();
  time.advance(8 * HOUR);
  expect(expiryS(device)).toBe(seconds);
  const sent = (): number => house.payloads(discoveryTopic(ID, undefined)).length;
  const before = sent();
  time.advance(12 * HOUR);
  expect(sent()).toBe(before);
});

test("awake, by a command in a report: it applies to the prompt, and does not keep the radio on for so long", () => {
  const { device, house, time, command } = asleep();
  command("awake 600");
  time.advance(30 * MINUTE);
  expect(house.payloads(`home/kitchen/${ID}/answer`)).toEqual(['{"ok":true,"answer":"saved: awake"}']);
  expect(device.longestWakeMs).toBeLessThan(20 * SECOND);
  device.chip?.press();
  time.advance(9 * MINUTE);
  expect(device.isOn).toBe(true);
  time.advance(2 * MINUTE);
  expect(device.chip?.isAsleep).toBe(true);
});
