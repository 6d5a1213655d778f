/*
 * Whole devices, many in one process, against a real mosquitto: does it carry them, and how much memory does one take?
 * Each is the unchanged firmware with its own flash and sensor. What garbage collection leaves counts; a flash image is counted apart.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { I2CBus } from "../../boards/parts/i2c-bus.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { NorFlash } from "../../boards/parts/nor-flash.js";
import { TMP117Part } from "../../boards/parts/tmp117.js";
import type { Board } from "../../src/board.js";
import { Thermometer } from "../../src/thermometer.js";
import { openedFlash } from "../support/opened-flash.js";
import { Mosquitto } from "../support/processes/mosquitto.js";

const LIMIT_MS = 120_000;
const INTERVAL_S = 10;
const BLOCKS = 8; // of the outbox; the settings have some more
const SETTINGS_BLOCKS = 3;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export interface RealResult {
  /** Devices of which the broker has acknowledged a reading. */
  readonly served: number;
  /** JavaScript heap and buffers of a device with its simulated parts and its socket, without its flash images. */
  readonly bytesPerDevice: number;
  readonly flashBytesPerDevice: number;
}

/** `onProgress` is called with how many have been served so far, about once a second. */
export async function measureReal(count: number, onProgress: (served: number) => void): Promise<RealResult> {
  const broker = await Mosquitto.start();
  const before = used();
  const served = new Set<number>();
  const images: number[] = [];
  const devices: Thermometer[] = [];
  for (let i = 0; i < count; i++) {
    const { board, imageBytes } = boardOf(i, broker.port, () => served.add(i));
    images.push(imageBytes);
    devices.push(new Thermometer(board));
    if (i % 100 === 99) await sleep(1); // they are not all switched on in one instant
  }
  const limitMs = uptimeMs() + LIMIT_MS;
  while (served.size < count && uptimeMs() < limitMs) {
    await sleep(1000);
    onProgress(served.size);
  }
  const flashBytes = images.reduce((sum, bytes) => sum + bytes, 0);
  const bytes = used() - before - flashBytes;
  for (const device of devices) device.close();
  await broker.close();
  return {
    served: served.size,
    bytesPerDevice: Math.round(bytes / count),
    flashBytesPerDevice: Math.round(flashBytes / count),
  };
}

function boardOf(index: number, port: number, onSettled: () => void): { board: Board; imageBytes: number } {
  const bus = new I2CBus();
  bus.attach(0x48, new TMP117Part({ uptimeMs, celsius: 21.5 }));
  const outbox = new NorFlash({ blocks: BLOCKS });
  const settings = new NorFlash({ blocks: SETTINGS_BLOCKS });
  const board: Board = {
    name: "fleet",
    mac: index.toString(16).padStart(12, "0"),
    timers,
    clock: { uptimeMs, utcMs: () => Date.now() },
    random: Math.random,
    setUtc: () => {},
    openFlash: () => openedFlash(outbox, () => {}),
    openSettings: () => new KeyValueOnFlash(settings),
    sensor: { io: bus.SMBus, digital: bus.Digital, data: bus.data, clock: bus.clock },
    tcp: { io: TCP },
    defaults: { "mqtt.host": "127.0.0.1", "mqtt.port": `${port}`, interval: `${INTERVAL_S}`, room: `room${index}` },
    boot: () => {},
    restart: () => {},
    observer: { settled: onSettled },
  };
  return { board, imageBytes: outbox.bytes.length + settings.bytes.length };
}

function used(): number {
  collect();
  collect(); // buffers of what the first one found dead
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
