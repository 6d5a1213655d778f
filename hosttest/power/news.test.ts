/* `report.change` on a sleeper that starts the whole firmware for each sample, because it has two sensors: as with one. */
import { expect, test } from "vitest";
import { SHT3xPart } from "../../boards/parts/i2c/sht3x.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House } from "../support/house.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SLEEPER = { sleep: "on", interval: "60", report: "600", awake: "10", "mqtt.qos": "1" };
const SHT3X = 0x44;

/** A TMP117 and an SHT3x, which adds the humidity. */
function sleeper(settings: Record<string, string>, prepare: (air: SHT3xPart) => void = () => {}) {
  const house = new House();
  const air = new SHT3xPart({ uptimeMs: () => house.time.nowMs, celsius: 21.5, humidity: 45 });
  prepare(air);
  const defaults = { ...SLEEPER, ...settings };
  const device = new SimulatedDevice({ house, defaults, parts: { [SHT3X]: air }, sleep: { rate: 1 } }).powerOn();
  house.time.advance(15 * MINUTE);
  return { device, air, house };
}

test("what moves so far is sent at once, and once; what moves less waits; nothing is lost or sent twice", () => {
  const { device, house } = sleeper({ "report.change": "1" });
  const before = house.readings().length;
  device.sensor.celsius += 0.9;
  house.time.advance(5 * MINUTE);
  expect(house.readings()).toHaveLength(before);
  device.sensor.celsius += 0.2;
  house.time.advance(65 * SECOND);
  const after = house.readings().length;
  expect(after).toBeGreaterThan(before + 15);
  expect(house.readings().at(-1)).toMatchObject({ value: 22.6, humidity: 45 });
  const { connects } = house.broker;
  house.time.advance(6 * MINUTE);
  expect([house.readings().length, house.broker.connects]).toEqual([after, connects]);
  device.sensor.celsius -= 1.1;
  house.time.advance(65 * SECOND);
  const seqs = house.sequences();
  expect(seqs.length).toBeGreaterThan(after + 5);
  expect(seqs).toEqual(seqs.map((_, n) => n));
  expect([device.crashes, house.breaches]).toEqual([[], []]);
});

test("with `topics` = `each`, too", () => {
  const { device, house } = sleeper({ topics: "each", "report.change": "1" });
  device.sensor.celsius += 1.1;
  house.time.advance(65 * SECOND);
  expect(house.readings().at(-1)).toMatchObject({ value: 22.6 });
});

test("a change is not reported at once while reports fail", () => {
  const { device, house } = sleeper({ "report.change": "1", report: "10" });
  house.network.weather.refusing = true;
  house.time.advance(15 * MINUTE);
  const { joins } = device.wifi;
  for (let n = 0; n < 15; n++) {
    device.sensor.celsius += n % 2 === 0 ? 3 : -3;
    house.time.advance(MINUTE);
  }
  expect(device.wifi.joins - joins).toBeLessThan(4);
});

test("a channel that is missing in a report is no change when it is back", () => {
  const { device, air, house } = sleeper({ "report.change.humidity": "5", report: "10", sensor: "tmp117,sht3x" });
  const read = air.read.bind(air);
  air.read = () => false;
  house.time.runUntil(() => "humidity" in (house.readings().at(-1) ?? {}) === false, HOUR);
  house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
  air.read = read;
  const before = house.readings().length;
  house.time.advance(5 * MINUTE);
  expect(house.readings()).toHaveLength(before);
  air.humidity = 51;
  house.time.advance(65 * SECOND);
  expect(house.readings().at(-1)).toMatchObject({ humidity: 51 });
});

test("a channel that was never reported is no change when it appears; from then on, its changes are", () => {
  let read: SHT3xPart["read"] | undefined;
  const { device, air, house } = sleeper({ "report.change.humidity": "5", sensor: "tmp117,sht3x" }, (part) => {
    read = part.read.bind(part);
    part.read = () => false;
  });
  const before = house.readings().length;
  expect(before).toBeGreaterThan(0);
  air.read = read as SHT3xPart["read"];
  house.time.advance(10 * MINUTE);
  expect(house.readings()).toHaveLength(before);
  air.humidity = 51;
  house.time.advance(65 * SECOND);
  expect(house.readings().at(-1)).toMatchObject({ humidity: 51 });
  expect(device.crashes).toEqual([]);
});
