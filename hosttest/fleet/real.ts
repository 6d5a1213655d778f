/*
 * Real clients, many in one process, against a real mosquitto: does it carry them, and what does one weigh?
 */
import { TCP } from "../../boards/desktop/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { Client } from "../../src/mqtt/client.js";
import { MemoryStore } from "../../src/mqtt/store.js";
import { Mosquitto } from "../support/mosquitto.js";

const LIMIT_MS = 60_000;

export interface RealResult {
  readonly connected: number;
  /** JavaScript heap and buffers, client and socket together. */
  readonly bytesPerDevice: number;
}

export async function measureReal(count: number): Promise<RealResult> {
  const broker = await Mosquitto.start();
  const before = used();
  const stores: MemoryStore[] = [];
  const clients = Array.from({ length: count }, (_, i) => {
    const store = new MemoryStore();
    store.append("home/fleet/temperature", Uint8Array.of(0x32, 0x31), 1);
    stores.push(store);
    return new Client({
      socket: { io: TCP },
      host: "127.0.0.1",
      port: broker.port,
      id: `real${i}`,
      timers,
      uptimeMs,
      random: Math.random,
      outbound: store,
      render: (entry) => entry,
    });
  });
  for (const client of clients) client.start();
  const limitMs = uptimeMs() + LIMIT_MS;
  const served = (): number => stores.filter(({ length }) => length === 0).length;
  while (served() < count && uptimeMs() < limitMs) await new Promise((resolve) => setTimeout(resolve, 50));
  const connected = served();
  const bytesPerDevice = Math.round((used() - before) / count);
  for (const client of clients) client.close();
  await broker.close();
  return { connected, bytesPerDevice };
}

function used(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
