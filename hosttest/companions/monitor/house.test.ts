import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageFrom } from "../message.js";
import { House } from "./house.js";
import { figuresOf, screenLines, trendOf } from "./screen.js";
import { Sequence } from "./sequence.js";

const NOW = Date.UTC(2026, 5, 17, 9, 12);
const SHAPE = { columns: 120, rows: 24, hasColours: false };

/** A house that has taken these: topic, payload, seconds after NOW. */
function houseOf(messages: readonly (readonly [topic: string, payload: string, afterS?: number])[]): House {
  const house = new House(60_000);
  for (const [topic, payload, afterS = 0] of messages) {
    const message = messageFrom(topic, Buffer.from(payload));
    if (message !== undefined) house.take(message, NOW + afterS * 1000);
  }
  return house;
}

const sample = (value: number, seq: number, beforeS = 0): string =>
  JSON.stringify({ value, ts: new Date(NOW - beforeS * 1000).toISOString(), seq });

describe("numbers", () => {
  test("numbers in a gap are missing until they arrive", () => {
    const sequence = new Sequence();
    for (const seq of [5, 6, 10]) sequence.take(seq, NOW + seq);
    expect(sequence.missing).toBe(3);
    expect([8, 7, 9].map((seq) => sequence.take(seq, NOW + seq))).toEqual(["filled", "filled", "filled"]);
    expect(sequence).toMatchObject({ missing: 0, doubles: 0, newest: 10 });
  });

  test("a double is recognised, also without a time; a newer sample with a lower number starts a new count", () => {
    const sequence = new Sequence();
    for (const seq of [5, 6, 8]) sequence.take(seq, NOW + seq);
    expect([sequence.take(6, NOW + 6), sequence.take(5, undefined)]).toEqual(["double", "double"]);
    expect(sequence.take(0, NOW + 100)).toBe("restarted");
    expect(sequence).toMatchObject({ missing: 0, doubles: 2, restarts: 1, newest: 0 });
  });

  test("a sample measured before the first one seen is earlier; a lower number without a time starts a new count", () => {
    const sequence = new Sequence();
    sequence.take(5, NOW);
    expect([sequence.take(3, NOW - 2), sequence.take(3, NOW - 2), sequence.take(4, NOW - 1)]).toEqual([
      "earlier",
      "double",
      "filled",
    ]);
    expect(sequence.take(0, undefined)).toBe("restarted");
    expect(sequence.missing).toBe(0);
  });

  test("numbers that were sent while there was no connection are not missing", () => {
    const sequence = new Sequence();
    sequence.take(5, NOW);
    sequence.interrupt();
    sequence.take(9, NOW + 1);
    sequence.take(11, NOW + 2);
    expect(sequence).toMatchObject({ unseen: 3, missing: 1 });
  });

  test("in any order of arrival, exactly the numbers that did not arrive are missing", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(60), { minLength: 1 }), (order) => {
        const sequence = new Sequence();
        const seen = order.filter((seq) => seq >= order[0]);
        for (const seq of seen) sequence.take(seq, undefined);
        expect(sequence.missing).toBe(Math.max(...seen) - order[0] + 1 - seen.length);
        expect(sequence.doubles).toBe(0);
      }),
    );
  });
});

describe("the screen", () => {
  const house = houseOf([
    ["home/kitchen/temperature", sample(21.44, 7, 120), -120],
    ["home/kitchen/temperature", sample(21.5, 9)],
    ["home/kitchen/ab12/status", "online"],
    ["home/attic/temperature", '{"value":15.2,"humidity":45.25,"seq":3}'],
    ["home/attic/cd34/status", "offline"],
    ["home/cellar/ef56/status", "online"],
  ]);

  test("a line a room, by name: value, age, number, what is missing, devices", () => {
    expect(screenLines(house, "here", NOW + 5_000, SHAPE)).toEqual([
      "here",
      "room               value  age  seq  missing  doubles  late  device        trend",
      "attic    15.20 °C 45.3 %  5 s    3        0        0     0  cd34 offline  ▁",
      "cellar                                    0        0     0  ef56 online   ",
      "kitchen         21.50 °C  5 s    9        1        0     0  ab12 online   ▁█",
    ]);
  });

  test("a late sample is marked and counted, and the one shown is the one measured last", () => {
    const late = houseOf([
      ["home/attic/temperature", sample(20, 1, 3600)],
      ["home/attic/temperature", sample(21, 3, 0)],
      ["home/attic/temperature", sample(19, 2, 600)],
    ]);
    expect(figuresOf(late, NOW)).toMatchObject({
      rooms: [{ room: "attic", values: { temperature: 21 }, samples: 3, late: 2, missing: 0, isLate: false }],
    });
    expect(screenLines(late, "here", NOW, SHAPE).at(-1)).toBe("* arrived late: the time is the sample's");
    const alone = houseOf([["home/attic/temperature", sample(20, 1, 3600)]]);
    expect(screenLines(alone, "here", NOW, SHAPE)[2]).toContain("20.00 °C*  60 min");
  });

  test("the trend is by the samples' own times; late ones have a colour", () => {
    const points = [20, 25, 22.5].map((value, index) => ({ atMs: index, value, isLate: index === 1 }));
    expect(trendOf(points, (_code, text) => `[${text}]`)).toBe("▁[█]▅");
    const late = houseOf([
      ["home/attic/temperature", sample(25, 2, 0)],
      ["home/attic/temperature", sample(20, 1, 600)],
    ]);
    expect(late.all[0].trend.map(({ value }) => value)).toEqual([20, 25]);
  });

  test("with a topic for each channel, the values of all; in one message, only the channels of the last one", () => {
    const each = houseOf([
      ["home/attic/temperature", '{"value":20,"seq":0}'],
      ["home/attic/humidity", '{"value":50,"seq":1}'],
    ]);
    expect(figuresOf(each, NOW)).toMatchObject({ rooms: [{ values: { temperature: 20, humidity: 50 }, missing: 0 }] });
    const one = houseOf([
      ["home/attic/temperature", '{"value":20,"humidity":50,"seq":0}'],
      ["home/attic/temperature", '{"value":21,"seq":1}', 1],
    ]);
    expect(figuresOf(one, NOW)).toMatchObject({ rooms: [{ values: { temperature: 21 } }] });
    expect(Object.keys((figuresOf(one, NOW) as { rooms: { values: object }[] }).rooms[0].values)).toEqual([
      "temperature",
    ]);
  });

  test("a device that was renamed is removed; control characters in a name are not printed", () => {
    const left = houseOf([
      ["home/a\x1b[2J/ab12/status", "online"],
      ["home/a\x1b[2J/ab12/status", ""],
    ]);
    expect(screenLines(left, "here", NOW, SHAPE)[2]).toMatch(/^a\\x1b\[2J +0 /);
  });

  test("no line is wider than the terminal, and more rooms than lines are counted", () => {
    const many = houseOf(Array.from({ length: 40 }, (_one, n) => [`home/浴室${n}/temperature`, sample(n, n)] as const));
    const lines = screenLines(many, "here", NOW, { columns: 40, rows: 12, hasColours: false });
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe("and 31 more: a larger window, or --filter");
    for (const line of lines.slice(0, -1)) expect(line.replace(/[浴室]/g, "xx").length).toBeLessThanOrEqual(40);
  });
});
