import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const top = fileURLToPath(new URL("../..", import.meta.url));
const ON_THE_DEVICE = ["src", "boards/drivers", "boards/esp32", "boards/moddable", "boards/simulator"];

/** The #private names in a source text. */
function privateNames(text: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPrivateIdentifier(node)) names.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("module.ts", text, ts.ScriptTarget.ES2022));
  return names;
}

// In XS every object carries a slot for each #private method of its class: that was 5.8 KB of the running app's heap, and 13 KB of byte
// code. TypeScript's `private` costs nothing.
test("what runs on the device has no #private names", () => {
  const found: string[] = [];
  for (const place of ON_THE_DEVICE) {
    const files = readdirSync(join(top, place), { recursive: true, encoding: "utf8" });
    for (const file of files.filter((name) => name.endsWith(".ts"))) {
      const path = join(place, file);
      for (const name of privateNames(readFileSync(join(top, path), "utf8"))) found.push(`${path}: ${name}`);
    }
  }
  expect(found).toEqual([]);
  expect(privateNames("class A { #b() {} c() { this.#b(); } }")).toEqual(["#b", "#b"]);
});
