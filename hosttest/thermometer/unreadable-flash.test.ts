/*
 * Flash whose reads fail for some time, although its content is right: no waiting reading is lost, no number is used twice. Only a part
 * that cannot be read for long, while the rest can, counts as damaged.
 */
import { expect, test } from "vitest";
import { PATIENCE_MS } from "../../src/thermometer/flash-retry.js";
import type { Thermometer } from "../../src/thermometer.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House } from "../support/house.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const BLOCK = 4096;
const HEAD_BYTES = 48;

/** A device with some hundred readings in flash, whose broker is away. */
function withBacklog(qos: string, intervalS = 30) {
  const house = new House();
  const one = new SimulatedDevice({ house, defaults: { interval: `${intervalS}`, "mqtt.qos": qos } });
  one.powerOn();
  house.time.advance(MINUTE);
  house.broker.stop("kept");
  house.time.advance(3 * HOUR);
  return { house, one, time: house.time };
}

/** The next `count` reads of the readings' flash fail. */
function failReads({ flash }: SimulatedDevice, count: number): void {
  let left = count;
  flash.faults.read = () => {
    if (left-- > 0) throw new Error("read failed");
  };
}

/** Numbers of the readings that arrived; those sent at once have none. Each number must have arrived once. */
function numbersOf(house: House): number[] {
  const numbers = house.readings().flatMap(({ seq }) => (seq === undefined ? [] : [seq]));
  expect(new Set(numbers).size).toBe(numbers.length);
  return numbers;
}

test("possible doubles that are found later on the same connection: it is logged once, and commands count it once", () => {
  const { one, house, time } = withBacklog("2");
  house.broker.start();
  time.runUntil(() => one.firmware.unsettled === 0, HOUR);
  house.broker.mood.stalled = true;
  time.advance(MINUTE);
  house.broker.mood.stalled = false;
  house.broker.stop("lost");
  one.flash.faults.read = () => {
    throw new Error("read failed");
  };
  one.port.take();
  const commands = one.firmware.uplink?.commands as object;
  const before: number = Reflect.get(commands, "connection");
  house.broker.start();
  time.advance(2 * MINUTE);
  one.flash.faults.read = undefined;
  time.advance(MINUTE);
  expect(one.firmware.lifetime?.possibleDoubles).toBeGreaterThan(0);
  expect(one.port.take().match(/connected to/g)).toHaveLength(1);
  expect(Reflect.get(commands, "connection")).toBe(before + 1);
});

test.each([[13], [16], [30], [300], [3000]])(
  "%d reads fail as a connection begins: what was stored arrives",
  (count) => {
    const { one, house, time } = withBacklog("1");
    const stored = one.firmware.unsettled;
    failReads(one, count);
    house.broker.start();
    time.advance(HOUR);
    const numbers = numbersOf(house);
    for (let number = 0; number < stored; number++) expect(numbers).toContain(number);
    const { dropped } = one.firmware as Thermometer;
    expect(house.readings().length + dropped).toBe(one.taken.length);
    expect(one.status("losses") ?? "").not.toContain("damaged");
    expect(one.crashes).toEqual([]);
  },
);

test.each([
  ["some seconds", 12 * SECOND],
  ["longer than a part of the flash is waited for", 2 * PATIENCE_MS],
])("reads fail at a boot, for %s: it is mounted later, with all that was stored", (_how, ms) => {
  const { one, house, time } = withBacklog("2");
  const stored = one.firmware.unsettled;
  one.cut();
  time.advance(SECOND);
  failReads(one, Number.POSITIVE_INFINITY);
  one.powerOn();
  expect(one.port.take()).toContain("outbox: flash cannot be read; readings are sent at once, or lost");
  expect(one.status("outbox")).toBe("flash cannot be read");
  time.advance(ms);
  one.flash.faults = {};
  time.advance(HOUR);
  expect(one.restarts).toEqual(["flash can be read again"]);
  expect(one.firmware.unsettled).toBeGreaterThan(stored);
  house.broker.start();
  time.advance(HOUR);
  const numbers = numbersOf(house);
  for (let number = 0; number < stored; number++) expect(numbers).toContain(number);
  expect(one.status("losses") ?? "").not.toContain("damaged");
  expect(one.crashes).toEqual([]);
});

test("reads fail for good: readings are sent at once, the queue is kept, nothing restarts", () => {
  const { one, house, time } = withBacklog("2");
  one.cut();
  const image = one.flash.save();
  one.flash.faults.read = () => {
    throw new Error("read failed");
  };
  one.powerOn();
  house.broker.start();
  time.advance(4 * HOUR);
  expect(one.restarts).toEqual([]);
  expect(one.crashes).toEqual([]);
  expect(house.readings().length).toBeGreaterThan(470);
  expect(one.status("flash")).toContain("cannot be used: readings are sent at once");
  expect(one.flash.bytes).toEqual(image.bytes);
});

test("reads fail for good while it runs: readings are sent at once on the same connection, the queue is kept", () => {
  const { one, house, time } = withBacklog("1");
  const stored = one.firmware.unsettled;
  one.flash.faults.read = () => {
    throw new Error("read failed");
  };
  house.broker.start();
  time.advance(HOUR);
  expect(house.readings().length).toBeGreaterThan(100);
  expect(one.status("flash")).toContain("cannot be read");
  expect(one.status("broker")).toContain("connected for");
  one.flash.faults = {};
  time.advance(HOUR);
  const numbers = numbersOf(house);
  for (let number = 0; number < stored; number++) expect(numbers).toContain(number);
  expect(one.status("flash")).toContain("of its life left");
  expect(one.crashes).toEqual([]);
});

test("reads fail for good from the end of a boot on: the first reading, too, is sent at once", () => {
  const { one, house, time } = withBacklog("1");
  one.reboot();
  one.flash.faults.read = () => {
    throw new Error("read failed");
  };
  house.broker.start();
  time.advance(HOUR);
  const { dropped } = one.firmware as Thermometer;
  expect(house.readings().length).toBeGreaterThan(100);
  expect(one.port.take()).not.toContain("readings:");
  expect(one.crashes).toEqual([]);
  expect(dropped).toBeLessThan(10);
});

test("reads fail from any read of a boot on, for some seconds: it restarts once at most, all that was stored arrives", () => {
  const { one, house, time } = withBacklog("2");
  const stored = one.firmware.unsettled;
  let reads = 0;
  one.cut();
  const image = one.flash.save();
  one.flash.faults.read = () => {
    reads++;
  };
  one.powerOn();
  for (let from = 0; from <= reads; from += Math.ceil(reads / 24)) {
    one.cut();
    one.flash.restore(image);
    one.restarts.length = 0;
    let left = from;
    one.flash.faults.read = () => {
      if (left-- <= 0) throw new Error("read failed");
    };
    one.powerOn();
    time.advance(12 * SECOND);
    one.flash.faults = {};
    time.advance(2 * MINUTE);
    expect(one.restarts.length, `from read ${from} of ${reads} on`).toBeLessThan(2);
    expect(one.firmware.unsettled, `from read ${from} of ${reads} on`).toBeGreaterThan(stored);
    expect(one.crashes).toEqual([]);
  }
  house.broker.start();
  time.advance(HOUR);
  const numbers = numbersOf(house);
  for (let number = 0; number < stored; number++) expect(numbers).toContain(number);
  expect(one.status("losses") ?? "").not.toContain("damaged");
});

test("flash that cannot be read in the first seconds after each boot: the device restarts once a minute at most", () => {
  const { one, time } = withBacklog("1");
  let boot = -1;
  let bootMs = 0;
  one.flash.faults.read = () => {
    if (boot !== one.restarts.length) {
      boot = one.restarts.length;
      bootMs = time.nowMs;
    }
    if (time.nowMs - bootMs < 3 * SECOND) throw new Error("read failed");
  };
  one.reboot();
  time.advance(10 * MINUTE);
  expect(one.restarts.length).toBeGreaterThan(2);
  expect(one.restarts.length).toBeLessThanOrEqual(11);
  expect(one.crashes).toEqual([]);
});

test.each([
  ["the oldest", "at a boot"],
  ["the oldest", "while it runs"],
  ["the newest", "at a boot"],
])("%s block cannot be read any more, %s: after a while only that is lost", (which, when) => {
  const { one, house, time } = withBacklog("1", 10);
  const blocks = blocksInUse(one.flash.bytes);
  expect(blocks.length).toBeGreaterThan(1);
  const bad = which === "the oldest" ? blocks[0] : blocks[blocks.length - 1];
  one.flash.faults.read = (_, address) => {
    if (Math.floor(address / BLOCK) === bad) throw new Error("read failed");
  };
  if (when === "at a boot") one.reboot();
  house.broker.start();
  time.advance(PATIENCE_MS / 2);
  expect(one.status("losses") ?? "").not.toContain("damaged");
  time.advance(4 * HOUR);
  const numbers = numbersOf(house);
  expect(numbers.length).toBeGreaterThan(900);
  if (which === "the oldest") expect(one.status("losses")).toContain("damaged in flash");
  expect(one.firmware.unsettled).toBeLessThan(3);
  expect(one.status("flash")).toContain("of its life left");
  expect(one.crashes).toEqual([]);
});

test.each<["head" | "head, and its records", string[]]>([
  ["head", []],
  ["head, and its records", ["flash has a newer block than at the start"]],
])(
  "the newest block's %s: read wrong at a boot, by more than a bit: nothing is written over, and all are found",
  (what, restarts) => {
    const { one, house, time } = withBacklog("1", 10);
    const stored = one.firmware.unsettled;
    const newest = blocksInUse(one.flash.bytes).pop() ?? 0;
    one.cut();
    const bootMs = time.nowMs;
    let left = 2;
    one.flash.faults.read = (buffer, address) => {
      const at = newest * BLOCK + 20 - address;
      const isHead = at >= 0 && at + 9 < buffer.length;
      if (isHead && left-- > 0) {
        buffer[at] ^= 1;
        buffer[at + 9] ^= 4;
      } else if (!isHead && what !== "head" && time.nowMs < bootMs + SECOND && Math.floor(address / BLOCK) === newest) {
        for (let n = 0; n < buffer.length; n += 9) buffer[n] ^= 5;
      }
    };
    one.powerOn();
    time.advance(2 * PATIENCE_MS);
    one.flash.faults = {};
    house.broker.start();
    time.advance(2 * HOUR);
    expect(one.restarts).toEqual(restarts);
    const numbers = numbersOf(house);
    for (let number = 0; number < stored; number++) expect(numbers).toContain(number);
    expect(one.status("losses") ?? "").not.toContain("damaged");
    expect(one.crashes).toEqual([]);
  },
);

/** Blocks with an open header, by their age. */
function blocksInUse(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found: { block: number; sequence: number }[] = [];
  for (let block = 0; block < bytes.length / BLOCK; block++) {
    if (view.getUint16(block * BLOCK + 16, true) !== 0x4f48) continue;
    found.push({ block, sequence: view.getUint32(block * BLOCK + 20, true) });
  }
  return found.sort((a, b) => a.sequence - b.sequence).map(({ block }) => block);
}

test("a note of the newest block is damaged, and the block before cannot be read any more: the device does not restart for ever", () => {
  const { one, house, time } = withBacklog("1", 10);
  const blocks = blocksInUse(one.flash.bytes);
  const newest = blocks[blocks.length - 1] * BLOCK;
  one.cut();
  const note = one.flash.bytes.subarray(newest, newest + BLOCK);
  const at = Buffer.from(note).indexOf("kitchen");
  expect(at).toBeGreaterThan(0);
  note.fill(0, at, at + 7);
  one.flash.faults.read = (_, address) => {
    const isHead = address % BLOCK < HEAD_BYTES;
    if (Math.floor(address / BLOCK) === blocks[blocks.length - 2] && !isHead) throw new Error("read failed");
  };
  one.powerOn();
  time.advance(3 * HOUR);
  expect(one.restarts.length).toBeLessThan(4);
  house.broker.start();
  time.advance(HOUR);
  expect(one.status("flash")).toContain("of its life left");
});

test("reads fail while time servers answer: the clock is set, and every reading has its time", () => {
  const house = new House();
  const one = new SimulatedDevice({ house, defaults: { interval: "30" }, ntpLatencyMs: 500 });
  one.powerOn();
  house.time.advance(10 * MINUTE);
  one.cut();
  house.time.advance(SECOND);
  one.powerOn();
  failReads(one, Number.POSITIVE_INFINITY);
  house.time.advance(MINUTE);
  expect(one.status("time")).toMatch(/^\d{4}-\d\d-\d\dT/);
  one.flash.faults = {};
  house.time.advance(30 * MINUTE);
  expect(house.readings().length).toBeGreaterThan(60);
  expect(house.readings().filter(({ ts }) => ts === undefined)).toEqual([]);
  expect(one.crashes).toEqual([]);
});
