import { expect, test } from "vitest";
import { TMP117Part } from "../../boards/parts/i2c/tmp117.js";
import { VirtualTime } from "../support/virtual-time.js";

const READY = 0x2000;

function setUp(celsius: number | (() => number) = 20) {
  const time = new VirtualTime();
  const part = new TMP117Part({ uptimeMs: time.clock.uptimeMs, celsius });
  const read = (register: number): number => {
    const bytes = new Uint8Array(2);
    part.write(Uint8Array.of(register));
    part.read(bytes);
    return (bytes[0] << 8) | bytes[1];
  };
  const write = (register: number, value: number): boolean =>
    part.write(Uint8Array.of(register, value >> 8, value & 0xff));
  return { time, part, read, write };
}

test("after power-up: -256 °C, the documented configuration and id, continuous conversions", () => {
  const { time, read } = setUp();
  expect([read(0), read(1), read(0xf)]).toEqual([0x8000, 0x0220, 0x0117]);
  time.advance(124);
  expect(read(1)).toBe(0x2220);
  expect(read(0)).toBe(20 * 128);
});

test("continuous conversions are done once a second", () => {
  const { time, part, read } = setUp();
  time.advance(124);
  read(0);
  part.celsius = 30;
  time.advance(999);
  expect(read(0)).toBe(20 * 128);
  time.advance(1);
  expect(read(0)).toBe(30 * 128);
});

test("a look at temperature or configuration clears data-ready", () => {
  const { time, read } = setUp();
  time.advance(124);
  expect(read(1) & READY).toBe(READY);
  expect(read(1) & READY).toBe(0);
  time.advance(1000);
  read(0);
  expect(read(1) & READY).toBe(0);
});

test("a one-shot ends in shutdown, and nothing is converted until the next", () => {
  const { time, part, read, write } = setUp();
  write(1, 0x0c00);
  time.advance(15);
  expect(read(1)).toBe(0x0c00);
  time.advance(1);
  expect(read(1)).toBe(0x2400);
  part.celsius = 30;
  time.advance(60_000);
  expect(read(1)).toBe(0x0400);
  expect(read(0)).toBe(20 * 128);
});

test("temperature and id cannot be written, limits can, a soft reset undoes it", () => {
  const { read, write } = setUp();
  for (const register of [0, 0xf, 2]) write(register, 0x1234);
  expect([read(0), read(0xf), read(2)]).toEqual([0x8000, 0x0117, 0x1234]);
  write(1, 0x0002);
  expect([read(1), read(2)]).toEqual([0x0220, 0x6000]);
});

test("the temperature may come from elsewhere", () => {
  let celsius = 20;
  const { time, part, read } = setUp(() => celsius);
  celsius = -10;
  time.advance(124);
  expect(part.celsius).toBe(-10);
  expect((read(0) << 16) >> 16).toBe(-1280);
});
