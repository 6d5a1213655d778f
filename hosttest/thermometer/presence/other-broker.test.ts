/*
 * A sleeper's announcement after power-on: a broker that does not have it gets it in a report, without help. That may be another broker, or
 * one that has lost its retained messages. A broker that keeps no sessions does not get it again and again.
 */
import { describe, expect, test } from "vitest";
import { controlTopic } from "../../../src/homeassistant/controls.js";
import { detailTopic } from "../../../src/homeassistant/details.js";
import { discoveryTopic } from "../../../src/homeassistant/discovery.js";
import { DETAILS_WITHOUT_CELLS } from "../../../src/thermometer/presence/diagnostics.js";
import type { Terms } from "../../simulation/broker/terms.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { Commander } from "../remote/commander.js";

const MINUTE = 60_000;
const REPORT = 10 * MINUTE;
const ID = "thermometer020000000001";
const STATUS = `home/kitchen/${ID}/status`;
const DISCOVERY = discoveryTopic(ID, undefined);
/** Everything that the broker should retain, except the diagnostics. The board has no divider for a battery. */
const ALL = [
  STATUS,
  DISCOVERY,
  ...Array.from({ length: DETAILS_WITHOUT_CELLS }, (_, n) => detailTopic(ID, undefined, n)),
  controlTopic(ID, undefined, 0),
];

describe.each(["5", "3.1.1"])("MQTT %s", (version) => {
  /** A sleeper that has announced everything, and sleeps. */
  function asleep(terms: Partial<Terms> = {}, more: Record<string, string> = {}) {
    const house = new House(terms);
    const defaults = { sleep: "on", interval: "300", report: "10", awake: "20", "mqtt.version": version, ...more };
    const one = new SimulatedDevice({ house, defaults, sleep: { rate: 1 } });
    const missing = (): string[] => ALL.filter((topic) => !house.retained.has(topic));
    /** Number of announcements so far. */
    const sent = (): number => house.messages.filter(({ topic }) => ALL.includes(topic)).length;
    one.powerOn();
    house.time.advance(5 * MINUTE);
    expect(house.retained.has(STATUS)).toBe(true);
    return { house, time: house.time, one, missing, sent };
  }

  /** The broker stops and loses everything. */
  function lose(house: House): void {
    house.broker.stop("lost");
    house.retained.clear();
    house.broker.start();
  }

  test.each([
    ["mqtt.host", "10.0.0.2"],
    ["mqtt.port", "1884"],
  ])("another %s: the next report announces it there, and those after it do not", (key, value) => {
    const { house, time, one, missing, sent } = asleep();
    one.chip?.press();
    time.advance(5_000);
    one.set({ [key]: value });
    time.advance(MINUTE);
    house.replaceBroker();
    house.retained.clear();
    time.advance(REPORT);
    expect(missing()).toEqual([]);
    const before = sent();
    time.advance(5 * REPORT);
    expect(sent()).toBe(before);
  });

  test("its broker has lost everything: the second report after it announces it again, and those after it do not", () => {
    const { house, time, missing, sent } = asleep();
    time.advance(3 * REPORT);
    lose(house);
    time.advance(2 * REPORT);
    expect(missing()).toEqual([]);
    const before = sent();
    time.advance(5 * REPORT);
    expect(sent()).toBe(before);
  });

  test("it loses everything in two nights in a row, and again a little later: each time", () => {
    const { house, time, missing } = asleep();
    for (let n = 0; n < 2; n++) {
      time.advance(REPORT);
      lose(house);
    }
    time.advance(2 * REPORT);
    expect(missing()).toEqual([]);
    lose(house);
    time.advance(2 * REPORT);
    expect(missing()).toEqual([]);
  });

  test("it loses everything, and a change is reported before the next regular report: all is announced again", () => {
    const { house, time, one, missing } = asleep({}, { interval: "60", report: "30", "report.change": "1" });
    time.advance(40 * MINUTE);
    lose(house);
    one.sensor.celsius += 2;
    time.advance(2 * MINUTE);
    expect(missing()).not.toEqual([]);
    time.advance(65 * MINUTE);
    expect(missing()).toEqual([]);
  });

  test("it subscribes to commands again, too", () => {
    const { house, time } = asleep();
    const commands = `home/kitchen/${ID}/command`;
    const commander = new Commander(house, commands, version === "5" ? 5 : 4);
    time.advance(REPORT);
    expect(commander.filters).not.toContain(commands);
    lose(house);
    time.advance(2 * REPORT);
    expect(commander.filters).toContain(commands);
  });

  test.each([
    ["the connection ends before CONNACK, and the next one in that report", false],
    ["nothing arrives any more in that report, and the next one", true],
  ])(
    "it loses everything, %s finds the session of the first CONNECT: all is announced, and commands are received",
    (_what, isSilent) => {
      const { house, time, one, missing, sent } = asleep();
      const commands = `home/kitchen/${ID}/command`;
      const commander = new Commander(house, commands, version === "5" ? 5 : 4);
      time.advance(REPORT);
      lose(house);
      const { connects } = house.broker;
      time.runUntil(() => house.broker.connects > connects, 2 * REPORT);
      if (isSilent) {
        house.network.weather.blackHole = true;
        time.runUntil(() => one.chip?.isAsleep === true, MINUTE);
        house.network.weather.blackHole = false;
      } else house.network.resetAll();
      time.advance(2 * REPORT);
      expect(house.broker.connects).toBeGreaterThan(connects + 1);
      expect([missing(), commander.filters.includes(commands)]).toEqual([[], true]);
      const before = sent();
      time.advance(5 * REPORT);
      expect(sent()).toBe(before);
      const seqs = [...new Set(house.sequences())];
      expect(seqs).toEqual(seqs.map((_, n) => n)); // no reading is lost
      expect(one.taken.length - seqs.length).toBeLessThan(4);
    },
  );

  test("connections are refused for hours, so that no CONNECT is sent: nothing is announced again", () => {
    const { house, time, sent } = asleep();
    time.advance(3 * REPORT);
    const before = sent();
    house.network.weather.refusing = true;
    time.advance(12 * REPORT);
    house.network.weather.refusing = false;
    time.advance(40 * REPORT);
    expect(sent()).toBe(before);
  });

  test.each([
    ["keeps no session", 0],
    ["keeps sessions for less than it sleeps", 300],
  ])("a broker that %s: announced once in 50 reports, though some of their connections end", (_what, maxExpiryS) => {
    const { house, time, one, sent } = asleep({ maxExpiryS });
    const before = sent();
    let dropped = 0;
    for (let n = 0; n < 50; n++) {
      const { length } = house.messages;
      time.runUntil(() => house.messages.length > length, 2 * REPORT);
      if (n % 5 === 0 && one.firmware.uplink?.isConnected) {
        house.network.resetAll();
        dropped++;
      }
      time.advance(MINUTE);
    }
    expect(dropped).toBeGreaterThan(5);
    expect(sent()).toBe(before);
  });

  test("a broker that keeps sessions for less than it sleeps, and a change that is reported soon after each report: announced once", () => {
    const { house, time, one, sent } = asleep(
      { maxExpiryS: 300 },
      { interval: "60", report: "30", "report.change": "1" },
    );
    time.advance(40 * MINUTE);
    const before = sent();
    const { connects } = house.broker;
    for (let n = 0; n < 10; n++) {
      const { length } = house.messages;
      time.runUntil(() => house.messages.length > length, 40 * MINUTE);
      time.advance(20_000);
      one.sensor.celsius += n % 2 === 0 ? 2 : -2;
      time.advance(2 * MINUTE);
    }
    expect(house.broker.connects - connects).toBe(20);
    expect(sent()).toBe(before);
  });

  test("without a sensor no reading is acknowledged: announced once all the same", () => {
    const { one, time, sent } = asleep();
    one.unplugSensor();
    one.cut();
    one.powerOn();
    time.advance(REPORT);
    const before = sent();
    time.advance(5 * REPORT);
    expect(sent()).toBe(before);
  });

  test.each(["power-on", "the button"])(
    "after %s the network is gone before the first message has arrived: the next report announces all",
    (by) => {
      const { house, time, one, missing } = asleep();
      time.advance(REPORT);
      lose(house);
      if (by === "the button") one.chip?.press();
      else {
        one.cut();
        one.powerOn();
      }
      time.runUntil(() => one.isOn && one.firmware.uplink?.isConnected === true, MINUTE);
      house.network.weather.blackHole = true;
      time.advance(MINUTE);
      house.network.weather.blackHole = false;
      expect(missing()).toEqual(ALL);
      time.advance(REPORT);
      expect(missing()).toEqual([]);
    },
  );

  test("without discovery, and the connection ends before the status has arrived: the next report publishes it", () => {
    const { house, time, one } = asleep({}, { discovery: "off" });
    lose(house);
    one.chip?.press();
    time.runUntil(() => one.isOn && one.firmware.uplink?.isConnected === true, MINUTE);
    house.network.weather.blackHole = true;
    time.advance(1_000);
    house.network.weather.refusing = true;
    house.network.resetAll();
    time.advance(MINUTE);
    house.network.weather.blackHole = house.network.weather.refusing = false;
    expect(house.retained.has(STATUS)).toBe(false);
    time.advance(REPORT);
    expect(house.retained.has(STATUS)).toBe(true);
  });
});
