/*
 * A port as a browser has it (Web Serial), with the console of a device at its far end; and the published client, bundled into one file,
 * because only bundlers resolve the imports of its modules.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { Device } from "../support/device.js";

const TICK_MS = 5;

/** The parts of a port that the published client uses. */
export interface WebSerialPort {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Where a device's bytes go, until the port is closed. */
export class WebSerial implements WebSerialPort {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  #toBrowser: ReadableStreamDefaultController<Uint8Array> | undefined;
  #device: Device | undefined;
  readonly #clock: NodeJS.Timeout;

  constructor() {
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#toBrowser = controller;
      },
      cancel: () => {
        this.#toBrowser = undefined;
      },
    });
    this.writable = new WritableStream({ write: (bytes) => this.#device?.type(bytes) });
    this.#clock = setInterval(() => this.#device?.time.advance(TICK_MS), TICK_MS);
  }

  /** The device's `onWritten`. */
  readonly onWritten = (bytes: Uint8Array): void => this.#toBrowser?.enqueue(bytes.slice());

  /** From now on the device's time advances with the browser's. */
  plug(device: Device): void {
    this.#device = device;
  }

  unplug(): void {
    clearInterval(this.#clock);
  }
}

/** The client's module. */
export async function publishedClient(): Promise<typeof import("improv-wifi-serial-sdk/dist/serial.js")> {
  const folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  const outfile = join(folder, "improv-client.mjs");
  await build({ entryPoints: ["improv-wifi-serial-sdk/dist/serial.js"], bundle: true, format: "esm", outfile });
  const client = await import(/* @vite-ignore */ outfile);
  rmSync(folder, { recursive: true });
  return client;
}
