/*
 * A factory reset that could not be completed, while the device sleeps until the next attempt. It is in RTC memory in place of the wake record,
 * so every wake is a start of the whole thermometer, which continues the reset.
 *
 *   0    "HTR" and the version
 *   4    checksum of everything behind it
 *   8    time from the next failure to the attempt after it, in milliseconds; 12: 0
 */
import type { Sleeper } from "../../power/io.js";
import { checkOf } from "../../power/record-check.js";

const MAGIC = 0x0152_5448; // "HTR", version 1
const CHECK = 1;
const AGAIN = 2; // in units of 4 bytes; the checksum begins here
const WORDS = 4;

/** Time from the next failure to the attempt after it, in milliseconds; undefined: no such reset was interrupted by a sleep. */
export function readStuckReset(sleeper: Sleeper): number | undefined {
  if (sleeper.cause === "reset") return undefined; // the memory may contain anything
  const words = new Int32Array(WORDS);
  sleeper.readMemory(new Uint8Array(words.buffer));
  return words[0] === MAGIC && words[CHECK] === checkOf(words, AGAIN, WORDS) ? words[AGAIN] : undefined;
}

/** Replaces the wake record. `againMs`: see `readStuckReset`. */
export function writeStuckReset(sleeper: Sleeper, againMs: number): void {
  const words = new Int32Array(WORDS);
  words[0] = MAGIC;
  words[AGAIN] = againMs;
  words[CHECK] = checkOf(words, AGAIN, WORDS);
  sleeper.writeMemory(new Uint8Array(words.buffer));
}
