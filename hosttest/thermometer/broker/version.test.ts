/*
 * Which version of MQTT the device speaks with which broker, what it remembers of this, and how it reports the broker's limits.
 */
import { describe, expect, test } from "vitest";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** A device in its own house, after its first minute. */
function running(terms: ConstructorParameters<typeof House>[0] = {}, defaults: Record<string, string> = {}) {
  const house = new House(terms);
  const one = new SimulatedDevice({ house, defaults }).powerOn();
  house.time.advance(MINUTE);
  return { one, house };
}

/** All numbers from 0 on, each once. */
function expectUnbroken({ house }: { house: House }): void {
  const seen = house.sequences();
  expect(seen.length).toBeGreaterThan(3);
  expect(seen).toEqual(seen.map((_, n) => n));
  expect(house.breaches).toEqual([]);
}

describe("the version", () => {
  test("auto: 5 with a broker that supports it, reported in the log and in status", () => {
    const { one, house } = running();
    expect(house.broker.connectsAt5).toBe(house.broker.connects);
    expect(one.port.take()).toContain("connected to 10.0.0.1:1883, MQTT 5\n");
    expect(one.status("mqtt")).toBe("MQTT 5, session kept for 90 days");
    expectUnbroken({ house });
  });

  test.each(["0x84", "code 1", "closes", "silent"] as const)(
    "auto: 3.1.1 with a broker without 5 (%s), remembered across a boot, and 5 tried again after days",
    (five) => {
      const { one, house } = running({ five });
      const { broker } = house;
      expect(one.status("mqtt")).toBe("MQTT 3.1.1: the broker has no MQTT 5, or has not answered it");
      expectUnbroken({ house });
      const before = broker.attemptsAt5;
      expect(before).toBeGreaterThan(0);
      one.set({ interval: "600" });
      one.reboot();
      house.time.advance(2 * DAY);
      house.network.resetAll();
      house.time.advance(MINUTE);
      expect(broker.attemptsAt5).toBe(before);
      house.time.advance(2 * DAY);
      expect(broker.attemptsAt5).toBe(before); // an open connection is not closed for it
      one.reboot();
      house.time.advance(MINUTE);
      expect(broker.attemptsAt5).toBeGreaterThan(before);
      expectUnbroken({ house });
    },
  );

  test("a broker that supports 5 now is used with it after days of 3.1.1: nothing is lost or doubled on the way", () => {
    const { one, house } = running({ five: "code 1" }, { "mqtt.qos": "2" });
    one.set({ interval: "600" });
    house.broker.stop("kept");
    house.broker.start({ ...house.broker.terms, five: "spoken" });
    house.time.advance(4 * DAY);
    house.network.resetAll();
    house.time.advance(MINUTE);
    expect(one.status("mqtt")).toMatch(/^MQTT 5,/);
    expectUnbroken({ house });
  });

  test.each(["5", "3.1.1"])("%s by setting: nothing else is tried", (version) => {
    const { house } = running({}, { "mqtt.version": version });
    expect(house.broker.connectsAt5).toBe(version === "5" ? house.broker.connects : 0);
    expectUnbroken({ house });
  });
});

describe("the broker's terms", () => {
  test("are in status, where they are less than what was asked for", () => {
    const terms = {
      maximumQoS: 1,
      receiveMaximum: 4,
      retainAvailable: false,
      keepAliveS: 30,
      maxExpiryS: 86_400,
    } as const;
    const { one, house } = running(terms, { "mqtt.qos": "2" });
    expect(one.status("mqtt")).toBe(
      "MQTT 5, session kept for 1 day, QoS 2 not supported: 1 is the highest, 4 in flight at most, retained messages not supported, " +
        "keep-alive of 30 s wanted",
    );
    expectUnbroken({ house });
    expect(house.messages.every(({ retain }) => !retain)).toBe(true);
    expect(one.port.take().match(/handles QoS 2 as QoS 1/g) ?? []).toHaveLength(0); // reported before, once
  });

  test("QoS 2 above the maximum is lowered, and reported once", () => {
    const house = new House({ maximumQoS: 1 });
    const one = new SimulatedDevice({ house, defaults: { "mqtt.qos": "2", interval: "1" } }).powerOn();
    house.time.advance(MINUTE);
    expect(one.port.take().match(/handles QoS 2 as QoS 1: QoS 1 is the highest it accepts/g)).toHaveLength(1);
    expectUnbroken({ house });
  });

  test("another device with the same id: reported as a fact", () => {
    const house = new House();
    const [one, other] = ["kitchen", "attic"].map(
      (room) => new SimulatedDevice({ house, defaults: { room, id: "t7" } }),
    );
    one.powerOn();
    house.time.advance(MINUTE);
    other.powerOn();
    house.time.advance(2 * SECOND);
    house.time.advance(10 * SECOND);
    const printed = one.port.take();
    expect(printed).toContain('session taken over (0x8e); another device has the client id "t7": set id');
    expect(printed).not.toContain("perhaps another");
  });
});

describe("properties of readings in MQTT 5", () => {
  test("content type and expiry, by setting; the type follows the payload", () => {
    const { one, house } = running({}, { "mqtt.contenttype": "on", "mqtt.expiry": "3600" });
    const last = () => house.messages.filter(({ topic }) => topic === "home/kitchen/temperature").at(-1);
    expect(last()).toMatchObject({ properties: { contentType: "application/json", messageExpiryS: 3600 } });
    one.set({ payload: "plain" });
    house.time.advance(MINUTE);
    expect(last()).toMatchObject({ properties: { contentType: "text/plain", messageExpiryS: 3600 } });
    expect(house.breaches).toEqual([]);
  });

  test("nothing, by default", () => {
    const { house } = running();
    expect(Object.keys(house.messages.at(-1)?.properties ?? {})).toEqual(["alias"]);
  });
});
