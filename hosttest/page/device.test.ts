/*
 * The desktop's device on its own, in this process, with a Wi-Fi: what can be done to it from outside, and what remains after a power cut.
 */
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Chip } from "../../boards/desktop/chip.js";
import { DesktopDevice } from "../../boards/desktop/device.js";
import { DeviceClock } from "../../boards/desktop/device-clock.js";
import type { CutPlace } from "../../boards/desktop/flash/supply.js";
import { type EmbeddedBroker, startBroker } from "../../boards/desktop/network/broker.js";
import { PromptLine } from "../../boards/desktop/page/server/prompt-line.js";
import { startFirmware } from "../../src/firmware.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";

let folder: string | undefined;
let broker: EmbeddedBroker | undefined;
let chip: Chip | undefined;

afterEach(() => {
  broker?.close();
  chip?.close();
  if (folder !== undefined) removeFolder(folder);
});

test("Wi-Fi off and on, power cut in a write and back: it connects at once, and only the last life has an effect", async () => {
  folder = temporaryFolder("page-device-");
  broker = await startBroker();
  chip = new Chip(join(folder, "chip.flash"));
  const { host, port } = broker;
  const line = new PromptLine();
  let printed = "";
  line.onText = (text) => {
    printed += text;
  };
  const taken: (number | undefined)[] = [];
  const cuts: (CutPlace | undefined)[] = [];
  const device: DesktopDevice = new DesktopDevice({
    chip,
    clock: new DeviceClock(),
    listener: {
      reading: (_sample, sequence) => taken.push(sequence),
      powerLost: (place) => cuts.push(place),
    },
    serial: line.over(undefined, () => device.isOn),
    hasWiFi: true,
    hasKeys: false,
    defaults: { interval: "0.05", "mqtt.host": host, "mqtt.port": String(port), "mqtt.version": "3.1.1" },
    credentials: { ca: undefined, certificate: undefined, key: undefined },
    overrides: () => ({}),
    elsewhere: undefined,
    trace: () => {},
    onQuit: () => {},
  });
  const connections = (): number => printed.split("connected to ").length - 1;
  device.board.boot(() => startFirmware(device.board));
  await expect.poll(connections, { timeout: 20_000 }).toBe(1);
  await expect.poll(() => taken.length, { timeout: 20_000 }).toBeGreaterThan(2);

  device.hasNetwork = false;
  await expect.poll(() => printed, { timeout: 20_000 }).toMatch(/wifi: (lost|left|.*not|.*gone|disconnected)/i);
  device.hasNetwork = true;
  await expect.poll(connections, { timeout: 30_000 }).toBe(2);

  device.cutInNextWrite();
  await expect.poll(() => device.isOn, { timeout: 20_000 }).toBe(false);
  expect(cuts[0]).toMatchObject({ call: expect.stringMatching(/program|erase/) });
  const before = taken.length;
  const printedBefore = printed;
  line.type("status\r");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(taken.length).toBe(before);
  expect(printed).toBe(printedBefore);
  expect(printed).not.toMatch(/flash fail/); // it must print nothing more

  device.powerOn();
  await expect.poll(connections, { timeout: 30_000 }).toBe(3);
  await expect.poll(() => taken.length, { timeout: 20_000 }).toBeGreaterThan(before + 2);
  const numbers = taken.filter((sequence) => sequence !== undefined);
  expect(new Set(numbers).size).toBe(numbers.length);

  // Armed, and reset: the power is cut while it boots, and that boot has no effect
  device.cutInNextWrite();
  device.reset();
  await expect.poll(() => device.isOn, { timeout: 20_000 }).toBe(false);
  device.powerOn();
  await expect.poll(connections, { timeout: 30_000 }).toBe(4);
  expect(new Set(taken).size).toBe(taken.length);
  device.cut();
  expect(cuts.at(-1)).toBeUndefined();
  await new Promise((resolve) => setImmediate(resolve));
});
