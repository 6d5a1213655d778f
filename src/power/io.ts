/*
 * The chip's deep sleep, as a board supplies it. Types only, no byte code; the wake code takes the class in its options.
 * Deep sleep loses the RAM and starts the program anew. What goes on: the RTC memory, and the slow clock.
 * Shaped as ECMA-419, 2nd edition, section 9 shapes io classes: options to the constructor, numbers and buffers, `close`.
 * Source for what an ESP32 does: ESP-IDF 6.0, "Sleep Modes" (esp_sleep.h) and "Memory Types" (RTC_DATA_ATTR).
 */

/**
 * Why the program started. "timer", "button": from deep sleep. "other": from deep sleep by something else, or no one knows what.
 * "reset": any other start, after power-on, restart, crash or update; RTC memory may hold anything then.
 */
export type WakeCause = "reset" | "timer" | "button" | "other";

/** What the board knows of its buttons. */
export interface SleeperOptions {
  /** Pin that wakes the chip when it is pulled low. */
  readonly button?: number;
}

/** The chip's deep sleep. Times in milliseconds of the slow clock. */
export interface Sleeper {
  readonly cause: WakeCause;
  /** Which image this is: 8 bytes that no two builds share. Another image may find RTC memory that is not its own. */
  readonly firmware: Uint8Array;
  /**
   * Milliseconds by the slow clock, with a fraction: goes on in deep sleep; starts anew when the power was away. It is off by
   * percent, and differently so when it is warm or cold.
   */
  slowClockMs(): number;
  /**
   * Fills `buffer` from RTC memory: the wake record has its first 512 bytes, a TLS session the 1,024 behind them, and what is
   * learned of the broker 512 more. `at`: where it begins, 0 by default.
   * @throws RangeError for more than there is
   */
  readMemory(buffer: Uint8Array, at?: number): void;
  /**
   * Stores `bytes` in RTC memory, which keeps them in deep sleep, and not without power. What lies before and behind them stays.
   * @throws RangeError for more than there is
   */
  writeMemory(bytes: Uint8Array, at?: number): void;
  /**
   * Ends this life: deep sleep for `ms` of the slow clock, at least 1, or until the button is pressed. On a chip it does not
   * return. Where it does (a simulation), the caller does nothing more.
   * @throws Error where the chip refuses the time or the pin
   */
  sleep(ms: number): void;
  close(): void;
}

/** The class of a chip's deep sleep. */
export type SleeperConstructor = new (options: SleeperOptions) => Sleeper;

/** What a board that can sleep gives to the firmware. */
export interface SleepPort extends SleeperOptions {
  readonly io: SleeperConstructor;
}
