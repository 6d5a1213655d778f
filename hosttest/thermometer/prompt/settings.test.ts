/*
 * Settings on a running thermometer: which of them take effect when they are saved, and their effects.
 */
import { describe, expect, test } from "vitest";
import { SimulatedDevice } from "../../support/device-board.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function device(options: ConstructorParameters<typeof SimulatedDevice>[0] = {}) {
  const one = new SimulatedDevice(options);
  const { house } = one;
  return { one, house, time: house.time };
}

describe("settings saved at the prompt", () => {
  test("interval, payload and log are in force at once, room not before the reboot", () => {
    const { one, house, time } = device({ defaults: { interval: "60" } });
    one.powerOn();
    time.advance(10 * SECOND);
    one.set({ interval: "1", payload: "plain", log: "error" });
    time.advance(10 * SECOND);
    const readings = house.payloads("home/kitchen/temperature");
    expect(readings.length).toBeGreaterThan(8);
    expect(readings.at(-1)).toBe("21.50");
    one.port.take();
    house.broker.stop("kept");
    time.advance(MINUTE);
    expect(one.port.take()).not.toContain("warn");
    one.set({ log: "debug" });
    house.broker.start();
    time.advance(3 * MINUTE);
    expect(one.port.take()).toContain("debug: mqtt connected");
  });

  test("the payload's form is announced to Home Assistant at once", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(10 * SECOND);
    const topic = "homeassistant/device/thermometer020000000001/config";
    expect(house.retained.get(topic)).toContain("value_json");
    one.set({ payload: "plain" });
    time.advance(SECOND);
    expect(house.retained.get(topic)).not.toContain("value_json");
  });

  test("how long Home Assistant considers a reading valid follows from the settings, at once; not sent while offline", () => {
    const { one, house, time } = device({ defaults: { interval: "10" } });
    one.powerOn();
    time.advance(15 * SECOND);
    const topic = "homeassistant/device/thermometer020000000001/config";
    const expiry = (change: Record<string, string>): unknown => {
      one.set(change);
      time.advance(SECOND);
      return JSON.parse(house.retained.get(topic) ?? "{}").cmps.temperature.exp_aft;
    };
    expect(expiry({})).toBe(60);
    expect(expiry({ interval: "300" })).toBe(900);
    expect(expiry({ deadband: "0.5", heartbeat: "600" })).toBe(2_700);
    expect(expiry({ heartbeat: "0" })).toBeUndefined();
    expect(expiry({ deadband: "0" })).toBe(900);
    house.broker.stop("kept");
    time.advance(SECOND);
    one.set({ interval: "60" });
    one.set({ interval: "90" });
    const before = house.messages.length;
    house.broker.start();
    time.advance(5 * MINUTE);
    expect(house.messages.slice(before).filter((message) => message.topic === topic)).toHaveLength(1);
    expect(expiry({})).toBe(270);
  });

  test("mqtt.tls on a board without TLS: refused when set; saved all the same, status says why nothing is sent", () => {
    const { one, time } = device();
    one.powerOn();
    expect(one.type("set mqtt.tls on")).toContain('error: mqtt.tls: got "on", but simulated has no TLS; leave it off');
    one.defaults["mqtt.tls"] = "on";
    one.reboot();
    time.advance(MINUTE);
    expect(one.status("broker")).toBe("10.0.0.1:8883: off: mqtt.tls: simulated has no TLS; set mqtt.tls off");
    one.type("set mqtt.tls off");
    one.type("save");
    one.reboot();
    time.advance(MINUTE);
    expect(one.status("broker")).toContain("connected");
  });

  test("mqtt.password without mqtt.user, which MQTT does not allow: connects without, and reports it", () => {
    const { one, time } = device({ defaults: { "mqtt.password": "secret" } });
    one.powerOn();
    time.advance(MINUTE);
    expect(one.port.take()).toContain("warn: mqtt.password is not sent: set mqtt.user, too");
    expect(one.status("broker")).toContain("connected");
  });

  test("Wi-Fi is left and joined at once", () => {
    const { one, house, time } = device();
    one.wifi.setAir([
      { ssid: "home", password: "correct horse", rssi: -58 },
      { ssid: "barn", password: "battery staple", rssi: -70 },
    ]);
    one.powerOn();
    time.advance(MINUTE);
    const before = house.readings().length;
    one.set({ "wifi.ssid": "barn", "wifi.password": "wrong password" });
    time.advance(5 * MINUTE);
    expect(house.readings()).toHaveLength(before);
    expect(one.status("wifi")).toContain('"barn" refuses the connection: wrong password?');
    one.set({ "wifi.password": "battery staple" });
    time.advance(5 * MINUTE);
    expect(one.status("wifi")).toContain('"barn", 192.0.2.7');
    expect(house.readings().length).toBeGreaterThan(before + 30);
  });

  test("offset, deadband and heartbeat change the readings from now on", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(15 * SECOND);
    one.set({ offset: "-1.5", deadband: "0.5", heartbeat: "60" });
    time.advance(5 * MINUTE);
    const values = house.readings().map(({ value }) => value);
    expect(values.slice(0, 3)).toEqual([21.5, 21.5, 20]);
    expect(values.length).toBeLessThan(9);
    one.sensor.celsius = 25;
    time.advance(15 * SECOND);
    expect(house.readings().at(-1)?.value).toBe(23.5);
  });

  test("outbox.full is obeyed at once", () => {
    const { one, house, time } = device({ blocks: 3, defaults: { "mqtt.host": "", interval: "1" } });
    one.powerOn();
    time.advance(20 * MINUTE);
    expect(one.firmware.outbox?.statistics().dropped).toBeGreaterThan(0);
    one.set({ "outbox.full": "refuse" });
    time.advance(20 * MINUTE);
    const { dropped, refused, entries, nextSequence } = one.firmware.outbox?.statistics() ?? {};
    expect(refused).toBeGreaterThan(100);
    expect((dropped ?? 0) + (refused ?? 0) + (entries ?? 0)).toBe(nextSequence);
    expect(one.status("losses")).toBe(`${dropped} dropped, flash full, ${refused} refused, flash full`);
    one.set({ "mqtt.host": "10.0.0.1" });
    one.reboot();
    time.advance(10 * MINUTE);
    one.firmware.stopSampling();
    time.advance(MINUTE);
    const arrived = house.sequences();
    expect(new Set(arrived).size).toBe(arrived.length);
    expect(one.firmware.unsettled).toBe(0);
    const after = one.firmware.outbox?.statistics();
    expect(arrived.length).toBe(
      (entries ?? 0) + one.taken.filter((sequence) => (sequence ?? -1) >= (nextSequence ?? 0)).length,
    );
    expect(after?.dropped).toBe(dropped);
  });
});
