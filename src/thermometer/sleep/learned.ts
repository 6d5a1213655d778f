/*
 * What earlier connections have shown about messages that the broker refuses, as numbers. They are kept in RTC memory behind the
 * TLS session, because a report is too short to find them out again. They are read when a report begins, and written, or erased,
 * when a thermometer that had the network goes to sleep. Random content, damaged content and that of another firmware are
 * ignored.
 *
 *   0    "HTL" and the version
 *   4    checksum of everything behind it
 *   8    count of numbers; 12: 0
 *   16   firmware id
 *   24   numbers, 64 bits each: how many are about the device itself, these, then those of readings
 */
import type { Sleeper } from "../../power/io.js";
import { checkOf, wordOf } from "../../power/record-check.js";

/** Where it begins in RTC memory, in bytes. */
export const LEARNED_AT = 1_536;
/** Its size in bytes. */
export const LEARNED_BYTES = 512;
const MAGIC = 0x014c_5448; // "HTL", version 1
const CHECK = 1;
const COUNT = 2; // the checksum begins here
const FIRMWARE = 4;
const NUMBERS = 3; // in units of 8 bytes
const MAX_NUMBERS = LEARNED_BYTES / 8 - NUMBERS;

/**
 * Messages that the broker refuses: those about the device itself, and readings; each in the format of its owner. Empty:
 * nothing is known.
 */
export interface Learned {
  readonly presence: readonly number[];
  readonly readings: readonly number[];
}

/** Nothing is known. */
export const NOTHING_LEARNED: Learned = Object.freeze({ presence: Object.freeze([]), readings: Object.freeze([]) });

/** What was known before the sleep. */
export function readLearned(sleeper: Sleeper): Learned {
  const [split, ...numbers] = readNumbers(sleeper);
  return split === undefined ? NOTHING_LEARNED : { presence: numbers.slice(0, split), readings: numbers.slice(split) };
}

/** If there is nothing, or too much, an earlier record is overwritten. */
export function writeLearned(sleeper: Sleeper, { presence, readings }: Learned): void {
  const isAny = presence.length + readings.length > 0;
  writeNumbers(sleeper, isAny ? [presence.length, ...presence, ...readings] : []);
}

function readNumbers(sleeper: Sleeper): readonly number[] {
  if (!isUsed(sleeper)) return [];
  const place = new Uint8Array(LEARNED_BYTES);
  sleeper.readMemory(place, LEARNED_AT);
  const words = new Int32Array(place.buffer);
  const count = words[COUNT];
  if (words[0] !== MAGIC || count < 1 || count > MAX_NUMBERS) return [];
  const { firmware } = sleeper;
  const isOurs = words[FIRMWARE] === wordOf(firmware, 0) && words[FIRMWARE + 1] === wordOf(firmware, 4);
  if (!isOurs || words[CHECK] !== checkOf(words, COUNT, 2 * (NUMBERS + count))) return [];
  return Array.from(new Float64Array(place.buffer, 8 * NUMBERS, count));
}

function writeNumbers(sleeper: Sleeper, numbers: readonly number[]): void {
  const { length } = numbers;
  if (length === 0 || length > MAX_NUMBERS) {
    if (isUsed(sleeper)) sleeper.writeMemory(new Uint8Array(LEARNED_BYTES), LEARNED_AT);
    return;
  }
  const place = new Float64Array(NUMBERS + length);
  const words = new Int32Array(place.buffer);
  const { firmware } = sleeper;
  place.set(numbers, NUMBERS);
  words[0] = MAGIC;
  words[COUNT] = length;
  words[FIRMWARE] = wordOf(firmware, 0);
  words[FIRMWARE + 1] = wordOf(firmware, 4);
  words[CHECK] = checkOf(words, COUNT, words.length);
  sleeper.writeMemory(new Uint8Array(place.buffer), LEARNED_AT);
}

function isUsed(sleeper: Sleeper): boolean {
  const head = new Uint8Array(4);
  sleeper.readMemory(head, LEARNED_AT);
  return wordOf(head, 0) !== 0;
}
