/*
 * A device whose firmware runs on XS: its parts, its flash, a person at its prompt, and a record of its actions.
 */

import { DeepSleep } from "../../boards/common/deep-sleep.js";
import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { I2CBus } from "../../boards/parts/i2c/i2c-bus.js";
import { TMP117Part } from "../../boards/parts/i2c/tmp117.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { type FirmwareOnXS, runOnXS } from "../../boards/xs/run.js";
import type { Board } from "../../src/board.js";
import type { SerialCallbacks, SerialPort } from "../../src/console/port/serial.js";
import type { WakeCause } from "../../src/power/io.js";
import type { Creation } from "../engine/worker.js";

const WRITABLE_BYTES = 1_024;

/** A UART with a person at the other end. */
export class Typist {
  shown = "";
  /** Receives the bytes that the device writes. */
  onWritten = (_bytes: Uint8Array): void => {};
  #keys: readonly number[] = [];
  #callbacks: SerialCallbacks | undefined;

  readonly serial = { io: this.#port(), mode: "terminal" as const };

  type(keys: string): void {
    this.#keys = [...this.#keys, ...Buffer.from(keys)];
    this.#callbacks?.onReadable(this.#keys.length);
  }

  #port() {
    const typist = this;
    return class implements SerialPort {
      constructor(callbacks: SerialCallbacks) {
        typist.#callbacks = callbacks;
        setImmediate(() => callbacks.onWritable(WRITABLE_BYTES));
      }
      read(buffer: Uint8Array): void {
        buffer.set(typist.#keys.slice(0, buffer.length));
        typist.#keys = typist.#keys.slice(buffer.length);
      }
      write(buffer: Uint8Array): void {
        typist.shown += Buffer.from(buffer).toString("latin1");
        typist.onWritten(buffer);
        setImmediate(() => typist.#callbacks?.onWritable(WRITABLE_BYTES));
      }
      close(): void {
        typist.#callbacks = undefined;
      }
    };
  }
}

/** One device: its parts, its flash, and a record of its actions. */
export class Device {
  readonly typist = new Typist();
  readonly readings: number[] = [];
  readonly settled: number[] = [];
  /** The causes of all wakes from deep sleep, in order. */
  readonly wakes: WakeCause[] = [];
  readonly troubles: string[] = [];
  readonly #outbox = new NorFlash({ blocks: 16 }).bytes;
  readonly #settings = new NorFlash({ blocks: 4 }).bytes;
  starts = 0;
  #life = 0;
  #firmware: FirmwareOnXS | undefined;
  readonly #board: Board;

  /** The chip of a device that can sleep. */
  readonly chip: DeepSleep | undefined;

  /** `slowClockRate`: milliseconds of the slow clock in a millisecond; only for a device that can sleep. */
  constructor(defaults: Readonly<Record<string, string>>, slowClockRate?: number) {
    if (slowClockRate !== undefined) this.chip = this.#chipThatSleeps(slowClockRate);
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
      sleep: this.chip && { io: this.chip.io },
      serial: this.typist.serial,
      defaults,
      boot: () => {},
      restart: () => {},
      observer: {
        started: () => this.starts++,
        reading: (_, sequence) => this.readings.push(sequence ?? -1),
        settled: (sequence) => this.settled.push(sequence),
      },
    };
  }

  get firmware(): FirmwareOnXS {
    if (this.#firmware === undefined) throw new Error("not started");
    return this.#firmware;
  }

  async start(creation?: Creation): Promise<this> {
    const life = ++this.#life;
    const onTrouble = (text: string): void => {
      if (life === this.#life) this.troubles.push(text); // actions that a power cut interrupts are expected to fail
    };
    const onReset = (): void => this.chip?.reset();
    this.#firmware = await runOnXS({ board: this.#board, creation, onTrouble, onReset });
    return this;
  }

  async end(): Promise<void> {
    this.#life++;
    this.chip?.powerOff();
    await this.#firmware?.end();
  }

  #chipThatSleeps(rate: number): DeepSleep {
    const onWake = (cause: WakeCause): void => {
      this.wakes.push(cause);
      this.firmware.wake();
    };
    return new DeepSleep({ timers, uptimeMs, rate, onSleep: () => {}, onWake });
  }
}

/** Waits for `condition`. @throws Error if the machine reports an exception meanwhile */
export async function until(condition: () => boolean, device: Device): Promise<void> {
  while (!condition()) {
    if (device.troubles.length > 0) throw new Error(device.troubles.join("; "));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
