/* Samples of several channels: from the sensor to the subscriber and to Home Assistant, through an outage and a reboot. */
import { expect, test } from "vitest";
import { BME280Part } from "../../boards/parts/i2c/bme280.js";
import { SHT3xPart } from "../../boards/parts/i2c/sht3x.js";
import { channels } from "../../src/channels/channels.js";
import { drivers as allDrivers } from "../../src/sensor/drivers.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House } from "../support/house.js";

const SECOND = 1000;

function deviceWith(defaults: Record<string, string>): SimulatedDevice {
  return withParts(defaults).one;
}

function withSHT3x(defaults: Record<string, string>): { one: SimulatedDevice; sht3x: SHT3xPart } {
  return withParts({ sensor: "SHT3x", ...defaults });
}

/** A device with an SHT3x at 45.2 % and a BME280 at 1013.2 hPa beside its TMP117. */
function withParts(defaults: Record<string, string>): { one: SimulatedDevice; sht3x: SHT3xPart } {
  const house = new House();
  const uptimeMs = () => house.time.nowMs;
  const sht3x = new SHT3xPart({ uptimeMs, celsius: 21.5 });
  sht3x.humidity = 45.2;
  const bme280 = new BME280Part({ uptimeMs, celsius: 21.5 });
  bme280.pressure = 101_320;
  const one = new SimulatedDevice({ house, defaults, parts: { 68: sht3x, 118: bme280 } }).powerOn();
  return { one, sht3x };
}

const TEMPERATURE = "home/kitchen/temperature";
const HUMIDITY = "home/kitchen/humidity";
const SHT3X_ADDRESS = 0x44;

test("the humidity of an SHT3x is in the message, before an outage, after it and over a reboot; none is missing or twice", () => {
  const one = deviceWith({ sensor: "SHT3x", "mqtt.qos": "2" });
  const { house } = one;
  house.time.advance(60 * SECOND);
  one.wifi.down();
  house.time.advance(100 * SECOND);
  one.reboot();
  house.time.advance(100 * SECOND);
  one.wifi.up();
  house.time.advance(400 * SECOND);
  const seen = house.payloads(TEMPERATURE).map((payload) => JSON.parse(payload));
  expect(seen.length).toBeGreaterThan(50);
  expect(seen.map(({ seq }) => seq)).toEqual([...seen.keys()]);
  for (const { value, humidity, pressure } of seen)
    expect([value, humidity, pressure]).toEqual([21.5, 45.2, undefined]);
});

test("auto reads all that answer; when one is unplugged its value is taken from the next best, and log, status and Home Assistant show it", () => {
  const one = deviceWith({ sensor: "auto" });
  const { house } = one;
  house.time.advance(60 * SECOND);
  one.port.take();
  const payload = (): object => JSON.parse(house.payloads(TEMPERATURE).at(-1) ?? "");
  expect(payload()).toMatchObject({ value: 21.5, humidity: 45.2, pressure: 1013.2 });
  expect(one.status("sensor")).toMatch(/TMP117: 21\.50 °C, SHT3x: 45\.2 %, BME280: 1013\.2 hPa, \d+ s ago$/);
  one.bus.unplug(SHT3X_ADDRESS);
  house.time.advance(60 * SECOND);
  expect(payload()).toMatchObject({ value: 21.5, humidity: 50, pressure: 1013.2 });
  const log = one.port.take();
  expect(log).toContain("sensor: SHT3x at 0x44 does not answer");
  expect(log.match(/sensor: humidity now from BME280 at 0x76, no longer from SHT3x at 0x44/g)).toHaveLength(1);
  expect(one.status("sensor")).toMatch(
    /TMP117: 21\.50 °C, BME280: 50\.0 %, 1013\.2 hPa, .*; SHT3x at 0x44 does not answer/,
  );
  expect(one.type("sensors")).not.toContain("SHT3x");
  one.bus.plug(SHT3X_ADDRESS);
  house.time.advance(300 * SECOND);
  expect(payload()).toMatchObject({ humidity: 45.2 });
  expect(one.port.take()).toContain("sensor: humidity now from SHT3x at 0x44, no longer from BME280 at 0x76");
  const numbers = house.payloads(TEMPERATURE).map((text) => JSON.parse(text).seq);
  expect(numbers).toEqual([...numbers.keys()]);
});

test("a list at the prompt: blanks do not matter; a mistake is refused with the remedy", () => {
  const one = deviceWith({});
  expect(one.type('set sensor "TMP117, bme280"')).not.toContain("error");
  expect(one.type("set sensor tmp117,tmp117")).toContain("expected tmp117 once");
  expect(one.type("set sensor auto,bme280")).toContain("expected auto alone, or names alone");
  expect(one.type("set sensor tmp117,,bme280")).toContain("error");
  one.type("save");
  one.reboot();
  one.house.time.advance(30 * SECOND);
  expect(one.status("sensor")).toMatch(/TMP117: 21\.50 °C, BME280: 50\.0 %, 1013\.2 hPa/);
});

test("one of a list is missing from the start: the log names it and those that answer; a sample on request has the others' values", () => {
  const one = deviceWith({ sensor: "aht20,bme280,sht3x", interval: "60" });
  const { house } = one;
  house.time.advance(2 * SECOND);
  expect(one.port.take()).toMatch(
    /sensor: AHT20 at 0x38 on I2C bus \(.*\) does not answer: check power and wires; BME280 at 0x76, SHT3x at 0x44: answering\n/,
  );
  expect(one.status("sensor")).toMatch(
    /^BME280: 21\.5\d °C, 50\.0 %, 1013\.2 hPa, . s ago.*; AHT20 at 0x38 on I2C bus \(.*\) does not answer/,
  );
  one.bus.unplug(SHT3X_ADDRESS);
  one.port.take();
  one.type("sample");
  house.time.advance(SECOND);
  const printed = one.port.take();
  expect(printed).toMatch(/sensor: SHT3x at 0x44 does not answer: .*; BME280 at 0x76: answering\n/);
  expect(printed).toMatch(/^21\.5\d °C, 50\.0 %, 1013\.2 hPa$/m);
});

test("a barometer alone, payload plain, all in one message: nothing is sent, which is reported once; each, or json, sends it", () => {
  const barometer = (uptimeMs: () => number) => {
    const part = new BME280Part({ uptimeMs, celsius: 21.5 });
    part.pressure = 101_320;
    return part;
  };
  const house = new House();
  const drivers = allDrivers
    .filter(({ name }) => name === "BME280")
    .map((driver) => ({
      ...driver,
      name: "BMP",
      measures: driver.measures.filter(({ channel }) => channels[channel].name === "pressure"),
    }));
  const parts = { 118: barometer(() => house.time.nowMs) };
  const defaults = { sensor: "BMP", payload: "plain" };
  const one = new SimulatedDevice({ house, defaults, parts, drivers }).powerOn();
  const messages = (): string[] =>
    house.messages.filter(({ retain }) => !retain).map(({ topic, payload }) => `${topic} ${payload}`);
  const discovered = (): object | undefined => {
    const text = [...house.retained].find(([topic]) => topic.startsWith("homeassistant/device/"))?.[1];
    return text === undefined ? undefined : JSON.parse(text).cmps;
  };
  house.time.advance(60 * SECOND);
  expect(messages()).toEqual([]);
  expect(discovered()).toBeUndefined();
  expect(
    one.port.take().match(/samples without a temperature are not sent: .*set payload json, or topics each/g),
  ).toHaveLength(1);
  one.set({ topics: "each" });
  house.time.advance(30 * SECOND);
  expect(new Set(messages())).toEqual(new Set(["home/kitchen/pressure 1013.2"]));
  expect(discovered()).toHaveProperty("pressure");
  one.wifi.down();
  one.set({ topics: "sample", payload: "json" });
  house.time.advance(30 * SECOND);
  one.set({ payload: "plain" });
  const before = messages().length;
  one.wifi.up();
  house.time.advance(60 * SECOND);
  const late = messages().slice(before);
  expect(late.length).toBeGreaterThan(1);
  for (const message of late) expect(message).toMatch(/^home\/kitchen\/temperature {"pressure":1013\.2,"ts":/);
});

test("a BME280 has three; the prompt and status show them all", () => {
  const one = deviceWith({ sensor: "BME280" });
  one.house.time.advance(30 * SECOND);
  expect(JSON.parse(one.house.payloads(TEMPERATURE).at(-1) ?? "")).toMatchObject({ humidity: 50, pressure: 1013.2 });
  expect(one.type("status")).toMatch(/BME280: 21\.5\d °C, 50\.0 %, 1013\.2 hPa/);
});

test("topics each: a message for each channel, with its own number; in force when saved", () => {
  const one = deviceWith({ sensor: "SHT3x" });
  const { house } = one;
  house.time.advance(30 * SECOND);
  expect(house.payloads(HUMIDITY)).toEqual([]);
  one.set({ topics: "each" });
  const before = house.payloads(TEMPERATURE).length;
  house.time.advance(50 * SECOND);
  const temperatures = house
    .payloads(TEMPERATURE)
    .slice(before)
    .map((payload) => JSON.parse(payload));
  const humidities = house.payloads(HUMIDITY).map((payload) => JSON.parse(payload));
  expect(humidities.length).toBeGreaterThanOrEqual(4);
  for (const { value } of humidities) expect(value).toBe(45.2);
  for (const { humidity } of temperatures) expect(humidity).toBeUndefined();
  expect(humidities.map(({ seq }) => seq)).toEqual(temperatures.map(({ seq }) => seq + 1));
});

test("each channel has its own offset, resolution and deadband, in force when saved; values kept back are shown", () => {
  const one = deviceWith({ sensor: "BME280" });
  const { house } = one;
  house.time.advance(30 * SECOND);
  one.set({
    "offset.humidity": "-4.25",
    "offset.pressure": "20",
    "resolution.humidity": "2",
    "resolution.pressure": "0",
  });
  house.time.advance(20 * SECOND);
  expect(house.payloads(TEMPERATURE).at(-1)).toMatch(/"humidity":45\.7\d,"pressure":1033,/); // the part's fit is good to 0.01 %
  expect(one.type("status")).toMatch(/45\.7\d %, 1033 hPa/);
  one.set({ "deadband.humidity": "3", heartbeat: "0" });
  house.time.advance(20 * SECOND);
  const before = house.payloads(TEMPERATURE).length;
  house.time.advance(200 * SECOND);
  expect(house.payloads(TEMPERATURE)).toHaveLength(before);
});

test("filter: a wild humidity does not reach the subscriber", () => {
  const { one, sht3x } = withSHT3x({ filter: "median", "filter.samples": "3" });
  const { house } = one;
  house.time.advance(60 * SECOND);
  sht3x.humidity = 90;
  house.time.advance(10 * SECOND);
  sht3x.humidity = 45.2;
  house.time.advance(60 * SECOND);
  const seen = new Set(house.payloads(TEMPERATURE).map((payload) => JSON.parse(payload).humidity));
  expect([...seen]).toEqual([45.2]);
  one.set({ filter: "off" });
  sht3x.humidity = 90;
  house.time.advance(30 * SECOND);
  expect(JSON.parse(house.payloads(TEMPERATURE).at(-1) ?? "").humidity).toBe(90);
});
