/*
 * The whole thermometer as a process, on Node and on XS, against a real mosquitto and an independent subscriber.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test as plainTest } from "vitest";
import { BadNetwork } from "../../chaos/bad-network.js";
import { judge } from "../../chaos/verdict.js";
import { Collector } from "../../support/collector.js";
import { DeviceProcess } from "../../support/device.js";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { xsAvailable } from "../../xs/available.js";

let folder: string;
let broker: Mosquitto;
let proxy: BadNetwork; // passes everything on, and records it
let collector: Collector;
let devices: DeviceProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  broker = await Mosquitto.start();
  proxy = await BadNetwork.start(broker.port);
  collector = await Collector.start(broker.port, "home/+/temperature");
  devices = [];
});

afterEach(async () => {
  for (const device of devices) await device.kill();
  await collector.close();
  await proxy.close();
  await broker.close();
  rmSync(folder, { recursive: true });
});

const ENGINES = [
  { engine: "node", isAvailable: true },
  { engine: "xs", isAvailable: xsAvailable },
] as const;

function startOn(engine: string, qos: number, ...more: string[]): DeviceProcess {
  const url = `mqtt://127.0.0.1:${proxy.port}`;
  const options = [
    "--headless",
    "--broker",
    url,
    "--room",
    "kitchen",
    "--qos",
    `${qos}`,
    "--interval",
    "0.05",
    "--engine",
    engine,
  ];
  const device = new DeviceProcess([...options, "--flash", join(folder, "chip.flash"), ...more]);
  devices.push(device);
  return device;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each(ENGINES)("the thermometer on $engine against mosquitto", ({ engine, isAvailable }) => {
  const test = plainTest.runIf(isAvailable);
  const start = (qos: number, ...more: string[]) => startOn(engine, qos, ...more);

  test.each([1, 2])("QoS %i: a hundred readings arrive, in order, each with value, time and number", async (qos) => {
    const device = start(qos, "--count", "100");
    expect(await device.exit()).toBe(0);
    await collector.until(100);
    expect(collector.sequences).toEqual(range(100));
    for (const { topic, qos: arrivedQoS, retain } of collector.arrivals) {
      expect({ topic, qos: arrivedQoS, retain }).toEqual({ topic: "home/kitchen/temperature", qos, retain: false });
    }
    for (const { value, ts } of collector.readings) {
      expect(value).toBeGreaterThan(-40);
      expect(value).toBeLessThan(60);
      expect(Math.abs(Date.parse(ts ?? "") - Date.now())).toBeLessThan(60_000);
    }
    expect(device.lines("reading ")).toHaveLength(100);
    expect(device.lines("settled ")).toHaveLength(100);
  });

  test("QoS 0: readings arrive at most once, in order, without a number", async () => {
    const device = start(0, "--count", "30");
    expect(await device.exit()).toBe(0);
    await collector.untilTrue(() => collector.arrivals.length > 0);
    expect(collector.arrivals.length).toBeLessThanOrEqual(30);
    for (const reading of collector.readings) expect(Object.keys(reading)).toEqual(["value", "ts"]);
    const seen = collector.readings.map(({ value }) => value.toFixed(2));
    const taken = device.lines("reading ").map((line) => line.replace("reading value=", ""));
    let at = 0;
    for (const value of seen) {
      at = taken.indexOf(value, at) + 1;
      expect(at).toBeGreaterThan(0);
    }
  });

  test.each([1, 2] as const)(
    "QoS %i: the broker is stopped and comes back: nothing is lost, nor doubled at QoS 2",
    async (qos) => {
      const device = start(qos, "--count", "60");
      await collector.until(15);
      await broker.stop();
      const taken = device.lines("reading ").length;
      await device.until((one) => one.lines("reading ").length >= taken + 10);
      await broker.start();
      expect(await device.exit()).toBe(0);
      await collector.untilTrue(() => new Set(collector.sequences).size === 60);
      expectWhole(qos, 60);
    },
  );

  test.each([1, 2] as const)(
    "QoS %i: killed by signal 9 and started again: nothing is lost, nor doubled at QoS 2",
    async (qos) => {
      for (const seen of [10, 25, 40]) {
        const device = start(qos);
        await collector.untilTrue(() => new Set(collector.sequences).size >= seen);
        await device.kill();
      }
      const device = start(qos, "--count", "10");
      expect(await device.exit()).toBe(0);
      const last = Number(
        device
          .lines("reading ")
          .at(-1)
          ?.match(/seq=(\d+)/)?.[1],
      );
      await collector.untilTrue(() => collector.sequences.includes(last));
      expectWhole(qos, last + 1);
    },
  );

  test("QoS 2: killed while the broker is away, its backlog arrives later, with the time of the reading", async () => {
    await broker.stop();
    const before = start(2);
    await before.until((one) => one.lines("reading ").length >= 20);
    await before.kill();
    const taken = before.lines("reading ").length;
    await broker.start();
    const after = start(2, "--count", "5");
    expect(await after.exit()).toBe(0);
    await collector.untilTrue(() => new Set(collector.sequences).size >= taken + 5);
    const { sequences, readings } = collector;
    expectWhole(2, new Set(sequences).size);
    const times = readings.map(({ ts }) => Date.parse(ts ?? ""));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeLessThan(times[times.length - 1]);
  });

  test("an unreachable broker is no error: it is reported once, sampling continues, and at the end the unsettled readings are reported", async () => {
    await broker.stop();
    await proxy.close(); // it would take the connection
    const device = start(1, "--duration", "2");
    expect(await device.exit()).toBe(0);
    const taken = device.lines("reading ").length;
    expect(taken).toBeGreaterThan(10);
    expect(device.stderr.split(`127.0.0.1:${proxy.port}`)).toHaveLength(2);
    expect(device.stderr).toContain(`unsettled readings: ${taken}`);
  });

  /** Every number has arrived; at QoS 2 once, and in order. Missing and doubled ones are attributed by the wire log. */
  function expectWhole(qos: 1 | 2, count: number): void {
    const { sequences } = collector;
    const verdict = judge({ log: proxy.log, written: range(count), seen: sequences, qos });
    expect(verdict).toMatchObject({ lost: [], lostByBroker: [], doubled: [], doubledByBroker: [] });
    expect(verdict).toMatchObject({ disordered: [], disorderedByBroker: [] });
    expect(qos === 2 ? sequences : [...new Set(sequences)].sort((a, b) => a - b)).toEqual(range(count));
  }
});
