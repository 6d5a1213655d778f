/*
 * Deep sleep and the memory that survives it (src/power/io.ts), based on C functions. Only on an ESP32, not in a simulator.
 * ESP-IDF requires that the radio is off by then: the owner of Wi-Fi closes it first.
 */
import type { Sleeper as SleeperIO, SleeperOptions, WakeCause } from "../../src/power/io.js";
import { deepSleep, slowClock, wakeCause } from "./native/deep-sleep.js";
import { firmwareId } from "./native/firmware-id.js";
import { readMemory, writeMemory } from "./native/rtc-memory.js";

/** The numbers of deep-sleep.c. */
const CAUSES: readonly WakeCause[] = Object.freeze<WakeCause[]>(["reset", "timer", "button", "other"]);
const NO_PIN = -1;

export class Sleeper implements SleeperIO {
  private readonly button: number;

  constructor({ button = NO_PIN }: SleeperOptions) {
    this.button = button;
  }

  get cause(): WakeCause {
    return CAUSES[wakeCause()];
  }

  get firmware(): Uint8Array {
    return new Uint8Array(firmwareId());
  }

  slowClockMs(): number {
    return slowClock();
  }

  readMemory(buffer: Uint8Array, at = 0): void {
    readMemory(buffer, at);
  }

  writeMemory(bytes: Uint8Array, at = 0): void {
    writeMemory(bytes, at);
  }

  sleep(ms: number): void {
    deepSleep(ms, this.button);
  }

  close(): void {
    // There is nothing to release.
  }
}
