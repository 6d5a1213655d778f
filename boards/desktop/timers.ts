/*
 * Node's timers and its clock in the shape of Moddable's `timer` module, one-shot.
 */
import type { Timers } from "../../src/board.js";
import { splitTimers } from "../common/split-timers.js";

/** Delays of any length: Node's own timers turn those of more than 24.8 days into 1 ms. */
export const timers: Timers = splitTimers<NodeJS.Timeout>({
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (id) => clearTimeout(id),
});

/** Milliseconds since the process began, monotonic. */
export const uptimeMs = (): number => Math.floor(performance.now());
