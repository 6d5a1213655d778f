/*
 * The partition tables of the ESP32 boards.
 * Source: ESP-IDF, "Partition Tables": application slots begin at multiples of 64 KiB, everything else at sectors; the table
 * itself takes 0x8000 to 0x9000.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const BOARDS = fileURLToPath(new URL("../../boards", import.meta.url));
const MIB = 2 ** 20;
const SECTOR = 4096;
const FIRST_FREE = 0x9000;

interface Partition {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly size: number;
}

function read(board: string): Partition[] {
  return readFileSync(join(BOARDS, board, "partitions.csv"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").map((field) => field.trim()))
    .map(([name, type, , offset, size]) => ({ name, type, offset: Number(offset), size: Number(size) }));
}

describe.each([
  ["esp32", 4 * MIB, 1],
  ["esp32s3", 8 * MIB, 2],
])("%s", (board, flashBytes, slotCount) => {
  const partitions = read(board);

  test("partitions follow each other to the end of the flash, without a gap", () => {
    let at = FIRST_FREE;
    for (const { offset, size } of partitions) {
      expect(offset).toBe(at);
      at += size;
    }
    expect(at).toBe(flashBytes);
  });

  test("applications begin at 64 KiB, all else at sectors", () => {
    for (const { type, offset, size } of partitions) {
      expect(offset % (type === "app" ? 0x10000 : SECTOR)).toBe(0);
      expect(size % SECTOR).toBe(0);
    }
  });

  test("application slots of one size, before the outbox, which an update therefore does not move", () => {
    const slots = partitions.filter(({ type }) => type === "app").map(({ size }) => size);
    expect(slots).toHaveLength(slotCount);
    expect(new Set(slots).size).toBe(1);
    expect(partitions.at(-1)?.name).toBe("outbox");
  });

  /** Linked for the ESP32-C3 in release, as boards/README.md says. */
  test("a slot holds the image, and a fifth more", () => {
    const IMAGE_BYTES = 2_073_520;
    const slot = partitions.find(({ type }) => type === "app");
    expect(slot?.size).toBeGreaterThan(1.2 * IMAGE_BYTES);
  });
});

test("the outbox's label is the one that the board opens", () => {
  const board = readFileSync(join(BOARDS, "esp32/board.ts"), "utf8");
  const label = /OUTBOX_PARTITION = "(\w+)"/.exec(board)?.[1];
  expect(read("esp32").map(({ name }) => name)).toContain(label);
});
