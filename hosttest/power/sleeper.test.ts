/* The whole sleeper on virtual time: it samples, sleeps, and reports as often as it should. */
import { expect, test } from "vitest";
import type { Peer } from "../simulation/network.js";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SLEEPER = { sleep: "on", interval: "60", report: "10", "mqtt.qos": "2" };
const STATUS = "home/kitchen/thermometer020000000001/status";
/** The time of the prompt after power-on, and until it sleeps. */
const AWAKE = 121 * SECOND;

function sleeper(settings: Record<string, string> = {}, rate = 1): SimulatedDevice {
  return new SimulatedDevice({ defaults: { ...SLEEPER, ...settings }, sleep: { rate } }).powerOn();
}

/** Numbers from 0 on, each once and in order. */
function expectAll(device: SimulatedDevice, atLeast: number): void {
  const seqs = device.house.sequences();
  expect(seqs).toEqual(seqs.map((_, n) => n));
  expect(seqs.length).toBeGreaterThanOrEqual(atLeast);
  expect(device.crashes).toEqual([]);
  expect(device.house.breaches).toEqual([]);
}

test.each([
  ["the slow clock is right", 1],
  ["it is fast", 1.05],
  ["it is slow", 0.95],
])(
  "six hours, %s: a sample a minute, a report every ten, each sample once and in order; asleep nearly all the time",
  (_, rate) => {
    const device = sleeper({}, rate);
    const { house } = device;
    house.time.advance(6 * HOUR);
    expectAll(device, 6 * 60 * 0.95 - 12);
    expect(device.sleptMs).toBeGreaterThan(0.98 * 6 * HOUR);
    // Few starts of the whole thermometer are not for reports: those for new blocks of flash.
    expect(device.wholes).toBeLessThan(6 * 6 * 1.06 + 3);
    // A wake is no boot, and only readings are written.
    house.time.advance(20 * MINUTE);
    device.chip?.press();
    house.time.advance(5 * SECOND);
    expect(device.status("uptime")).toMatch(/^6 h [0-9]+ min, boot 1, woke up$/);
  },
);

test("no will, and never offline: presence and discovery are sent after power-on and the button, and not with a report", () => {
  const device = sleeper();
  const { house } = device;
  house.time.advance(3 * HOUR);
  expect(house.payloads(STATUS)).toEqual(["online"]);
  const discovery = house.payloads("homeassistant/device/thermometer020000000001/config");
  expect(discovery).toHaveLength(1);
  const { temperature, last_report } = JSON.parse(discovery[0]).cmps;
  expect(temperature.exp_aft).toBe(3 * (10 * 60 + 60));
  expect(last_report).toMatchObject({
    dev_cla: "timestamp",
    ent_cat: "diagnostic",
    stat_t: "home/kitchen/temperature",
  });
  expect(last_report.exp_aft).toBeUndefined();
  device.chip?.press();
  house.time.advance(5 * SECOND);
  expect(house.payloads(STATUS)).toEqual(["online", "online"]);
});

test.each([1, 300])(
  "the broker has closed the connection before the radio is off, at %i ms one way: DISCONNECT has arrived",
  (latencyMs) => {
    const device = sleeper();
    const { house } = device;
    house.network.weather.latencyMs = latencyMs;
    const open = new Set<Peer>();
    let opened = 0;
    const listen = house.broker.listen.bind(house.broker);
    Object.assign(house.broker, {
      listen: (peer: Peer) => {
        open.add(peer);
        opened++;
        const close = (): void => {
          open.delete(peer);
          peer.close();
        };
        return listen({ send: (bytes) => peer.send(bytes), close });
      },
    });
    house.time.advance(AWAKE + 5 * SECOND);
    open.clear();
    for (let reports = 0; reports < 4; reports++) {
      const { wholes } = device;
      house.time.runUntil(() => device.wholes > wholes, 20 * MINUTE);
      house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
      expect([device.chip?.isAsleep, open.size]).toEqual([true, 0]);
    }
    expect(opened).toBeGreaterThan(3);
    expect(device.longestWakeMs).toBeLessThan(8 * SECOND);
  },
);

test("after a change of the room, the next report publishes the new topics and removes the old ones", () => {
  const device = sleeper();
  const { house } = device;
  house.time.advance(HOUR);
  device.chip?.press();
  house.time.advance(5 * SECOND);
  device.set({ room: "attic" });
  house.time.advance(AWAKE);
  const status = "home/attic/thermometer020000000001/status";
  expect(house.payloads(status)).toEqual([]);
  house.time.advance(20 * MINUTE);
  expect(house.payloads(status)).toEqual(["online"]);
  expect(house.payloads(STATUS).at(-1)).toBe("");
  house.time.advance(HOUR);
  expect(house.payloads(status)).toEqual(["online"]);
});

test("the button: the prompt is there for `awake` seconds after the last key, and samples go on", () => {
  const device = sleeper({ awake: "30" });
  const { house } = device;
  house.time.advance(HOUR);
  expect(device.isOn).toBe(false);
  device.chip?.press();
  house.time.advance(5 * SECOND);
  expect(device.type("show report")).toContain("10 min");
  house.time.advance(28 * SECOND);
  expect(device.type("show awake")).toContain("30 s");
  device.set({ awake: "60" });
  house.time.advance(58 * SECOND);
  expect(device.isOn).toBe(true);
  house.time.advance(3 * SECOND);
  expect(device.isOn).toBe(false);
  house.time.advance(HOUR);
  expectAll(device, 118);
});

test("`report`, saved: the next reports are so far apart", () => {
  const device = sleeper();
  const { house } = device;
  house.time.advance(5 * SECOND);
  device.set({ report: "60" });
  house.time.advance(AWAKE);
  const { wholes } = device;
  const before = house.readings().length;
  house.time.advance(50 * MINUTE);
  expect([device.wholes - wholes, house.readings().length]).toEqual([0, before]);
  house.time.advance(15 * MINUTE);
  expectAll(device, before + 55);
});

test("`interval`, saved: samples are so far apart from then on", () => {
  const device = sleeper();
  const { house } = device;
  house.time.advance(5 * SECOND);
  device.set({ interval: "300" });
  house.time.advance(5 * HOUR);
  expectAll(device, 55);
  expect(house.readings().length).toBeLessThan(65);
});

test("`report.change`: what moves so far is sent at once, and once; what moves less waits", () => {
  const device = sleeper({ report: "600", "report.change": "1" });
  const { house } = device;
  house.time.advance(HOUR);
  const before = house.readings().length;
  device.sensor.celsius += 0.9;
  house.time.advance(10 * MINUTE);
  expect(house.readings()).toHaveLength(before);
  device.sensor.celsius += 0.2;
  house.time.advance(61 * SECOND);
  expect(house.readings().length).toBeGreaterThan(before + 60);
  const after = house.readings().length;
  const { wholes } = device;
  house.time.advance(20 * MINUTE);
  expect([house.readings().length, device.wholes]).toEqual([after, wholes]);
  device.sensor.celsius -= 1.1;
  house.time.advance(61 * SECOND);
  expectAll(device, after + 20);
});

test("sleep off, saved and rebooted: it is awake for good, and starts like a device that never slept", () => {
  const device = sleeper();
  const { house } = device;
  house.time.advance(HOUR);
  device.chip?.press();
  house.time.advance(5 * SECOND);
  device.set({ sleep: "off" });
  device.reboot();
  const { sleeps } = device;
  house.time.advance(HOUR);
  expect(device.sleeps).toBe(sleeps);
  expect(device.status("uptime")).toMatch(/^1 h 0 min, boot 2, restarted$/);
  // Home Assistant removes what only a sleeper has.
  const discovery = house.payloads("homeassistant/device/thermometer020000000001/config").slice(-2);
  expect(discovery.map((text) => JSON.parse(text).cmps.last_report)).toEqual([{ p: "sensor" }, undefined]);
  expectAll(device, 119);
});

test("QoS 0: what is measured asleep is kept, and sent at QoS 1", () => {
  const device = sleeper({ "mqtt.qos": "0" });
  device.house.time.advance(3 * HOUR);
  expect(device.house.readings().length).toBeGreaterThan(170);
});

test("a factory reset at the prompt is not slept through", () => {
  const device = sleeper({ awake: "10" });
  const { house } = device;
  house.time.advance(5 * SECOND);
  house.network.resetAll();
  device.type("factory-reset");
  device.type("erase");
  house.time.advance(HOUR);
  expect(device.restarts).toHaveLength(1);
});

test("safe mode does not sleep: a person must look at it", () => {
  const device = sleeper();
  for (let n = 0; n < 6; n++) {
    device.house.time.advance(SECOND);
    device.crash(new Error("broken"));
  }
  device.house.time.advance(10 * MINUTE);
  expect([device.isOn, device.sleeps]).toEqual([true, 0]);
});
