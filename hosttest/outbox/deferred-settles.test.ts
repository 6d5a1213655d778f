/*
 * Units of 16: settles of the oldest entry share one unit. Tests which of them a power cut may undo, and how many, that nothing else
 * returns, and that all counts stay correct. The campaign tests cuts inside a call.
 */
import { describe, expect, test } from "vitest";
import { generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Outbox, type OutboxOptions } from "../../src/outbox/outbox.js";
import { SEED } from "../support/seed.js";

const MAX_DEFERRED = 7;
const BLOCK = 1024;

function open(flash: NorFlash, options: Partial<OutboxOptions> = {}): Outbox {
  flash.powerOn();
  return new Outbox({ flash, writeUnit: flash.writeUnit, ...options });
}

function device(entries: number, qos: 1 | 2, unit: 1 | 16 = 16): { flash: NorFlash; outbox: Outbox } {
  const flash = new NorFlash({ blocks: 6, blockLength: BLOCK, writeUnit: unit });
  const outbox = open(flash);
  for (let i = 0; i < entries; i++) outbox.append(Uint8Array.of(i), qos);
  return { flash, outbox };
}

/** Entries and counts after a boot, if power was cut between two calls. */
function afterCut(flash: NorFlash): { sequences: number[]; released: number[]; entries: number } {
  const outbox = open(flash);
  const { entries, damaged } = outbox.statistics();
  expect(damaged).toBe(0);
  const sequences: number[] = [];
  const released: number[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
    sequences.push(entry.sequence);
    if (entry.released) released.push(entry.sequence);
  }
  expect(outbox.entries).toBe(sequences.length);
  return { sequences, released, entries };
}

const range = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, i) => from + i);

test("QoS 1, in order: seven settles program nothing, the eighth records all; a cut undoes those not recorded, which are counted", () => {
  const { flash, outbox } = device(30, 1);
  for (let settled = 1; settled <= 30; settled++) {
    const { programs } = flash;
    outbox.settle(settled - 1);
    expect(flash.programs - programs).toBe(settled % (MAX_DEFERRED + 1) === 0 ? 1 : 0);
    expect(outbox.statistics()).toMatchObject({ entries: 30 - settled });
    const image = flash.save();
    const recorded = settled - (settled % (MAX_DEFERRED + 1));
    expect(afterCut(flash)).toEqual({ sequences: range(recorded, 30), released: [], entries: 30 - recorded });
    flash.restore(image);
  }
});

test("QoS 2 after PUBREC was recorded: the same, and returning entries are released", () => {
  const { flash, outbox } = device(12, 2);
  for (let i = 0; i < 12; i++) outbox.released(i);
  for (let i = 0; i < 11; i++) outbox.settle(i);
  expect(afterCut(flash)).toEqual({ sequences: range(8, 12), released: range(8, 12), entries: 4 });
});

test("QoS 2 without PUBREC on flash: durable on return, and with it all settles before", () => {
  const { flash, outbox } = device(4, 1);
  for (let i = 0; i < 4; i++) outbox.append(Uint8Array.of(i), 2);
  for (let i = 0; i < 4; i++) outbox.settle(i);
  outbox.settle(4);
  expect(afterCut(flash).sequences).toEqual([5, 6, 7]);
});

test.each([1, 2] as const)("QoS %i is known however long ago the entry was looked at", (qos) => {
  const { flash, outbox } = device(60, qos);
  for (let i = 0; i < 60; i++) outbox.seek(i);
  const { programs } = flash;
  outbox.settle(0);
  expect(flash.programs - programs).toBe(qos - 1);
  expect(afterCut(flash).sequences).toEqual(range(qos - 1, 60));
  const again = open(flash);
  for (let i = 0; i < 10; i++) again.seek(i); // in order: not when the first of them is found
  for (let i = 0; i < 5; i++) again.settle(i);
  expect(afterCut(flash).sequences[0]).toBe(qos === 1 ? 0 : 5);
});

test.each<[string, (outbox: Outbox) => void]>([
  ["another entry's PUBREC", (outbox) => outbox.released(9)],
  ["a settle out of order", (outbox) => outbox.settle(9)],
  ["the end of the session", (outbox) => void outbox.requeue()],
  ["close", (outbox) => outbox.close()],
  [
    "a new block",
    (outbox) => {
      const { blocksUsed } = outbox.statistics();
      while (outbox.statistics().blocksUsed === blocksUsed) outbox.append(new Uint8Array(40), 1);
    },
  ],
])("%s makes the settles before it durable", (_, act) => {
  for (let settled = 1; settled <= MAX_DEFERRED; settled++) {
    const { flash, outbox } = device(0, 2);
    for (let i = 0; i < 12; i++) outbox.append(Uint8Array.of(i), i < 8 ? 1 : 2);
    for (let i = 0; i < settled; i++) outbox.settle(i);
    act(outbox);
    const { sequences, entries } = afterCut(flash);
    expect(sequences[0]).toBe(settled);
    expect(entries).toBe(sequences.length);
  }
});

test("a session that was lost voids nothing that is settled: QoS 2 stays exactly once", () => {
  const { flash, outbox } = device(5, 2);
  for (let i = 0; i < 5; i++) outbox.released(i);
  for (let i = 0; i < 3; i++) outbox.settle(i);
  expect(outbox.requeue()).toBe(2);
  expect(afterCut(flash)).toEqual({ sequences: [3, 4], released: [], entries: 2 });
});

test("settles that wait over a gap of settled and refused numbers: the tail and the counts are right after close", () => {
  const { flash, outbox } = device(6, 1);
  outbox.skip();
  outbox.append(Uint8Array.of(7), 1);
  for (const sequence of [3, 1, 5, 0, 2, 4]) outbox.settle(sequence);
  outbox.close();
  expect(afterCut(flash)).toEqual({ sequences: [7], released: [], entries: 1 });
  expect(open(flash).statistics()).toMatchObject({ entries: 1, refused: 1, oldestSequence: 7, nextSequence: 8 });
});

test("flash that takes no mark: reported once more than seven wait, and tried again with the next settle", () => {
  const messages: string[] = [];
  const flash = new NorFlash({ blocks: 6, blockLength: BLOCK, writeUnit: 16 });
  const outbox = open(flash, { onEvent: ({ kind, message }) => kind === "unmarked" && messages.push(message) });
  for (let i = 0; i < 20; i++) outbox.append(Uint8Array.of(i), 1);
  flash.faults.program = () => "error";
  for (let i = 0; i < 8; i++) outbox.settle(i);
  expect(messages).toEqual(['entry 7: "settled" could not be stored; it may come back after a reboot']);
  flash.faults = {};
  outbox.settle(8);
  expect(messages).toHaveLength(1);
  expect(afterCut(flash)).toEqual({ sequences: range(9, 20), released: [], entries: 11 });
});

test("byte mode: every settle is durable on return", () => {
  const { flash, outbox } = device(10, 1, 1);
  for (let i = 0; i < 5; i++) {
    outbox.settle(i);
    const image = flash.save();
    expect(afterCut(flash).sequences).toEqual(range(i + 1, 10));
    flash.restore(image);
  }
});

describe("any order of calls", () => {
  test.each(range(0, 30))(
    "case %i: at most seven return, those settled last; the count equals the returned entries",
    (n) => {
      const random = generator(SEED + n);
      const below = (limit: number): number => Math.floor(random() * limit);
      const flash = new NorFlash({ blocks: 8, blockLength: BLOCK, writeUnit: 16 });
      let outbox = open(flash);
      let settled: number[] = [];
      const ready: number[] = [];
      for (let call = 0; call < 400; call++) {
        const draw = random();
        if (draw < 0.45) ready.push(outbox.append(new Uint8Array(below(20)), below(2) === 0 ? 1 : 2));
        else if (draw < 0.9 && ready.length > 0) {
          const [sequence] = ready.splice(below(3) === 0 ? below(Math.min(ready.length, 8)) : 0, 1);
          if (below(2) === 0 && outbox.seek(sequence)?.qos === 2) outbox.released(sequence);
          outbox.settle(sequence);
          settled.push(sequence);
        } else outbox.idle();
        if (below(60) > 0) continue;
        const { sequences, entries } = afterCut(flash);
        const back = sequences.filter((sequence) => settled.includes(sequence));
        expect(back.length).toBeLessThanOrEqual(MAX_DEFERRED);
        const rest = settled.filter((sequence) => !sequences.includes(sequence));
        expect(settled).toEqual([...rest, ...back]);
        expect(entries).toBe(sequences.length);
        expect(sequences.filter((sequence) => !back.includes(sequence))).toEqual([...ready].sort((a, b) => a - b));
        ready.push(...back);
        ready.sort((a, b) => a - b);
        settled = rest;
        outbox = open(flash);
      }
    },
  );
});
