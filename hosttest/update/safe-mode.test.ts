/*
 * A device whose firmware fails after every boot, without a person at its prompt: safe mode receives an update, and readings continue
 * where they stopped. The device's usual session at the broker is left unchanged.
 */
import { describe, expect, test } from "vitest";
import { makeImage } from "../../boards/parts/flash/image.js";
import { ALIVE_MS, DEATHS } from "../../src/health/boot-guard.js";
import { SAFE_UPLINK_MS } from "../../src/thermometer/broker/safe-uplink.js";
import { SAFE_MODE_MS } from "../../src/thermometer/health.js";
import { type DeviceOptions, SimulatedDevice } from "../support/device-board.js";
import { House } from "../support/house.js";
import { SimulatedHost } from "./support/host.js";
import { keyPair, offerOf } from "./support/keys.js";

const ID = "thermometer020000000001";
const TOPIC = `home/kitchen/${ID}/update`;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 9_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 20_000);

function inSafeMode(key: Uint8Array | "none" = keyPair(1).publicKey, { defaults, ...options }: DeviceOptions = {}) {
  const house = new House();
  const slots = { image: OLD, blocks: 6, key: key === "none" ? undefined : key };
  const device = new SimulatedDevice({
    ...options,
    house,
    slots,
    defaults: { "mqtt.qos": "2", ...defaults },
  }).powerOn();
  house.time.advance(120_000);
  house.broker.stop("kept"); // some readings wait
  house.time.advance(60_000);
  for (let death = 0; death <= DEATHS; death++) {
    if (death > 0) house.time.advance(20_000);
    device.crash(new TypeError("outbox: no such block"));
  }
  house.broker.start();
  expect(device.firmware.health.safeMode).toBeDefined();
  return { house, device };
}

test("a minute after the boot it connects to the broker only for updates; the new image runs, and no reading is lost or doubled", () => {
  const { house, device } = inSafeMode();
  const waiting = house.messages.length;
  expect(SAFE_UPLINK_MS).toBeGreaterThan(ALIVE_MS); // first the boot must count as healthy
  house.time.advance(SAFE_UPLINK_MS - 1_000);
  expect(house.messages.length).toBe(waiting);
  expect(device.status("broker")).toBe("safe mode, for updates only: stopped");
  house.time.advance(10_000);
  expect(device.status("broker")).toBe("safe mode, for updates only: connected");
  const published = house.messages.slice(waiting);
  expect(published.map(({ topic }) => topic)).toEqual([`${TOPIC}/state`]);
  const { programs } = device.flash;
  const host = new SimulatedHost(device, TOPIC, offerOf(NEW), NEW);
  house.time.runUntil(() => host.sender.outcome !== undefined, 120_000);
  expect(host.sender.outcome).toBe("confirmed");
  expect(device.started.at(-1)).toBe("0.3.0");
  expect(device.firmware.health.safeMode).toBeUndefined();
  expect(programs).toBeLessThan(device.flash.programs); // and readings are taken again
  house.time.advance(60_000);
  device.firmware.stopSampling();
  house.time.advance(60_000);
  const sequences = house.sequences();
  expect(sequences).toEqual([...sequences.keys()]);
  expect(sequences.length).toBe(device.taken.length);
  expect(device.firmware.lifetime?.possibleDoubles).toBe(0);
  expect(house.breaches).toEqual([]);
  expect(device.crashes.length).toBe(0);
});

test("it restarts on schedule even during one, and continues where it stopped", () => {
  const { house, device } = inSafeMode();
  house.time.advance(SAFE_MODE_MS - 250);
  const host = new SimulatedHost(device, TOPIC, offerOf(NEW), NEW);
  house.time.advance(120_000);
  expect(device.restarts[0]).toBe("safe mode is over");
  expect(host.sender.outcome).toBe("confirmed");
});

test("an image that begins its trial with five deaths counted, which were the old one's, is tried with readings, and confirmed", () => {
  const house = new House();
  const device = new SimulatedDevice({ house, slots: { image: OLD, blocks: 6, key: keyPair(1).publicKey } }).powerOn();
  house.time.advance(120_000);
  for (let death = 1; death <= DEATHS; death++) {
    device.crash(new TypeError("outbox: no such block"));
    house.time.advance(10_000);
  }
  expect(device.firmware.health.safeMode).toBeUndefined(); // this boot may be the sixth death
  const host = new SimulatedHost(device, TOPIC, offerOf(NEW), NEW);
  house.time.runUntil(() => host.sender.state?.state === "switching", 40_000);
  device.crash(new TypeError("outbox: no such block")); // selected, and not restarted yet
  expect(device.started.at(-1)).toBe("0.3.0");
  const taken = device.taken.length;
  house.time.runUntil(() => host.sender.outcome !== undefined, 120_000);
  expect(host.sender.outcome).toBe("confirmed");
  expect(device.taken.length).toBeGreaterThan(taken);
  expect(device.firmware.health.safeMode).toBeUndefined();
  for (let death = 1; death < DEATHS; death++) device.crash(new TypeError("its own"));
  expect(device.firmware.health.safeMode).toBeUndefined();
  device.crash(new TypeError("its own"));
  expect(device.firmware.health.safeMode).toMatch(/5 boots in a row/);
});

test("without a key in the build it does not connect to the broker", () => {
  const { house, device } = inSafeMode("none");
  const { length } = house.messages;
  house.time.advance(600_000);
  expect(house.messages.slice(length)).toEqual([]);
  expect(device.status("broker")).toBe("off: safe mode");
});

test("nothing at the broker resets it: connection lost, broker down, power cut", () => {
  const { house, device } = inSafeMode();
  house.time.advance(70_000);
  house.network.resetAll();
  house.time.advance(10_000);
  expect(device.status("broker")).toContain("connected");
  house.broker.stop("kept");
  house.time.advance(30_000);
  expect(device.status("broker")).not.toContain("connected");
  house.broker.start();
  house.time.advance(120_000);
  expect(device.status("broker")).toContain("connected");
  device.cut();
  house.time.advance(5_000);
  expect(device.crashes).toEqual([]);
  expect(house.breaches).toEqual([]);
});

test("it leaves no session at the broker, and closes its connection when it is closed", () => {
  const { house, device } = inSafeMode();
  house.time.advance(70_000);
  const uplink = device.firmware.safeUplink;
  expect(uplink?.status.state).toBe("connected");
  device.firmware.close();
  expect(uplink?.status.state).toBe("stopped");
  house.time.advance(5_000);
  house.broker.stop("lost");
  expect(house.sessionsLost).toEqual([ID]); // the device's own, with its readings
});

describe("TLS that checks dates", () => {
  const WAITS = "safe mode, for updates only: stopped";
  const IS_THERE = "safe mode, for updates only: connected";
  const secured = (more: Record<string, string> = {}) =>
    inSafeMode(undefined, { tls: (tcp) => tcp, defaults: { "mqtt.tls": "on", ...more } });

  test("the time is requested first", () => {
    const { house, device } = secured();
    house.time.advance(SAFE_UPLINK_MS);
    expect([device.status("broker"), device.status("time")]).toEqual([WAITS, "not known yet"]);
    house.time.advance(30_000);
    expect(device.status("broker")).toBe(IS_THERE);
  });

  test("a clock that is only set from outside: it waits for that, however late it is", () => {
    const { house, device } = secured({ ntp: "" });
    house.time.advance(120_000);
    expect(device.status("broker")).toBe(WAITS);
    device.firmware.board.setUtc(house.utcMs);
    device.firmware.clockChanged();
    house.time.advance(10_000);
    expect(device.status("broker")).toBe(IS_THERE);
    expect(device.crashes).toEqual([]);
  });
});
