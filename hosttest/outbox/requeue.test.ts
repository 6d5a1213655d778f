/*
 * A session that is lost, and a full outbox that refuses: marks have space, a mark is written only where one is needed, and no
 * release of an earlier session is valid in a later one.
 */
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Outbox, type OutboxOptions } from "../../src/outbox/outbox.js";

const SHORT = Uint8Array.of(1, 2, 3);

function open(flash: NorFlash, options: Partial<OutboxOptions> = {}): Outbox {
  flash.powerOn();
  return new Outbox({ flash, writeUnit: flash.writeUnit, ...options });
}

function filled(entries: number): { flash: NorFlash; outbox: Outbox } {
  const flash = new NorFlash({ blocks: 6, blockLength: 1024 });
  const outbox = open(flash);
  for (let i = 0; i < entries; i++) outbox.append(SHORT, 2);
  return { flash, outbox };
}

function released(outbox: Outbox): number[] {
  const found: number[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
    if (entry.released) found.push(entry.sequence);
  }
  return found;
}

describe.each([1, 16] as const)("full, refuse, write unit %i", (unit) => {
  test("with notes written anew at each boot: numbers of refused entries, lost sessions and releases are durable", () => {
    const tags = unit === 1 ? 5 : 4; // as many as the reserve holds
    const flash = new NorFlash({ blocks: 5, blockLength: 1024, writeUnit: unit });
    const events: string[] = [];
    const boot = (): Outbox =>
      open(flash, { whenFull: "refuse", onEvent: ({ kind, message }) => kind === "unmarked" && events.push(message) });
    let outbox = boot();
    let sent = 0;
    let next = 0;
    const note = (value: number): void => {
      for (let tag = 0; tag < tags; tag++) outbox.note(tag, new Uint8Array(tag === 0 ? 29 : 17).fill(value));
    };
    note(0);
    while (outbox.append(SHORT, 2) >= 0);
    for (let life = 1; life < 5; life++) {
      next = outbox.nextSequence;
      outbox = boot();
      expect(outbox.nextSequence).toBe(next);
      note(life);
      expect(outbox.append(SHORT, 2)).toBe(-1);
      outbox.requeue();
      expect(released(outbox)).toEqual([]);
      sent = outbox.seek(0)?.sequence ?? 0;
      for (let i = 0; i < 16; i++) outbox.released(sent + i);
      outbox.settle(sent);
      outbox.settle(sent + 1);
      expect(events).toEqual([]);
      const image = flash.save();
      const expected = Array.from({ length: 14 }, (_, i) => sent + 2 + i);
      expect(released(boot()).slice(unit === 1 ? 0 : -14)).toEqual(expected); // in units of 16 settles may return
      flash.restore(image);
    }
  });

  test("a note that does not fit a copy either is not tried again before something is settled: no erases", () => {
    const flash = new NorFlash({ blocks: 5, blockLength: 1024, writeUnit: unit });
    const outbox = open(flash, { whenFull: "refuse" });
    while (outbox.append(SHORT, 2) >= 0);
    const note = (tag: number): void => outbox.note(tag, new Uint8Array(96));
    expect(() => [0, 1, 2].forEach(note)).toThrow("could not be stored");
    const erased = (): number => flash.erases.reduce((sum, count) => sum + count);
    const before = erased();
    for (let i = 0; i < 10; i++) expect(() => note(2)).toThrow("could not be stored");
    expect(erased()).toBe(before);
  });
});

describe("byte mode: a lost session", () => {
  test("in which nothing was released: nothing is written, and the next releases are bits in the entries", () => {
    const { flash, outbox } = filled(20);
    const { bytesUsed } = outbox.statistics();
    let { programs, programmedBytes } = flash;
    expect(outbox.requeue()).toBe(0);
    expect(flash.programs - programs).toBe(0);
    ({ programs, programmedBytes } = flash);
    for (let i = 0; i < 20; i++) outbox.released(i);
    expect([flash.programs - programs, flash.programmedBytes - programmedBytes]).toEqual([20, 20]);
    expect(outbox.statistics().bytesUsed).toBe(bytesUsed);
    expect(released(open(flash))).toHaveLength(20);
  });

  test("a boot does not know of a cut release: once a mark is written, or all older entries are settled, none is needed", () => {
    const { flash } = filled(3);
    const requeued = (outbox: Outbox): number => {
      const { programs } = flash;
      outbox.requeue();
      return flash.programs - programs;
    };
    let outbox = open(flash);
    outbox.seek(0);
    expect([requeued(outbox), requeued(outbox)]).toEqual([1, 0]);
    outbox = open(flash);
    outbox.append(SHORT, 2);
    for (let i = 0; i < 3; i++) outbox.settle(i);
    expect(requeued(outbox)).toBe(0);
  });

  test("twice, the second time with a release that is a record: that one is void, too", () => {
    const { flash, outbox } = filled(8);
    outbox.released(0);
    expect(outbox.requeue()).toBe(1);
    outbox.released(5); // its bits are not programmed, and not valid either
    expect(released(open(flash))).toEqual([5]);
    expect(outbox.requeue()).toBe(1);
    expect(released(outbox)).toEqual([]);
    expect(released(open(flash))).toEqual([]);
  });

  test.each([1, 4, 7])(
    "after a boot on bits that a cut left half programmed, read as erased, %i: void if they turn later",
    (at) => {
      for (let turned = 0; turned < 8; turned++) {
        const { flash, outbox } = filled(8);
        flash.cutAfter(0, "some");
        expect(() => outbox.released(at)).not.toThrow(Error); // the cut is seen by the next call
        const again = open(flash);
        if (released(again).length > 0) continue;
        again.requeue();
        for (let boots = 0; boots < 8; boots++) expect(released(open(flash))).toEqual([]);
      }
    },
  );

  test("after a read that failed: the mark is written, because a released entry may have been missed", () => {
    const { flash, outbox } = filled(8);
    outbox.released(3);
    const at = flash.bytes.indexOf(0xe0); // that entry's state
    let failed = 0;
    flash.faults.read = (buffer, address) => {
      if (address > at || address + buffer.length <= at) return;
      failed++;
      throw new Error("read failed");
    };
    outbox.requeue();
    flash.faults = {};
    expect(failed).toBeGreaterThan(0);
    expect(released(open(flash))).toEqual([]);
  });
});
