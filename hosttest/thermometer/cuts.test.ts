/*
 * Power cuts of the whole thermometer, at any byte of any operation.
 */
import { describe, expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function device(options: ConstructorParameters<typeof SimulatedDevice>[0] = {}) {
  const one = new SimulatedDevice(options);
  const { house } = one;
  return { one, house, time: house.time };
}

describe("power cuts", () => {
  test("at any byte of any flash operation: no reading is lost, none is doubled at QoS 2", () => {
    const { one, house, time } = device({ blocks: 6, defaults: { interval: "1", "mqtt.qos": "2" } });
    const kept: number[] = [];
    for (let cut = 0; cut < 150; cut++) {
      one.powerOn();
      time.advance(1_000 + 130 * (cut % 40));
      one.flash.cutAfter(cut % 61, (["none", "some", "all"] as const)[cut % 3]);
      time.advance(20 * SECOND);
      expect(one.isOn).toBe(false);
      for (const sequence of one.taken.splice(0)) if (sequence !== undefined && sequence >= 0) kept.push(sequence);
    }
    one.powerOn();
    time.advance(MINUTE);
    one.firmware.stopSampling();
    time.advance(MINUTE);
    const sequences = house.sequences();
    expect(one.crashes).toEqual([]);
    expect(house.breaches).toEqual([]);
    expect(sequences).toHaveLength(new Set(sequences).size);
    expect(sequences).toEqual(expect.arrayContaining(kept));
    expect(one.firmware.outbox?.statistics().dropped).toBe(0);
  });

  test("while it boots: nothing is lost, and the room of every reading is its own", () => {
    const { one, house, time } = device({ defaults: { "mqtt.host": "", interval: "1" } });
    const rooms = ["kitchen", "attic", "bath"];
    const truth = new Map<number, string>();
    for (let boot = 0; boot < 120; boot++) {
      const room = rooms[boot % rooms.length];
      one.defaults.room = room;
      if (boot % 2 === 1) one.cutBootAfter = boot;
      one.powerOn();
      time.advance(3 * SECOND);
      one.cut();
      for (const sequence of one.taken.splice(0))
        if (sequence !== undefined && sequence >= 0) truth.set(sequence, room);
    }
    one.defaults["mqtt.host"] = "10.0.0.1";
    one.powerOn();
    time.advance(5 * MINUTE);
    expect(one.crashes).toEqual([]);
    expect(truth.size).toBeGreaterThan(100);
    const seen = rooms.flatMap((room) => house.sequences(room).map((sequence = -1) => [sequence, room] as const));
    expect(Object.fromEntries(seen)).toMatchObject(Object.fromEntries(truth));
    expect(one.firmware.lifetime?.deadLetters).toBe(0);
  });

  test("anywhere in a factory reset: the next boot completes it, and no data of the old device is seen again", () => {
    for (let cut = 0; cut < 20; cut++) {
      const { one, house, time } = device({ defaults: { interval: "1", "mqtt.qos": "2" } });
      one.powerOn();
      one.set({ room: "attic" });
      one.reboot();
      time.advance(70 * MINUTE); // once round the flash
      house.broker.mood.stalled = true;
      time.advance(10 * SECOND);
      house.broker.mood.stalled = false;
      house.broker.stop("kept");
      time.advance(MINUTE);
      one.flash.cutAfter(cut * one.flash.eraseCost + 5);
      one.type("factory-reset");
      one.type("erase");
      time.advance(2 * SECOND);
      const isCut = !one.isOn;
      expect(isCut).toBe(cut < 18); // 16 blocks, the mark, and its erase
      one.taken.length = 0;
      const seen = house.messages.length;
      house.broker.start();
      one.powerOn();
      time.advance(5 * MINUTE);
      one.firmware.stopSampling();
      time.advance(MINUTE);
      // The cut was in the erase of the mark, the last step: there may be nothing left to complete.
      if (cut !== 17) expect(one.restarts).toEqual(["reboot", "factory reset"]);
      expect(one.firmware.settings.get("room")).toBe("kitchen");
      expect(one.firmware.lifetime?.boots).toBe(1);
      expect(house.messages.slice(seen).filter(({ topic }) => topic === "home/attic/temperature")).toEqual([]);
      if (isCut) expect(house.sequences()).toEqual(one.taken);
      expect(house.breaches).toEqual([]);
      expect(one.crashes).toEqual([]);
    }
  });

  test("during a save: the settings are the old ones or the new ones", () => {
    for (let steps = 0; steps < 200; steps += 7) {
      const { one, time } = device();
      one.powerOn();
      one.set({ room: "attic", interval: "30" });
      one.settingsFlash.cutAfter(steps);
      one.type("set room bath; set interval 40; save");
      one.cut();
      one.powerOn();
      time.advance(SECOND);
      const { settings } = one.firmware;
      expect([
        ["attic", 30],
        ["bath", 40],
      ]).toContainEqual([settings.get("room"), settings.get("interval")]);
      expect(one.crashes).toEqual([]);
    }
  });
});
