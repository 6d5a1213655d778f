/*
 * Brokers that refuse what the device publishes about itself: readings go on without it, status reports it, and a network that
 * drops connections at random proves nothing.
 */
import { describe, expect, test } from "vitest";
import { FIRST_RETRY_MS, MAX_RETRY_MS, PROOF_MS } from "../../../src/thermometer/presence/acceptance.js";
import type { ClientPacket } from "../../simulation/broker/packets.js";
import { isDetail, refuse } from "./refusing.js";
import {
  device,
  discoveryTopic,
  HOUR,
  ID,
  isAboutStatus,
  isDiscovery,
  isRetained,
  MINUTE,
  SECOND,
  STATUS,
} from "./setup.js";

describe("a broker that closes the connection on", () => {
  test.each([
    ["diagnostics", isDetail, /closes on diagnostics, or on a subscription to commands; readings go on/, "online"],
    ["discovery", isDiscovery, /closes on discovery; readings go on/, "online"],
    [
      "a subscription",
      (p: ClientPacket) => p.type === "subscribe",
      /closes on a subscription to homeassistant\/status/,
      "online",
    ],
    ["retained messages", isRetained, /closes on retained messages; readings go on/, undefined],
    ["the status topic", isAboutStatus, new RegExp(`closes on ${STATUS}; readings go on`), undefined],
  ] as const)(
    "%s: readings continue without it, it is reported once, and tried at growing intervals",
    (_what, isRefused, why, status) => {
      const { one, house, time } = device({ "mqtt.qos": "2" });
      const seen = refuse(house, isRefused);
      one.powerOn();
      let printed = "";
      for (let minute = 0; minute < 24 * 60; minute++) {
        time.advance(MINUTE);
        printed += one.port.take();
      }
      expect(printed.match(/broker refuses some/g)).toHaveLength(1);
      expect(printed).toMatch(why);
      expect(one.status("discovery")).toMatch(why);
      expect(one.status("discovery")).toMatch(/tried again in \d+ (h|min|s)/);
      expect(one.status("losses") ?? "").not.toContain("dead-lettered");
      expect(seen.refusals).toBeLessThan(30);
      expect(house.sequences().length).toBeGreaterThan(8_600);
      expect(new Set(house.sequences()).size).toBe(house.sequences().length);
      expect(house.retained.get(STATUS)).toBe(status);
      const before = seen.refusals;
      time.advance(MAX_RETRY_MS + HOUR);
      expect(seen.refusals - before).toBeGreaterThan(0);
      expect(seen.refusals - before).toBeLessThan(3);
      expect(one.crashes).toEqual([]);
    },
  );

  test("discovery, until the rules change: discovered with the next attempt, and reported", () => {
    const { one, house, time } = device();
    let isOpen = false;
    refuse(house, (packet) => !isOpen && isDiscovery(packet));
    one.powerOn();
    time.advance(10 * MINUTE);
    expect(house.retained.has(discoveryTopic())).toBe(false);
    isOpen = true;
    time.advance(HOUR);
    expect(house.retained.has(discoveryTopic())).toBe(true);
    expect(one.status("discovery")).toBeUndefined();
    expect(one.port.take()).not.toContain("refuses some");
  });

  test("discovery, and discovery is switched off: nothing is tried any more, in this life and the next", () => {
    const { one, house, time } = device();
    const seen = refuse(house, isDiscovery);
    one.powerOn();
    time.advance(10 * MINUTE);
    one.set({ discovery: "off" });
    const before = seen.refusals;
    time.advance(24 * HOUR);
    one.reboot();
    time.advance(HOUR);
    expect(seen.refusals).toBe(before);
    expect(one.status("discovery")).toBeUndefined();
    expect(house.retained.get(STATUS)).toBe("online");
  });

  test("at any message: no verdict, all is sent again as soon as it accepts something", () => {
    const { one, house, time } = device();
    let isOpen = false;
    refuse(house, ({ type }) => !isOpen && type !== "connect");
    one.powerOn();
    time.advance(HOUR);
    isOpen = true;
    time.advance(10 * MINUTE);
    expect(one.status("discovery")).toBeUndefined();
    expect(house.retained.get(STATUS)).toBe("online");
    expect(house.retained.has(discoveryTopic())).toBe(true);
  });
});

test.each(["1", "2"])(
  "a broker that closes on some readings, at QoS %s: these are the cause, not the messages beside them",
  (qos) => {
    const { one, house, time } = device({ "mqtt.qos": qos });
    refuse(house, (packet) => packet.type === "publish" && /"seq":\d*[27]3}/.test(packet.payload));
    one.powerOn();
    for (let minutes = 0; minutes < 4 * 60; minutes++) {
      time.advance(MINUTE);
      expect(one.firmware.uplink?.presence.trouble).toBeUndefined();
    }
    expect(one.firmware.uplink?.status.lastError?.kind).toBe("closed");
    expect(house.retained.has(discoveryTopic())).toBe(true);
  },
);

test("a subscription that the broker does not grant is reported with its reason, in MQTT 5 as in 3.1.1", () => {
  const { one, time } = device();
  one.powerOn();
  time.advance(MINUTE);
  one.port.take();
  for (const code of [0, 0x80, 0x87]) one.firmware.uplink?.onSubscribed("homeassistant/status", code);
  expect(one.port.take().match(/not granted.*/g)).toEqual([
    "not granted: unspecified error (0x80); discovery is sent only when connecting",
    "not granted: not authorised (0x87); discovery is sent only when connecting",
  ]);
});

test("a network that resets at random, for days: no verdict, and never longer than a minute without discovery", () => {
  const { one, house, time } = device({ interval: "60" });
  one.powerOn();
  let printed = "";
  for (let n = 0; n < 5_000; n++) {
    time.advance(house.random.whole(0, 60) * SECOND);
    house.network.resetAll();
    printed += one.port.take();
  }
  time.advance(5 * MINUTE);
  expect(printed).not.toContain("refuses some");
  expect(house.retained.get(STATUS)).toBe("online");
  expect(one.status("discovery")).toBeUndefined();
  expect(PROOF_MS + FIRST_RETRY_MS).toBeLessThan(MINUTE);
});

describe("a broker that is stopped again and again is not one that refuses anything", () => {
  /** A broker that stops `lifeS` seconds after each connection, every fifth time later, and is away for `awayS`. */
  function stops(version: "3.1.1" | "5", lifeS: number, awayS: number, times: number) {
    const { one, house, time } = device({ "mqtt.version": version });
    one.powerOn();
    const rows: (string | undefined)[] = [];
    for (let n = 0; n < times; n++) {
      time.runUntil(() => one.firmware.uplink?.status.state === "connected", 2 * MINUTE);
      time.advance((n % 5 === 4 ? 40 : lifeS) * SECOND);
      house.broker.stop("kept");
      time.advance(awayS * SECOND);
      house.broker.start();
      rows.push(one.status("discovery"));
    }
    time.advance(2 * MINUTE);
    rows.push(one.status("discovery"));
    return { verdicts: rows.filter(Boolean), isWhole: house.retained.has(`home/kitchen/${ID}/diagnostics`) };
  }

  test.each([
    ["3.1.1", 5, 20],
    ["3.1.1", 12, 20],
    ["3.1.1", 15, 5],
    ["5", 5, 20],
    ["5", 12, 20],
    ["5", 12, 0], // back before the next attempt: but it has reported that it shuts down
  ] as const)("MQTT %s, %d s after the device has come, for %d s", (version, lifeS, awayS) => {
    const { verdicts, isWhole } = stops(version, lifeS, awayS, 24);
    expect(verdicts).toEqual([]);
    expect(isWhole).toBe(true);
  });

  test("but one that is down after each close, whatever was sent: detected after more of them", () => {
    const { one, house, time } = device({ "mqtt.version": "3.1.1" });
    const broker = house.broker;
    const seen = refuse(house, (packet) => {
      if (isDiscovery(packet)) broker.stop("kept"); // it crashes on it
      return isDiscovery(packet);
    });
    one.powerOn();
    for (let n = 0; n < 480; n++) {
      time.advance(15 * SECOND);
      if (one.firmware.uplink?.status.lastError?.kind === "unreachable") broker.start(); // not before an attempt has failed
    }
    expect(one.status("discovery")).toContain("closes on discovery");
    expect(seen.refusals).toBeLessThan(25);
    expect(house.sequences().length).toBeGreaterThan(200);
  });
});
