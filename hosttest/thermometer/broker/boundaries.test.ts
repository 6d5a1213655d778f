/*
 * QoS 2 over a real mosquitto, interrupted just before each packet of its exchanges: the device's with the broker, and the broker's with the
 * subscriber. The broker is stopped and started again, or the device is killed by signal 9 and started again. Each reading arrives once.
 */
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Collector } from "../../support/collector.js";
import { DeviceProcess } from "../../support/device.js";
import { Gate } from "../../support/processes/gate.js";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { removeFolder, temporaryFolder } from "../../support/temporary.js";

const PACKETS = ["publish", "pubrec", "pubrel", "pubcomp"] as const;

let folder: string;
let broker: Mosquitto;
/** Between the device and the broker; between the broker and the subscriber. */
let before: Gate;
let behind: Gate;
let collector: Collector;
let device: DeviceProcess;

beforeEach(async () => {
  folder = temporaryFolder("boundaries-");
  broker = await Mosquitto.start();
  before = await Gate.start(broker.port);
  behind = await Gate.start(broker.port);
  collector = await Collector.start(behind.port, "home/attic/temperature");
  device = start();
});

afterEach(async () => {
  await device.kill();
  await collector.close();
  await before.close();
  await behind.close();
  await broker.close();
  removeFolder(folder);
});

function start(...more: string[]): DeviceProcess {
  const address = `mqtt://127.0.0.1:${before.port}`;
  const options = `--headless --broker ${address} --room attic --qos 2 --interval 0.05`.split(" ");
  return new DeviceProcess([...options, "--flash", join(folder, "chip.flash"), ...more]);
}

const INTERRUPTIONS: readonly (readonly [what: string, gate: () => Gate, interrupt: () => Promise<void>])[] = [
  ["the broker is stopped, to or from the device", () => before, restartBroker],
  ["the broker is stopped, to or from the subscriber", () => behind, restartBroker],
  ["the device is killed", () => before, restartDevice],
];

async function restartBroker(): Promise<void> {
  await broker.stop();
  await broker.start();
}

async function restartDevice(): Promise<void> {
  await device.kill();
  device = start();
}

/** A further reading arrives, and each up to now has arrived once, and in order. */
async function expectNext(what: string): Promise<void> {
  const seen = new Set(collector.sequences).size;
  await collector.untilTrue(() => new Set(collector.sequences).size > seen);
  expect(collector.sequences, what).toEqual(range(collector.arrivals.length));
}

const range = (count: number): number[] => Array.from({ length: count }, (_, seq) => seq);

test("just before each packet something is interrupted: each reading arrives once, and in order", async () => {
  await expectNext("at the start");
  for (const [what, gate, interrupt] of INTERRUPTIONS) {
    for (const packet of PACKETS) {
      await gate().withhold(packet);
      await interrupt();
      gate().open();
      await expectNext(`${what}, before ${packet}`);
    }
  }
  await device.kill();
  device = start("--count", "1");
  expect(await device.exit()).toBe(0);
  const last = Number(/seq=(\d+)/.exec(device.lines("reading seq=")[0])?.[1]);
  await collector.untilTrue(() => collector.sequences.includes(last));
  expect(collector.sequences).toEqual(range(last + 1));
});
