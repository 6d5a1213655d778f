/* The outbox without faults: the promises of each call. The campaign tests power cuts. */
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { CLEAN_BYTES, decodeHeader, emptyHeader, encodeClean } from "../../src/outbox/flash/layout.js";
import { Outbox, type OutboxEvent, type OutboxOptions } from "../../src/outbox/outbox.js";

type Unit = 1 | 16;

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function open(flash: NorFlash, options: Partial<OutboxOptions> = {}): Outbox {
  flash.powerOn();
  return new Outbox({ flash, writeUnit: flash.writeUnit, ...options });
}

function sequences(outbox: Outbox): number[] {
  const found: number[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
    found.push(entry.sequence);
  }
  return found;
}

test("a block that was erased before the newest one was begun, by its header, is erased again: a cut erase may leave such a block", () => {
  const erased = (age: number): number => {
    const flash = new NorFlash({ blocks: 4, blockLength: 1024 });
    const outbox = open(flash);
    while (outbox.statistics().blocksUsed < 2) outbox.append(new Uint8Array(40), 1);
    const words = new Int32Array(flash.bytes.buffer, flash.bytes.byteOffset, flash.bytes.length >> 2);
    const header = emptyHeader();
    const isOpen = (block: number): boolean => decodeHeader(header, words, (block * 1024 + CLEAN_BYTES) >> 2);
    const numbers = [0, 1, 2, 3].filter(isOpen).map((block) => (isOpen(block) ? header.sequence : -1));
    const free = [0, 1, 2, 3].filter((block) => !isOpen(block));
    expect(free).toHaveLength(2);
    for (const block of free) {
      words.fill(-1, block * 256, (block + 1) * 256);
      encodeClean(words, block * 256, 1, Math.max(...numbers) - age);
    }
    const before = flash.erases.reduce((sum, count) => sum + count);
    const again = open(flash);
    while (again.statistics().blocksUsed < 3) again.append(new Uint8Array(40), 1);
    expect(sequences(again).length).toBe(again.nextSequence);
    return flash.erases.reduce((sum, count) => sum + count) - before;
  };
  expect([erased(0), erased(1)]).toEqual([0, 1]);
});

describe.each([1, 16] as const)("write unit %i", (unit: Unit) => {
  const ring = (blocks = 6, blockLength = 1024): NorFlash => new NorFlash({ blocks, blockLength, writeUnit: unit });

  test("appended entries are there in order after a reboot, with QoS and content", () => {
    const flash = ring();
    let outbox = open(flash);
    for (let i = 0; i < 20; i++) expect(outbox.append(bytes(i, 2 * i), i % 2 === 0 ? 1 : 2)).toBe(i);
    outbox = open(flash);
    for (let i = 0; i < 20; i++) {
      expect(outbox.seek(i)).toMatchObject({
        sequence: i,
        qos: i % 2 === 0 ? 1 : 2,
        released: false,
        payloadLength: 2,
      });
      expect([...(outbox.seek(i)?.payload ?? [])]).toEqual([i, 2 * i]);
    }
    expect(outbox.seek(20)).toBeUndefined();
  });

  test("settled in any order, rebooted: what is left is what was not settled", () => {
    const flash = ring();
    const outbox = open(flash);
    for (let i = 0; i < 10; i++) outbox.append(bytes(i), 1);
    for (const sequence of [7, 2, 0, 3, 9, 2]) outbox.settle(sequence);
    expect(sequences(outbox)).toEqual([1, 4, 5, 6, 8]);
    expect(outbox.entries).toBe(5);
    const again = open(flash);
    expect(sequences(again)).toEqual([1, 4, 5, 6, 8]);
    expect(again.statistics()).toMatchObject({ entries: 5, oldestSequence: 1, nextSequence: 10, damaged: 0 });
  });

  test("settled after one that is not, rebooted: counted correctly at once", () => {
    const flash = ring(6, 4096);
    const outbox = open(flash);
    for (let i = 0; i < 60; i++) outbox.append(bytes(i), 2);
    for (let i = 0; i < 60; i++) if (i !== 20) outbox.settle(i);
    expect(open(flash).statistics()).toMatchObject({ entries: 1, oldestSequence: 20, nextSequence: 60 });
    const again = open(flash);
    expect(again.entries).toBe(1);
    again.append(bytes(60), 2);
    again.settle(20);
    expect([again.entries, again.statistics().entries, open(flash).entries]).toEqual([1, 1, 1]);
  });

  test("released, rebooted: still released; session lost: not released, also after a reboot; released again: released", () => {
    const flash = ring();
    let outbox = open(flash);
    for (let i = 0; i < 4; i++) outbox.append(bytes(i), 2);
    outbox.released(1);
    outbox.released(2);
    outbox = open(flash);
    expect(outbox.seek(1)?.released).toBe(true);
    expect(outbox.requeue()).toBe(2);
    expect(outbox.seek(1)?.released).toBe(false);
    outbox = open(flash);
    expect(outbox.seek(2)?.released).toBe(false);
    outbox.released(2);
    outbox.settle(0);
    outbox = open(flash);
    expect([outbox.seek(1)?.released, outbox.seek(2)?.released, outbox.seek(3)?.released]).toEqual([
      false,
      true,
      false,
    ]);
    expect(outbox.requeue()).toBe(1);
  });

  test("the Entry is one object, reused", () => {
    const outbox = open(ring());
    outbox.append(bytes(1), 1);
    outbox.append(bytes(2), 1);
    expect(outbox.seek(0)).toBe(outbox.seek(1));
  });

  test("full, dropOldest: the oldest block is evicted, counted and reported; entries in flight stay, the next block is evicted", () => {
    const events: OutboxEvent[] = [];
    const outbox = open(ring(), { onEvent: (event) => events.push(event) });
    outbox.append(bytes(0), 1);
    expect(outbox.seek(0)?.sequence).toBe(0); // in flight from now on
    for (let i = 1; i < 400; i++) expect(outbox.append(new Uint8Array(40), 1)).toBe(i);
    const dropped = events.reduce((sum, event) => sum + (event.kind === "dropped" ? event.count : 0), 0);
    expect(dropped).toBeGreaterThan(0);
    expect(outbox.statistics()).toMatchObject({ dropped, damaged: 0, entries: 400 - dropped });
    expect(outbox.seek(0)?.sequence).toBe(0);
    outbox.setInFlight(0);
    for (let i = 0; i < 100; i++) outbox.append(new Uint8Array(40), 1);
    expect(outbox.seek(0)?.sequence).toBeGreaterThan(0);
  });

  test("full, dropOldest: what was released counts as in flight, even if its owner had declared none", () => {
    const outbox = open(ring());
    outbox.append(bytes(0), 2);
    outbox.append(bytes(1), 2);
    outbox.seek(1);
    outbox.setInFlight(0);
    outbox.released(0);
    for (let i = 2; i < 400; i++) outbox.append(new Uint8Array(40), 1);
    expect(outbox.seek(0)).toMatchObject({ sequence: 0, released: true });
  });

  test("full, dropOldest, every older block has entries in flight: the newest is evicted, nothing is refused, wear stays low", () => {
    const flash = ring(unit === 1 ? 4 : 5);
    let dropped = 0;
    const onEvent = (event: OutboxEvent): void => {
      expect(event.kind).not.toBe("refused");
      if (event.kind === "dropped") dropped += event.count;
    };
    let outbox = open(flash, { onEvent });
    const payload = new Uint8Array(40);
    while (outbox.statistics().blocksUsed < 3) outbox.append(payload, 1);
    const inFlight = outbox.nextSequence - 1; // up to the first of the newest block
    const counted = (): object => ({ dropped, refused: 0, damaged: 0, entries: outbox.nextSequence - dropped });
    for (let boot = 0; boot < 20; boot++) {
      outbox.setInFlight(inFlight);
      for (let i = 0; i < 50; i++) expect(outbox.append(payload, 1)).not.toBe(-1);
      expect(outbox.statistics()).toMatchObject(counted());
      outbox = open(flash, { onEvent });
      expect(outbox.statistics()).toMatchObject(counted());
    }
    expect(sequences(outbox).slice(0, inFlight)).toEqual(Array.from({ length: inFlight }, (_, i) => i));
    const perBlock = Math.floor((1024 - 48) / 48);
    const erases = flash.erases.reduce((sum, count) => sum + count);
    expect(erases).toBeLessThan(2 * (1000 / perBlock) + 40); // one for each block filled, in unit mode one for each boot
    for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(0)) outbox.settle(entry.sequence);
    expect(outbox.statistics()).toMatchObject({ entries: 0, damaged: 0 });
  });

  test("full, dropOldest, every block holds something in flight: refused, and all that was there stays", () => {
    const outbox = open(ring(unit === 1 ? 4 : 5));
    let count = 0;
    for (; count < 200 && outbox.append(new Uint8Array(40), 1) !== -1; count++) outbox.setInFlight(outbox.nextSequence);
    expect(outbox.statistics()).toMatchObject({ dropped: 0, refused: 1, entries: count });
  });

  test("full, refuse: -1, a number used up, counted over a reboot; settled: room again, and the gap shows", () => {
    const flash = ring();
    const outbox = open(flash, { whenFull: "refuse" });
    let count = 0;
    while (outbox.append(new Uint8Array(40), 1) !== -1) count++;
    for (let i = 0; i < 9; i++) expect(outbox.append(new Uint8Array(40), 1)).toBe(-1);
    expect(outbox.statistics()).toMatchObject({ refused: 10, entries: count, nextSequence: count + 10 });
    for (let i = 0; i < count; i++) outbox.settle(outbox.seek(i)?.sequence ?? -1);
    expect(outbox.append(bytes(1), 1)).toBe(count + 10);
    outbox.close();
    const again = open(flash);
    expect(again.seek(0)?.sequence).toBe(count + 10);
    expect(again.statistics()).toMatchObject({ refused: 10, damaged: 0, entries: 1 });
  });

  test("full, refuse: a refusal is durable when it is reported: after a cut its number is not given again, and it is counted", () => {
    const flash = ring();
    const messages: string[] = [];
    const onEvent = ({ message }: OutboxEvent): void => void messages.push(message);
    const outbox = open(flash, { whenFull: "refuse" });
    let count = 0;
    while (outbox.append(new Uint8Array(40), 1) !== -1) count++;
    for (let refused = 1; refused < 30; refused++) {
      const again = open(flash, { whenFull: "refuse", onEvent });
      expect(again.nextSequence).toBe(count + refused);
      expect(again.statistics().refused).toBe(refused);
      expect(again.append(new Uint8Array(40), 1)).toBe(-1);
      expect(messages.pop()).toBe(`entry ${count + refused} refused: no free space`);
    }
  });

  test("skip uses up a number, which stays used up", () => {
    const flash = ring();
    const outbox = open(flash);
    expect(outbox.append(bytes(1), 1)).toBe(0);
    expect(outbox.skip()).toBe(1);
    expect(outbox.append(bytes(2), 1)).toBe(2);
    expect(sequences(open(flash))).toEqual([0, 2]);
  });

  test("entries on both sides of 300 numbers without one, settled, rebooted: none is counted any more", () => {
    const flash = ring(6, 16_384);
    const outbox = open(flash);
    outbox.append(bytes(1), 1);
    for (let i = 0; i < 300; i++) outbox.skip();
    outbox.append(bytes(2), 1);
    outbox.append(bytes(3), 1);
    for (const sequence of [0, 301]) {
      outbox.seek(0);
      outbox.settle(sequence);
    }
    outbox.close();
    const { entries, oldestSequence } = open(flash).statistics();
    expect([entries, oldestSequence]).toEqual([1, 302]);
  });

  test("notes: the latest of each tag, the one in force at an entry, and later ones", () => {
    const flash = ring();
    let outbox = open(flash);
    outbox.note(0, bytes(1));
    outbox.note(5, bytes(50));
    const early = outbox.append(bytes(0), 1);
    outbox.note(0, bytes(2));
    for (let i = 0; i < 60; i++) outbox.append(new Uint8Array(40), 1);
    outbox.note(0, bytes(3));
    const late = outbox.append(bytes(0), 1);
    for (outbox of [outbox, open(flash)]) {
      expect(outbox.readNote(0)).toEqual(bytes(3));
      expect(outbox.readNote(1)).toBeUndefined();
      expect(outbox.noteAt(early, 0)).toEqual(bytes(1));
      expect(outbox.noteAt(early, 5)).toEqual(bytes(50));
      expect(outbox.noteAt(early + 1, 0)).toEqual(bytes(2));
      expect(outbox.noteAt(late - 1, 0)).toEqual(bytes(2));
      expect(outbox.noteAt(late, 0)).toEqual(bytes(3));
      for (const past of [2, 3, 4]) {
        const values = { before: 1, past: 0 };
        const found = outbox.findNoteAfter(early, 0, ([value]) => {
          values[value >= past ? "past" : "before"] = value;
          return value >= past;
        });
        expect([found, values]).toEqual([past < 4, { before: past - 1, past: past % 4 }]);
      }
    }
  });

  test("notes, counters and marks live on for a hundred laps", () => {
    const flash = ring(5, 1024);
    let outbox = open(flash);
    outbox.note(3, bytes(7, 8, 9));
    for (let i = 0; i < 8000; i++) {
      const sequence = outbox.append(new Uint8Array(20), 2);
      outbox.settle(sequence);
      outbox.idle();
    }
    outbox = open(flash);
    expect(outbox.readNote(3)).toEqual(bytes(7, 8, 9));
    expect(outbox.nextSequence).toBe(8000);
    expect(outbox.statistics()).toMatchObject({ entries: 0, damaged: 0, flashFailures: 0 });
    expect(flash.violations).toBe(0);
  });

  test("idle erases ahead: appending then waits for no erase", () => {
    const flash = ring();
    const outbox = open(flash);
    while (outbox.idle());
    for (let i = 0; i < 2000; i++) {
      const before = flash.erases.reduce((sum, erases) => sum + erases);
      outbox.settle(outbox.append(new Uint8Array(12), 1));
      expect(flash.erases.reduce((sum, erases) => sum + erases)).toBe(before);
      while (outbox.idle());
    }
  });

  test("a mount programs and erases nothing, and reads the heads and at most two blocks", () => {
    const flash = ring(64, 1024);
    const outbox = open(flash, { whenFull: "refuse" });
    while (outbox.append(new Uint8Array(12), 1) !== -1);
    const { programs } = flash;
    const erases = [...flash.erases];
    flash.powerOn();
    flash.readBytes = 0;
    new Outbox({ flash, writeUnit: unit });
    expect(flash.readBytes).toBeLessThanOrEqual(64 * 48 + 2 * 1024);
    expect(flash.programs).toBe(programs);
    expect([...flash.erases]).toEqual(erases);
  });

  test("an entry 256 numbers beyond the oldest is not returned until the oldest is settled", () => {
    const outbox = open(ring(16, 1024));
    for (let i = 0; i < 300; i++) outbox.append(bytes(i), 1);
    expect(outbox.seek(255)?.sequence).toBe(255);
    expect(outbox.seek(256)).toBeUndefined();
    expect(() => outbox.settle(290)).toThrow(RangeError);
    outbox.settle(0);
    expect(outbox.seek(256)?.sequence).toBe(256);
  });

  test("not even the entry that was just appended, although it is still in the buffer, and its address known", () => {
    const outbox = open(ring(16, 1024));
    outbox.append(bytes(1), 1);
    for (let i = 0; i < 300; i++) outbox.skip();
    for (const sequence of [301, 302]) {
      expect(outbox.append(bytes(2), 2)).toBe(sequence);
      expect(outbox.seek(sequence)).toBeUndefined();
    }
    expect(outbox.seek(301)).toBeUndefined();
    outbox.settle(0);
    expect(outbox.seek(301)?.sequence).toBe(301);
    outbox.released(302);
    expect(outbox.seek(302)).toMatchObject({ sequence: 302, released: true });
  });

  test("a hundred brown-outs, each in an append, cost less than a block", () => {
    const flash = ring(8, 4096);
    let outbox = open(flash);
    outbox.append(new Uint8Array(128), 1);
    for (let i = 0; i < 100; i++) {
      flash.cutAfter((i * 37) % 136);
      outbox.append(new Uint8Array(128), 1);
      outbox = open(flash);
      outbox.seek(0);
    }
    expect(outbox.statistics()).toMatchObject({ blocksUsed: 1, damaged: 0 });
    expect(outbox.entries).toBeLessThanOrEqual(2);
  });
});

test.each([
  [{ writeUnit: 4 as 1 }, "writeUnit 4"],
  [{ maxPayload: 5000 }, "maxPayload 5000"],
  [{ flash: new NorFlash({ blocks: 2 }) }, "flash of 2 blocks"],
  [{ flash: new NorFlash({ blocks: 8, blockLength: 3000 }) }, "blocks of 3000 bytes"],
])("options that cannot work: RangeError, and says what (%#)", (options, message) => {
  const make = (): Outbox => new Outbox({ flash: new NorFlash({ blocks: 4 }), ...options });
  expect(make).toThrow(RangeError);
  expect(make).toThrow(message);
});

test("a payload that is too long, another QoS, another tag, a long note: RangeError", () => {
  const outbox = new Outbox({ flash: new NorFlash({ blocks: 4 }), maxPayload: 10 });
  expect(() => outbox.append(new Uint8Array(11), 1)).toThrow("payload of 11 bytes: expected at most 10");
  expect(() => outbox.append(bytes(1), 0 as 1)).toThrow("qos 0: expected 1 or 2");
  expect(() => outbox.note(8, bytes(1))).toThrow("tag 8: expected 0..7");
  expect(() => outbox.note(0, new Uint8Array(97))).toThrow("note of 97 bytes: expected at most 96");
});
