/* Every export of src has a docstring, so that its users need not read the code. Of overloads, the first one has it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0].name.getText();
  return (statement as ts.DeclarationStatement).name?.getText();
}

const isExported = (statement: ts.Statement): boolean =>
  (ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined)?.some(
    ({ kind }) => kind === ts.SyntaxKind.ExportKeyword,
  ) ?? false;

/** The exports of a module without a docstring, by name. */
function bare(source: string): string[] {
  const file = ts.createSourceFile("module.ts", source, ts.ScriptTarget.ES2022, true);
  const documented = new Set<string | undefined>();
  return file.statements.filter(isExported).flatMap((statement) => {
    const name = nameOf(statement);
    if (ts.getJSDocCommentsAndTags(statement).length > 0) documented.add(name);
    return name === undefined || documented.has(name) ? [] : [name];
  });
}

test("every export has a docstring", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((name) => bare(readFileSync(join(SRC, name), "utf8")).map((each) => `${name}: ${each}`));
  expect(found, "a line above it: what it is, its unit and range, what it throws, where it is specified").toEqual([]);
});

test("one without is seen", () => {
  expect(bare("/** a */\nexport const A = 1;\nexport const B = 2; // no docstring\nexport class C {}")).toEqual([
    "B",
    "C",
  ]);
  expect(
    bare("/* of the file */\nexport type D = 1;\n/** e */\nexport function e(): 1;\nexport function e(): 1 {}"),
  ).toEqual(["D"]);
  expect(bare("export { A } from './a.js';\nconst own = 1;")).toEqual([]);
});
