/*
 * A browser at the thermometer's port: it joins a network and names the device, and all settings are there after a power cut.
 */
import { expect, test } from "vitest";
import { commandFrame, credentials } from "../../console/support/improv-client.js";
import { SimulatedDevice } from "../../support/device-board.js";

const JOIN = 1;
const STATE = 2;
const DEVICE = 3;
const SCAN = 4;
const HOSTNAME = 5;
const NAME = 6;
const NETWORK = 7;

const state = (code: number) => `IMPROV\x01\x01\x01${String.fromCharCode(code)}`;
const error = (code: number) => `IMPROV\x01\x02\x01${String.fromCharCode(code)}`;
const READY = state(2);
const PROVISIONING = state(3);
const PROVISIONED = state(4);
const UNABLE_TO_CONNECT = error(3);

/** A device out of the box: no network is known to it. */
function unconfigured(): SimulatedDevice {
  return new SimulatedDevice({ defaults: { "wifi.ssid": "", "wifi.password": "" } }).powerOn();
}

/** Sends a command; returns the answers until `ms` later. */
function ask(one: SimulatedDevice, command: number, data: readonly number[] = [], ms = 0): string {
  one.port.take();
  one.port.send(commandFrame(command, data));
  one.house.time.advance(ms);
  return one.port.take();
}

const text = (name: string) => [...new TextEncoder().encode(name)];

test("a new device: ready, then provisioned, and readings arrive; after a power cut still", () => {
  const one = unconfigured();
  expect(ask(one, STATE)).toContain(READY);
  const output = ask(one, JOIN, credentials("home", "correct horse"), 5_000);
  expect(output.indexOf(PROVISIONING)).toBeGreaterThanOrEqual(0);
  expect(output.indexOf(PROVISIONED)).toBeGreaterThan(output.indexOf(PROVISIONING));
  expect(output).not.toContain("correct horse");
  one.house.time.advance(30_000);
  const before = one.house.readings().length;
  expect(before).toBeGreaterThan(0);
  one.cut();
  one.powerOn();
  one.house.time.advance(30_000);
  expect(one.house.readings().length).toBeGreaterThan(before);
  expect(ask(one, STATE)).toContain(PROVISIONED);
  expect(one.crashes).toEqual([]);
});

test("a wrong password, a network that is not there: unable to connect, ready again; the right one then joins", () => {
  const one = unconfigured();
  for (const [ssid, password] of [
    ["home", "wrong horse"],
    ["elsewhere", "correct horse"],
  ]) {
    const output = ask(one, JOIN, credentials(ssid, password), 20_000);
    expect(output).toContain(UNABLE_TO_CONNECT);
    expect(output.lastIndexOf(READY)).toBeGreaterThan(output.indexOf(UNABLE_TO_CONNECT));
    expect(output).not.toContain(PROVISIONED);
  }
  expect(ask(one, JOIN, credentials("home", "correct horse"), 10_000)).toContain(PROVISIONED);
});

test("the network it is on already: provisioned at once; one it leaves for: only when it is on that", () => {
  const one = new SimulatedDevice().powerOn();
  one.wifi.setAir([
    { ssid: "home", password: "correct horse", rssi: -58 },
    { ssid: "attic", rssi: -70 },
  ]);
  one.house.time.advance(10_000);
  expect(ask(one, JOIN, credentials("home", "correct horse"))).toContain(PROVISIONED);
  expect(ask(one, JOIN, credentials("attic", ""))).not.toContain(PROVISIONED);
  one.house.time.advance(10_000);
  expect(one.port.take()).toContain(PROVISIONED);
  expect(one.firmware.link?.status().ssid).toBe("attic");
});

test("what cannot be a password leaves everything as it was, and nothing staged", () => {
  const one = new SimulatedDevice().powerOn();
  one.house.time.advance(10_000);
  one.type("set room attic");
  for (const [ssid, password] of [
    ["home", "short"],
    ["n".repeat(33), "correct horse"],
    ["", ""],
  ]) {
    expect(ask(one, JOIN, credentials(ssid, password))).toContain(UNABLE_TO_CONNECT);
  }
  expect(one.firmware.settings.staged()).toEqual(["room"]);
  expect(one.firmware.settings.get("wifi.ssid")).toBe("home");
  expect(one.firmware.link?.up).toBe(true);
});

test("what is staged at the prompt is not saved with it", () => {
  const one = unconfigured();
  one.type("set room attic");
  one.type("set wifi.ssid other");
  ask(one, JOIN, credentials("home", "correct horse"), 5_000);
  expect(one.firmware.settings.staged()).toEqual(["room"]);
  expect(one.firmware.settings.get("wifi.ssid")).toBe("home");
});

test("device, networks, names and network state", () => {
  const one = new SimulatedDevice().powerOn();
  one.house.time.advance(10_000);
  expect(ask(one, DEVICE)).toMatch(/home-thermometer.*\d+\.\d+\.\d+.*simulated.*kitchen/);
  expect(ask(one, SCAN, [], 5_000)).toMatch(/home.*-58.*YES/);
  expect(ask(one, NETWORK)).toContain("\x013"); // online, by Wi-Fi
  expect(ask(one, HOSTNAME)).toContain("thermometer020000000001");
  expect(ask(one, HOSTNAME, text("not a name"))).toContain(error(5));
  expect(ask(one, HOSTNAME, text("attic-1"))).toContain("attic-1");
  expect(ask(one, NAME, text("a/b"))).toContain("IMPROV\x01\x02\x01");
  expect(ask(one, NAME, text("attic"))).toContain("attic");
  one.cut();
  one.powerOn();
  one.house.time.advance(10_000);
  expect(one.wifi.hostname).toBe("attic-1");
  expect(one.firmware.settings.get("room")).toBe("attic");
  expect(ask(one, NAME)).toContain("attic");
});
