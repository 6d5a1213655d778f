/*
 * The whole firmware on a simulated device in a simulated house, updated over its broker while it takes readings: none is lost or
 * doubled, and the device stays awake when it must.
 */

import { expect, test } from "vitest";
import { makeImage } from "../../boards/parts/flash/image.js";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { SHT3xPart } from "../../boards/parts/i2c/sht3x.js";
import { BUTTONS, FIRMWARE } from "../../src/homeassistant/discovery.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House } from "../support/house.js";
import { SimulatedHost } from "./support/host.js";
import { keyPair, offerOf } from "./support/keys.js";
import { OldRecorder } from "./support/recorder.js";

const TOPIC = "home/kitchen/thermometer020000000001/update";
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 9_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 20_000);

function build(options: ConstructorParameters<typeof SimulatedDevice>[0] = {}) {
  const house = new House();
  const slots = { image: OLD, blocks: 6, key: keyPair(1).publicKey };
  const device = new SimulatedDevice({ house, slots, ...options }).powerOn();
  house.time.advance(30_000);
  return { house, device };
}

/** Every number once, in order, as far as they were delivered. */
function expectAllOnce(device: SimulatedDevice): void {
  const { house } = device;
  house.time.advance(30_000);
  const sequences = house.sequences();
  expect(sequences).toEqual([...Array(sequences.length).keys()]);
  const taken = device.taken.filter((sequence) => sequence !== undefined);
  expect(sequences.length).toBe(taken.length);
  expect(device.crashes).toEqual([]);
  expect(house.breaches).toEqual([]);
}

test("announced, written, restarted, confirmed within a minute, while readings continue", () => {
  const { house, device } = build({ defaults: { "mqtt.qos": "2" } });
  expect(JSON.parse(house.retained.get(`${TOPIC}/state`)!)).toEqual({ version: "0.2.0", state: "idle" });
  const host = new SimulatedHost(device, TOPIC, offerOf(NEW), NEW);
  house.time.advance(60_000);
  expect(host.sender.outcome).toBe("confirmed");
  expect(device.started).toEqual(["0.2.0", "0.3.0"]);
  expect(device.restarts).toEqual(["update to 0.3.0"]);
  expect(JSON.parse(house.retained.get(`${TOPIC}/state`)!)).toMatchObject({ version: "0.3.0", state: "confirmed" });
  expect(device.status("device")).toMatch(/home-thermometer 0\.3\.0 on/);
  expect(device.status("update")).toBeUndefined();
  host.close();
  device.cut();
  device.powerOn();
  expect(device.started.at(-1)).toBe("0.3.0");
  expectAllOnce(device);
});

test("a state that the socket cannot accept is sent a little later, with its content at that time: none waits in RAM, or is sent after a newer one", () => {
  const { house, device } = build();
  const uplink = device.firmware.uplink!;
  const publish = uplink.publish.bind(uplink);
  const refused: string[] = [];
  let isFull = true;
  uplink.publish = (topic, payload, options) => {
    if (!topic.endsWith("/state") || !isFull) return publish(topic, payload, options);
    expect(options.qos).toBe(0);
    refused.push(new TextDecoder().decode(payload));
    return false;
  };
  const seen = () => house.payloads(`${TOPIC}/state`).length;
  const before = seen();
  const announced = new TextEncoder().encode(JSON.stringify(offerOf(NEW)));
  for (let n = 0; n < 40; n++) device.hear(`${TOPIC}/offer`, announced, 0, announced.length);
  house.time.advance(2_000);
  expect(seen()).toBe(before);
  expect(refused.length).toBeLessThan(60);
  isFull = false;
  house.time.advance(5_000);
  expect(seen()).toBe(before + 1);
  expect(JSON.parse(house.retained.get(`${TOPIC}/state`)!)).toMatchObject({ state: "receiving", at: 0 });
  device.cut(); // also while it waits to send it again
  house.time.advance(5_000);
  expect(device.crashes).toEqual([]);
});

test("between two updates it keeps only the last refusal, a waiting offer, and half an announcement", () => {
  const { house, device } = build();
  const hear = (offer: object, from = 0, end?: number) => {
    const bytes = new TextEncoder().encode(JSON.stringify(offer));
    device.hear(`${TOPIC}/offer`, bytes.subarray(from, end), from, bytes.length);
  };
  const reconnect = (): object => {
    house.network.resetAll();
    house.retained.delete(`${TOPIC}/state`);
    house.time.advance(30_000);
    return JSON.parse(house.retained.get(`${TOPIC}/state`)!);
  };
  hear(offerOf(NEW, { chip: "other" }));
  expect(device.status("update")).toBe("refused: wrong chip: it is for other, this is test");
  expect(reconnect()).toMatchObject({ state: "refused" });
  expect(device.status("update")).toMatch(/^refused/);
  device.reboot();
  house.time.advance(30_000);
  expect(device.status("update")).toBeUndefined();
  hear({ ...offerOf(NEW), wait: true });
  expect(device.status("update")).toBeUndefined();
  expect(reconnect()).toMatchObject({ state: "idle", available: "0.3.0" });
  device.reboot();
  house.time.advance(30_000);
  hear(offerOf(NEW), 0, 100);
  expect(device.status("update")).toBeUndefined();
  hear(offerOf(NEW), 100);
  expect(device.status("update")).toBe("0.3.0 is being received, 0 %");
});

test("an image that never joins the network is rolled back after ten minutes; the old one reports why, in the log, in status, at the broker", () => {
  const { house, device } = build();
  const bad = makeImage({ version: "0.3.0", chip: "test", fault: "deaf" }, 9_000);
  const host = new SimulatedHost(device, TOPIC, offerOf(bad), bad);
  house.time.advance(120_000);
  expect(device.started.at(-1)).toBe("0.3.0");
  expect(device.status("update")).toMatch(/^on trial: wifi /);
  house.time.advance(600_000);
  expect(host.sender.outcome).toBe("rolledBack");
  const why = /^0\.3\.0 was rolled back: not within 10 minutes: wifi /;
  expect(device.status("update")).toMatch(why);
  expect(JSON.parse(house.retained.get(`${TOPIC}/state`)!)).toMatchObject({ version: "0.2.0", state: "rolledBack" });
  expectAllOnce(device);
});

test.each(["crash", "hang"] as const)("an image that fails by a %s: the old one is back at once", (fault) => {
  const { house, device } = build();
  const bad = makeImage({ version: "0.3.0", chip: "test", fault }, 9_000);
  const host = new SimulatedHost(device, TOPIC, offerOf(bad), bad);
  house.time.advance(120_000);
  expect(host.sender.outcome).toBe("rolledBack");
  expect(host.sender.state?.reason).toMatch(/^it ended before it was confirmed/);
  expect(device.started).toEqual(["0.2.0", "0.3.0", "0.2.0"]);
  expectAllOnce(device);
});

test.each([
  ["missing, which takes more than 160 characters to say", (device: SimulatedDevice) => device.unplugSensor()],
  [
    "one whose values cannot be, another one each time",
    ({ house, sensor }: SimulatedDevice) => {
      sensor.celsius = () => 160 + (house.time.nowMs % 7_001) / 100;
    },
  ],
])("a device whose sensor is %s: a good image is confirmed, as it had this fault before", (_, damage) => {
  const { house, device } = build();
  const fault = () => device.firmware.sampling?.status.lastError?.message;
  damage(device);
  device.reboot();
  house.time.advance(30_000);
  const before = fault();
  expect(before).toBeDefined();
  const host = new SimulatedHost(device, TOPIC, offerOf(NEW), NEW);
  house.time.advance(700_000);
  expect(fault()?.slice(0, 20)).toBe(before?.slice(0, 20));
  expect(host.sender.outcome).toBe("confirmed");
  expect(device.started).toEqual(["0.2.0", "0.2.0", "0.3.0"]);
});

test("an image that no longer finds its sensor is not confirmed, although the sensor had another fault before", () => {
  const { house, device } = build();
  device.sensor.celsius = 200;
  house.time.advance(30_000);
  const blind = makeImage({ version: "0.3.0", chip: "test", fault: "blind" }, 9_000);
  const host = new SimulatedHost(device, TOPIC, offerOf(blind), blind);
  house.time.advance(800_000);
  expect(host.sender.outcome).toBe("rolledBack");
});

test("drops of the network and power cuts during it: it continues where it stopped", () => {
  const { house, device } = build({
    defaults: { "mqtt.qos": "2" },
    slots: { image: OLD, blocks: 60, key: keyPair(1).publicKey },
  });
  const image = makeImage({ version: "0.3.0", chip: "test" }, 240_000);
  const host = new SimulatedHost(device, TOPIC, offerOf(image), image);
  for (let n = 0; n < 6 && host.sender.outcome === undefined; n++) {
    house.time.advance(120);
    if (!["receiving", undefined].includes(host.sender.state?.state)) break; // on trial, a cut would cause a rollback
    if (n % 2 === 0) house.network.resetAll();
    else {
      device.cut();
      house.time.advance(1_000);
      device.powerOn();
    }
  }
  house.time.advance(200_000);
  expect(host.sender.outcome).toBe("confirmed");
  expectAllOnce(device);
});

test("a device that sleeps stays awake while chunks arrive and on trial, and sleeps again", () => {
  const { house, device } = build({
    sleep: { rate: 1.01 },
    defaults: { sleep: "on", report: "5", awake: "10", interval: "60", "mqtt.qos": "1" },
  });
  house.time.advance(75_000);
  expect(device.sleeps).toBeGreaterThan(0);
  expect(device.isOn).toBe(false);
  const host = new SimulatedHost(device, TOPIC, offerOf(NEW), NEW);
  const { sleeps } = device;
  for (let n = 0; n < 900 && host.sender.outcome === undefined; n++) house.time.advance(1_000);
  expect(host.sender.outcome).toBe("confirmed");
  expect(device.started.at(-1)).toBe("0.3.0");
  house.time.advance(600_000);
  expect(device.sleeps).toBeGreaterThan(sleeps + 3);
  expect(device.started.filter((version) => version === "0.3.0").length).toBeGreaterThan(3); // and wakes with it
  expect(house.sequences()).toEqual([...house.sequences().keys()]);
});

test("a device that sleeps does not stay awake for ever for a sender that has stopped", () => {
  const { house, device } = build({
    sleep: { rate: 1 },
    defaults: { sleep: "on", report: "5", awake: "10", interval: "60", "mqtt.qos": "1" },
    slots: { image: OLD, blocks: 60, key: keyPair(1).publicKey },
  });
  const awakeSeconds = (seconds: number): number => {
    let awake = 0;
    for (let n = 0; n < seconds; n++) {
      house.time.advance(1_000);
      if (device.isOn) awake++;
    }
    return awake;
  };
  house.time.advance(75_000);
  const usual = awakeSeconds(600);
  const image = makeImage({ version: "0.3.0", chip: "test" }, 240_000);
  const host = new SimulatedHost(device, TOPIC, offerOf(image), image);
  house.time.runUntil(() => host.sender.state?.state === "receiving", 600_000);
  house.time.advance(200);
  host.close();
  expect(awakeSeconds(600)).toBeGreaterThan(usual + 30);
  house.time.advance(2 * 3_600_000);
  expect(awakeSeconds(600)).toBeLessThan(usual + 10);
  expect(JSON.parse(house.retained.get(`${TOPIC}/state`)!)).toMatchObject({
    state: "failed",
    reason: "no block came at 20 reports in a row: send it again",
  });
});

test("on trial on 0.1's flash: 0.1 can read what it writes", () => {
  const house = new House();
  const slots = { image: OLD, blocks: 6, key: keyPair(1).publicKey };
  const air = new SHT3xPart({ uptimeMs: () => house.time.nowMs, celsius: 21.5 });
  const device = new SimulatedDevice({
    house,
    slots,
    parts: { 68: air },
    defaults: { "mqtt.qos": "2", sensor: "SHT3x" },
  });
  const { flash } = device;
  const clock = { uptimeMs: () => house.time.nowMs, utcMs: () => undefined };
  const before = new OldRecorder({ flash, clock });
  for (let n = 0; n < 20; n++) before.take(21);
  device.slots!.other.write(makeImage({ version: "0.3.0", chip: "test", fault: "deaf" }, 9_000), 0);
  device.slots!.select();
  device.powerOn();
  house.time.advance(300_000);
  expect(device.started).toEqual(["0.3.0"]);
  expect(device.port.take().match(/only temperatures are kept/g)?.length).toBe(1);
  const copy = new NorFlash({ blocks: flash.blocks, bytes: flash.bytes.slice() });
  const old = new OldRecorder({ flash: copy, clock });
  let count = 0;
  for (let entry = old.waiting(); entry !== undefined; entry = old.waiting(), count++) old.settle(entry.sequence);
  expect(count).toBeGreaterThan(40);
  expect(old.statistics).toMatchObject({ damaged: 0, tornRecords: 0 });
});

test("on trial on 0.1's flash, confirmed: the names that the broker knows are stored in full from then on", () => {
  const house = new House();
  const slots = { image: OLD, blocks: 6, key: keyPair(1).publicKey };
  const device = new SimulatedDevice({ house, slots });
  new OldRecorder({
    flash: device.flash,
    clock: { uptimeMs: () => house.time.nowMs, utcMs: () => undefined },
  }).take(21);
  device.slots!.other.write(NEW, 0);
  device.slots!.select();
  device.powerOn();
  house.time.advance(300_000);
  expect(device.started).toEqual(["0.3.0"]);
  expect(device.firmware.formats.isOldest).toBe(false);
  expect(device.firmware.announcement.read()).toEqual([
    { room: "kitchen", id: "thermometer020000000001", prefix: "homeassistant", channels: 1 | BUTTONS | FIRMWARE },
  ]);
});

test("a build without a key: status shows that updates are off, and an announcement is refused", () => {
  const { house, device } = build({ slots: { image: OLD, blocks: 6, key: undefined } });
  expect(device.status("update")).toBe("updates are off: this build has no public key");
  const host = new SimulatedHost(device, TOPIC, offerOf(NEW), NEW);
  house.time.advance(10_000);
  expect(host.sender.state?.reason).toBe("updates are off: this build has no public key");
});
