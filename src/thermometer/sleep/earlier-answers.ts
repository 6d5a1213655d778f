/*
 * Time servers' answers that were too few to set the clock, in RTC memory between the wake record and the TLS session. They are written when a
 * thermometer that had the network goes to sleep and its clock was never set in this boot, and read only then.
 *
 *   0    checksum of everything behind it
 *   4    0
 *   8    count of answers; 12: 0
 *   16   the latest one, in milliseconds since 1970, 64 bits
 *   24   its uptime in milliseconds, 64 bits
 */
import type { EarlierAnswers } from "../../network/time-votes.js";
import type { Sleeper } from "../../power/io.js";
import { checkOf } from "../../power/record-check.js";
import { RECORD_BYTES } from "../../power/whole-part.js";

/** Their size in bytes. */
export const ANSWERS_BYTES = 32;
const COUNT = 2; // in units of 4 bytes; the checksum begins here
const UTC = 2; // in units of 8 bytes
const UPTIME = 3;

/** The answers from before the sleep; undefined: there are none. */
export function readAnswers(sleeper: Sleeper): EarlierAnswers | undefined {
  const words = new Int32Array(ANSWERS_BYTES >> 2);
  sleeper.readMemory(new Uint8Array(words.buffer), RECORD_BYTES);
  const count = words[COUNT];
  if (count < 1 || words[0] !== checkOf(words, COUNT, words.length)) return undefined;
  const numbers = new Float64Array(words.buffer);
  return { utcMs: numbers[UTC], uptimeMs: numbers[UPTIME], count };
}

/** Undefined: there are none. */
export function writeAnswers(sleeper: Sleeper, answers: EarlierAnswers | undefined): void {
  const words = new Int32Array(ANSWERS_BYTES >> 2);
  if (answers !== undefined) {
    const numbers = new Float64Array(words.buffer);
    words[COUNT] = answers.count;
    numbers[UTC] = answers.utcMs;
    numbers[UPTIME] = answers.uptimeMs;
    words[0] = checkOf(words, COUNT, words.length);
  }
  sleeper.writeMemory(new Uint8Array(words.buffer), RECORD_BYTES);
}
