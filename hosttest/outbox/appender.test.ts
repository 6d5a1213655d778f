/* Entries appended without a mount, between two runs that mount. With any faults of flash, none is lost or doubled. */
import { describe, expect, test } from "vitest";
import { NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { Appender, type Position } from "../../src/outbox/appender.js";
import { Outbox } from "../../src/outbox/outbox.js";

const MAX_PAYLOAD = 24;

function mounted(flash: NorFlash): Outbox {
  flash.powerOn();
  return new Outbox({ flash, writeUnit: flash.writeUnit });
}

/** A run that mounts, appends and goes to sleep. */
function fallenAsleep(flash: NorFlash, payloads: readonly Uint8Array[]): Position {
  const outbox = mounted(flash);
  for (const payload of payloads) outbox.append(payload, 1);
  const position = outbox.suspend();
  outbox.close();
  if (position === undefined) throw new Error("no position");
  return position;
}

function awake(flash: NorFlash, position: Position): Appender {
  flash.powerOn();
  return new Appender({ flash, writeUnit: flash.writeUnit, maxPayload: MAX_PAYLOAD }, position);
}

/** Entries that a mount finds, oldest first: number and payload. */
function contents(flash: NorFlash): string[] {
  const outbox = mounted(flash);
  const found: string[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
    found.push(`${entry.sequence}: ${[...entry.payload.subarray(0, entry.payloadLength)].join(" ")}`);
  }
  return found;
}

/** Short frames and long records, as the journal makes them. */
function payloadOf(n: number): Uint8Array {
  return n % 5 === 4 ? new Uint8Array(12).fill(n) : Uint8Array.of(n, n, n & 0x3f);
}

const shown = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}: ${[...payloadOf(from + i)].join(" ")}`);

describe.each([1, 16] as const)("write unit %i", (writeUnit) => {
  const ring = (): NorFlash => new NorFlash({ blocks: 6, blockLength: 1024, writeUnit });

  test("wakes that append one each, until the block is full; then a mount continues: all are there, in order", () => {
    const flash = ring();
    let position = fallenAsleep(flash, [payloadOf(0)]);
    let next = 1;
    for (; ; next++) {
      const appender = awake(flash, position);
      expect(appender.isConfirmed()).toBe(true);
      const number = appender.append(payloadOf(next), 1);
      if (number < 0) break;
      expect(number).toBe(next);
      position = { ...position, end: appender.end, number: appender.number };
      appender.close();
    }
    expect(next).toBeGreaterThan(writeUnit === 1 ? 50 : 20);
    const outbox = mounted(flash);
    expect(outbox.append(payloadOf(next), 1)).toBe(next);
    expect(contents(flash)).toEqual(shown(0, next + 1));
    expect(flash.violations).toBe(0);
  });

  test("a block holds as many entries as with the outbox itself", () => {
    const filled = (isAsleep: boolean): number => {
      const flash = ring();
      let position = fallenAsleep(flash, [payloadOf(0)]);
      const { block } = position;
      if (!isAsleep) {
        const outbox = mounted(flash);
        let count = 0;
        for (; (outbox.suspend()?.block ?? block) === block || count === 0; count++) outbox.append(payloadOf(0), 1);
        return count - 1;
      }
      let count = 0;
      for (;;) {
        const appender = awake(flash, position);
        if (appender.append(payloadOf(0), 1) < 0) return count;
        count++;
        position = { ...position, end: appender.end, number: appender.number };
      }
    };
    // In units of 16, a mount copies the block before it writes: that is another block.
    if (writeUnit === 1) expect(filled(true)).toBe(filled(false));
    else expect(filled(true)).toBeGreaterThan(20);
  });

  test("a position that is out of date is not confirmed, or nothing is appended there", () => {
    const flash = ring();
    const old = fallenAsleep(flash, [payloadOf(0)]);
    const first = awake(flash, old);
    expect(first.isConfirmed()).toBe(true);
    expect(first.append(payloadOf(1), 1)).toBe(1);
    const second = awake(flash, old);
    expect(second.isConfirmed() && second.append(payloadOf(1), 1) >= 0).toBe(false);
    expect(contents(flash)).toEqual(shown(0, 2));
  });

  test.each([
    ["another block", { block: 3 }],
    ["a block beyond the flash", { block: 900 }],
    ["another block sequence", { sequence: 77 }],
    ["another first number", { first: 5 }],
    ["an end in the head", { end: 8 }],
    ["an end far behind the last record", { end: 512 }],
    ["an end that is no address of a record", { end: 61 }],
    ["NaN", { end: Number.NaN }],
    ["free space up to another block", { freeEnd: 5_000 }],
  ])("not confirmed: %s", (what, change) => {
    const flash = ring();
    const position = fallenAsleep(flash, [payloadOf(0)]);
    if (what === "an end far behind the last record" && writeUnit === 16) return;
    const before = flash.bytes.slice();
    expect(awake(flash, { ...position, ...change }).isConfirmed()).toBe(false);
    expect(flash.bytes).toEqual(before);
  });

  test("flash that another device wrote, or that was erased, is not confirmed", () => {
    const position = fallenAsleep(ring(), [payloadOf(0)]);
    expect(awake(ring(), position).isConfirmed()).toBe(false);
  });

  test("power is cut at every byte of an append: the entry is there whole or not at all, and the next mount continues", () => {
    for (let cut = 0; ; cut++) {
      const flash = ring();
      const position = fallenAsleep(flash, [payloadOf(0), payloadOf(1)]);
      const appender = awake(flash, position);
      expect(appender.isConfirmed()).toBe(true);
      flash.cutAfter(cut);
      let appended = false;
      try {
        appended = appender.append(payloadOf(2), 1) >= 0;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      const isOver = !flash.isOff;
      const outbox = mounted(flash);
      const next = outbox.nextSequence;
      expect([2, 3]).toContain(next);
      if (appended) expect(next).toBe(3);
      outbox.append(payloadOf(next), 1);
      expect(contents(flash)).toEqual(shown(0, next + 1));
      expect(flash.violations).toBe(0);
      if (isOver) return;
    }
  });

  test("flash that does not take it: -1, and a mount stores it under the same number", () => {
    const flash = ring();
    const position = fallenAsleep(flash, [payloadOf(0)]);
    const appender = awake(flash, position);
    expect(appender.isConfirmed()).toBe(true);
    flash.faults = { program: () => "error" };
    expect(appender.append(payloadOf(1), 1)).toBe(-1);
    flash.faults = {};
    expect(mounted(flash).append(payloadOf(1), 1)).toBe(1);
    expect(contents(flash)).toEqual(shown(0, 2));
  });

  test("no more than four reads and 200 bytes, one program: an entry of 3 bytes", () => {
    const flash = ring();
    const position = fallenAsleep(flash, [payloadOf(0)]);
    const appender = awake(flash, position);
    const { reads, readBytes, programs } = flash;
    expect(appender.isConfirmed() && appender.append(payloadOf(1), 1)).toBe(1);
    expect(flash.reads - reads).toBeLessThanOrEqual(4);
    expect(flash.readBytes - readBytes).toBeLessThanOrEqual(200);
    expect(flash.programs - programs).toBe(1);
  });
});

test("an entry that was programmed and read back wrong does not appear beside its repetition", () => {
  const flash = new NorFlash({ blocks: 6, blockLength: 1024, writeUnit: 1 });
  const position = fallenAsleep(flash, [payloadOf(0)]);
  const appender = awake(flash, position);
  expect(appender.isConfirmed()).toBe(true);
  const { programs } = flash;
  flash.faults = {
    read(buffer) {
      if (flash.programs === programs + 1) buffer[0] ^= 1;
    },
  };
  expect(appender.append(payloadOf(1), 1)).toBe(-1);
  flash.faults = {};
  expect(contents(flash)).toEqual(shown(0, 1));
});

test("a position between two words is none", () => {
  const flash = new NorFlash({ blocks: 6, blockLength: 1024, writeUnit: 1 });
  const position = fallenAsleep(flash, [payloadOf(0)]);
  for (let more = 1; more < 4; more++) {
    expect(awake(flash, { ...position, end: position.end - more }).isConfirmed()).toBe(false);
  }
});
