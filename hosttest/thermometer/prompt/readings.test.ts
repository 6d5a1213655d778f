/*
 * The path of a reading from the sensor to the broker, and its time, on virtual time.
 */
import { describe, expect, test } from "vitest";
import { CLOCK_PATIENCE_MS, MAX_CLOCK_PATIENCE_MS } from "../../../src/thermometer/clock-patience.js";
import { device, expectTime, MINUTE, range, SECOND } from "./reading-setup.js";

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

/** A device that has run for `ms` without a network, and whose link is just up; no time server answers. */
function linkedAfter(ms: number) {
  const { one, house, time } = device();
  one.ntp.faults.silent = true;
  one.wifi.down();
  one.powerOn();
  time.advance(ms);
  one.wifi.up();
  time.runUntil(() => one.wifi.connected, 10 * MINUTE);
  return { one, house, time };
}

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
    const { house, time } = linkedAfter(4 * MINUTE);
    const upMs = time.nowMs;
    time.runUntil(() => house.readings().length > 0, 5 * MINUTE);
    expect(time.nowMs - upMs).toBeGreaterThanOrEqual(CLOCK_PATIENCE_MS);
    expect(time.nowMs - upMs).toBeLessThan(CLOCK_PATIENCE_MS + 2 * SECOND);
    expect(house.readings()[0]).toEqual({ value: 21.5, seq: 0 });
  });

  test.each([20, 60, 200])(
    "is waited for longer by readings of hours without a network: it comes %d s after the link",
    (lateS) => {
      const { one, house, time } = linkedAfter(360 * MINUTE);
      expect(one.port.take()).toContain("readings wait for the time, for at most 10 min");
      time.advance(lateS * SECOND);
      one.ntp.faults.silent = undefined;
      time.advance(30 * MINUTE);
      expect(house.readings().length).toBeGreaterThan(300);
      expect(house.readings().filter(({ ts }) => ts === undefined)).toEqual([]);
    },
  );

  test("is not waited for longer than ten minutes", () => {
    const { house, time } = linkedAfter(1_440 * MINUTE);
    const upMs = time.nowMs;
    time.runUntil(() => house.readings().length > 0, 60 * MINUTE);
    expect(time.nowMs - upMs).toBeGreaterThanOrEqual(MAX_CLOCK_PATIENCE_MS);
    expect(time.nowMs - upMs).toBeLessThan(MAX_CLOCK_PATIENCE_MS + 2 * SECOND);
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
    expect(one.status("losses")).toBe(`${dropped + 6} dropped, not stored`);
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
  time.runUntil(() => house.readings().length > 0, 15 * MINUTE);
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
