/*
 * The names under which the device is known: what a sleeper remembers of them.
 */
import { expect, test } from "vitest";
import { hashOf } from "../../../src/thermometer/presence/names.js";

test("names that differ in anything have another hash, which is never 0", () => {
  const names = { room: "kitchen", id: "a", prefix: "homeassistant", channels: 1 };
  const others = [{ room: "attic" }, { id: "b" }, { prefix: "" }, { channels: 3 }, { room: "kitchen/a", id: "" }];
  const hashes = [{}, ...others].map((other) => hashOf({ ...names, ...other }, 1));
  hashes.push(hashOf(names, 32)); // at another broker
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hashes).not.toContain(0);
});
