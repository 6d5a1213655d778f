/*
 * The desktop's flash, which can lose its power, and the page's map of it, compared with the outbox.
 */
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { BLOCK_LENGTH, FlashFile, type Partition } from "../../boards/desktop/flash/flash-file.js";
import type { CutPlace } from "../../boards/desktop/flash/supply.js";
import { FlashMap } from "../../boards/desktop/page/server/flash-map.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { SEED } from "../support/seed.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";

const BLOCKS = 6;
const folder = temporaryFolder("page-flash-");
let files = 0;

afterAll(() => removeFolder(folder));

interface Chip {
  readonly file: FlashFile;
  readonly partition: Partition;
}

function newChip(): Chip {
  const file = new FlashFile(join(folder, `chip-${files++}`), BLOCKS * BLOCK_LENGTH);
  return { file, partition: file.partition(0, BLOCKS * BLOCK_LENGTH) };
}

const entry = (n: number): Uint8Array => Uint8Array.of(n & 0xff, (n >> 8) & 0xff, 1);

/** Numbers of the entries that the outbox would return, as far as it looks ahead. */
function queuedIn(partition: Partition): number[] {
  const outbox = new Outbox({ flash: partition });
  const found: number[] = [];
  for (let one = outbox.seek(0); one !== undefined; one = outbox.seek(one.sequence + 1)) found.push(one.sequence);
  return found;
}

describe("power", () => {
  test("cut at each byte of an append: the entry is there whole or not at all, and those before it are", () => {
    const places: CutPlace[] = [];
    for (let bytes = 0; bytes < 9; bytes++) {
      const { file, partition } = newChip();
      const outbox = new Outbox({ flash: partition });
      outbox.append(entry(0), 1);
      file.supply.cutAfter(bytes, (place) => places.push(place));
      expect(file.supply.isArmed).toBe(true);
      try {
        outbox.append(entry(1), 1);
      } catch {
        // It has no flash any more.
      }
      if (file.supply.isOn) file.supply.off();
      expect(() => partition.read(new Uint8Array(1), 0)).toThrow("power cut");
      expect(() => partition.eraseBlock(0)).toThrow("power cut");
      file.supply.on();
      const queued = queuedIn(partition);
      expect(queued[0]).toBe(0);
      expect(queued.length).toBeLessThanOrEqual(2);
      file.close();
    }
    expect(places.length).toBeGreaterThanOrEqual(8);
    expect(places.slice(0, 8)).toEqual(places.slice(0, 8).map((_, done) => ({ call: "program", done, length: 8 })));
  });

  test("cut in a later call: those before it are whole, and a settle that is cut may be undone", () => {
    const { file, partition } = newChip();
    const outbox = new Outbox({ flash: partition });
    outbox.append(entry(0), 1);
    let place: CutPlace | undefined;
    file.supply.cutAfter(
      0,
      (at) => {
        place = at;
      },
      1,
    );
    outbox.append(entry(1), 1);
    outbox.settle(0);
    expect(file.supply.isOn).toBe(false);
    expect(place).toEqual({ call: "program", done: 0, length: 1 });
    file.supply.on();
    expect(queuedIn(partition)).toContain(1);
    file.close();
  });

  test("cut in an erase: the call does not return, and the progress is reported", () => {
    const { file, partition } = newChip();
    let place: CutPlace | undefined;
    partition.write(new Uint8Array(100), 0);
    file.supply.cutAfter(8, (at) => {
      place = at;
    });
    expect(() => partition.eraseBlock(0)).toThrow("power cut");
    expect(place).toEqual({ call: "erase", done: 2_048, length: 4_096 });
    file.supply.on();
    partition.eraseBlock(0);
    expect(
      partition
        .peek()
        .subarray(0, BLOCK_LENGTH)
        .every((byte) => byte === 0xff),
    ).toBe(true);
    file.close();
  });
});

describe("the map", () => {
  test("agrees with the outbox on every entry, for any appends and settles, over boots and cuts", () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 60 }) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant("settle" as const), count: fc.integer({ min: 1, max: 70 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), count: fc.integer({ min: 0, max: 30 }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { file, partition } = newChip();
        const map = new FlashMap(partition);
        let outbox = new Outbox({ flash: partition });
        for (const { do: what, count } of steps) {
          if (what === "cut") {
            file.supply.cutAfter(count, () => {});
            try {
              for (let n = 0; file.supply.isOn && n < 40; n++) outbox.append(entry(n), 1);
            } catch {
              // The power is cut.
            }
            file.supply.off();
            file.supply.on();
            outbox = new Outbox({ flash: partition });
          } else if (what === "append") {
            for (let n = 0; n < count && outbox.entries < 230; n++) outbox.append(entry(n), 1);
          } else {
            for (let n = 0; n < count; n++) {
              const oldest = outbox.seek(0);
              if (oldest !== undefined) outbox.settle(oldest.sequence);
            }
          }
          outbox.idle();
        }
        const queued: number[] = [];
        for (let one = outbox.seek(0); one !== undefined; one = outbox.seek(one.sequence + 1))
          queued.push(one.sequence);
        expect([...map.queued()].sort((a, b) => a - b)).toEqual(queued);
        const blocks = map.all();
        expect(blocks.map(({ block }) => block)).toEqual([...Array(BLOCKS).keys()]);
        expect(blocks.filter(({ state }) => state === "open").length).toBe(outbox.nextSequence > 0 ? 1 : 0);
        file.close();
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  test("returns the blocks changed since the last call, and counts written bytes", () => {
    const { file, partition } = newChip();
    const map = new FlashMap(partition);
    expect(map.changes().map(({ state }) => state)).toEqual(Array(BLOCKS).fill("clean"));
    const outbox = new Outbox({ flash: partition });
    outbox.append(entry(7), 1);
    const [open] = map.changes();
    expect(open).toMatchObject({ block: 0, state: "open", queued: 1, done: 0, first: 0, last: 0, erases: 1 });
    outbox.settle(0);
    expect(map.changes()).toMatchObject([{ block: 0, queued: 0, done: 1 }]);
    expect(map.changes()).toEqual([]);
    expect(map.totals.programmedBytes).toBeGreaterThan(8);
    file.close();
  });
});
