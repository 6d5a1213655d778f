/*
 * The thermometer from its sensor to the broker, on virtual time.
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
import { CLOCK_PATIENCE_MS } from "../../../src/thermometer.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { WORLD_BEGINS_MS } from "../../support/house.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function device(options: ConstructorParameters<typeof SimulatedDevice>[0] = {}) {
  const one = new SimulatedDevice(options);
  const { house } = one;
  return { one, house, time: house.time };
}

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

describe("a reading", () => {
  test("reaches the broker, with value, time and number, and is settled", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(35 * SECOND);
    expect(house.readings().map(({ value, seq }) => [value, seq])).toEqual(range(4).map((seq) => [21.5, seq]));
    for (const { ts, seq } of house.readings()) expectTime(ts, 10 * SECOND * (seq ?? 0));
    expect(one.settled).toEqual([0, 1, 2, 3]);
    expect(one.firmware.unsettled).toBe(0);
    expect(one.crashes).toEqual([]);
    expect(house.breaches).toEqual([]);
  });

  test("of QoS 2 arrives once and in order, whatever happens to the link", () => {
    const { one, house, time } = device({ defaults: { "mqtt.qos": "2", interval: "1" } });
    one.powerOn();
    for (let i = 0; i < 20; i++) {
      time.advance(7_300);
      house.network.resetAll();
      time.advance(3_100);
      one.wifi.down();
      time.advance(2_200);
      one.wifi.up();
    }
    time.advance(10 * MINUTE);
    one.firmware.stopSampling();
    time.advance(MINUTE);
    expect(house.sequences()).toEqual(range(one.taken.length));
    expect(house.breaches).toEqual([]);
  });

  test("keeps its room when the thermometer moves: room and QoS are in force after the reboot", () => {
    const { one, house, time } = device({ defaults: { "mqtt.host": "" } });
    one.powerOn();
    time.advance(25 * SECOND);
    one.set({ room: "bath", "mqtt.host": "10.0.0.1", "mqtt.qos": "2" });
    time.advance(10 * SECOND);
    expect(one.firmware.settings.get("room")).toBe("kitchen");
    one.reboot();
    time.advance(25 * SECOND);
    expect(house.sequences("kitchen")).toEqual([0, 1, 2, 3]);
    expect(house.sequences("bath").slice(0, 2)).toEqual([4, 5]);
    const qos = house.messages.filter(({ topic }) => topic.endsWith("/temperature")).map((message) => message.qos);
    expect(qos.slice(0, 6)).toEqual([1, 1, 1, 1, 2, 2]);
  });
});

describe("the clock", () => {
  test("is waited for, and the first message already has the time", () => {
    const { one, house, time } = device({ ntpLatencyMs: 3_900 });
    one.powerOn();
    time.advance(7 * SECOND);
    expect(house.messages).toEqual([]);
    time.runUntil(() => house.sequences().length > 2, CLOCK_PATIENCE_MS);
    expectTime(house.readings()[0].ts, 0, 21 * SECOND);
  });

  test("is not waited for longer than half a minute after the link is up", () => {
    const { one, house, time } = device();
    one.ntp.faults.silent = true;
    one.wifi.down();
    one.powerOn();
    time.advance(5 * MINUTE);
    one.wifi.up();
    time.runUntil(() => one.wifi.connected, 5 * MINUTE);
    const upMs = time.nowMs;
    time.runUntil(() => house.readings().length > 0, 5 * MINUTE);
    expect(time.nowMs - upMs).toBeGreaterThanOrEqual(CLOCK_PATIENCE_MS);
    expect(time.nowMs - upMs).toBeLessThan(CLOCK_PATIENCE_MS + 2 * SECOND);
    expect(house.readings()[0]).toEqual({ value: 21.5, seq: 0 });
  });

  test("is taken while the link is down again: sending starts when it is up", () => {
    const { one, house, time } = device();
    one.ntp.faults.silent = true;
    one.powerOn();
    time.runUntil(() => one.wifi.connected, MINUTE);
    time.advance(SECOND);
    one.wifi.down();
    time.advance(2 * CLOCK_PATIENCE_MS);
    expect(house.messages).toEqual([]);
    one.wifi.up();
    time.advance(3 * MINUTE);
    expect(house.sequences().slice(0, 3)).toEqual([0, 1, 2]);
    expect(house.breaches).toEqual([]);
  });

  test("is set hours wrong while the broker is away, and corrected: every reading that was not sent yet gets its right time", () => {
    const { one, house, time } = device({ defaults: { interval: "600" } });
    house.broker.stop("kept");
    one.ntp.faults.wrongByMs = 5 * 60 * MINUTE;
    one.powerOn();
    time.advance(60 * MINUTE);
    const firstMs = house.utcMs - time.nowMs;
    one.ntp.faults.wrongByMs = 0;
    time.advance(26 * 60 * MINUTE); // asked again once a day
    house.broker.start();
    time.advance(60 * MINUTE);
    const readings = house.readings();
    expect(readings.length).toBeGreaterThan(150);
    for (const [i, { ts, seq }] of readings.entries()) {
      expect(seq).toBe(i);
      expect(Math.abs(Date.parse(ts ?? "") - firstMs - i * 10 * MINUTE)).toBeLessThan(2 * SECOND);
    }
  });

  test("it is never set: no waiting, and readings carry no time", () => {
    const { one, house, time } = device({ defaults: { ntp: "" } });
    one.powerOn();
    time.advance(10 * SECOND);
    expect(house.readings()[0]).toEqual({ value: 21.5, seq: 0 });
  });

  test("is lost with the power: what was read before is dated all the same", () => {
    const { one, house, time } = device({ defaults: { interval: "60" } });
    one.powerOn();
    time.advance(MINUTE);
    house.broker.stop("kept");
    time.advance(10 * MINUTE);
    one.cut();
    one.ntp.faults.silent = true;
    house.broker.start();
    time.advance(MINUTE);
    one.powerOn();
    time.advance(2 * MINUTE);
    const { ts, seq } = house.readings()[5];
    expect(seq).toBe(5);
    expectTime(ts, 5 * MINUTE);
    expect(house.readings().at(-1)?.ts).toBeUndefined();
  });
});

describe("QoS 0", () => {
  test("is sent while connected, dropped and counted while not, and never in flash", () => {
    const { one, house, time } = device({ defaults: { "mqtt.qos": "0" } });
    one.powerOn();
    time.advance(65 * SECOND);
    const dropped = one.firmware.dropped;
    expect(house.readings()).toHaveLength(one.taken.length - dropped);
    expect(Object.keys(house.readings()[0])).toEqual(["value", "ts"]);
    house.broker.stop("kept");
    time.advance(MINUTE);
    expect(one.firmware.dropped).toBe(dropped + 6);
    expect(one.status("losses")).toBe(`${dropped + 6} dropped, not kept`);
    expect(one.firmware.outbox?.statistics().nextSequence).toBe(0);
  });
});

test("a window of a day's readings is sent before the time server answers: all the others have their time", () => {
  const { one, house, time } = device();
  one.ntp.faults.silent = true;
  one.wifi.down();
  one.powerOn();
  time.advance(24 * 60 * MINUTE);
  one.wifi.up();
  time.runUntil(() => house.readings().length > 0, 5 * MINUTE);
  house.broker.stop("kept");
  time.advance(MINUTE);
  one.ntp.faults.silent = undefined;
  time.advance(20 * MINUTE);
  house.broker.start();
  time.advance(30 * MINUTE);
  const undated = house.readings().filter(({ ts }) => ts === undefined);
  expect(house.readings().length).toBeGreaterThan(2_500);
  expect(undated.length).toBeGreaterThan(0);
  expect(undated.length).toBeLessThan(20);
  expect(one.firmware.lifetime?.possibleDoubles).toBe(0);
});

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

  test("flash of a newer format is not touched: readings go out, none is kept, and the prompt says why", () => {
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
    let said = "";
    while (one.restarts.length === 0) {
      time.advance(0);
      said += one.port.take();
    }
    expect(Object.values(perTurn)).toEqual([...new Array(10).fill(4), 1]); // last, the mark
    expect(said.match(/erased: \d+ %/g)).toEqual(["erased: 25 %", "erased: 50 %", "erased: 75 %"]);
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
    expect(one.port.take()).toContain("0 readings thrown away");
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
      if (outcome === "thrownAway") thrown.push(sequence);
    };
    one.type("queue drop");
    one.type("drop");
    const seen = house.sequences().length;
    let said = "";
    time.runUntil(() => {
      said += one.port.take();
      return said.includes("readings thrown away");
    }, MINUTE);
    expect(said).toContain(`5000 of ${unsettled} thrown away`);
    expect(house.sequences().length).toBeLessThanOrEqual(seen + 8); // what was in flight
    expect(said).toContain(`${thrown.length} readings thrown away`);
    expect(new Set(thrown).size).toBe(thrown.length); // the observer is notified of each
    time.advance(MINUTE);
    expect(house.broker.connects - connects).toBe(2); // the wipe, and the new session
    expect(one.firmware.unsettled).toBeLessThan(3);
    expect(house.breaches).toEqual([]);
  });
});

/** `ts` says `afterMs` of the world's time. The time server has whole seconds, and takes a while. */
function expectTime(ts: string | undefined, afterMs: number, lateMs = 1.5 * SECOND): void {
  const saysMs = Date.parse(ts ?? "") - WORLD_BEGINS_MS;
  expect(saysMs).toBeGreaterThan(afterMs - lateMs);
  expect(saysMs).toBeLessThanOrEqual(afterMs);
}

/** Rewrites every block's open header as a later firmware would have written it. */
function makeNewer(bytes: Uint8Array): void {
  const words = new Int32Array(bytes.buffer);
  for (let at = CLEAN_BYTES >> 2; at < words.length; at += 1024) {
    const header = emptyHeader();
    if (!decodeHeader(header, words, at)) continue;
    encodeHeader(decodeFormat(words, at), { ...header, version: FORMAT_VERSION + 1 }, words, at);
  }
}
