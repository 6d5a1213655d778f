/* The simulated flash behaves as the chip: otherwise tests on it would prove nothing. */
import { describe, expect, test } from "vitest";
import { NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { ERASE_STATES } from "../../boards/parts/flash/nor-flash-erase.js";

function bytesAt(flash: NorFlash, offset: number, length: number): number[] {
  const buffer = new Uint8Array(length);
  flash.read(buffer, offset);
  return [...buffer];
}

test("programming clears bits; writing FF over 00 stays 00, and counts as a violation", () => {
  const flash = new NorFlash({ blocks: 2, blockLength: 256 });
  flash.write(Uint8Array.of(0xf0, 0x00), 10);
  flash.write(Uint8Array.of(0x3f, 0xff), 10);
  expect(bytesAt(flash, 9, 4)).toEqual([0xff, 0x30, 0, 0xff]);
  expect(flash.violations).toBe(2);
  flash.eraseBlock(0);
  expect(bytesAt(flash, 10, 1)).toEqual([0xff]);
  expect([...flash.erases]).toEqual([1, 0]);
});

test("outside the partition: read failed, write failed, erase failed, nothing changed", () => {
  const flash = new NorFlash({ blocks: 2, blockLength: 256 });
  expect(() => flash.read(new Uint8Array(2), 511)).toThrow("read failed");
  expect(() => flash.write(new Uint8Array(2), 511)).toThrow("write failed");
  expect(() => flash.eraseBlock(2)).toThrow("erase failed");
  expect(flash.bytes.every((byte) => byte === 0xff)).toBe(true);
});

test.each([
  ["none", [0, 0, 0xff]],
  ["all", [0, 0, 0]],
] as const)(
  "power goes at the third byte, %s of its bits: a prefix, then every call throws until power is on",
  (bits, left) => {
    const flash = new NorFlash({ blocks: 2, blockLength: 256 });
    flash.cutAfter(2, bits);
    expect(() => flash.write(new Uint8Array(4), 0)).toThrow(PowerCut);
    expect(() => flash.read(new Uint8Array(1), 0)).toThrow(PowerCut);
    expect(flash.cutInside).toBe(true);
    expect([...flash.bytes.subarray(0, 3)]).toEqual(left);
    flash.powerOn();
    expect(bytesAt(flash, 3, 1)).toEqual([0xff]);
  },
);

test("half-way cells read differently after some boots, the same within one, and firmly once programmed", () => {
  const flash = new NorFlash({ blocks: 2, blockLength: 256 });
  flash.cutAfter(0, "some");
  expect(() => flash.write(Uint8Array.of(0), 0)).toThrow(PowerCut);
  const seen = new Set<number>();
  for (let boot = 0; boot < 20; boot++) {
    flash.powerOn();
    seen.add(bytesAt(flash, 0, 1)[0]);
    expect(bytesAt(flash, 0, 1)).toEqual(bytesAt(flash, 0, 1));
  }
  expect(seen.size).toBeGreaterThan(3);
  flash.write(Uint8Array.of(0), 0);
  flash.powerOn();
  expect(bytesAt(flash, 0, 1)).toEqual([0]);
});

describe("a cut erase", () => {
  test.each(ERASE_STATES)("%s: only the block changes, and a complete erase repairs it", (state) => {
    const flash = new NorFlash({ blocks: 3, blockLength: 256 });
    flash.write(new Uint8Array(768).fill(0x55), 0);
    flash.cutAfter(0, "some", state);
    expect(() => flash.eraseBlock(1)).toThrow(PowerCut);
    expect(flash.cutInErase).toBe(true);
    flash.powerOn();
    expect(bytesAt(flash, 0, 256).every((byte) => byte === 0x55)).toBe(true);
    expect(bytesAt(flash, 512, 256).every((byte) => byte === 0x55)).toBe(true);
    flash.eraseBlock(1);
    flash.powerOn();
    expect(bytesAt(flash, 256, 256).every((byte) => byte === 0xff)).toBe(true);
  });
});

describe("units of 16 bytes", () => {
  test("erased bytes read as noise; what is programmed reads as written; a second program is a violation", () => {
    const flash = new NorFlash({ blocks: 2, blockLength: 256, writeUnit: 16 });
    expect(new Set(bytesAt(flash, 0, 64)).size).toBeGreaterThan(10);
    flash.write(new Uint8Array(16).fill(7), 32);
    expect(bytesAt(flash, 32, 16)).toEqual(new Array(16).fill(7));
    flash.write(new Uint8Array(16).fill(7), 32);
    expect(flash.violations).toBe(1);
  });

  test("other sizes and offsets: write failed", () => {
    const flash = new NorFlash({ blocks: 2, blockLength: 256, writeUnit: 16 });
    expect(() => flash.write(new Uint8Array(8), 0)).toThrow("write failed");
    expect(() => flash.write(new Uint8Array(16), 8)).toThrow("write failed");
  });

  test("a unit that was begun counts as programmed, even if none of its bits are", () => {
    const flash = new NorFlash({ blocks: 2, blockLength: 256, writeUnit: 16 });
    flash.cutAfter(0, "none");
    expect(() => flash.write(new Uint8Array(16), 0)).toThrow(PowerCut);
    flash.powerOn();
    flash.write(new Uint8Array(16), 0);
    expect(flash.violations).toBe(1);
  });
});
