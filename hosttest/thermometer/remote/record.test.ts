/*
 * The record of commands: which ones are kept, and for how long.
 */
import { expect, test, vi } from "vitest";
import { CommandRecord, commandHash } from "../../../src/thermometer/remote/record.js";
import { MemoryStore } from "../../settings/memory-store.js";

const hash = commandHash("1 sample", false);

test("a command that came again on this connection is kept until what was sent behind it has arrived", () => {
  const store = new MemoryStore();
  new CommandRecord(store, 0).add(hash, 1, 0);
  const record = new CommandRecord(store, 0);
  expect(record.again(hash, 1)).toBe(true);
  expect(record.again(hash, 2)).toBe(false);
  record.retire(2, true, true);
  expect(record.has(hash)).toBe(true);
  record.follow(2);
  record.retire(2, false, true);
  expect(record.has(hash)).toBe(true);
  record.retire(2, true, false);
  expect(record.has(hash)).toBe(false);
});

test("of many, the latest 32 are kept; those with an id of their own outlive any proof", () => {
  const store = new MemoryStore();
  const record = new CommandRecord(store, 0);
  const hashes = Array.from({ length: 40 }, (_, n) => commandHash(`${n}`, true));
  for (const one of hashes) record.add(one, 1, 0);
  record.retire(2, true, true);
  const later = new CommandRecord(store, 0);
  expect(hashes.filter((one) => record.has(one))).toEqual(hashes.slice(8));
  expect(hashes.filter((one) => later.has(one))).toEqual(hashes.slice(8));
});

test("of those 32 none is forgotten for one that the store refuses", () => {
  const store = new MemoryStore();
  const record = new CommandRecord(store, 0);
  const hashes = Array.from({ length: 32 }, (_, n) => commandHash(`${n}`, true));
  for (const one of hashes) record.add(one, 1, 0);
  const write = vi.spyOn(store, "write").mockImplementation(() => {
    throw new Error("no free space");
  });
  expect(() => record.add(hash, 1, 1)).toThrow("no free space");
  write.mockRestore();
  expect([record.has(hash), record.pending, record.isStale]).toEqual([false, 0, false]);
  record.write();
  const later = new CommandRecord(store, 0);
  expect(hashes.filter((one) => later.has(one))).toEqual(hashes);
});
