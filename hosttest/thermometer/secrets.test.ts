/* After a factory reset no byte of a setting is left on flash, whenever power was cut meanwhile. */
import { describe, expect, test } from "vitest";
import type { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Two of each kind: an earlier generation of the settings contains the first. */
const SECRETS = ["hunter2hunter2", "correct horse battery", "brokerpass1", "brokerpass2", "ann", "attic"];

/** A device whose secrets were changed once, with readings that wait. */
function used(): SimulatedDevice {
  const one = new SimulatedDevice({ blocks: 4, defaults: { interval: "10", "mqtt.host": "" } });
  one.powerOn();
  one.set({ "wifi.password": SECRETS[0], "mqtt.password": SECRETS[2], "mqtt.user": "ann", room: "attic" });
  one.set({ "wifi.password": SECRETS[1], "mqtt.password": SECRETS[3] });
  one.reboot();
  one.house.time.advance(MINUTE);
  return one;
}

function reset(one: SimulatedDevice): void {
  one.type("factory-reset");
  one.type("erase");
  one.house.time.advance(2 * SECOND);
}

/** The secrets that are found in the flash. */
function foundOn(...flashes: NorFlash[]): string[] {
  return SECRETS.filter((secret) => flashes.some(({ bytes }) => Buffer.from(bytes).includes(secret)));
}

const isNew = (one: SimulatedDevice): boolean => one.firmware.settings.get("room") === "kitchen";

describe("a factory reset", () => {
  test("erases what was saved: now and before, settings and readings", () => {
    const one = used();
    expect(foundOn(one.flash, one.settingsFlash)).toEqual(SECRETS);
    reset(one);
    expect(one.restarts).toEqual(["reboot", "factory reset"]);
    expect(foundOn(one.flash, one.settingsFlash)).toEqual([]);
    expect(isNew(one)).toBe(true);
    expect(one.firmware.settings.get("mqtt.password")).toBe("");
    one.set({ room: "bath" }); // the store accepts writes again
    one.reboot();
    expect(one.firmware.settings.get("room")).toBe("bath");
    expect(one.crashes).toEqual([]);
  });

  test.each(["settingsFlash", "flash"] as const)("cut anywhere on %s: the next boot completes it", (which) => {
    let cuts = 0;
    for (let step = 0; ; step += 3) {
      const one = used();
      one[which].cutAfter(step, (["none", "some", "all"] as const)[step % 3]);
      reset(one);
      if (one.isOn) break;
      cuts++;
      one.powerOn();
      one.house.time.advance(5 * SECOND);
      expect(one.crashes).toEqual([]);
      // The cut may have been in the very first write, which records that a reset is under way.
      if (step < 28 && which === "settingsFlash" && !isNew(one)) continue;
      expect(isNew(one), `cut at ${step}`).toBe(true);
      expect(foundOn(one.flash, one.settingsFlash), `cut at ${step}`).toEqual([]);
    }
    expect(cuts).toBeGreaterThan(20);
  });

  test("cut twice, the second time while the next boot completes it", () => {
    for (let first = 100; first < 180; first += 9) {
      for (let second = 0; second < 260; second += 23) {
        const one = used();
        one.settingsFlash.cutAfter(first);
        reset(one);
        one.cut();
        one.powerOn();
        one.settingsFlash.cutAfter(second);
        one.house.time.advance(5 * SECOND);
        one.cut();
        one.powerOn();
        one.house.time.advance(5 * SECOND);
        expect(foundOn(one.flash, one.settingsFlash), `cut at ${first}, then at ${second}`).toEqual([]);
        expect(isNew(one)).toBe(true);
      }
    }
  });

  test("blocks of the settings that cannot be erased are overwritten", () => {
    const one = used();
    const { settingsFlash } = one;
    settingsFlash.faults = { erase: () => "error" };
    reset(one);
    expect(foundOn(one.flash, settingsFlash)).toEqual([]);
  });
});
