/*
 * Estimates the time of one callback on a chip, from its calls of flash: typical times of a datasheet (W25Q32: page program 0.4 to 3 ms,
 * sector erase 45 ms), and the engine's share, as the bench counts it: some 300 computrons a call, half a microsecond each.
 * A callback that takes longer than the task watchdog waits resets the device: at boot, again and again.
 */
import type { Flash } from "../../../src/outbox/flash/flash.js";

const ENGINE_MS = 0.15;
const READ_MS = 0.02;
const PROGRAM_MS = 0.5;
const ERASE_MS = 45;
/** Limit of the chip's task watchdog. */
const WATCHDOG_MS = 10_000;

export interface WorkOptions {
  /** The callback that runs now, timer or socket or any other, as a number. */
  turn(): number;
  /** Called once for a callback that takes too long, when it does. */
  onWatchdog(text: string): void;
}

/** Adds up the work of each callback. */
export class Work {
  readonly #options: WorkOptions;
  #turn = -1;
  #ms = 0;

  constructor(options: WorkOptions) {
    this.#options = options;
  }

  /** The same flash; the time that its calls take is counted. */
  counted<T extends Flash>(flash: T): T {
    const { read, write, eraseBlock } = flash;
    flash.read = (buffer, offset) => {
      this.#add(READ_MS);
      return read(buffer, offset);
    };
    flash.write = (buffer, offset) => {
      this.#add(PROGRAM_MS);
      write(buffer, offset);
    };
    flash.eraseBlock = (first, end = first + 1) => {
      this.#add((end - first) * ERASE_MS);
      eraseBlock(first, end);
    };
    return flash;
  }

  #add(flashMs: number): void {
    const turn = this.#options.turn();
    if (turn !== this.#turn) this.#ms = 0;
    this.#turn = turn;
    const before = this.#ms;
    this.#ms += flashMs + ENGINE_MS;
    if (before <= WATCHDOG_MS && this.#ms > WATCHDOG_MS)
      this.#options.onWatchdog(`one callback works on flash for more than ${WATCHDOG_MS / 1000} s`);
  }
}
