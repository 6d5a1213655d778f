/*
 * Which tests carry the ids of a standard's conformance statements. A test covers an id by naming it in its name or in a row of its table:
 * in brackets, those of version 5 after "5: ".
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Rule } from "./rule.js";
import { RULES_3 } from "./rules3.js";
import { RULES_5 } from "./rules5.js";

export interface Checklist {
  readonly title: string;
  readonly page: string;
  readonly rules: readonly Rule[];
  /** Where a name has ids. */
  readonly ids: RegExp;
  /** The text before the ids, in a name. */
  readonly prefix: string;
}

const IDS = /(?:\d[-.]\d+(?:\.\d+)?-\d+(?:, )?)+/.source;

export const CHECKLISTS: readonly Checklist[] = [
  {
    title: "MQTT 3.1.1",
    page: "checklist.md",
    rules: RULES_3,

    ids: new RegExp(`\\((${IDS})\\)`),
    prefix: "",
  },
  {
    title: "MQTT 5",
    page: "checklist5.md",
    rules: RULES_5,

    ids: new RegExp(`\\(5: (${IDS})\\)`),
    prefix: "`5: `",
  },
];

const folder = fileURLToPath(new URL("..", import.meta.url));

/** For each id, the test files that name it in a string, with how many names. */
export function coverage({ ids }: Checklist): Map<string, string[]> {
  const covered = new Map<string, string[]>();
  for (const file of readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((name) => name.endsWith(".test.ts") && name !== "checklist.test.ts")
    .sort()) {
    const counts = new Map<string, number>();
    for (const [, , text] of readFileSync(`${folder}/${file}`, "utf8").matchAll(/(["'`])((?:(?!\1)[^\n\\]|\\.)*)\1/g)) {
      for (const id of ids.exec(text)?.[1].split(", ") ?? []) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const [id, count] of counts) covered.set(id, [...(covered.get(id) ?? []), `${file} (${count})`]);
  }
  return covered;
}

/** The page of a checklist. */
export function pageOf(checklist: Checklist): string {
  const { title, rules, prefix } = checklist;
  const covered = coverage(checklist);
  const rows = rules.map(([id, text, notApplicable]) => [
    id,
    text,
    notApplicable === undefined
      ? (covered.get(id) ?? ["**not covered**"]).join(", ")
      : `not applicable: ${notApplicable}`,
  ]);
  const where = prefix && `, there after ${prefix}`;
  return `# ${title}: which test covers which rule for clients

Generated from the tests' names by \`UPDATE=1 npx vitest run hosttest/mqtt/checklist\`;
the test fails when this page is out of date or an applicable rule has no test. The number is how many tests or rows
carry the id${where}.

${table(["id", "rule, in our words", "tests"], rows)}
`;
}

/** A table in Markdown, columns aligned, as the formatter wants it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n])).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
