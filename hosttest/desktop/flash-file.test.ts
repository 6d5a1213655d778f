import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BLOCK_LENGTH, FlashFile, ImageError } from "../../boards/desktop/flash/flash-file.js";

const SIZE = 4 * BLOCK_LENGTH;
const bytes = (...values: number[]) => Uint8Array.from(values);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flash-"));
  path = join(folder, "chip.flash");
});
afterEach(() => rmSync(folder, { recursive: true }));

function refusal(): string {
  try {
    new FlashFile(path, SIZE).close();
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    return (error as ImageError).message;
  }
  throw new Error("was opened");
}

describe("a flash chip in a file", () => {
  test("is erased when new, and keeps what was programmed", () => {
    const chip = new FlashFile(path, SIZE);
    expect(chip.created).toBe(true);
    const partition = chip.partition(BLOCK_LENGTH, 2 * BLOCK_LENGTH);
    partition.write(bytes(1, 2, 3), 10);
    expect([...readFileSync(path).subarray(BLOCK_LENGTH + 9, BLOCK_LENGTH + 14)]).toEqual([0xff, 1, 2, 3, 0xff]);
    chip.close();
    const again = new FlashFile(path, SIZE);
    expect(again.created).toBe(false);
    const read = new Uint8Array(3);
    expect(again.partition(BLOCK_LENGTH, BLOCK_LENGTH).read(read, 10)).toBe(3);
    expect([...read]).toEqual([1, 2, 3]);
    again.close();
  });

  test("clears bits and never sets them, except by an erase of whole blocks", () => {
    const chip = new FlashFile(path, SIZE);
    const partition = chip.partition(0, SIZE);
    partition.write(bytes(0xf0), 0);
    partition.write(bytes(0x3c), 0);
    const read = new Uint8Array(1);
    partition.read(read, 0);
    expect(read[0]).toBe(0x30);
    partition.eraseBlock(0);
    partition.read(read, 0);
    expect(read[0]).toBe(0xff);
    chip.close();
  });

  test("keeps partitions apart", () => {
    const chip = new FlashFile(path, SIZE);
    const partition = chip.partition(0, BLOCK_LENGTH);
    expect(() => partition.write(bytes(0), BLOCK_LENGTH)).toThrow("write failed");
    expect(() => partition.read(bytes(0, 0), BLOCK_LENGTH - 1)).toThrow("read failed");
    expect(() => partition.eraseBlock(1)).toThrow("erase failed");
    chip.close();
  });

  test("refuses a file that its owner made read-only, also to root", () => {
    writeFileSync(path, new Uint8Array(SIZE));
    chmodSync(path, 0o444);
    expect(refusal()).toBe(`${path}: is read-only; make it writable (chmod u+w) or name another`);
  });

  test("refuses a file of another size, and leaves it alone", () => {
    writeFileSync(path, "my diary");
    expect(refusal()).toContain("8 bytes, expected a flash image of 16384");
    expect(readFileSync(path, "utf8")).toBe("my diary");
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test("refuses a folder, and a folder that is not there", () => {
    path = folder;
    expect(refusal()).toContain("is a folder");
    path = join(folder, "none", "chip.flash");
    expect(refusal()).toContain("its folder does not exist");
  });

  test("refuses what is no file", () => {
    path = "/dev/null";
    expect(refusal()).toContain("is a device or pipe");
  });

  test("a region has one owner: a partition that overlaps another is refused", () => {
    const chip = new FlashFile(path, SIZE);
    chip.partition(0, 2 * BLOCK_LENGTH);
    expect(() => chip.partition(BLOCK_LENGTH, BLOCK_LENGTH)).toThrow("a part of it is another partition");
    chip.partition(2 * BLOCK_LENGTH, BLOCK_LENGTH);
    chip.close();
  });

  test("is its owner's alone, also one that an earlier version made readable for others", () => {
    const mode = () => statSync(path).mode & 0o777;
    new FlashFile(path, SIZE).close();
    expect(mode()).toBe(0o600);
    chmodSync(path, 0o644);
    new FlashFile(path, SIZE).close();
    expect(mode()).toBe(0o600);
  });

  test("an incomplete one is created again; a file of another program is not changed", () => {
    writeFileSync(path, new Uint8Array(BLOCK_LENGTH + 7).fill(0xff));
    const chip = new FlashFile(path, SIZE);
    expect(chip.created).toBe(true);
    chip.close();
    expect(readFileSync(path)).toEqual(Buffer.alloc(SIZE, 0xff));
    writeFileSync(path, Buffer.concat([Buffer.alloc(BLOCK_LENGTH, 0xff), Buffer.from("x")]));
    expect(refusal()).toContain("expected a flash image");
  });

  test("notices once that its file was deleted or replaced", () => {
    const chip = new FlashFile(path, SIZE);
    expect(chip.noticesLoss()).toBe(false);
    renameSync(path, `${path}.old`);
    writeFileSync(path, "another");
    expect(chip.noticesLoss()).toBe(true);
    expect(chip.noticesLoss()).toBe(false);
    expect(chip.isReachable).toBe(false);
    chip.close();
    const other = new FlashFile(`${path}.old`, SIZE);
    rmSync(`${path}.old`);
    expect(other.noticesLoss()).toBe(true);
    other.close();
  });
});
