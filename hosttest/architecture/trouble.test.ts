/*
 * Each warning of the firmware has a row in the table of boards/TROUBLESHOOTING.md: "…" stands for the parts that the
 * program inserts. The row must contain a word of the message itself: a row of wildcards alone does not count.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const ANYTHING = "…";

/** The texts of all `log` calls at level warn or error; calls that only pass on another text are left out. */
function warnings(source: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /(^|\.)log$/.test(node.expression.getText(file))) {
      const [level, text] = node.arguments;
      if (/"(warn|error)"/.test(level.getText(file))) found.push(textOf(text));
    }
    ts.forEachChild(node, visit);
  };
  const file = ts.createSourceFile("module.ts", source, ts.ScriptTarget.ES2022);
  visit(file);
  return found.filter((text) => text.replaceAll(ANYTHING, "").trim() !== "");
}

function textOf(node: ts.Node): string {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return ANYTHING;
  return node.head.text + node.templateSpans.map(({ literal }) => ANYTHING + literal.text).join("");
}

/** What the first column shows in backticks; "any other text behind `sensor:`" is a row for all that begins so. */
function rows(page: string): string[] {
  const [, section = ""] = page.split("# When something is wrong\n");
  return [...section.split("\n## ")[0].matchAll(/^\| (.*?`[^|]*) \|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/(behind )?`([^`]+)`/g)].map(([, behind, text]) => (behind ? `${text} ${ANYTHING}` : text)),
  );
}

const asPattern = (row: string): RegExp =>
  new RegExp(`^${row.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(ANYTHING, ".*")}$`, "s");

/** Whether the row describes `text`. */
const fits = (text: string, row: string): boolean => /\p{L}{2}/u.test(row) && asPattern(row).test(text);

test("every warning has a row in the table of troubles", () => {
  const files = readdirSync(join(TOP, "src"), { recursive: true, encoding: "utf8" }).filter((n) => n.endsWith(".ts"));
  const warned = files.flatMap((name) => warnings(readFileSync(join(TOP, "src", name), "utf8")));
  expect(warned.length).toBeGreaterThan(10);
  const known = rows(readFileSync(join(TOP, "boards/TROUBLESHOOTING.md"), "utf8"));
  expect(warned.filter((text) => !known.some((row) => fits(text, row)))).toEqual([]);
});

test("a warning without a row is detected", () => {
  const warned = warnings('this.log("warn", `moon: $' + '{phase} is full`); owner.log(up ? "info" : "error", detail);');
  expect(warned).toEqual(["moon: … is full"]);
  const known = rows("# When something is wrong\n| `sun: …`, `sun` row | shine |\n\n## Next\n| `moon: …` | x |\n");
  expect(known).toEqual(["sun: …", "sun"]);
  expect(known.some((row) => fits(warned[0], row))).toBe(false);
  expect(fits("sun: … burns", known[0])).toBe(true);
  const open = rows("# When something is wrong\n| `…: …`, any other text behind `sun:` | shine |\n");
  expect(open).toEqual(["…: …", "sun: …"]);
  expect(fits("sun: …", open[1])).toBe(true);
  expect(fits("moon: …", open[0])).toBe(false); // a row without a word matches nothing
  expect(warnings('log("warn", `$' + "{what}: $" + "{why}`)")).toEqual(["…: …"]);
  expect(known.some((row) => fits("…: …", row))).toBe(false); // a message that could be anything matches no row
});
