import fc from "fast-check";
import { expect, test } from "vitest";
import { TEMPERATURE } from "../../src/channels/channels.js";
import { Sample } from "../../src/channels/sample.js";
import { Deadband } from "../../src/sensor/deadband.js";

const HUMIDITY = 1;

/** A sample of a temperature alone. */
function of(celsius: number, humidity?: number): Sample {
  const sample = new Sample();
  sample.set(TEMPERATURE, celsius, 2);
  if (humidity !== undefined) sample.set(HUMIDITY, humidity, 1);
  return sample;
}

test("the first reading always passes", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, min: -300, max: 300 }), fc.nat(), (celsius, nowMs) => {
      expect(new Deadband([1], 0).passes(of(celsius), nowMs)).toBe(true);
    }),
  );
});

test("no deadband: every reading passes", () => {
  const deadband = new Deadband([0], 0);
  expect([20, 20, 20].map((celsius, at) => deadband.passes(of(celsius), at))).toEqual([true, true, true]);
});

test("the band is around the last reading that passed, on both sides, without its edges", () => {
  const deadband = new Deadband([0.5], 0);
  const celsius = [20, 20.25, 19.75, 20.5, 20.25, 20.0, 20.25];
  expect(celsius.map((value, at) => deadband.passes(of(value), at))).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
    false,
  ]);
});

test("a slow drift passes as soon as it has left the band, however small its steps", () => {
  const deadband = new Deadband([1], 0);
  const passed = [];
  for (let step = 0; step <= 32; step++) if (deadband.passes(of(20 + step / 8), step)) passed.push(step);
  expect(passed).toEqual([0, 8, 16, 24, 32]);
});

test("silence lasts no longer than a heartbeat, which is counted from the last reading that passed", () => {
  const deadband = new Deadband([1], 300);
  const passed = [];
  for (let nowMs = 0; nowMs <= 1000; nowMs += 100) {
    if (deadband.passes(of(nowMs === 400 ? 25 : nowMs > 400 ? 25.5 : 20), nowMs)) passed.push(nowMs);
  }
  expect(passed).toEqual([0, 300, 400, 700, 1000]);
});

test("no heartbeat: silence may last for ever", () => {
  const deadband = new Deadband([1], 0);
  deadband.passes(of(20), 0);
  expect(deadband.passes(of(20.5), Number.MAX_SAFE_INTEGER)).toBe(false);
});

test("readings that passed are never off by the band or more, nor further apart than a heartbeat", () => {
  const steps = fc.array(fc.double({ noNaN: true, min: -2, max: 2 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(steps, fc.constantFrom(0.25, 0.5, 1), fc.constantFrom(0, 3, 10), (changes, band, heartbeatMs) => {
      const deadband = new Deadband([band], heartbeatMs);
      let celsius = 20;
      let seen = Number.NaN;
      let seenMs = 0;
      changes.forEach((change, nowMs) => {
        celsius += change;
        if (deadband.passes(of(celsius), nowMs)) {
          seen = celsius;
          seenMs = nowMs;
        }
        expect(Math.abs(seen - celsius)).toBeLessThan(band);
        if (heartbeatMs > 0) expect(nowMs - seenMs).toBeLessThan(heartbeatMs);
      });
    }),
  );
});

test("a reading that was passed on unasked moves the band and the heartbeat", () => {
  const deadband = new Deadband([1], 100);
  deadband.passes(of(20), 0);
  deadband.note(of(25), 50);
  expect(deadband.passes(of(25.5), 100)).toBe(false);
  expect(deadband.passes(of(25.5), 150)).toBe(true);
});

test("a channel with a band lets the whole sample pass; one without a band does not count", () => {
  const deadband = new Deadband([0.5, 3], 0);
  const both = [of(20, 50), of(20.25, 52.5), of(20.25, 53), of(20.25, 55), of(20.5, 55), of(20.75, 55.5)];
  expect(both.map((sample, at) => deadband.passes(sample, at))).toEqual([true, false, true, false, false, true]);
  const one = new Deadband([0.5, 0], 0);
  expect([of(20, 50), of(20, 90), of(20.5, 90)].map((sample, at) => one.passes(sample, at))).toEqual([
    true,
    false,
    true,
  ]);
});

test("a channel that appears or disappears is reported once", () => {
  const deadband = new Deadband([0.5], 0);
  const samples = [of(20), of(20, 50), of(20, 50), of(20), of(20)];
  expect(samples.map((sample, at) => deadband.passes(sample, at))).toEqual([true, true, false, true, false]);
});

test("a sample without any channel that has a band passes", () => {
  const deadband = new Deadband([0, 3], 0);
  expect([of(20), of(20)].map((sample, at) => deadband.passes(sample, at))).toEqual([true, true]);
});
