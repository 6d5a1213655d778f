/*
 * The unchanged firmware on XS, against simulated parts and a real mosquitto.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "mqtt";
import { afterEach, beforeAll, describe, expect } from "vitest";
import type { DeepSleep } from "../../boards/common/deep-sleep.js";
import { topFolder } from "../engine/build.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { xsTest as test, xsAvailable } from "./available.js";
import { COMMANDS } from "./commands.js";
import { Device, until } from "./device.js";

const FOR_THE_SDK = { bytes: 20 * 1024, stackSlots: 128 }; // for sockets, Wi-Fi and NTP, and for the SDK's callbacks that call ours

/** The boards' manifest, with some entries removed. */
const { creation } = JSON.parse(readFileSync(join(topFolder, "boards/esp32/common.json"), "utf8"));
const TIGHT_BOARD = {
  arenaBytes: creation.static - FOR_THE_SDK.bytes,
  initialChunkBytes: creation.chunk.initial,
  incrementalChunkBytes: creation.chunk.incremental,
  initialSlots: creation.heap.initial,
  incrementalSlots: creation.heap.incremental,
  stackSlots: creation.stack - FOR_THE_SDK.stackSlots,
};

let broker: Mosquitto | undefined;
const devices: Device[] = [];

beforeAll(async () => {
  if (xsAvailable) broker = await Mosquitto.start();
  return () => broker?.close();
});

afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.end()));
});

function device(): Device {
  const port = String((broker as Mosquitto).port);
  const made = new Device({ "mqtt.host": "127.0.0.1", "mqtt.port": port, interval: "0.05", room: "bath" });
  devices.push(made);
  return made;
}

/** Payloads under a topic, as a subscriber sees them. */
async function subscribed(topic: string): Promise<string[]> {
  const seen: string[] = [];
  const client = connect({ host: "127.0.0.1", port: (broker as Mosquitto).port });
  client.on("message", (_topic, payload) => seen.push(payload.toString()));
  await client.subscribeAsync(topic, { qos: 1 });
  return seen;
}

describe("the firmware on XS", () => {
  test("readings reach a subscriber, in order, and are settled", async () => {
    const seen = await subscribed("home/bath/temperature");
    const it = await device().start();
    await until(() => it.settled.length >= 20, it);
    expect(it.settled.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await until(() => seen.length >= 20, it);
    expect(seen.slice(0, 20).map((text) => JSON.parse(text).seq)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(JSON.parse(seen[0])).toMatchObject({ value: 21.44 });
  });

  test("the prompt works: status, a setting saved, a reboot with it in force", async () => {
    const it = await device().start();
    await until(() => it.typist.shown.includes("> "), it);
    it.typist.type("set room attic\rsave\r");
    await until(() => it.typist.shown.includes("saved"), it);
    it.typist.shown = "";
    it.typist.type("reboot\r");
    await until(() => it.starts === 2, it);
    it.typist.type("show\r");
    await until(() => /room\s.*attic/.test(it.typist.shown), it);
  });

  test("a power cut: what was in flash is sent by the next run, and nothing twice", async () => {
    const it = await device().start();
    await until(() => it.settled.length >= 5, it);
    await it.end();
    const before = it.settled.splice(0);
    await it.start();
    await until(() => it.settled.length >= 5, it);
    const all = [...before, ...it.settled];
    expect(new Set(all).size).toBeGreaterThanOrEqual(all.length - 1); // the one that was being settled
    expect(Math.max(...all)).toBe(new Set(all).size - 1); // no gap
  });

  test("it runs, with every command of the prompt, in the memory of the ESP32 boards less what the SDK may need", async () => {
    const it = await device().start(TIGHT_BOARD);
    await until(() => it.settled.length >= 20, it);
    for (const line of COMMANDS) {
      it.typist.shown = "";
      it.typist.type(`${line}\r`);
      await until(() => it.typist.shown.endsWith("> ") && it.typist.shown.includes(line), it);
    }
    const settled = it.settled.length;
    await until(() => it.settled.length > settled, it);
    expect((await it.firmware.heap()).arenaUsedBytes).toBeLessThanOrEqual(TIGHT_BOARD.arenaBytes);
  });

  test("it sleeps: wakes by timer to sample, by the button to report; a reset empties RTC memory, and nothing is lost", async () => {
    const port = String((broker as Mosquitto).port);
    // The slow clock is fast: ten seconds of the device take less here.
    const settings = { "mqtt.host": "127.0.0.1", "mqtt.port": port, interval: "6", sleep: "on", awake: "10" };
    const it = new Device(settings, 4);
    const chip = it.chip as DeepSleep;
    devices.push(it);
    await it.start();
    // At least one short wake, which only samples.
    await until(() => it.wakes.length >= it.starts && it.readings.length > it.settled.length && chip.isAsleep, it);
    expect(new Set(it.wakes)).toEqual(new Set(["timer"]));

    const whole = it.starts;
    chip.press();
    await until(() => it.starts === whole + 1 && it.settled.length >= it.readings.length, it);
    expect(it.wakes.at(-1)).toBe("button");
    it.typist.shown = "";
    it.typist.type("status\r");
    await until(() => it.typist.shown.includes("outbox"), it);

    chip.memory.fill(0xa5); // is initialised by what follows
    it.typist.type("reboot\r");
    await until(() => it.starts === whole + 2, it);
    expect([...new Set(chip.memory)]).toEqual([0]);
    await until(() => chip.isAsleep, it);
    // On a busy machine that report was over, by the fast clock, before the broker had answered.
    chip.press();
    await until(() => it.starts > whole + 2 && it.settled.length >= it.readings.length, it);
    expect(it.readings.length).toBeGreaterThan(3);
    expect(it.readings).toEqual(it.readings.map((_, n) => n));
    expect(it.settled).toEqual(it.readings);
  });

  test("stop disconnects, and then", async () => {
    const it = await device().start();
    await until(() => it.settled.length >= 3, it);
    await new Promise<void>((resolve) => it.firmware.stop(resolve));
    expect(it.troubles).toEqual([]);
  });
});
