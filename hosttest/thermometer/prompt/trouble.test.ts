/*
 * The thermometer in trouble: what fails, what is reported, and what is not lost, on virtual time.
 */
import { describe, expect, test } from "vitest";
import {
  CLEAN_BYTES,
  decodeFormat,
  decodeHeader,
  emptyHeader,
  encodeHeader,
  FORMAT_VERSION,
} from "../../../src/outbox/flash/layout.js";
import { device, MINUTE, SECOND } from "./reading-setup.js";

describe("trouble", () => {
  test("a missing sensor stops nothing else, and readings continue when it is back", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(25 * SECOND);
    one.unplugSensor();
    time.advance(10 * MINUTE);
    expect(one.status("sensor")).toMatch(/^failing/);
    expect(one.status("broker")).toContain("connected");
    const before = house.readings().length;
    one.plugSensor();
    time.advance(2 * MINUTE);
    expect(house.readings().length).toBeGreaterThan(before + 5);
    expect(one.port.take()).toContain("sensor: TMP117 at 0x48 works again");
    expect(one.restarts).toEqual([]);
  });

  test("flash of a newer format is not touched: readings are sent, none is stored, and the prompt shows the reason", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(30 * SECOND);
    one.cut();
    makeNewer(one.flash.bytes);
    const image = one.flash.bytes.slice();
    one.powerOn();
    time.advance(10 * MINUTE);
    expect(one.taken.slice(3, 5)).toEqual([undefined, undefined]);
    expect(house.readings().at(-1)).toEqual({ value: 21.5, ts: expect.any(String) });
    expect(house.readings().length).toBeGreaterThan(55);
    expect(one.status("sensor")).toContain("21.50 °C");
    expect(one.status("flash")).toBe("cannot be used: readings are sent at once, or lost while there is no connection");
    expect(one.status("outbox")).toContain(`format version ${FORMAT_VERSION + 1} on flash`);
    expect(one.type("queue")).toContain("no outbox: see status");
    expect(house.retained.get("home/kitchen/thermometer020000000001/status")).toBe("online");
    one.reboot();
    expect(one.flash.bytes).toEqual(image);
  });

  test("a full queue while the broker is away for days: evicted readings are counted, and no number arrives twice", () => {
    const { one, house, time } = device({ blocks: 4, defaults: { interval: "2", "mqtt.qos": "2" } });
    one.powerOn();
    time.advance(MINUTE);
    house.broker.stop("kept");
    time.advance(24 * 60 * MINUTE);
    house.broker.start();
    time.advance(30 * MINUTE);
    one.firmware.stopSampling();
    time.advance(MINUTE);
    const { dropped, nextSequence } = one.firmware.outbox?.statistics() ?? {};
    const sequences = house.sequences();
    expect(dropped).toBeGreaterThan(1000);
    expect(sequences.length + (dropped ?? 0)).toBe(nextSequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a = 0, b = 0) => a - b));
    one.cut();
    one.powerOn();
    expect(one.status("losses")).toContain(`${dropped} dropped, flash full`);
  });

  test("factory reset: settings and readings are erased, the id stays, and nothing is sent any more", () => {
    const { one, house, time } = device({ defaults: {} });
    one.powerOn();
    one.set({ room: "attic", "mqtt.qos": "2" });
    one.reboot();
    time.advance(30 * SECOND);
    expect(house.sequences("attic").length).toBeGreaterThan(0);
    house.broker.stop("kept");
    time.advance(5 * MINUTE);
    one.type("factory-reset");
    one.type("erase");
    time.advance(SECOND);
    house.broker.start();
    const { length } = house.sequences("attic");
    time.advance(5 * MINUTE);
    expect(one.firmware.settings.get("room")).toBe("kitchen");
    expect(house.sequences("attic")).toHaveLength(length);
    expect(house.sequences("kitchen")[0]).toBe(0);
    expect(one.crashes).toEqual([]);
    expect(one.restarts).toEqual(["reboot", "factory reset"]);
  });

  test("factory reset of a large flash: 16 KiB a turn, reported by quarters; a block that cannot be erased is overwritten, and stops nothing", () => {
    const { one, house, time } = device({ blocks: 40, defaults: { interval: "1" } });
    house.broker.stop("kept");
    one.powerOn();
    time.advance(10 * MINUTE);
    let turn = 0;
    const perTurn: number[] = [];
    const watch = (): void => {
      turn++;
      if (one.restarts.length === 0) time.timers.set(watch, 0);
    };
    const { flash } = one;
    const eraseBlock = flash.eraseBlock.bind(flash);
    flash.eraseBlock = (first, end = first + 1) => {
      perTurn[turn] = (perTurn[turn] ?? 0) + end - first;
      if (first <= 17 && 17 < end) throw new Error("will not erase");
      eraseBlock(first, end);
    };
    one.type("factory-reset");
    one.port.take();
    one.type("erase");
    watch();
    let printed = "";
    while (one.restarts.length === 0) {
      time.advance(0);
      printed += one.port.take();
    }
    expect(Object.values(perTurn)).toEqual([...new Array(10).fill(4), 1]); // last, the mark
    expect(printed.match(/erased: \d+ %/g)).toEqual(["erased: 25 %", "erased: 50 %", "erased: 75 %"]);
    expect(flash.bytes.subarray(0, 17 * 4096).every((byte) => byte === 0xff)).toBe(true);
    expect(flash.bytes.subarray(17 * 4096, 18 * 4096).every((byte) => byte === 0)).toBe(true);
    expect(flash.bytes.subarray(18 * 4096).every((byte) => byte === 0xff)).toBe(true);
    time.advance(SECOND);
    expect(one.firmware.unsettled).toBeLessThan(3);
  });

  test("factory reset requested twice is one; closed during it, it erases nothing more in this life", () => {
    const { one, time } = device({ blocks: 40 });
    one.powerOn();
    time.advance(30 * SECOND);
    one.firmware.factoryReset();
    time.advance(100);
    expect(() => one.firmware.factoryReset()).toThrow("under way");
    time.advance(SECOND);
    expect(one.restarts).toEqual(["factory reset"]);
    time.advance(30 * SECOND);
    one.firmware.factoryReset();
    one.firmware.close();
    const image = one.flash.bytes.slice();
    time.advance(3 * SECOND);
    expect(one.flash.bytes).toEqual(image);
    expect(one.restarts).toEqual(["factory reset"]);
  });

  test("queue drop: readings taken while the question is open stay, even if those that it asked about were sent", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(20 * SECOND);
    house.broker.stop("kept");
    time.advance(5 * MINUTE);
    one.type("queue drop");
    house.broker.start();
    time.runUntil(() => one.firmware.unsettled === 0, 10 * MINUTE);
    house.broker.stop("kept");
    const seen = house.sequences().length;
    time.advance(5 * MINUTE);
    const { unsettled } = one.firmware;
    expect(unsettled).toBeGreaterThan(2);
    one.port.take();
    one.type("drop");
    time.advance(SECOND);
    expect(one.port.take()).toContain("0 readings dropped");
    expect(one.firmware.unsettled).toBeGreaterThanOrEqual(unsettled);
    house.broker.start();
    time.runUntil(() => one.firmware.unsettled === 0, 10 * MINUTE);
    expect(house.sequences().length - seen).toBeGreaterThanOrEqual(unsettled);
  });

  test("queue drop of thousands, the broker there: a part a turn, none of them is published meanwhile, and one session ends", () => {
    const { one, house, time } = device({ blocks: 64, defaults: { interval: "1", "mqtt.qos": "2" } });
    one.powerOn();
    time.advance(20 * SECOND);
    house.broker.stop("kept");
    time.advance(120 * MINUTE);
    house.broker.start();
    time.runUntil(() => one.firmware.uplink?.status.state === "connected", 10 * MINUTE);
    const { timers } = one.firmware.board;
    const set = timers.set.bind(timers);
    (timers as { set: typeof set }).set = (callback, delayMs) => set(callback, delayMs === 0 ? 250 : delayMs); // a flash that takes its time
    const { unsettled } = one.firmware;
    expect(unsettled).toBeGreaterThan(6_000);
    const { connects } = house.broker;
    const thrown: number[] = [];
    one.firmware.board.observer!.settled = (sequence, outcome) => {
      if (outcome === "dropped") thrown.push(sequence);
    };
    one.type("queue drop");
    one.type("drop");
    const seen = house.sequences().length;
    let printed = "";
    time.runUntil(() => {
      printed += one.port.take();
      return printed.includes("readings dropped");
    }, MINUTE);
    expect(printed).toContain(`5000 of ${unsettled} dropped`);
    expect(house.sequences().length).toBeLessThanOrEqual(seen + 8); // what was in flight
    expect(printed).toContain(`${thrown.length} readings dropped`);
    expect(new Set(thrown).size).toBe(thrown.length); // the observer is notified of each
    time.advance(MINUTE);
    expect(house.broker.connects - connects).toBe(2); // the wipe, and the new session
    expect(one.firmware.unsettled).toBeLessThan(3);
    expect(house.breaches).toEqual([]);
  });
});

/** Rewrites every block's open header as a later firmware would have written it. */
function makeNewer(bytes: Uint8Array): void {
  const words = new Int32Array(bytes.buffer);
  for (let at = CLEAN_BYTES >> 2; at < words.length; at += 1024) {
    const header = emptyHeader();
    if (!decodeHeader(header, words, at)) continue;
    encodeHeader(decodeFormat(words, at), { ...header, version: FORMAT_VERSION + 1 }, words, at);
  }
}
