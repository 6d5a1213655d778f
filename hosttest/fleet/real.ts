/*
 * Many whole devices in one process with a real mosquitto: are all served, and how much memory does each use?
 * Each is the unchanged firmware with its own flash and sensor. Memory is measured after garbage collection; flash images are counted separately.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { uptimeMs } from "../../boards/desktop/timers.js";
import { Thermometer } from "../../src/thermometer.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { deviceBoard } from "./whole-device.js";

const LIMIT_MS = 120_000;
const INTERVAL_S = 10;

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
    const { board, imageBytes } = deviceBoard({
      index: i,
      host: "127.0.0.1",
      port: broker.port,
      intervalS: INTERVAL_S,
      observer: { settled: () => void served.add(i) },
    });
    images.push(imageBytes);
    devices.push(new Thermometer(board));
    if (i % 100 === 99) await sleep(1); // they are not all switched on at the same moment
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

function used(): number {
  collect();
  collect(); // a second time, for the buffers of objects that the first collection has freed
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
