/*
 * The device's log without a prompt: the setting alone decides what is traced.
 */
import { expect, test } from "vitest";
import { DeviceLog } from "../../src/thermometer/device-log.js";

test.each([
  ["off", []],
  ["error", ["error: e"]],
  ["warn", ["error: e", "warn: w"]],
  ["info", ["error: e", "warn: w", "info: i"]],
  ["debug", ["error: e", "warn: w", "info: i", "debug: d"]],
] as const)(
  "without a prompt, at level %s: what is below is not traced, whether it came before or after",
  (level, lines) => {
    const traced: string[] = [];
    const log = new DeviceLog({ trace: (line) => traced.push(line) });
    const all = (): void => {
      log.write("error", "e");
      log.write("warn", "w");
      log.write("info", "i");
      log.write("debug", "d");
    };
    all();
    log.open(level, undefined);
    expect(traced).toEqual(lines);
    traced.length = 0;
    all();
    expect(traced).toEqual(lines);
    log.level = "off";
    traced.length = 0;
    all();
    expect(traced).toEqual([]);
  },
);
