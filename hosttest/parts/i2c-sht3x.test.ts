import { expect, test } from "vitest";
import { SHT3xPart } from "../../boards/parts/i2c/sht3x.js";
import { VirtualTime } from "../support/virtual-time.js";

function setUp(celsius: number | (() => number) = -45) {
  const time = new VirtualTime();
  const part = new SHT3xPart({ uptimeMs: time.clock.uptimeMs, celsius });
  const command = (code: number): boolean => part.write(Uint8Array.of(code >> 8, code & 0xff));
  const read = (count: number): number[] | undefined => {
    const bytes = new Uint8Array(count);
    return part.read(bytes) ? [...bytes] : undefined;
  };
  return { time, part, command, read };
}

test("two words, each with its checksum", () => {
  const { time, part, command, read } = setUp();
  part.humidity = 100;
  command(0x2400);
  time.advance(16);
  expect(read(6)).toEqual([0, 0, 0x81, 0xff, 0xff, 0xac]);
});

test.each([
  [0x2400, 16],
  [0x240b, 7],
  [0x2416, 5],
])("command %d: no acknowledge before %d ms, one answer after", (code, ms) => {
  const { time, command, read } = setUp();
  command(code);
  time.advance(ms - 1);
  expect(read(6)).toBeUndefined();
  time.advance(1);
  expect(read(6)).toBeDefined();
  expect(read(6)).toBeUndefined();
});

test("a command within a millisecond of another is not acknowledged, nor one within a reset", () => {
  const { time, command } = setUp();
  expect([command(0xf32d), command(0xf32d)]).toEqual([true, false]);
  time.advance(1);
  expect(command(0x30a2)).toBe(true);
  time.advance(1);
  expect(command(0xf32d)).toBe(false);
  time.advance(1);
  expect(command(0xf32d)).toBe(true);
});

test("the status says that it was reset, until it is cleared", () => {
  const { time, command, read } = setUp();
  command(0xf32d);
  expect(read(3)?.slice(0, 2)).toEqual([0, 0x10]);
  time.advance(1);
  command(0x3041);
  time.advance(1);
  command(0xf32d);
  expect(read(3)).toEqual([0, 0, 0x81]);
});

test("a periodic acquisition takes no single shot and no reset until it gets a break; its data can be fetched", () => {
  const { time, command, read } = setUp();
  const later = (code: number) => {
    time.advance(2);
    return command(code);
  };
  expect(later(0x2130)).toBe(true);
  expect([later(0x2400), later(0x30a2)]).toEqual([false, false]);
  expect(later(0xe000)).toBe(true);
  expect(read(6)).toBeDefined();
  expect([later(0x3093), later(0x2400)]).toEqual([true, true]);
});

test("a command that it does not know is not acknowledged; an address probe is", () => {
  const { time, part, command } = setUp();
  expect(command(0x1234)).toBe(false);
  time.advance(1);
  expect(part.write(Uint8Array.of(0x24))).toBe(false);
  expect(part.write(new Uint8Array(0))).toBe(true);
});
