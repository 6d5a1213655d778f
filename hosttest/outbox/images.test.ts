/* Other contents of the partition: mounted or refused with a clear error; never another exception or a hang. */
import { describe, expect, test } from "vitest";
import { generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { decodeFormat, decodeHeader, emptyHeader, encodeHeader } from "../../src/outbox/flash/layout.js";
import { Medium } from "../../src/outbox/flash/medium.js";
import { Outbox, type OutboxEvent } from "../../src/outbox/outbox.js";

const BLOCK = 1024;
const random = generator(20);

function works(outbox: Outbox): void {
  const sequence = outbox.append(Uint8Array.of(1, 2, 3), 2);
  expect(sequence).toBeGreaterThanOrEqual(0);
  expect([...(outbox.seek(sequence)?.payload ?? [])]).toEqual([1, 2, 3]);
  outbox.settle(sequence);
  for (let i = 0; i < 50 && outbox.idle(); i++);
}

function filled(unit: 1 | 16, blocks: number): { flash: NorFlash; count: number } {
  const flash = new NorFlash({ blocks, blockLength: BLOCK, writeUnit: unit });
  const outbox = new Outbox({ flash, writeUnit: unit, whenFull: "refuse" });
  let count = 0;
  while (outbox.append(new Uint8Array(30).fill(count), 1) !== -1) count++;
  flash.powerOn();
  return { flash, count };
}

describe.each([1, 16] as const)("write unit %i", (unit) => {
  test.each([
    ["zeros", () => 0],
    ["ones", () => 0xff],
    ["noise", () => Math.floor(random() * 256)],
    ["text", (i: number) => "another file system's superblock. ".charCodeAt(i % 34)],
  ])("%s: not ours, reported, mounted empty", (name, byte) => {
    const image = new Uint8Array(6 * BLOCK).map((_, i) => byte(i));
    const flash = new NorFlash({ blocks: 6, blockLength: BLOCK, writeUnit: unit, bytes: image });
    const events: OutboxEvent[] = [];
    const outbox = new Outbox({ flash, writeUnit: unit, onEvent: (event) => events.push(event) });
    if (name !== "ones" || unit === 16) expect(events[0]).toMatchObject({ kind: "foreign", blocks: 6 });
    else expect(events).toEqual([]);
    expect(outbox.seek(0)).toBeUndefined();
    works(outbox);
  });

  test("a newer version: refused, named, untouched", () => {
    const { flash } = filled(unit, 6);
    const medium = new Medium(flash, 6, BLOCK, unit, 64);
    medium.readHead(0);
    const header = emptyHeader();
    expect(decodeHeader(header, medium.head, 4)).toBe(true);
    encodeHeader(decodeFormat(medium.head, 4), { ...header, version: 3 }, medium.head, 4);
    const image = flash.bytes.slice();
    flash.faults.read = (buffer, address) => {
      if (address === 0 && buffer.length === 48)
        buffer.set(new Uint8Array(medium.head.buffer, medium.head.byteOffset, 48));
    };
    const mount = (): Outbox => new Outbox({ flash, writeUnit: unit });
    expect(mount).toThrow("format version 3 on flash, this firmware knows up to 2");
    expect(flash.bytes).toEqual(image);
  });

  test("another write unit, another block length: refused, named", () => {
    const { flash } = filled(1, 6);
    expect(() => new Outbox({ flash, writeUnit: 16 })).toThrow("written in units of 1, opened with 16");
    const wide = new NorFlash({ blocks: 3, blockLength: 2 * BLOCK, bytes: flash.bytes });
    expect(() => new Outbox({ flash: wide })).toThrow("written in blocks of 1024 bytes, opened with 2048");
  });

  test("cut to half: the entries there are returned in order, the rest counted as damaged, and it works on", () => {
    const { flash, count } = filled(unit, 12);
    const half = new NorFlash({
      blocks: 6,
      blockLength: BLOCK,
      writeUnit: unit,
      bytes: flash.bytes.slice(0, 6 * BLOCK),
    });
    const outbox = new Outbox({ flash: half, writeUnit: unit });
    let last = -1;
    let found = 0;
    for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(last + 1)) {
      expect(entry.sequence).toBeGreaterThan(last);
      expect(entry.payload[0]).toBe(entry.sequence & 0xff);
      last = entry.sequence;
      found++;
    }
    expect(found).toBeGreaterThan(count / 4);
    outbox.setInFlight(0);
    works(outbox);
  });

  test("grown: all is there, the new blocks are used", () => {
    const { flash, count } = filled(unit, 6);
    const image = new Uint8Array(12 * BLOCK).fill(0xff);
    image.set(flash.bytes);
    const grown = new NorFlash({ blocks: 12, blockLength: BLOCK, writeUnit: unit, bytes: image });
    const outbox = new Outbox({ flash: grown, writeUnit: unit, whenFull: "refuse" });
    for (let i = 0; i < count && i < 250; i++) expect(outbox.seek(i)?.sequence).toBe(i);
    let more = 0;
    while (outbox.append(new Uint8Array(30), 1) !== -1) more++;
    expect(more).toBeGreaterThan(count / 2);
  });

  test("any single bit flipped: beyond a head, one entry is lost at most, and counted; order and content hold", () => {
    const { flash, count } = filled(unit, 5);
    const image = flash.save();
    for (let i = 0; i < 600; i++) {
      flash.restore(image);
      const address = Math.floor(random() * flash.bytes.length);
      flash.bytes[address] ^= 1 << Math.floor(random() * 8);
      const outbox = new Outbox({ flash, writeUnit: unit, whenFull: "refuse" });
      let found = 0;
      let last = -1;
      for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(last + 1)) {
        expect(entry.sequence).toBeGreaterThan(last);
        expect(entry.payload.every((byte) => byte === (entry.sequence & 0xff))).toBe(true);
        last = entry.sequence;
        found++;
        outbox.settle(last);
      }
      const isHead = address % BLOCK < 48;
      if (!isHead) expect(found).toBeGreaterThanOrEqual(count - 1);
      if (found < count && last === count - 1) expect(outbox.statistics().damaged).toBe(count - found);
    }
  });
});

// As on boards with 4 MB, whose outbox began at 0x312000 in firmware 0.1, and begins at 0x290000 now.
test.each(["refuse", "dropOldest"] as const)(
  "whenFull %s: the partition now begins 130 blocks earlier, where other data was: all entries are found",
  (whenFull) => {
    const flash = new NorFlash({ blocks: 20, blockLength: BLOCK });
    const before = new Outbox({ flash, whenFull });
    before.setInFlight(8);
    for (let n = 0; n < 1_500; n++) {
      before.append(new Uint8Array(1 + (n % 30)).fill(n), 1);
      if (n % 3 === 0) before.settle(before.seek(0)?.sequence ?? 0);
    }
    const bytes = new Uint8Array(150 * BLOCK).map(() => Math.floor(random() * 256));
    bytes.set(flash.bytes, 130 * BLOCK);
    const after = new Outbox({ flash: new NorFlash({ blocks: 150, blockLength: BLOCK, bytes }), whenFull });
    for (let n = 0; n < 2_000; n++) after.append(Uint8Array.of(n), 1); // also where the other data was
    const numbers = drained(before);
    expect(numbers.length).toBeGreaterThan(400);
    expect(drained(after).slice(0, numbers.length)).toEqual(numbers);
  },
);

/** The numbers of all entries, with the first byte of each; they are settled. */
function drained(outbox: Outbox): string[] {
  const found: string[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(0)) {
    found.push(`${entry.sequence}: ${entry.payload[0]}`);
    outbox.settle(entry.sequence);
  }
  return found;
}
