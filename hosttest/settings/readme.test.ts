import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { expectation, formatValue } from "../../src/settings/parse.js";
import { type Setting, schema } from "../../src/settings/schema.js";

const HELP_COLUMNS = 76; // of 79: `show` indents it by two, and puts a full stop behind it

const cell = (text: string) => text.replaceAll("|", "\\|");

function row({ key, type, default: value, help, inForce }: Setting): string {
  const standard = formatValue(value) === "" ? "" : `\`${formatValue(value)}\``;
  const when = inForce === "saved" ? "" : " (at the next boot)";
  return `| \`${key}\` | ${cell(expectation(type))} | ${standard} | ${cell(help)}${when} |`;
}

test("the page's table of settings is the schema's", () => {
  const table = ["| setting | takes | default | |", "|---|---|---|---|", ...schema.map(row)].join("\n");
  const readme = readFileSync(new URL("../../src/settings/README.md", import.meta.url), "utf8");
  const [, shown] = /<!-- settings -->\n([\s\S]*?)\n<!-- end -->/.exec(readme) ?? [];
  expect(shown, "paste the table below between the page's settings marks").toBe(table);
});

test("the help of every setting fits a row of the prompt", () => {
  const wide = schema.filter(({ help }) => help.length > HELP_COLUMNS).map(({ key, help }) => `${key}: ${help}`);
  expect(wide).toEqual([]);
});
