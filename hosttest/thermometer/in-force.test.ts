/*
 * All settings that, according to the schema, take effect when they are saved. The effect of most of them is tested in settings.test.ts;
 * here are the others, and the list to which a new one must be added.
 */
import { expect, test } from "vitest";
import { channels, TEMPERATURE } from "../../src/channels/channels.js";
import { schema } from "../../src/settings/schema.js";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;

/** A setting that each channel has, the temperature without its name: a new channel is shown by new-channel.test.ts. */
const ofEach = (key: string): string[] => channels.map(({ name }, at) => (at === TEMPERATURE ? key : `${key}.${name}`));

test("each of them is shown to be, in settings.test.ts, presence.test.ts, channels.test.ts, sleeper.test.ts, credentials.test.ts, commands.test.ts or below", () => {
  expect(schema.filter(({ inForce }) => inForce === "saved").map(({ key }) => key)).toEqual([
    "wifi.ssid",
    "wifi.password",
    "mqtt.ca",
    "mqtt.cert",
    "mqtt.key",
    "interval",
    ...ofEach("offset"),
    ...ofEach("resolution"),
    "filter",
    "filter.samples",
    ...ofEach("deadband"),
    "heartbeat",
    "report",
    "awake",
    ...ofEach("report.change"),
    "payload",
    "topics",
    "discovery",
    "discovery.prefix",
    "remote",
    "outbox.full",
    "log",
  ]);
});

test("resolution: the next reading is rounded once, to as many digits", () => {
  const one = new SimulatedDevice({ defaults: { payload: "plain" } }).powerOn();
  const { time } = one.house;
  one.sensor.celsius = 21.4375; // 2,744 steps of the sensor's: exact
  const next = (resolution: string): string | undefined => {
    one.set({ resolution });
    time.advance(10 * SECOND);
    return one.house.payloads("home/kitchen/temperature").at(-1);
  };
  time.advance(5 * SECOND);
  expect(["3", "2", "1", "0", "auto"].map(next)).toEqual(["21.438", "21.44", "21.4", "21", "21.44"]);
});

test("the command log shows more at once, and is forgotten at the reboot; the setting log stays", () => {
  const one = new SimulatedDevice().powerOn();
  const { house } = one;
  const reconnected = (): string => {
    house.time.advance(60 * SECOND);
    one.port.take();
    house.network.resetAll();
    house.time.advance(180 * SECOND);
    return one.port.take();
  };
  expect(reconnected()).not.toContain("debug:");
  one.type("log debug");
  expect(reconnected()).toContain("debug: mqtt connected");
  one.reboot();
  expect(reconnected()).not.toContain("debug:");
  one.set({ log: "debug" });
  expect(reconnected()).toContain("debug: mqtt connected");
  one.reboot();
  expect(reconnected()).toContain("debug: mqtt connected");
});
