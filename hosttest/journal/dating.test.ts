/*
 * The time of a reading when flash and clock do not agree.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SLOW_CLOCK } from "../../src/journal/dating.js";
import { CLOCK, encodeClock, nearestDrift } from "../../src/journal/notes.js";
import { ReadingDevice, START_UTC_MS, stamp } from "./device.js";

const HOUR = 3_600_000;

test("flash stores a reading, but not yet the clock that dates it: its time is the same, whatever is sent before it, and after a reboot", () => {
  const device = new ReadingDevice();
  device.setClock(-2 * HOUR);
  const sent = device.append(20);
  device.see(sent);
  const note = device.outbox.note;
  device.outbox.note = () => {
    throw new Error("flash failed");
  };
  device.setClock();
  device.pass(60_000);
  const sequence = device.append(20);
  device.see(sent);
  expect(device.see(sequence)?.ts, "at first").toBe(stamp(START_UTC_MS + 60_000));
  device.outbox.note = note;
  device.append(20); // and the note with it
  device.see(sent);
  expect(device.see(sequence)?.ts, "again").toBe(stamp(START_UTC_MS + 60_000));
  device.boot();
  expect(device.see(sequence)?.ts, "after a reboot").toBe(stamp(START_UTC_MS + 60_000));
  expect(device.see(sent)?.ts).toBe(stamp(START_UTC_MS - 2 * HOUR));
});

test("flash that could not be read when a reading was to be dated: the reading has its time once it can", () => {
  const device = new ReadingDevice();
  device.setClock();
  const sequence = device.append(20);
  const next = device.append(20);
  device.boot();
  const noteAt = device.outbox.noteAt;
  device.outbox.noteAt = (number, tag) => {
    if (tag === CLOCK) throw new Error("flash cannot be read");
    return noteAt.call(device.outbox, number, tag);
  };
  expect(() => device.see(sequence)).toThrow("cannot be read");
  device.outbox.noteAt = noteAt;
  expect(device.see(sequence)?.ts).toBe(stamp(START_UTC_MS));
  expect(device.see(next)?.ts).toBe(stamp(START_UTC_MS));
});

type Step =
  /** So many samples, a minute apart. */
  | { readonly kind: "sample"; readonly count: number }
  | { readonly kind: "sync" }
  | { readonly kind: "send"; readonly count: number }
  | { readonly kind: "sleep" }
  | { readonly kind: "boot" };

/** From one synchronisation to the next, or to or from the end of a boot. */
interface Stretch {
  readonly hasBegin: boolean;
  hasEnd: boolean;
  lengthMs: number;
  /** Rate of time against uptime. */
  readonly paces: number[];
}

/** The largest error of a time server. */
const SYNC_ERROR_MS = 100;

/** A sleeper with a sample each minute, and the true time of each. */
class Sleeper extends ReadingDevice {
  /** How wrong each time is that was first sent between two synchronisations, and how wrong it may be. Half a second is cut off. */
  readonly dated: { readonly wrongMs: number; readonly boundMs: number }[] = [];
  readonly #taken = new Map<number, { readonly utcMs: number; readonly stretch: Stretch }>();
  readonly #sent = new Map<number, string | undefined>();
  #stretch: Stretch = { hasBegin: false, hasEnd: false, lengthMs: 0, paces: [1] };

  constructor() {
    super({ blocks: 64 });
    this.oscillator = SLOW_CLOCK;
    this.boot();
  }

  /** The drift changes at each synchronisation to `drift`; if not `isEven`, also otherwise. */
  live(step: Step, drift: number, isEven: boolean): void {
    switch (step.kind) {
      case "sample":
        for (let n = 0; n < step.count; n++) this.#sample();
        if (!isEven) this.#drift(drift);
        break;
      case "sync":
        this.setClock(Math.round(drift * 20 * SYNC_ERROR_MS));
        this.#stretch.hasEnd = true;
        this.#begin(true);
        this.#drift(drift);
        if (isEven) this.#stretch.paces.shift();
        break;
      case "send":
        this.send(step.count);
        break;
      case "sleep":
        this.sleep();
        break;
      case "boot":
        this.boot();
        this.#begin(false);
        break;
      default:
        throw new TypeError(`step: ${step satisfies never}`);
    }
  }

  send(count: number): void {
    for (const sequence of this.waiting().slice(0, count)) {
      const ts = this.see(sequence)?.ts;
      if (this.#sent.has(sequence)) expect(ts, "sent again").toBe(this.#sent.get(sequence));
      else this.#examine(sequence, ts);
      this.#sent.set(sequence, ts);
      if (sequence % 3 !== 0) this.outbox.settle(sequence); // the others are sent again
    }
  }

  #sample(): void {
    this.#taken.set(this.append(20, 2), { utcMs: this.utcMs, stretch: this.#stretch });
    this.pass(60_000);
    this.#stretch.lengthMs += 60_000;
  }

  #drift(drift: number): void {
    this.drift = drift;
    this.#stretch.paces.push(1 / (1 + drift));
  }

  #begin(hasBegin: boolean): void {
    this.#stretch = { hasBegin, hasEnd: false, lengthMs: 0, paces: [1 / (1 + this.drift)] };
  }

  #examine(sequence: number, ts: string | undefined): void {
    const { utcMs, stretch } = this.#taken.get(sequence) as { utcMs: number; stretch: Stretch };
    const { hasBegin, hasEnd, lengthMs, paces } = stretch;
    if (!hasBegin || !hasEnd) return;
    const range = (Math.max(...paces) - Math.min(...paces)) / Math.min(...paces);
    const boundMs = 500 + SLOW_CLOCK.resolutionMs + 2 * SYNC_ERROR_MS + (lengthMs * range) / 4;
    this.dated.push({ wrongMs: Date.parse(`${ts}`) + 500 - utcMs, boundMs });
  }
}

describe("a clock that drifts, and is set now and then", () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("sample"), count: fc.integer({ min: 1, max: 90 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("sync") }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("send"), count: fc.integer({ min: 1, max: 120 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("sleep") }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("boot") }) },
  );
  const drift = fc.integer({ min: -500, max: 500 }).map((n) => n / 10_000); // a double would mostly be next to 0
  const history = fc.array(fc.tuple(step, drift), { minLength: 20, maxLength: 60 });

  function live(steps: readonly (readonly [Step, number])[], isEven: boolean): Sleeper["dated"] {
    const sleeper = new Sleeper();
    for (const [one, driftThen] of steps) sleeper.live(one, driftThen, isEven);
    sleeper.send(Number.POSITIVE_INFINITY);
    sleeper.boot();
    sleeper.send(Number.POSITIVE_INFINITY);
    return sleeper.dated;
  }

  test("dates what was taken between two synchronisations within two seconds, if it drifts evenly between them, by up to 5 %", () => {
    let checked = 0;
    fc.assert(
      fc.property(history, (steps) => {
        for (const { wrongMs } of live(steps, true)) {
          expect(Math.abs(wrongMs - 500), "what is shown").toBeLessThanOrEqual(2_000);
          checked++;
        }
      }),
      { numRuns: 50 },
    );
    expect(checked).toBeGreaterThan(50); // on XS there are fewer runs
  });

  test("and within a quarter of its length times the range of the drift more, if it does not", () => {
    fc.assert(
      fc.property(history, (steps) => {
        for (const { wrongMs, boundMs } of live(steps, false)) expect(Math.abs(wrongMs)).toBeLessThanOrEqual(boundMs);
      }),
      { numRuns: 50 },
    );
  });

  test("costs one note, for any even drift", () => {
    const sleeper = new Sleeper();
    sleeper.drift = -0.048;
    for (let hour = 0; hour < 2; hour++) {
      sleeper.setClock();
      sleeper.pass(HOUR);
    }
    sleeper.setClock();
    const { programmedBytes } = sleeper.flash;
    for (let hour = 0; hour < 500; hour++) {
      sleeper.pass(HOUR);
      sleeper.sleep();
      sleeper.setClock(hour % 2 === 0 ? 100 : -100);
    }
    expect(sleeper.flash.programmedBytes).toBe(programmedBytes);
  });

  test("dates the first samples of a boot by the drift of the boot before", () => {
    const sleeper = new Sleeper();
    sleeper.drift = 0.04;
    sleeper.setClock();
    sleeper.pass(HOUR);
    sleeper.setClock();
    sleeper.boot();
    const { utcMs } = sleeper;
    const sequence = sleeper.append(20);
    sleeper.pass(24 * HOUR);
    sleeper.setClock();
    expect(Math.abs(Date.parse(sleeper.see(sequence)?.ts ?? "") - utcMs)).toBeLessThanOrEqual(1_000);
  });

  test("which is nothing to a device that does not sleep any more: its crystal does not drift so far", () => {
    const device = new ReadingDevice();
    device.outbox.note(CLOCK, encodeClock(1, START_UTC_MS, 0, nearestDrift(0.04)));
    device.boot();
    const sequence = device.append(20);
    device.pass(24 * HOUR);
    device.setClock();
    expect(device.see(sequence)?.ts).toBe(stamp(START_UTC_MS));
  });

  test("of a crystal that was out of reach for weeks: what waited is right, too", () => {
    const device = new ReadingDevice();
    device.drift = 40e-6;
    device.setClock();
    const taken = Array.from({ length: 28 }, () => {
      device.pass(12 * HOUR);
      return { sequence: device.append(20), utcMs: device.utcMs };
    });
    device.setClock();
    for (const { sequence, utcMs } of taken)
      expect(Math.abs(Date.parse(device.see(sequence)?.ts ?? "") - utcMs)).toBeLessThanOrEqual(1_000);
  });

  test("cannot drift so far: a clock that had been set wrong dates nothing any more that waits", () => {
    const sleeper = new Sleeper();
    sleeper.setClock(-HOUR);
    const { utcMs } = sleeper;
    const sequence = sleeper.append(20);
    sleeper.pass(HOUR);
    sleeper.setClock();
    expect(sleeper.see(sequence)?.ts).toBe(stamp(utcMs));
  });
});
