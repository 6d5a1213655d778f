/*
 * A factory reset that cannot be completed, because the settings' flash fails: it is tried again, less and less often. A device that sleeps
 * is not kept awake by it, and takes no readings until it is completed.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import type { Settings } from "../../src/settings/settings.js";
import { AGAIN_MS, ERASING_KEY, FactoryReset, type ResetOwner } from "../../src/thermometer/factory-reset.js";
import { SimulatedDevice } from "../support/device-board.js";
import { openedFlash } from "../support/opened-flash.js";
import { VirtualTime } from "../support/virtual-time.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STUCK = "cannot be completed, the settings' flash fails; tried again in";

const { prototype } = KeyValueOnFlash;
const original = { read: prototype.read, write: prototype.write, delete: prototype.delete };
/** The key that shows the reset stays, whatever is erased. */
let isStuck = false;

function throws(): never {
  throw new Error("write failed");
}

function failWhenReset(remove: () => void): void {
  Object.assign(prototype, {
    read(this: KeyValueOnFlash, key: string) {
      return key === ERASING_KEY && isStuck ? new ArrayBuffer(1) : original.read.call(this, key);
    },
    write(this: KeyValueOnFlash, key: string, value: ArrayBuffer) {
      isStuck ||= key === ERASING_KEY;
      original.write.call(this, key, value);
    },
    delete: remove,
  });
}

beforeEach(() => {
  isStuck = false;
});
afterEach(() => {
  Object.assign(prototype, original);
});

test.each([
  ["throws", throws],
  ["does nothing", () => {}],
])("a delete %s: it does not loop, the prompt works, and reports it", (_how, remove) => {
  const one = new SimulatedDevice();
  const { time } = one.house;
  failWhenReset(remove);
  one.powerOn();
  time.advance(30 * SECOND);
  one.type("factory-reset");
  one.type("erase");
  time.advance(10 * MINUTE);
  expect(one.restarts).toEqual([]);
  expect(one.port.take()).toContain(`${STUCK} 15 minutes`);
  expect(one.type("version")).toContain("home-thermometer"); // the prompt still answers
  expect(one.type("status")).toContain("broker");
  one.type("factory-reset");
  expect(one.type("erase")).toContain("error: a factory reset is under way");
  expect(one.type("version")).toContain("home-thermometer");
  const eraseCounts = one.flash.erases.slice(1);
  time.advance(100 * DAY);
  expect(one.restarts).toEqual([]);
  expect(one.flash.erases.slice(1)).toEqual(eraseCounts); // the readings are erased once
  expect(Math.max(...one.settingsFlash.erases, one.flash.erases[0])).toBeLessThan(240);
  expect(one.type("version")).toContain("home-thermometer");
  isStuck = false;
  time.advance(DAY);
  expect(one.restarts).toEqual(["factory reset"]);
  Object.assign(prototype, original);
  one.powerOn();
  time.advance(AGAIN_MS);
  expect(one.status("broker")).toContain("connected");
  expect(one.crashes).toEqual([]);
});

describe("a device that sleeps", () => {
  const SLEEPER = { sleep: "on", interval: "60", report: "10", awake: "60" };

  /** Its settings were saved, and its reset is stuck. */
  function stuck(): SimulatedDevice {
    const device = new SimulatedDevice({ sleep: { rate: 1.02 } }).powerOn();
    device.set({ ...SLEEPER, room: "attic" });
    device.reboot();
    device.house.time.advance(30 * SECOND);
    failWhenReset(throws);
    device.type("factory-reset");
    device.type("erase");
    device.house.time.advance(30 * SECOND);
    expect(device.port.take()).toContain(`${STUCK} 15 minutes`);
    return device;
  }

  test("the prompt stays for a minute; then it sleeps between the attempts, which become fewer", () => {
    const device = stuck();
    const { time } = device.house;
    expect(device.isOn).toBe(true);
    time.advance(MINUTE);
    expect([device.isOn, device.chip?.isAsleep]).toEqual([false, true]);
    const eraseCounts = device.flash.erases.slice(1);
    const { boots, sleptMs } = device;
    time.advance(100 * DAY);
    expect(device.boots - boots).toBeGreaterThan(95);
    expect(device.boots - boots).toBeLessThan(115);
    expect((device.sleptMs - sleptMs) / (100 * DAY)).toBeGreaterThan(0.99);
    expect(device.flash.erases.slice(1)).toEqual(eraseCounts); // the readings are erased once
    expect([device.crashes, device.restarts]).toEqual([[], ["reboot"]]);
  });

  test("nothing is published meanwhile, and no reading is taken, also after new cells and a press of the button", () => {
    const device = stuck();
    const { house, taken } = device;
    house.time.advance(10 * MINUTE);
    const before = [house.messages.length, taken.length, device.wifi.joins];
    house.time.advance(2 * DAY);
    device.cut();
    device.powerOn();
    house.time.advance(2 * DAY);
    device.chip?.press();
    house.time.advance(2 * DAY);
    expect([house.messages.length, taken.length, device.wifi.joins]).toEqual(before);
    expect([device.chip?.isAsleep, device.crashes]).toEqual([true, []]);
  });

  test("the button: the prompt stays for a while, and longer while somebody types", () => {
    const device = stuck();
    const { time } = device.house;
    time.advance(3 * HOUR);
    expect(device.chip?.isAsleep).toBe(true);
    device.chip?.press();
    for (let minute = 0; minute < 5; minute++) {
      time.advance(MINUTE);
      expect(device.type("version")).toContain("home-thermometer");
    }
    time.advance(3 * MINUTE);
    expect(device.chip?.isAsleep).toBe(true);
  });

  test("the flash works again: the next attempt completes the reset, and a new device starts", () => {
    const device = stuck();
    const { house } = device;
    house.time.advance(DAY);
    isStuck = false;
    Object.assign(prototype, original);
    house.time.runUntil(() => device.restarts.length > 1, 2 * DAY);
    expect(device.restarts).toEqual(["reboot", "factory reset"]);
    house.time.advance(MINUTE);
    expect(device.type("show room")).toContain("kitchen");
    expect(device.status("broker")).toContain("connected");
    house.time.advance(DAY);
    expect([device.isOn, device.crashes]).toEqual([true, []]);
  });

  test("at one wake the key cannot be found: no reading is taken before the reset was tried again", () => {
    const device = stuck();
    const { house, taken } = device;
    house.time.advance(10 * MINUTE);
    const before = taken.length;
    const { read } = prototype;
    let misses = 1;
    prototype.read = function (key) {
      return key === ERASING_KEY && misses-- > 0 ? undefined : read.call(this, key);
    };
    const { boots } = device;
    house.time.runUntil(() => device.boots > boots, HOUR);
    house.time.advance(MINUTE);
    expect([misses < 1, taken.length, device.isConnected]).toEqual([true, before, false]);
  });

  test("a chip that refuses to sleep stays awake, and tries again as often", () => {
    const device = stuck();
    const { time } = device.house;
    const io = device.chip!.io.prototype as { sleep(ms: number): void };
    const { sleep } = io;
    io.sleep = throws;
    const settingsErases = device.settingsFlash.erases[0];
    time.advance(12 * HOUR);
    expect([device.isOn, device.restarts, device.crashes]).toEqual([true, ["reboot"], []]);
    expect(device.settingsFlash.erases[0] - settingsErases).toBeLessThan(10);
    io.sleep = sleep;
    time.advance(DAY);
    expect(device.chip?.isAsleep).toBe(true);
  });
});

test("on a board that does not give its settings' flash: as long as the settings cannot be deleted, the reset is not complete", () => {
  const time = new VirtualTime();
  const flash = openedFlash(new NorFlash({ blocks: 3 }), throws);
  const stored = new Map([["settings.a", new ArrayBuffer(1)]]);
  let isBroken = true;
  const restarts: string[] = [];
  const settings = {
    get: () => false,
    factoryReset: () => (isBroken ? throws() : stored.delete("settings.a")),
  } as unknown as Settings;
  const owner = {
    board: { openFlash: () => flash, timers: time.timers, clock: time.clock },
    awakening: undefined,
    store: {
      read: (key: string) => stored.get(key),
      write: (key: string, value: ArrayBuffer) => stored.set(key, value),
      delete: (key: string) => stored.delete(key),
    },
    settings,
    announcement: { forget: () => {} },
    uplink: undefined,
    log: () => {},
    print: () => {},
    letGo: () => {},
    restart: (reason: string) => restarts.push(reason),
  } as unknown as ResetOwner;
  new FactoryReset(owner).begin();
  time.advance(MINUTE);
  expect([restarts, stored.size]).toEqual([[], 2]);
  isBroken = false;
  time.advance(AGAIN_MS);
  expect([restarts, stored.size]).toEqual([["factory reset"], 0]);
});
