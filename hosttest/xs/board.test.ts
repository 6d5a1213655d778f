/*
 * The unchanged firmware on XS, against simulated parts and a real mosquitto.
 */
import { connect } from "mqtt";
import { afterEach, beforeAll, describe, expect } from "vitest";
import { TCP } from "../../boards/desktop/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { I2CBus } from "../../boards/parts/i2c-bus.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { NorFlash } from "../../boards/parts/nor-flash.js";
import { TMP117Part } from "../../boards/parts/tmp117.js";
import type { Creation } from "../../boards/xs/engine/worker.js";
import { type FirmwareOnXS, runOnXS } from "../../boards/xs/run.js";
import type { Board } from "../../src/board.js";
import type { SerialCallbacks, SerialPort } from "../../src/console/serial.js";
import { Mosquitto } from "../support/mosquitto.js";
import { xsTest as test, xsAvailable } from "./available.js";

const ROOM = 1_024;

/** A UART with somebody at the other end. */
class Typist {
  shown = "";
  #keys = "";
  #callbacks: SerialCallbacks | undefined;

  readonly serial = { io: this.#port(), mode: "terminal" as const };

  type(keys: string): void {
    this.#keys += keys;
    this.#callbacks?.onReadable(this.#keys.length);
  }

  #port() {
    const typist = this;
    return class implements SerialPort {
      constructor(callbacks: SerialCallbacks) {
        typist.#callbacks = callbacks;
        setImmediate(() => callbacks.onWritable(ROOM));
      }
      read(buffer: Uint8Array): void {
        for (let i = 0; i < buffer.length; i++) buffer[i] = typist.#keys.charCodeAt(i);
        typist.#keys = typist.#keys.slice(buffer.length);
      }
      write(buffer: Uint8Array): void {
        typist.shown += Buffer.from(buffer).toString("latin1");
        setImmediate(() => typist.#callbacks?.onWritable(ROOM));
      }
      close(): void {
        typist.#callbacks = undefined;
      }
    };
  }
}

/** One device: its parts, its flash, and what it was seen to do. */
class Device {
  readonly typist = new Typist();
  readonly settled: number[] = [];
  readonly troubles: string[] = [];
  readonly #outbox = new NorFlash({ blocks: 16 }).bytes;
  readonly #settings = new NorFlash({ blocks: 4 }).bytes;
  starts = 0;
  #firmware: FirmwareOnXS | undefined;
  readonly #board: Board;

  constructor(port: number) {
    const bus = new I2CBus();
    bus.attach(0x48, new TMP117Part({ uptimeMs, celsius: 21.4375 }));
    this.#board = {
      name: "bench",
      mac: "0123456789ab",
      timers,
      clock: { uptimeMs, utcMs: () => Date.now() },
      random: () => 0.5,
      setUtc: () => {},
      openFlash: () => new NorFlash({ blocks: 16, bytes: this.#outbox }),
      openSettings: () => new KeyValueOnFlash(new NorFlash({ blocks: 4, bytes: this.#settings })),
      sensor: { io: bus.SMBus, digital: bus.Digital, data: bus.data, clock: bus.clock },
      tcp: { io: TCP },
      serial: this.typist.serial,
      defaults: { "mqtt.host": "127.0.0.1", "mqtt.port": String(port), interval: "0.05", room: "bath" },
      boot: () => {},
      restart: () => {},
      observer: { started: () => this.starts++, settled: (sequence) => this.settled.push(sequence) },
    };
  }

  get firmware(): FirmwareOnXS {
    if (this.#firmware === undefined) throw new Error("not started");
    return this.#firmware;
  }

  async start(creation?: Creation): Promise<this> {
    const onTrouble = (text: string) => this.troubles.push(text);
    this.#firmware = await runOnXS({ board: this.#board, creation, onTrouble });
    return this;
  }

  async end(): Promise<void> {
    await this.#firmware?.end();
  }
}

async function until(condition: () => boolean, device: Device): Promise<void> {
  while (!condition()) {
    if (device.troubles.length > 0) throw new Error(device.troubles.join("; "));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

let broker: Mosquitto | undefined;
const devices: Device[] = [];

beforeAll(async () => {
  if (xsAvailable) broker = await Mosquitto.start();
  return () => broker?.close();
});

afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.end()));
});

function device(): Device {
  const made = new Device((broker as Mosquitto).port);
  devices.push(made);
  return made;
}

/** Payloads under a topic, as a subscriber sees them. */
async function subscribed(topic: string): Promise<string[]> {
  const seen: string[] = [];
  const client = connect({ host: "127.0.0.1", port: (broker as Mosquitto).port });
  client.on("message", (_topic, payload) => seen.push(payload.toString()));
  await client.subscribeAsync(topic, { qos: 1 });
  return seen;
}

describe("the firmware on XS", () => {
  test("readings reach a subscriber, in order, and are settled", async () => {
    const seen = await subscribed("home/bath/temperature");
    const it = await device().start();
    await until(() => it.settled.length >= 20, it);
    expect(it.settled.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await until(() => seen.length >= 20, it);
    expect(seen.slice(0, 20).map((text) => JSON.parse(text).seq)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(JSON.parse(seen[0])).toMatchObject({ value: 21.44 });
  });

  test("the prompt works: status, a setting saved, a reboot with it in force", async () => {
    const it = await device().start();
    await until(() => it.typist.shown.includes("> "), it);
    it.typist.type("set room attic\rsave\r");
    await until(() => it.typist.shown.includes("saved"), it);
    it.typist.shown = "";
    it.typist.type("reboot\r");
    await until(() => it.starts === 2, it);
    it.typist.type("show\r");
    await until(() => /room\s.*attic/.test(it.typist.shown), it);
  });

  test("a power cut: what was in flash is sent by the next run, and nothing twice", async () => {
    const it = await device().start();
    await until(() => it.settled.length >= 5, it);
    await it.end();
    const before = it.settled.splice(0);
    await it.start();
    await until(() => it.settled.length >= 5, it);
    const all = [...before, ...it.settled];
    expect(new Set(all).size).toBeGreaterThanOrEqual(all.length - 1); // the one whose settle was under way
    expect(Math.max(...all)).toBe(new Set(all).size - 1); // no gap
  });

  test("in the memory of a device it runs", async () => {
    const it = await device().start({
      arenaBytes: 64 * 1024,
      initialChunkBytes: 4096,
      incrementalChunkBytes: 512,
      initialSlots: 512,
      incrementalSlots: 64,
      stackSlots: 448,
    });
    await until(() => it.settled.length >= 20, it);
    expect((await it.firmware.heap()).arenaUsedBytes).toBeLessThanOrEqual(64 * 1024);
  });

  test("stop says goodbye, and then", async () => {
    const it = await device().start();
    await until(() => it.settled.length >= 3, it);
    await new Promise<void>((resolve) => it.firmware.stop(resolve));
    expect(it.troubles).toEqual([]);
  });
});
