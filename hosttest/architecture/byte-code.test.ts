import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const top = fileURLToPath(new URL("../..", import.meta.url));
/** Folders that have none of these constructs, and must stay so. */
const LEAN = ["channels", "health", "journal", "network", "outbox", "sensor"];

/** Finds constructs that need several times the byte code of an equivalent. */
function dear(text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isForOfStatement(node)) found.push("for-of: take forEach, or an index");
    if (ts.isArrayBindingPattern(node)) found.push("array pattern: take indices, or an object");
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("module.ts", text, ts.ScriptTarget.ES2022));
  return found;
}

// By the SDK's compiler, release: a for-of takes 124 bytes, forEach or an indexed loop 41; an array pattern of two 146, two indices 22.
// Both close an iterator in any case.
test("iterators stay out of folders that are free of them", () => {
  const found = LEAN.flatMap((folder) => {
    const files = readdirSync(join(top, "src", folder), { recursive: true, encoding: "utf8" });
    return files
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => dear(readFileSync(join(top, "src", folder, name), "utf8")).map((what) => `${name}: ${what}`));
  });
  expect(found).toEqual([]);
});

test("and they would be seen", () => {
  expect(dear("for (const [a, b] of list) use(a, b);")).toHaveLength(2);
  expect(dear("list.forEach(({ a, b }) => use(a, b)); for (let i = 0; i < list.length; i++) use(list[i]);")).toEqual(
    [],
  );
});
