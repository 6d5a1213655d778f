/*
 * What a sleeper remembers of the names under which the device is known.
 */
import { expect, test } from "vitest";
import { textHash } from "../../../src/common/text-hash.js";
import { hashOf } from "../../../src/thermometer/presence/names.js";

test("names that differ in anything have another hash, which is never 0", () => {
  const names = { room: "kitchen", id: "a", prefix: "homeassistant", channels: 1 };
  const others = [{ room: "attic" }, { id: "b" }, { prefix: "" }, { channels: 3 }, { room: "kitchen/a", id: "" }];
  const hashes = [{}, ...others].map((other) => hashOf({ ...names, ...other }, 1));
  hashes.push(hashOf(names, 32)); // at another broker
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes).not.toContain(0);
});

test("the hash of texts is FNV-1a: vectors of draft-eastlake-fnv", () => {
  expect(["", "a", "foobar"].map((text) => textHash(text) >>> 0)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});
