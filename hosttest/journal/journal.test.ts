/*
 * The time and the room of a reading, through boots, power cuts and evictions.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { CLOCK, encodeClock } from "../../src/journal/notes.js";
import { sampleOf } from "../support/sample.js";
import { ReadingDevice, START_UTC_MS, stamp, utf8 } from "./device.js";

const HOUR = 3_600_000;

describe("the time of a reading", () => {
  test("taken before the clock was set, in the boot that runs: dated as soon as it is", () => {
    const device = new ReadingDevice();
    device.pass(10_000);
    const sequence = device.append(21.5);
    device.pass(HOUR);
    device.setClock();
    expect(device.see(sequence)?.ts).toBe(stamp(START_UTC_MS + 10_000));
  });

  test("sent without a time before the clock was set: without a time whenever it is sent again, also after a reboot", () => {
    const device = new ReadingDevice();
    const sent = device.append(21.5);
    device.pass(60_000);
    const notSent = device.append(21.6);
    expect(device.see(sent)?.ts).toBeUndefined();
    device.setClock();
    expect(device.see(sent)?.ts).toBeUndefined();
    device.pass(60_000);
    const later = device.append(21.7);
    expect(device.see(later)?.ts).toBe(stamp(START_UTC_MS + 120_000));
    device.boot();
    expect(device.see(sent)?.ts).toBeUndefined();
    expect(device.see(notSent)?.ts).toBe(stamp(START_UTC_MS + 60_000));
    expect(device.see(later)?.ts).toBe(stamp(START_UTC_MS + 120_000));
  });

  test("of an earlier boot whose clock was set after the reading: dated by what that boot noted", () => {
    const device = new ReadingDevice();
    device.pass(10_000);
    const early = device.append(21.5);
    device.pass(20_000);
    device.setClock();
    device.pass(5_000);
    const late = device.append(21.6);
    device.pass(HOUR);
    device.boot();
    expect(device.see(early)?.ts).toBe(stamp(START_UTC_MS + 10_000));
    expect(device.see(late)?.ts).toBe(stamp(START_UTC_MS + 35_000));
  });

  test("of an earlier boot that never knew it: none, even if the boots before and after it knew it", () => {
    const device = new ReadingDevice();
    device.setClock();
    device.append(20);
    device.pass(HOUR);
    device.boot();
    const undated = device.append(21);
    device.pass(HOUR);
    device.boot();
    device.setClock();
    const dated = device.append(22);
    expect(device.see(undated)).toEqual({ sequence: undated, topic: "home/kitchen/temperature", value: 21 });
    expect(device.see(dated)?.ts).toBe(stamp(device.utcMs));
  });

  test("a long row of boots without a clock is searched once, not once a boot", () => {
    const device = new ReadingDevice({ blocks: 64 });
    const undated: number[] = [];
    for (let boot = 0; boot < 40; boot++) {
      for (let i = 0; i < 20; i++) undated.push(device.append(20));
      device.boot();
    }
    device.setClock();
    const before = device.flash.reads;
    for (const sequence of undated) {
      expect(device.see(sequence)?.ts).toBeUndefined();
      device.outbox.settle(sequence);
    }
    expect(device.flash.reads - before).toBeLessThan(4 * undated.length + 70 * 40); // an entry and its settling take two or three, the base of a boot some sixty
  });

  test("of a boot whose clock was wrong and then corrected: the right one, except for sent readings", () => {
    const device = new ReadingDevice({ blocks: 64 });
    device.setClock(5 * HOUR);
    const notSent = device.append(20);
    device.setClock(3 * HOUR);
    device.pass(60_000);
    const sent = device.append(20);
    const notSentTs = stamp(START_UTC_MS + 3 * HOUR);
    const sentTs = stamp(START_UTC_MS + 3 * HOUR + 60_000);
    expect([notSent, sent].map((sequence) => device.see(sequence)?.ts)).toEqual([notSentTs, sentTs]);
    device.setClock();
    let last = 0;
    for (let i = 0; i < 100; i++) {
      device.pass(10_000);
      last = device.append(20);
    }
    const lastTs = stamp(device.utcMs);
    for (const look of ["in the same boot", "in the next one"]) {
      expect(device.see(last)?.ts, look).toBe(lastTs);
      expect(device.see(notSent)?.ts, look).toBe(notSentTs);
      expect(device.see(sent)?.ts, look).toBe(sentTs);
      device.boot();
    }
  });

  test("looked at from the prompt is not sent: a clock that is set later dates it", () => {
    const device = new ReadingDevice();
    const sequence = device.append(20);
    const entry = device.outbox.seek(sequence);
    expect(entry && device.journal.describe(entry)).toContain("time not known");
    device.setClock();
    expect(device.see(sequence)?.ts).toBe(stamp(START_UTC_MS));
  });

  test("does not move with a clock that is moved by less than shows: what is sent again after a reboot is the same", () => {
    const device = new ReadingDevice();
    device.setClock(600);
    device.pass(500);
    const sequence = device.append(20);
    device.setClock();
    const { ts } = device.see(sequence) ?? {};
    expect(ts).toBe(stamp(START_UTC_MS + 1_100));
    device.boot();
    expect(device.see(sequence)?.ts).toBe(ts);
  });

  test("of a boot whose clock a version of old noted, without the number of the first reading: all of them are dated", () => {
    const device = new ReadingDevice();
    const sequence = device.append(20);
    device.outbox.note(CLOCK, encodeClock(device.boots, START_UTC_MS, 0).slice(0, 8));
    device.boot();
    expect(device.see(sequence)?.ts).toBe(stamp(START_UTC_MS));
  });

  test("a clock of before 1970 or beyond the year 9999 is none", () => {
    const device = new ReadingDevice();
    const sequence = device.append(20);
    device.setClock(-START_UTC_MS - HOUR);
    expect(device.see(sequence)?.ts).toBeUndefined();
    device.setClock(Date.UTC(9999, 11, 31));
    expect(device.see(sequence)?.ts).toBeUndefined();
  });

  test("a clock that is set again by less than a second costs no note", () => {
    const device = new ReadingDevice();
    device.setClock();
    const { programmedBytes } = device.flash;
    for (let i = 0; i < 10; i++) device.setClock(i * 99);
    expect(device.flash.programmedBytes).toBe(programmedBytes);
    device.setClock(2000);
    expect(device.flash.programmedBytes).toBeGreaterThan(programmedBytes);
  });
});

describe("the room of a reading", () => {
  test("is the one it was taken in, after the thermometer has moved", () => {
    const device = new ReadingDevice();
    const first = device.append(20);
    device.boot("Büro");
    const second = device.append(21);
    device.boot("kitchen");
    const third = device.append(22);
    expect([first, second, third].map((sequence) => device.see(sequence)?.topic)).toEqual([
      "home/kitchen/temperature",
      "home/Büro/temperature",
      "home/kitchen/temperature",
    ]);
  });

  test("is its own in any order of readings, those that are never stored between them", () => {
    const device = new ReadingDevice();
    const topics = new Map<number, string>();
    for (const room of ["kitchen", "Büro", "kitchen", "attic"]) {
      device.boot(room);
      for (let i = 0; i < 3; i++) topics.set(device.append(20), `home/${room}/temperature`);
    }
    const sequences = [...topics.keys()];
    for (let i = 0; i < 5 * sequences.length; i++) {
      const sequence = sequences[(i * 7) % sequences.length];
      expect(device.see(sequence)?.topic).toBe(topics.get(sequence));
      if (i % 3 !== 0) continue;
      expect(device.sendNow(sampleOf({ temperature: 21 }))[0]).toBe("home/attic/temperature");
      expect(device.see(sequence)?.topic).toBe(topics.get(sequence));
    }
  });

  test("stays its own when 256 rooms have come since and the number is used again", () => {
    const device = new ReadingDevice({ blocks: 64 });
    const first = device.append(20);
    for (let room = 1; room < 256; room++) device.boot(`room ${room}`);
    device.boot("attic"); // has the kitchen's number, and no reading lies in between
    const last = device.append(21);
    const { payload } = device.outbox.seek(first) ?? {};
    const number = payload?.[1];
    expect(device.outbox.seek(last)?.payload[1]).toBe(number);
    expect(device.see(first)?.topic).toBe("home/kitchen/temperature");
    expect(device.see(last)?.topic).toBe("home/attic/temperature");
    device.boot("cellar");
    for (const [sequence, room] of [
      [last, "attic"],
      [first, "kitchen"],
      [last, "attic"],
    ] as const) {
      expect(device.see(sequence)?.topic).toBe(`home/${room}/temperature`);
    }
  });

  test("is not guessed when its note is damaged: a dead letter, and the readings of other rooms are sent", () => {
    const device = new ReadingDevice();
    const before = device.append(20);
    device.boot("nursery");
    const lost = device.append(21);
    device.boot("attic");
    const after = device.append(22);
    damage(device.flash, "nursery");
    device.boot("attic");
    expect(device.see(before)?.topic).toBe("home/kitchen/temperature");
    expect(device.see(lost)).toBeUndefined();
    expect(device.see(after)?.topic).toBe("home/attic/temperature");
  });

  test("the note of the room in force is damaged: it is written again, and no earlier reading gets a wrong room", () => {
    const device = new ReadingDevice();
    const first = device.append(20);
    device.boot("attic");
    const second = device.append(21);
    damage(device.flash, "attic");
    device.boot("cellar");
    const third = device.append(22);
    expect(device.see(first)?.topic).toBe("home/kitchen/temperature");
    expect(device.see(second)).toBeUndefined();
    expect(device.see(third)?.topic).toBe("home/cellar/temperature");
  });

  test("of an earlier boot in the same room is the same topic in memory, not a copy", () => {
    const device = new ReadingDevice();
    const earlier = device.append(20);
    device.boot();
    const now = device.append(21);
    const topicOf = (sequence: number) => device.journal.render(device.outbox.seek(sequence)!)?.topic;
    expect(topicOf(earlier)).toBe(topicOf(now));
  });

  test("the same room again costs no note", () => {
    const device = new ReadingDevice();
    device.boot();
    const { programmedBytes } = device.flash;
    device.boot();
    const each = device.flash.programmedBytes - programmedBytes;
    device.boot("attic");
    expect(device.flash.programmedBytes - programmedBytes - each).toBeGreaterThan(each);
  });
});

describe("any history", () => {
  type Step =
    | { readonly kind: "append"; readonly celsius: number }
    | { readonly kind: "setClock"; readonly wrongByMs: number }
    | { readonly kind: "boot"; readonly room: string }
    | { readonly kind: "settle"; readonly at: number }
    | { readonly kind: "look"; readonly count: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("append"), celsius: fc.integer({ min: -99, max: 99 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("setClock"), wrongByMs: fc.constantFrom(0, 400, 5_000, -HOUR) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("boot"), room: fc.constantFrom("kitchen", "Büro", "attic") }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle"), at: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("look"), count: fc.integer({ min: 1, max: 30 }) }) },
  );
  const history = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 100_000 })), { minLength: 1, maxLength: 200 });

  test("every reading has its value, its room and its boot's time, or none; and never changes", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const device = new ReadingDevice();
        // By boot: each setting of the clock, its error, and the first reading that it dates.
        const clocks = new Map<number, { wrongByMs: number; start: number }[]>();
        let sentEnd = 0; // one above the last reading shown in this boot
        const sent = new Map<number, ReturnType<typeof device.see>>();
        const taken = new Map<
          number,
          { celsius: number; room: string; boot: number; utcMs: number; secondDigits: 0 | 3; wasSetBack: boolean }
        >();
        let lastBoot = 0; // of the last reading taken, and when
        let lastMs = 0;
        const look = (count = Number.POSITIVE_INFINITY): void => {
          expect(device.waiting()).toEqual([...taken.keys()]);
          for (const [sequence, { celsius, room, boot, utcMs, secondDigits, wasSetBack }] of [...taken].slice(
            0,
            count,
          )) {
            const seen = device.see(sequence);
            const wrongByMs = clocks.get(boot)?.findLast(({ start }) => start <= sequence)?.wrongByMs;
            const digits = wasSetBack && seen?.ts?.length === 24 ? 3 : secondDigits;
            const ts = wrongByMs === undefined ? undefined : stamp(utcMs + wrongByMs, digits);
            const expected = sent.get(sequence) ?? { sequence, topic: `home/${room}/temperature`, value: celsius, ts };
            expect(seen).toEqual(expected);
            sent.set(sequence, expected);
            sentEnd = Math.max(sentEnd, sequence + 1);
          }
        };
        for (const [step, ms] of steps) {
          device.pass(ms);
          if (step.kind === "append") {
            const secondDigits: 0 | 3 =
              device.boots === lastBoot && device.utcMs > lastMs && device.utcMs - lastMs < 1_500 ? 3 : 0;
            lastBoot = device.boots;
            lastMs = device.utcMs;
            const truth = {
              celsius: step.celsius,
              room: device.room,
              boot: device.boots,
              utcMs: device.utcMs,
              secondDigits,
              wasSetBack: (clocks.get(device.boots) ?? []).some(
                ({ wrongByMs }, n, own) => n > 0 && wrongByMs < own[n - 1].wrongByMs,
              ),
            };
            taken.set(device.append(step.celsius), truth);
          } else if (step.kind === "setClock") {
            device.setClock(step.wrongByMs);
            const own = clocks.get(device.boots) ?? [];
            const last = own.at(-1) ?? { wrongByMs: Number.NaN, start: 0 };
            if (Math.abs(step.wrongByMs - last.wrongByMs) < 1_000) continue;
            clocks.set(device.boots, [...own, { wrongByMs: step.wrongByMs, start: Math.max(last.start, sentEnd) }]);
          } else if (step.kind === "boot") {
            device.boot(step.room);
            sentEnd = 0;
          } else if (step.kind === "look") look(step.count);
          else {
            const sequence = [...taken.keys()][step.at];
            if (sequence === undefined) continue;
            device.outbox.settle(sequence);
            taken.delete(sequence);
          }
        }
        look();
        expect(device.lifetime.boots).toBe(device.boots);
      }),
      { numRuns: 300 },
    );
  });
});

/** Flips a bit in every copy of a text on flash. */
function damage(flash: NorFlash, name: string): void {
  const wanted = utf8(name);
  let found = 0;
  for (let at = 0; at < flash.bytes.length - wanted.length; at++) {
    if (!wanted.every((byte, i) => flash.bytes[at + i] === byte)) continue;
    flash.bytes[at] ^= 0x10;
    found++;
  }
  expect(found).toBeGreaterThan(0);
}
