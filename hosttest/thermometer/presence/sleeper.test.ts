/*
 * A sleeper's entities in Home Assistant: all of them are announced, even if the broker is away after power-on, or the device sleeps before
 * it has finished; and they are announced once, not in each report.
 */
import { expect, test } from "vitest";
import { controlTopic } from "../../../src/homeassistant/controls.js";
import { detailTopic } from "../../../src/homeassistant/details.js";
import { diagnosticsTopic } from "../../../src/homeassistant/discovery.js";
import { DETAILS_WITHOUT_CELLS } from "../../../src/thermometer/presence/diagnostics.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { Commander } from "../remote/commander.js";
import { isDetail, refuse } from "./refusing.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ID = "thermometer020000000001";
const DIAGNOSTICS = diagnosticsTopic("kitchen", ID);
/** The board has no divider for a battery. */
const ENTITIES = [
  ...Array.from({ length: DETAILS_WITHOUT_CELLS }, (_, n) => detailTopic(ID, undefined, n)),
  controlTopic(ID, undefined, 0),
];

function sleeper(defaults: Record<string, string> = {}) {
  const house = new House();
  const sleeping = { sleep: "on", interval: "60", report: "10", awake: "120", ...defaults };
  const one = new SimulatedDevice({ house, defaults: sleeping, sleep: { rate: 1 } });
  const announced = (): number => ENTITIES.filter((topic) => house.retained.has(topic)).length;
  /** Number of messages about entities so far. */
  const sent = (): number => house.messages.filter(({ topic }) => ENTITIES.includes(topic)).length;
  return { house, time: house.time, one, announced, sent };
}

test.each(["0", "1", "2"])(
  "QoS %s, awake for less than it takes: the next report is longer, and announces them; those after it do not",
  (qos) => {
    const { house, time, one, announced, sent } = sleeper({ awake: "10", "mqtt.qos": qos });
    one.powerOn();
    time.advance(30_000);
    expect(one.isOn).toBe(false);
    time.advance(12 * MINUTE);
    expect(announced()).toBe(ENTITIES.length);
    expect(one.longestWakeMs).toBeLessThan(12_000);
    const before = sent();
    const reports = house.payloads(DIAGNOSTICS).length;
    time.advance(30 * MINUTE);
    expect(house.payloads(DIAGNOSTICS).length - reports).toBe(3);
    expect(sent()).toBe(before);
  },
);

test("its broker is away after power-on: the first report that reaches it announces them", () => {
  const { house, time, one, announced } = sleeper();
  house.broker.stop("kept");
  one.powerOn();
  time.advance(15 * MINUTE);
  house.broker.start();
  time.advance(60 * MINUTE);
  expect(announced()).toBe(ENTITIES.length);
});

test("a command in a report allows less: that report removes the numbers, and nothing else", () => {
  const house = new House();
  const commander = new Commander(house, `home/kitchen/${ID}/command`);
  const defaults = { sleep: "on", interval: "60", report: "10", awake: "60", remote: "on" };
  new SimulatedDevice({ house, defaults, sleep: { rate: 1 } }).powerOn();
  const numbers = (): number => [1, 2, 3].filter((n) => house.retained.has(controlTopic(ID, undefined, n))).length;
  house.time.advance(5 * MINUTE);
  expect(numbers()).toBe(3);
  commander.send({ payload: "remote basic", qos: 1 });
  house.time.advance(10 * MINUTE);
  expect(numbers()).toBe(0);
  expect(ENTITIES.filter((topic) => !house.retained.has(topic))).toEqual([]);
});

test("a network too slow for it: three reports try, those after them do not", () => {
  const { house, time, one, announced, sent } = sleeper({ awake: "10" });
  one.powerOn();
  time.advance(MINUTE);
  house.network.weather.latencyMs = 2_500;
  time.advance(35 * MINUTE);
  expect(announced()).toBeLessThan(ENTITIES.length);
  const before = sent();
  expect(before).toBeGreaterThan(0);
  time.advance(60 * MINUTE);
  expect(sent()).toBe(before);
});

test("a connection that ends during it: the next report announces all of them", () => {
  const { time, one, announced, sent } = sleeper({ awake: "10" });
  one.powerOn();
  time.runUntil(() => sent() === 3, 15 * MINUTE);
  one.wifi.down();
  time.advance(MINUTE);
  expect(one.isOn).toBe(false);
  one.wifi.up();
  time.advance(20 * MINUTE);
  expect(announced()).toBe(ENTITIES.length);
});

test("another prefix, by a command in a report: the next one announces them under it", () => {
  const house = new House();
  const commander = new Commander(house, `home/kitchen/${ID}/command`);
  const defaults = { sleep: "on", interval: "60", report: "10", awake: "60", remote: "on" };
  new SimulatedDevice({ house, defaults, sleep: { rate: 1 } }).powerOn();
  house.time.advance(5 * MINUTE);
  commander.send({ payload: "discovery.prefix ha", qos: 1 });
  house.time.advance(25 * MINUTE);
  const missing = ENTITIES.map((topic) => topic.replace("homeassistant", "ha")).filter(
    (topic) => !house.retained.has(topic),
  );
  expect(missing).toEqual([]);
});

test("a broker that closes the connection on them: readings go on, each report as short as before", () => {
  const { house, time, one } = sleeper({ awake: "10", "mqtt.qos": "1" });
  const seen = refuse(house, isDetail);
  one.powerOn();
  time.advance(3 * HOUR);
  const before = seen.refusals;
  one.longestWakeMs = 0;
  const taken = house.sequences().length;
  time.advance(6 * HOUR);
  expect(before).toBeLessThan(10);
  expect(seen.refusals - before).toBeLessThan(3); // the longest time between two tries is six hours
  expect(one.longestWakeMs).toBeLessThan(2_000);
  expect(house.sequences().length - taken).toBe(360);
});

test.each([
  ["dies without a word after the third message", 3, 0],
  ["loses the last message", ENTITIES.length - 1, 481],
])("a connection that %s: a later report announces all of them", (_what, messages, ms) => {
  const { house, time, one, announced, sent } = sleeper({ awake: "10" });
  one.powerOn();
  time.runUntil(() => sent() === messages, 15 * MINUTE);
  time.advance(ms);
  house.network.weather.blackHole = true;
  time.advance(MINUTE);
  house.network.weather.blackHole = false;
  time.advance(3 * HOUR);
  expect(announced()).toBe(ENTITIES.length);
});

test("a network that is gone for the last messages after power-on: what the socket accepted is announced again", () => {
  const { house, time, one, announced, sent } = sleeper({ awake: "20" });
  house.network.weather.roomBytes = 5_760;
  one.powerOn();
  time.runUntil(() => sent() === 3, MINUTE);
  house.network.weather.blackHole = true;
  time.advance(30_000);
  expect(one.isOn).toBe(false);
  house.network.weather.blackHole = false;
  time.advance(3 * HOUR);
  expect(announced()).toBe(ENTITIES.length);
});

test("connected only 14 s after the report began: a later one announces them", () => {
  const { time, one, announced } = sleeper({ awake: "10" });
  one.powerOn();
  time.advance(MINUTE);
  one.wifi.down();
  time.advance(10 * MINUTE - 59_500);
  time.advance(14_000);
  one.wifi.up();
  time.advance(3 * HOUR);
  expect(announced()).toBe(ENTITIES.length);
});

test("three connections that end within 10 s of power-on: diagnostics and entities come with later reports", () => {
  const { house, time, one, announced } = sleeper({ awake: "10" });
  one.powerOn();
  for (let n = 0; n < 3; n++) {
    time.advance(3_000);
    house.network.resetAll();
  }
  time.advance(24 * HOUR);
  expect(announced()).toBe(ENTITIES.length);
  expect(house.payloads(DIAGNOSTICS).length).toBeGreaterThan(100);
});

test("a broker that closes on them now and then is not one that refuses them", () => {
  const { house, time, one } = sleeper();
  let closes = false;
  refuse(house, (packet) => {
    if (!closes || !isDetail(packet)) return false;
    closes = false;
    return true;
  });
  one.powerOn();
  for (let n = 0; n < 4; n++) {
    time.advance(5 * HOUR);
    closes = true;
  }
  time.advance(HOUR);
  const before = house.payloads(DIAGNOSTICS).length;
  time.advance(5 * HOUR);
  expect(house.payloads(DIAGNOSTICS).length - before).toBeGreaterThan(25);
  expect(one.traces.filter((line) => line.includes("refuses some"))).toEqual([]);
});

test("a broker that refuses them for two hours has them a day later", () => {
  const { house, time, one, announced } = sleeper();
  let refuses = true;
  refuse(house, (packet) => refuses && isDetail(packet));
  one.powerOn();
  time.advance(2 * HOUR);
  refuses = false;
  time.advance(24 * HOUR);
  expect(announced()).toBe(ENTITIES.length);
  expect(house.payloads(DIAGNOSTICS).length).toBeGreaterThan(100);
});

test("without a sensor there is no reading to wait for: it reports its diagnostics and entities all the same", () => {
  const { house, time, one, announced } = sleeper();
  house.broker.stop("kept");
  one.unplugSensor();
  one.powerOn();
  time.advance(15 * MINUTE);
  house.broker.start();
  time.advance(2 * HOUR);
  expect(announced()).toBe(ENTITIES.length);
  expect(house.payloads(DIAGNOSTICS).length).toBeGreaterThan(5);
});

test("a backlog on a slow link: its readings come first", () => {
  const { house, time, one, announced } = sleeper({ interval: "20", "mqtt.qos": "1" });
  house.broker.stop("kept");
  one.powerOn();
  time.advance(4 * HOUR);
  house.network.weather.latencyMs = 600;
  house.broker.start();
  time.runUntil(() => house.payloads(DIAGNOSTICS).length > 0, 4 * HOUR);
  expect(announced()).toBe(0);
  time.advance(8 * HOUR);
  expect(announced()).toBe(ENTITIES.length);
});

test("a report that ends before the last entity proves nothing: a broker that closes on that one is found out by three reports", () => {
  const { house, time, one, sent } = sleeper({ awake: "10", "mqtt.qos": "1" });
  const last = ENTITIES[ENTITIES.length - 1];
  const seen = refuse(house, (packet) => packet.type === "publish" && packet.topic === last);
  const isSaid = (): boolean => one.traces.some((line) => line.includes("refuses some"));
  one.powerOn();
  time.runUntil(() => seen.refusals === 2, HOUR);
  time.advance(MINUTE);
  const before = sent();
  house.network.weather.latencyMs = 2_500;
  time.advance(10 * MINUTE);
  house.network.weather.latencyMs = 20;
  expect(sent()).toBeGreaterThan(before);
  expect(seen.refusals).toBe(2);
  time.runUntil(() => seen.refusals === 3, HOUR);
  time.advance(MINUTE);
  expect(isSaid()).toBe(true);
});
