/*
 * Values of a preloaded module that can never change are in flash. Each other one takes a slot of RAM in every machine, and the linker
 * warns ("not frozen", "no const"). Our modules have none.
 */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { heldBy, notFrozen } from "./held.js";
import { DEVICES, Product } from "./manifest.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

test("all values of the preloaded modules are frozen, nested ones included", async () => {
  const paths = new Set<string>();
  for (const platform of [...DEVICES, "lin"]) {
    const { modules, preload } = new Product(TOP, platform);
    for (const specifier of preload) paths.add(modules.get(specifier)!);
  }
  const held = await heldBy(TOP, [...paths]);
  expect(held.length).toBeGreaterThan(200);
  expect(notFrozen(held)).toEqual([]);
});

test("what is left open is found: in lists, in rows, in static fields, in variables", () => {
  class Chip {
    readonly address = 0x48;
    static readonly addresses = [0x48];
    static readonly frozen = Object.freeze([0x49]);
  }
  const found = notFrozen([
    { path: "a: rows", value: Object.freeze([Object.freeze({ type: { kind: "text" } }), 1]), isVariable: false },
    { path: "b: Chip", value: Chip, isVariable: false },
    { path: "c: count", value: 3, isVariable: true },
    { path: "d: bytes", value: new Uint8Array(4), isVariable: false },
  ]);
  expect(found).toEqual(["a: rows[0].type: not frozen", "b: Chip.addresses: not frozen", "c: count: no const"]);
});
