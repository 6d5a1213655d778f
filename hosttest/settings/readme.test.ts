import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { expectation, formatValue } from "../../src/settings/parse.js";
import { type Setting, schema } from "../../src/settings/schema.js";

const PAGE = "../../src/settings/README.md";
const TABLE = /(<!-- settings -->\n)[\s\S]*?(\n<!-- end -->)/;
const HELP_COLUMNS = 76; // of 79: `show` indents it by two, and puts a full stop behind it

const cell = (text: string) => text.replaceAll("|", "\\|");

function row({ key, type, default: value, help, inForce }: Setting): string {
  const standard = formatValue(value) === "" ? "" : `\`${formatValue(value)}\``;
  const when = inForce === "saved" ? "" : " (at the next boot)";
  return `| \`${key}\` | ${cell(expectation(type))} | ${standard} | ${cell(help)}${when} |`;
}

test("the page's table of settings is the schema's: `npx vitest run hosttest/settings/readme.test.ts -u` writes it", async () => {
  const table = ["| setting | takes | default | |", "|---|---|---|---|", ...schema.map(row)].join("\n");
  const page = readFileSync(new URL(PAGE, import.meta.url), "utf8");
  const expected = page.replace(TABLE, (_, head, end) => `${head}${table}${end}`);
  expect(expected).toContain(table);
  await expect(expected).toMatchFileSnapshot(PAGE);
});

test("the help of every setting fits a row of the prompt", () => {
  const wide = schema.filter(({ help }) => help.length > HELP_COLUMNS).map(({ key, help }) => `${key}: ${help}`);
  expect(wide).toEqual([]);
});
