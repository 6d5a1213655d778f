/* Short frames: an entry of three bytes with 22 bits in eight bytes of flash. The campaign tests power cuts; here are the cases at the limits. */
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { blockSeed, decodeHeader, emptyHeader, HEAD_BYTES } from "../../src/outbox/flash/layout.js";
import { Medium } from "../../src/outbox/flash/medium.js";
import { Outbox, type OutboxEvent, type OutboxOptions } from "../../src/outbox/outbox.js";
import { Version1Flash } from "../support/version-1-flash.js";

const BLOCK = 1024;
const VALUES = [0, 1, 0x155_555 & 0x3f_ffff, 0x2a_aaaa, 0x3f_fffe, 0x3f_ffff];

function payloadOf(value: number): Uint8Array {
  return Uint8Array.of(value, value >> 8, value >> 16);
}

function numberOf(payload: Uint8Array): number {
  return payload.reduceRight((value, byte) => (value << 8) | byte, 0);
}

function open(flash: NorFlash, options: Partial<OutboxOptions> = {}): Outbox {
  flash.powerOn();
  return new Outbox({ flash, writeUnit: flash.writeUnit, ...options });
}

/** The values that the outbox returns, by number. */
function contents(outbox: Outbox): Map<number, number> {
  const found = new Map<number, number>();
  let last = -1;
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(last + 1)) {
    last = entry.sequence;
    found.set(last, numberOf(entry.payload));
  }
  return found;
}

function versions(flash: NorFlash): number[] {
  const medium = new Medium(flash, flash.blocks, flash.blockLength, flash.writeUnit, 64);
  const header = emptyHeader();
  const found: number[] = [];
  for (let block = 0; block < flash.blocks; block++) {
    medium.readHead(block);
    if (decodeHeader(header, medium.head, 4)) found.push(header.version);
  }
  return found;
}

describe.each([1, 16] as const)("write unit %i", (unit) => {
  const ring = (blocks = 6): NorFlash => new NorFlash({ blocks, blockLength: BLOCK, writeUnit: unit });
  const SIZE = Math.max(8, unit);

  test("22 bits and the QoS take 8 bytes of flash, a unit of 16; one bit more, or another length, a long record", () => {
    const flash = ring();
    const outbox = open(flash);
    outbox.append(Uint8Array.of(0), 1); // opens the block
    const bytesFor = (payload: Uint8Array, qos: 1 | 2): number => {
      const { programmedBytes } = flash;
      outbox.append(payload, qos);
      return flash.programmedBytes - programmedBytes;
    };
    for (const qos of [1, 2] as const) {
      for (const value of VALUES) expect(bytesFor(payloadOf(value), qos)).toBe(SIZE);
      for (const value of [0x40_0000, 0x80_0000, 0xff_ffff])
        expect(bytesFor(payloadOf(value), qos)).toBe(Math.max(12, unit));
      expect(bytesFor(payloadOf(1), qos)).toBe(SIZE);
      expect(bytesFor(new Uint8Array(2), qos)).toBe(Math.max(12, unit));
      expect(bytesFor(new Uint8Array(4), qos)).toBe(Math.max(12, unit));
    }
  });

  test("mixed with records of any length they are read in order, with content, QoS and state, from the buffer and after a boot", () => {
    const flash = ring();
    let outbox = open(flash, { whenFull: "refuse" });
    const payloads: Uint8Array[] = [];
    for (let i = 0; i < 60; i++) {
      payloads.push(
        i % 7 === 3 ? new Uint8Array(i % 13).fill(i) : payloadOf(i % 5 === 0 ? 0xc0_0000 + i : VALUES[i % 6] ^ i),
      );
    }
    payloads.forEach((payload, i) => {
      outbox.append(payload, i % 3 === 0 ? 2 : 1);
      const entry = outbox.seek(i);
      expect([entry?.qos, ...(entry?.payload ?? [])]).toEqual([i % 3 === 0 ? 2 : 1, ...payload]);
    });
    for (let i = 0; i < 60; i += 6) outbox.released(i);
    for (let i = 1; i < 60; i += 4) outbox.settle(i);
    for (const again of [outbox, open(flash)]) {
      outbox = again;
      for (let i = 0; i < 60; i++) {
        const entry = outbox.seek(i);
        if (i % 4 === 1) {
          expect(entry?.sequence).not.toBe(i);
          continue;
        }
        expect(entry).toMatchObject({ sequence: i, qos: i % 3 === 0 ? 2 : 1, released: i % 6 === 0 });
        expect([...(entry?.payload ?? [])]).toEqual([...payloads[i]]);
      }
    }
  });

  test("copied to another block, they stay short", () => {
    const flash = ring(unit === 1 ? 3 : 4);
    const outbox = open(flash, { whenFull: "refuse" });
    let count = 0;
    while (outbox.append(payloadOf(count), 1) !== -1) count++;
    for (let i = 0; i < 40; i++) outbox.append(payloadOf(1), 1); // refused: each uses up a number, and the block is copied
    expect(outbox.statistics().damaged).toBe(0);
    expect(count).toBeGreaterThan((BLOCK / SIZE) * (unit === 1 ? 1.6 : 1.5));
    const found = contents(open(flash));
    expect([...found]).toEqual(Array.from({ length: Math.min(256, count) }, (_, i) => [i, i]));
  });

  test("any single flipped bit among them costs one entry at most, and no other is changed", () => {
    const flash = ring();
    const outbox = open(flash);
    for (let i = 0; i < 40; i++) outbox.append(payloadOf(i * 99_991), i % 2 === 0 ? 1 : 2);
    const expected = [...contents(outbox)];
    const image = flash.save();
    for (let address = HEAD_BYTES; address < HEAD_BYTES + 40 * SIZE; address++) {
      for (let bit = unit === 1 ? 0 : address & 7; bit < 8; bit += unit) {
        flash.restore(image);
        flash.bytes[address] ^= 1 << bit;
        const again = open(flash);
        const found = contents(again);
        expect(found.size).toBeGreaterThanOrEqual(39);
        for (const [sequence, value] of found) expect([sequence, value]).toEqual(expected[sequence]);
        for (let i = 0; i < 40; i++) again.settle(i);
        const isLast = address >= HEAD_BYTES + 39 * SIZE;
        if (!isLast) expect(again.statistics().damaged).toBe(40 - found.size);
      }
    }
  });

  /** Sixty frames, of which `count` are damaged from number 20 on, and also the one at `cut`, if given. */
  function wounded(count: number, cut?: number): Map<number, number> {
    const flash = new NorFlash({ blocks: 6, writeUnit: unit });
    const outbox = open(flash);
    for (let i = 0; i < 60; i++) outbox.append(payloadOf(i), 1);
    for (let i = 20; i < 20 + count; i++) flash.bytes[HEAD_BYTES + i * SIZE + 2] ^= 0x18;
    if (cut !== undefined) flash.bytes[HEAD_BYTES + cut * SIZE + 2] ^= 0x18;
    return contents(open(flash));
  }

  test("after any damage the rest keeps its numbers; after a wide one only frames that are followed by the next number", () => {
    for (const count of [1, 2, 15, 16, 30, 38]) {
      const found = wounded(count);
      expect(found.size).toBe(60 - count);
      for (const [sequence, value] of found) expect(value).toBe(sequence);
    }
    // One good frame between two damaged areas.
    expect(wounded(15, 36).has(35)).toBe(true);
    expect(wounded(16, 37).has(36)).toBe(false);
    expect(wounded(16, 37).has(38)).toBe(true);
  });

  test("blocks of firmware 0.1: read, filled up with long records, copied; the next ones are of version 2", () => {
    const old = 18;
    for (const settled of [0, 5, old]) {
      const flash = ring(5);
      const before = new Outbox({ flash: new Version1Flash(flash), writeUnit: unit });
      before.note(3, Uint8Array.of(9));
      for (let i = 0; i < old; i++) before.append(new Uint8Array(12).fill(i), i % 2 === 0 ? 1 : 2);
      for (let i = 0; i < settled; i++) before.settle(i);
      if (settled < old) before.released(old - 1);
      expect(versions(flash)).toEqual([1]);
      const events: OutboxEvent[] = [];
      let outbox = open(flash, { onEvent: (event) => events.push(event) });
      expect(outbox.readNote(3)).toEqual(Uint8Array.of(9));
      const { programmedBytes } = flash;
      const erases = flash.erases.reduce((sum, count) => sum + count);
      outbox.append(payloadOf(old), 1);
      if (unit === 1) {
        expect(versions(flash)).toEqual([1]);
        expect(flash.programmedBytes - programmedBytes).toBe(32 + 20 + 12); // recovered: the header, the last record
        expect(erases).toBe(flash.erases.reduce((sum, count) => sum + count));
      } else expect(versions(flash)).toContain(2);
      for (let i = old + 1; i < 120; i++) outbox.append(payloadOf(i), 1);
      expect(Math.max(...versions(flash))).toBe(2);
      for (const again of [outbox, open(flash)]) {
        outbox = again;
        for (let i = settled; i < 120; i++) {
          const entry = outbox.seek(i);
          expect(entry).toMatchObject({ sequence: i, released: i === old - 1 });
          expect([...(entry?.payload ?? [])]).toEqual(i < old ? new Array(12).fill(i) : [i, 0, 0]);
        }
        expect(outbox.entries).toBe(120 - settled);
        expect(outbox.statistics()).toMatchObject({ damaged: 0, tornRecords: 0, refused: 0, dropped: 0 });
      }
      expect(events).toEqual([]);
    }
  });

  test("a payload like the last frame read is held to maxPayload all the same", () => {
    const flash = ring();
    open(flash).append(payloadOf(5), 1);
    const outbox = open(flash, { maxPayload: 2 });
    expect(outbox.seek(0)?.payloadLength).toBe(3);
    expect(() => outbox.append(payloadOf(5), 1)).toThrow("payload of 3 bytes: expected at most 2");
  });

  test("frames are counted in a row: up to a limit, to one whose check or state does not fit, or that lies across the end", () => {
    const flash = ring();
    const outbox = open(flash);
    for (let i = 0; i < 40; i++) outbox.append(payloadOf(i), 1);
    const end = HEAD_BYTES + 40 * SIZE;
    const seed = blockSeed(1);
    const medium = new Medium(flash, flash.blocks, flash.blockLength, flash.writeUnit, 64);
    const count = (limit: number, onlyQueued: boolean, to = end): number =>
      medium.countShorts(HEAD_BYTES, to, seed, 0, limit, onlyQueued);
    expect([count(100, false), count(100, true), count(7, false), count(100, true, end - 1)]).toEqual([40, 40, 7, 39]);
    expect(medium.load(end - SIZE, end, seed)).toBe(true);
    expect(medium.load(end - SIZE, end - 1, seed)).toBe(false);
    outbox.settle(30); // in units of 16, as a record
    expect(count(100, true)).toBe(unit === 1 ? 30 : 40);
    expect(count(100, false)).toBe(40);
    const image = flash.save();
    flash.bytes[HEAD_BYTES + 20 * SIZE + 5] ^= 1;
    expect(count(100, false)).toBe(20);
    if (unit === 1) return;
    flash.restore(image);
    for (const at of [9, 14]) flash.bytes[HEAD_BYTES + 20 * SIZE + at] ^= 1;
    expect(count(100, false)).toBe(20);
  });

  test("nor does a frame that was copied let a longer payload pass", () => {
    const flash = ring();
    open(flash).append(payloadOf(5), 1);
    const outbox = open(flash, { maxPayload: 2 });
    while (outbox.idle()); // in units of 16, copies the block
    expect(() => outbox.append(payloadOf(5), 1)).toThrow("payload of 3 bytes: expected at most 2");
  });

  test("a bit stuck in any byte of a frame: seen on read-back if it matters, the entry is elsewhere", () => {
    const bad = HEAD_BYTES + 3 * SIZE; // the fourth frame
    const clean = ring();
    const values = Array.from({ length: 8 }, (_, i) => (i * 99_991) & 0x3f_ffff);
    const filled = (flash: NorFlash): Outbox => {
      const outbox = open(flash);
      for (const value of values) outbox.append(payloadOf(value), 1);
      return outbox;
    };
    filled(clean);
    const good = new Uint8Array(SIZE);
    clean.read(good, bad);
    for (let offset = 0; offset < SIZE; offset++) {
      for (const mask of [0x01, 0x10, 0x80]) {
        for (const stuckAt of [0, 0xff]) {
          const flash = ring();
          const asRead = (byte: number): number => (byte & ~mask) | (stuckAt & mask);
          flash.faults.read = (buffer, address) => {
            const at = bad + offset - address;
            if (at >= 0 && at < buffer.length) buffer[at] = asRead(buffer[at]);
          };
          const isHurt = asRead(good[offset]) !== good[offset];
          expect(filled(flash).flashFailures).toBe(isHurt ? 1 : 0);
          const again = open(flash);
          expect([...contents(again)]).toEqual(values.map((value, i) => [i, value]));
          expect(again.statistics().damaged).toBe(0);
        }
      }
    }
  });

  test("a number that was skipped while flash failed is on flash before the next frame", () => {
    const flash = ring();
    const outbox = open(flash);
    for (let i = 0; i < 3; i++) outbox.append(payloadOf(i), 1);
    flash.faults.program = () => "error";
    expect(outbox.skip()).toBe(3);
    flash.faults.program = undefined;
    expect(outbox.append(payloadOf(4), 1)).toBe(4);
    for (const one of [outbox, open(flash)]) {
      expect([...contents(one).keys()]).toEqual([0, 1, 2, 4]);
      expect(one.statistics()).toMatchObject({ refused: 1, damaged: 0 });
    }
  });
});

test.each([3, 12])("entries of %i bytes appended after one of another block was looked at survive a boot", (length) => {
  const flash = new NorFlash({ blocks: 6, blockLength: BLOCK });
  const outbox = open(flash);
  const count = 200;
  for (let i = 0; i < count; i++) {
    expect(outbox.seek(0)?.sequence).toBe(i === 0 ? undefined : 0); // the oldest block's, into the buffer
    outbox.append(new Uint8Array(length).fill(i & 0x3f), 1);
  }
  expect([...contents(open(flash)).keys()]).toEqual(Array.from({ length: count }, (_, i) => i));
});

test("a frame that was cut in its check, the cells of which read as erased: zeros over both words, before anything is appended", () => {
  for (let cut = 5; cut < 8; cut++) {
    for (const value of VALUES) {
      const flash = new NorFlash({ blocks: 4, blockLength: BLOCK, random: () => 0.999 });
      const outbox = open(flash);
      outbox.append(payloadOf(7), 1);
      flash.cutAfter(4, "some"); // in the check's first byte
      outbox.append(payloadOf(value), 2);
      const torn = HEAD_BYTES + 8;
      flash.bytes.fill(0xff, torn + 4, torn + 8);
      const again = open(flash);
      expect(again.append(payloadOf(8), 1)).toBe(1);
      expect([...flash.bytes.subarray(torn, torn + 8)]).toEqual(new Array(8).fill(0));
      expect([...contents(open(flash))]).toEqual([
        [0, 7],
        [1, 8],
      ]);
    }
  }
});

test("units of 16 hold a frame twice: noise that passes the check by chance is no entry, one flipped bit loses none", () => {
  const flash = new NorFlash({ blocks: 4, blockLength: BLOCK, writeUnit: 16 });
  const outbox = open(flash);
  for (let i = 0; i < 3; i++) outbox.append(payloadOf(i), 1);
  const image = flash.save();
  const last = HEAD_BYTES + 32;
  flash.bytes[last + 9] ^= 4;
  expect(contents(open(flash)).size).toBe(3);
  flash.restore(image);
  flash.bytes[last + 9] ^= 4;
  flash.bytes[last + 14] ^= 4;
  expect(contents(open(flash)).size).toBe(2);
  flash.restore(image);
  flash.bytes[last + 14] ^= 4;
  expect(contents(open(flash)).size).toBe(3);
});
