/*
 * The chip's deep sleep, as a board supplies it. Types only, no byte code; the wake code takes the class in its options. Deep
 * sleep loses the RAM and restarts the program. RTC memory and the slow clock continue. Its shape follows ECMA-419, 2nd
 * edition, section 9: options to the constructor, numbers and buffers, `close`.
 * Source for an ESP32: ESP-IDF 6.0, "Sleep Modes" (esp_sleep.h) and "Memory Types" (RTC_DATA_ATTR).
 */

/**
 * Why the program started. "timer", "button": from deep sleep. "other": from deep sleep for another or an unknown reason.
 * "reset": any other start, after power-on, restart, crash or update; then RTC memory may contain anything.
 */
export type WakeCause = "reset" | "timer" | "button" | "other";

/** The board's button. */
export interface SleeperOptions {
  /** Pin that wakes the chip when it is pulled low. */
  readonly button?: number;
}

/** The chip's deep sleep. Times in milliseconds of the slow clock. */
export interface Sleeper {
  readonly cause: WakeCause;
  /** The running image: 8 bytes that no two builds share. Another image may find RTC memory that is not its own. */
  readonly firmware: Uint8Array;
  /**
   * Milliseconds by the slow clock, with a fraction. It continues in deep sleep, and restarts after a loss of power. It is off
   * by percents, depending on temperature.
   */
  slowClockMs(): number;
  /**
   * Fills `buffer` from RTC memory: the wake record and answers of time servers have the first 512 bytes, a TLS session the next 1,024, and
   * what was learned about the broker 512 more. `at`: the start address, 0 by default.
   * @throws RangeError beyond its end
   */
  readMemory(buffer: Uint8Array, at?: number): void;
  /**
   * Stores `bytes` in RTC memory, which keeps them in deep sleep, but not without power. Other bytes do not change.
   * @throws RangeError beyond its end
   */
  writeMemory(bytes: Uint8Array, at?: number): void;
  /**
   * Deep sleep for `ms` of the slow clock, at least 1, or until the button is pressed. On a chip it does not return. If it does
   * (a simulation), the caller does nothing more.
   * @throws Error if the chip refuses the time or the pin
   */
  sleep(ms: number): void;
  close(): void;
}

/** The class of a chip's deep sleep. */
export type SleeperConstructor = new (options: SleeperOptions) => Sleeper;

/** What a board that can sleep supplies to the firmware. */
export interface SleepPort extends SleeperOptions {
  readonly io: SleeperConstructor;
}
