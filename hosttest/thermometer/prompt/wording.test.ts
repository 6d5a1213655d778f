/*
 * How the prompt reports readings, counts and settings that this device cannot have.
 */
import { describe, expect, test } from "vitest";
import { counted } from "../../../src/thermometer/agreement.js";
import { SimulatedDevice } from "../../support/device-board.js";

const SECOND = 1000;

function running(defaults: Record<string, string> = {}): SimulatedDevice {
  const one = new SimulatedDevice({ defaults });
  one.powerOn();
  one.house.time.advance(15 * SECOND);
  return one;
}

describe("a reading has one text", () => {
  test.each([
    ["auto", "-0.13"],
    ["1", "-0.1"],
    ["0", "0"],
    ["3", "-0.125"],
  ])("resolution %s: message and status have %s for -0.125 °C", (resolution, text) => {
    const one = new SimulatedDevice({ defaults: { resolution, payload: "plain" } });
    one.sensor.celsius = -0.125;
    one.powerOn();
    one.house.time.advance(15 * SECOND);
    expect(one.house.payloads("home/kitchen/temperature")[0]).toBe(text);
    expect(one.status("sensor")).toContain(`: ${text} °C, `);
  });
});

test("one is not several", () => {
  expect([counted(0, "block"), counted(1, "block"), counted(2, "block")]).toEqual(["0 blocks", "1 block", "2 blocks"]);
});

describe("settings that this board cannot have are refused with the remedy", () => {
  test.each([
    ["set sensor dht22", 'sensor: got "dht22", expected auto, '],
    ["set mqtt.host 192.168.1.300", "an IP address is four numbers from 0 to 255"],
    ["set ntp 10.0.0", "an IP address is four numbers from 0 to 255"],
  ])("%s", (line, message) => {
    const one = running();
    expect(one.type(line).replaceAll("\r\n", "")).toContain(message);
    expect(one.firmware.settings.staged()).toEqual([]);
  });

  test("a driver that the board has is taken in any case", () => {
    const one = running();
    one.type("set sensor sht3X");
    expect(one.firmware.settings.staged()).toEqual(["sensor"]);
  });
});
