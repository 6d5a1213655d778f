/*
 * The simulated device's deep sleep: an inaccurate slow clock, RTC memory that lasts as long as this process, and the keyboard as the
 * button. Standard input belongs to the prompt while that is open; asleep, the first key wakes the device, and Ctrl-C ends the program.
 */
import type { SleepPort } from "../../src/power/io.js";
import { DeepSleep } from "../common/deep-sleep.js";
import { timers, uptimeMs } from "./timers.js";

/** Error of the slow clock: a chip's is a few percent. */
const RATE = 1.02;
const FIRMWARE = new TextEncoder().encode("desktop.");
const INTERRUPT = 0x03;

export interface SleepingOptions {
  /** Keys wake it: there is a prompt on standard input. */
  readonly hasKeys: boolean;
  /** It sleeps now: the firmware does not run. `ms`: until it wakes by itself. */
  onSleep(ms: number): void;
  /** The firmware must be started. */
  onWake(): void;
  /** Ctrl-C. */
  onQuit(): void;
}

export class Sleeping {
  readonly port: SleepPort;
  readonly #options: SleepingOptions;
  readonly #chip: DeepSleep;
  readonly #input = process.stdin;
  #isPressed = false;

  constructor(options: SleepingOptions) {
    this.#options = options;
    this.#chip = new DeepSleep({
      timers,
      uptimeMs,
      rate: RATE,
      firmware: FIRMWARE,
      onSleep: (ms) => this.#fellAsleep(ms),
      onWake: () => this.#woke(),
    });
    this.port = { io: this.#chip.io };
  }

  /** The button: wakes it, or does so as soon as it sleeps. */
  press(): void {
    this.#isPressed = !this.#chip.isAsleep;
    this.#chip.press();
  }

  /** A reset that is not a wake-up. */
  reset(): void {
    this.#chip.reset();
  }

  get isAsleep(): boolean {
    return this.#chip.isAsleep;
  }

  /** RTC memory and slow clock are lost. */
  powerOff(): void {
    this.#input.off("readable", this.#onKey);
    this.#chip.powerOff();
  }

  #fellAsleep(ms: number): void {
    this.#options.onSleep(ms);
    if (this.#isPressed) setImmediate(() => this.press());
    if (!this.#options.hasKeys) return;
    if (this.#input.isTTY) this.#input.setRawMode(true);
    this.#input.on("readable", this.#onKey);
  }

  #woke(): void {
    this.#input.off("readable", this.#onKey);
    this.#options.onWake();
  }

  /** On a terminal the key is the button's; a script's line is for the prompt. */
  readonly #onKey = (): void => {
    if (this.#input.readableLength === 0) {
      this.#input.read(0);
      return;
    }
    const key: Buffer | null = this.#input.isTTY ? this.#input.read(1) : null;
    if (key?.[0] === INTERRUPT) this.#options.onQuit();
    else this.press();
  };
}
