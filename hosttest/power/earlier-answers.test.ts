/* Time servers' answers in RTC memory: in their own place, and only undamaged ones are used. */
import { expect, test } from "vitest";
import { DeepSleep } from "../../boards/common/deep-sleep.js";
import { RECORD_BYTES } from "../../src/power/whole-part.js";
import { ANSWERS_BYTES, readAnswers, writeAnswers } from "../../src/thermometer/sleep/earlier-answers.js";
import { VirtualTime } from "../support/virtual-time.js";

const ANSWERS = { utcMs: 1_781_687_520_123, uptimeMs: 4_321.5, count: 2 };

function memory() {
  const time = new VirtualTime();
  const chip = new DeepSleep({ timers: time.timers, uptimeMs: () => 0, onSleep: () => {}, onWake: () => {} });
  return { bytes: chip.memory, sleeper: new chip.io({}) };
}

test("written, they are read again; without them, there are none", () => {
  const { sleeper } = memory();
  expect(readAnswers(sleeper)).toBeUndefined();
  writeAnswers(sleeper, ANSWERS);
  expect(readAnswers(sleeper)).toEqual(ANSWERS);
  writeAnswers(sleeper, undefined);
  expect(readAnswers(sleeper)).toBeUndefined();
});

test("nothing before or behind them is changed", () => {
  const { bytes, sleeper } = memory();
  bytes.fill(0x5a);
  writeAnswers(sleeper, ANSWERS);
  const changed = [...bytes.keys()].filter((at) => bytes[at] !== 0x5a);
  expect([changed[0] >= RECORD_BYTES, changed.at(-1)! < RECORD_BYTES + ANSWERS_BYTES]).toEqual([true, true]);
  expect(RECORD_BYTES + ANSWERS_BYTES).toBeLessThanOrEqual(512);
});

test("each damaged bit of what matters is noticed, and other content", () => {
  const { bytes, sleeper } = memory();
  writeAnswers(sleeper, ANSWERS);
  for (let bit = 0; bit < 8 * ANSWERS_BYTES; bit++) {
    const at = RECORD_BYTES + (bit >> 3);
    bytes[at] ^= 1 << (bit & 7);
    expect([undefined, ANSWERS]).toContainEqual(readAnswers(sleeper));
    bytes[at] ^= 1 << (bit & 7);
  }
  for (const byte of [0xff, 0x5a, 0x80]) {
    bytes.fill(byte);
    expect(readAnswers(sleeper)).toBeUndefined();
  }
});
