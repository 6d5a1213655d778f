/*
 * The SDK's timers in the shape of `Timers` in src/common. Only `Timer.set` is used: a one-shot that has fired is closed, and
 * clearing it again does nothing.
 */
import Timer from "timer";
import type { Timers } from "../../src/board.js";
import { splitTimers } from "../common/split-timers.js";

export const timers: Timers = Object.freeze(
  splitTimers<Timer>(
    Object.freeze({
      set: (callback, delayMs) => Timer.set(callback, delayMs),
      clear: (id) => Timer.clear(id),
    }),
  ),
);
