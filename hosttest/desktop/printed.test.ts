/*
 * Text from outside in the desktop device's output: the command line, and messages of other clients at the broker.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "mqtt";
import { expect, test } from "vitest";
import { foreignIn, STEERING } from "../console/support/unprintable.js";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";

const HOSTILE = STEERING.filter((text) => !text.includes("\0")).join("x");

test.each([
  ["a room", ["--room", `${HOSTILE}/x`]],
  ["a broker", ["--broker", `mqtt://${HOSTILE}`]],
  ["a flash file that cannot be", ["--flash", `/nowhere/${HOSTILE}`]],
])("the command line in an error: %s", async (_name, options) => {
  const device = new DeviceProcess(options);
  expect(await device.exit()).toBe(2);
  expect(foreignIn(device.stderr.trimEnd())).toEqual([]);
});

test.each(["node", "xs"])(
  "retained messages of strangers, before and after the firmware is up: engine %s",
  async (engine) => {
    const broker = await Mosquitto.start();
    const stranger = connect({ host: "127.0.0.1", port: broker.port });
    await stranger.publishAsync("home/strange\u202e\u200b/temperature", `${HOSTILE}END`, { retain: true, qos: 1 });
    await stranger.endAsync();
    const flash = join(mkdtempSync(join(tmpdir(), "printed-")), "flash");
    const device = new DeviceProcess([
      "--broker",
      `mqtt://127.0.0.1:${broker.port}`,
      "--engine",
      engine,
      "--flash",
      flash,
    ]);
    await device.until(({ stdout }) => stdout.includes("END"));
    await device.kill();
    await broker.close();
    expect(foreignIn(device.stdout.replaceAll("\n", ""))).toEqual([]);
  },
  120_000,
);
