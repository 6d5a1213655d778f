/*
 * Static methods of built-ins are called as methods of the built-in. XS's own methods need that: `const { fromString } = ArrayBuffer` works
 * in one release and throws in the next, where the method makes its result with `this`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
/** Constructors whose static methods may ask for `this`. `Math`, `JSON`, `Reflect` and `Number` have none that do. */
const METHODS_NEED_THIS =
  /^(Array|ArrayBuffer|SharedArrayBuffer|String|Object|Promise|Date|Symbol|Atomics|Iterator|\w+Array)$/;

/** Methods that are read from a built-in without being called on it. */
function unbound(text: string): string[] {
  const found: string[] = [];
  const isBuiltIn = (node: ts.Node | undefined): boolean => {
    if (node === undefined) return false;
    if (ts.isAsExpression(node) || ts.isParenthesizedExpression(node)) return isBuiltIn(node.expression);
    return ts.isIdentifier(node) && METHODS_NEED_THIS.test(node.text);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && isBuiltIn(node.initializer)) {
      found.push(...node.name.elements.map((element) => element.getText()));
    }
    if (ts.isPropertyAccessExpression(node) && isBuiltIn(node.expression) && isTakenAway(node))
      found.push(node.getText());
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("module.ts", text, ts.ScriptTarget.ES2022, true));
  return found;
}

/** Whether the method is read, but neither called nor followed by another property. */
function isTakenAway(node: ts.PropertyAccessExpression): boolean {
  const { parent } = node;
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) return parent.expression !== node;
  if (ts.isPropertyAccessExpression(parent) || ts.isHeritageClause(parent.parent)) return false;
  return !/^(BYTES_PER_ELEMENT|prototype|iterator|asyncIterator|MAX_|MIN_)/.test(node.name.text);
}

test("no method of a built-in is taken off it", () => {
  const files = ["src", "boards"].flatMap((place) =>
    readdirSync(join(TOP, place), { recursive: true, encoding: "utf8" }).map((name) => join(place, name)),
  );
  const found = files
    .filter((name) => /\.(ts|js)$/.test(name))
    .flatMap((name) => unbound(readFileSync(join(TOP, name), "utf8")).map((what) => `${name}: ${what}`));
  expect(found).toEqual([]);
  expect(files.length).toBeGreaterThan(100);
});

test("and it would be seen", () => {
  expect(
    unbound("const { fromString } = ArrayBuffer as unknown as { fromString(text: string): ArrayBuffer };"),
  ).toEqual(["fromString"]);
  expect(unbound("texts.map(ArrayBuffer.fromString); const of = Uint8Array.of;")).toEqual([
    "ArrayBuffer.fromString",
    "Uint8Array.of",
  ]);
  expect(unbound("Array.from(x); Uint8Array.prototype.slice.call(y); const { imul } = Math; all.map(String)")).toEqual(
    [],
  );
});
