import { describe, expect, test } from "vitest";
import { type BlockHeader, CLEAN_BYTES, decodeHeader, encodeHeader, FORMAT_VERSION } from "../../src/outbox/layout.js";
import { CLOCK_PATIENCE_MS } from "../../src/thermometer.js";
import { SimulatedDevice, WORLD_BEGINS_MS } from "../support/device-board.js";

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
  test("is waited for, and the first message already tells the time", () => {
    const { one, house, time } = device({ ntpLatencyMs: 20 * SECOND });
    one.powerOn();
    time.advance(19 * SECOND);
    expect(house.messages).toEqual([]);
    time.advance(5 * SECOND);
    expect(house.sequences()).toEqual([0, 1, 2]);
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

  test("comes while the link is gone again: sending begins when it is back", () => {
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

  test("nobody sets it: no waiting, and readings carry no time", () => {
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
  test("is sent while connected, dropped and counted while not, and never lies in flash", () => {
    const { one, house, time } = device({ defaults: { "mqtt.qos": "0" } });
    one.powerOn();
    time.advance(65 * SECOND);
    const dropped = one.firmware.dropped;
    expect(house.readings()).toHaveLength(one.taken.length - dropped);
    expect(Object.keys(house.readings()[0])).toEqual(["value", "ts"]);
    house.broker.stop("kept");
    time.advance(MINUTE);
    expect(one.firmware.dropped).toBe(dropped + 6);
    expect(one.status("losses")).toBe(`${dropped + 6} dropped at QoS 0`);
    expect(one.firmware.outbox?.statistics().nextSequence).toBe(0);
  });
});

describe("settings saved at the prompt", () => {
  test("interval, payload and log are in force at once, room not before the reboot", () => {
    const { one, house, time } = device({ defaults: { interval: "60" } });
    one.powerOn();
    time.advance(10 * SECOND);
    one.set({ interval: "1", payload: "plain", log: "error" });
    time.advance(10 * SECOND);
    const readings = house.payloads("home/kitchen/temperature");
    expect(readings.length).toBeGreaterThan(8);
    expect(readings.at(-1)).toBe("21.50");
    one.port.take();
    house.broker.stop("kept");
    time.advance(MINUTE);
    expect(one.port.take()).not.toContain("warn");
    one.set({ log: "debug" });
    house.broker.start();
    time.advance(3 * MINUTE);
    expect(one.port.take()).toContain("debug: mqtt connected");
  });

  test("the payload's form is told to Home Assistant at once", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(10 * SECOND);
    const topic = "homeassistant/sensor/thermometer020000000001/temperature/config";
    expect(house.retained.get(topic)).toContain("value_json");
    one.set({ payload: "plain" });
    time.advance(SECOND);
    expect(house.retained.get(topic)).not.toContain("value_json");
  });

  test("Wi-Fi is left and joined at once", () => {
    const { one, house, time } = device();
    one.wifi.setAir([
      { ssid: "home", password: "correct horse", rssi: -58 },
      { ssid: "barn", password: "battery staple", rssi: -70 },
    ]);
    one.powerOn();
    time.advance(MINUTE);
    const before = house.readings().length;
    one.set({ "wifi.ssid": "barn", "wifi.password": "wrong password" });
    time.advance(5 * MINUTE);
    expect(house.readings()).toHaveLength(before);
    expect(one.status("wifi")).toContain('"barn" does not let us in: wrong password?');
    one.set({ "wifi.password": "battery staple" });
    time.advance(5 * MINUTE);
    expect(one.status("wifi")).toContain('"barn", 192.0.2.7');
    expect(house.readings().length).toBeGreaterThan(before + 30);
  });

  test("offset, deadband and heartbeat change the readings from now on", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(15 * SECOND);
    one.set({ offset: "-1.5", deadband: "0.5", heartbeat: "60" });
    time.advance(5 * MINUTE);
    const values = house.readings().map(({ value }) => value);
    expect(values.slice(0, 3)).toEqual([21.5, 21.5, 20]);
    expect(values.length).toBeLessThan(9);
    one.sensor.celsius = 25;
    time.advance(15 * SECOND);
    expect(house.readings().at(-1)?.value).toBe(23.5);
  });

  test("outbox.full is obeyed at once", () => {
    const { one, house, time } = device({ blocks: 3, defaults: { "mqtt.host": "", interval: "1" } });
    one.powerOn();
    time.advance(20 * MINUTE);
    expect(one.firmware.outbox?.statistics().dropped).toBeGreaterThan(0);
    one.set({ "outbox.full": "refuse" });
    time.advance(20 * MINUTE);
    const { dropped, refused, entries, nextSequence } = one.firmware.outbox?.statistics() ?? {};
    expect(refused).toBeGreaterThan(100);
    expect((dropped ?? 0) + (refused ?? 0) + (entries ?? 0)).toBe(nextSequence);
    expect(one.status("losses")).toBe(`${dropped} dropped, flash full, ${refused} refused, flash full`);
    one.set({ "mqtt.host": "10.0.0.1" });
    one.reboot();
    time.advance(10 * MINUTE);
    one.firmware.stopSampling();
    time.advance(MINUTE);
    const arrived = house.sequences();
    expect(new Set(arrived).size).toBe(arrived.length);
    expect(one.firmware.unsettled).toBe(0);
    const after = one.firmware.outbox?.statistics();
    expect(arrived.length).toBe(
      (entries ?? 0) + one.taken.filter((sequence) => (sequence ?? -1) >= (nextSequence ?? 0)).length,
    );
    expect(after?.dropped).toBe(dropped);
  });
});

describe("trouble", () => {
  test("a sensor that is gone stops nothing else, and readings go on when it is back", () => {
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
    expect(one.port.take()).toContain("sensor: reads again");
    expect(one.restarts).toEqual([]);
  });

  test("flash of a newer format is not touched: no readings, and the prompt says why", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(30 * SECOND);
    one.cut();
    makeNewer(one.flash.bytes);
    const image = one.flash.bytes.slice();
    one.powerOn();
    time.advance(10 * MINUTE);
    expect(one.taken).toHaveLength(3);
    expect(one.status("sensor")).toBe("off: the flash cannot be used");
    expect(one.status("outbox")).toContain(`format version ${FORMAT_VERSION + 1} on flash`);
    expect(one.type("sample")).toContain("no readings are taken: see status");
    expect(one.type("queue")).toContain("no outbox: see status");
    expect(house.retained.get("home/kitchen/thermometer020000000001/status")).toBe("online");
    one.reboot();
    expect(one.flash.bytes).toEqual(image);
  });

  test("a full queue while the broker is away for days: what was given up is counted, and no number comes twice", () => {
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

  test("factory reset: settings and readings are gone, the id stays, and nothing is sent any more", () => {
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
});

describe("power cuts", () => {
  test("at any byte of any flash operation: nothing is lost, nothing comes twice at QoS 2", () => {
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

/** `ts` says `afterMs` of the world's time. The time server tells whole seconds, and takes a while. */
function expectTime(ts: string | undefined, afterMs: number, lateMs = 1.5 * SECOND): void {
  const saysMs = Date.parse(ts ?? "") - WORLD_BEGINS_MS;
  expect(saysMs).toBeGreaterThan(afterMs - lateMs);
  expect(saysMs).toBeLessThanOrEqual(afterMs);
}

/** Rewrites every block's open header as a later firmware would have written it. */
function makeNewer(bytes: Uint8Array): void {
  const words = new Int32Array(bytes.buffer);
  for (let at = CLEAN_BYTES >> 2; at < words.length; at += 1024) {
    const header = { version: 0 } as BlockHeader;
    if (!decodeHeader(header, words, at)) continue;
    header.version = FORMAT_VERSION + 1;
    encodeHeader(header, words, at);
  }
}
