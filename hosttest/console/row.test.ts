/*
 * The row being edited: after any input, the screen shows prompt, line and cursor correctly.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnsOf } from "../../src/console/terminal/columns.js";
import { Line } from "../../src/console/terminal/line.js";
import { type Disguise, Row } from "../../src/console/terminal/row.js";
import { Screen } from "./support/screen.js";

const OPEN: Disguise = { kind: "maskedFrom", position: Number.POSITIVE_INFINITY };

/** A line in a row of a screen, and the number of bytes written for it. */
class Bench {
  readonly line = new Line();
  readonly row = new Row();
  readonly screen = new Screen();
  sent = "";

  show(prompt = "> ", disguise: Disguise = OPEN): void {
    this.sent = this.row.draw(prompt, this.line, disguise);
    this.screen.write(new TextEncoder().encode(this.sent));
  }
}

describe("the row", () => {
  test("typing at the end sends the character and nothing else", () => {
    const bench = new Bench();
    bench.show();
    bench.line.insertText("a");
    bench.show();
    expect(bench.sent).toBe("a");
  });

  test("erasing at the end sends what every terminal knows: back, blank, back", () => {
    const bench = new Bench();
    bench.line.insertText("ab");
    bench.show();
    bench.line.erase(1, 2);
    bench.show();
    expect(bench.sent).toBe("\b \b");
  });

  test("inserting in the middle rewrites what is behind it", () => {
    const bench = new Bench();
    bench.line.insertText("helo");
    bench.line.moveTo(3);
    bench.show();
    bench.line.insertText("l");
    bench.show();
    expect(bench.sent).toBe("lo\b");
    expect(bench.screen.editedRow).toBe("> hell|o");
  });

  test("nothing changed, the cursor in the middle: nothing is sent", () => {
    const bench = new Bench();
    bench.line.insertText("hello");
    bench.line.moveTo(2);
    bench.show();
    bench.show();
    expect(bench.sent).toBe("");
  });

  test("wide characters and marks take their columns", () => {
    const bench = new Bench();
    bench.line.insertText("客厅e\u0301x");
    bench.line.moveTo(2);
    bench.show();
    expect(bench.screen.editedRow).toBe("> 客厅|e\u0301x");
    bench.line.erase(0, 1);
    bench.line.moveTo(1);
    bench.show();
    expect(bench.screen.editedRow).toBe("> 厅|e\u0301x");
    bench.line.erase(2, 3); // the mark alone
    bench.show();
    expect(bench.screen.rows).toEqual(["> 厅ex"]);
  });

  test("a line longer than the row is seen through a window that follows the cursor, on one row", () => {
    const bench = new Bench();
    for (let i = 0; i < 200; i++) {
      bench.line.insertText(String(i % 10));
      bench.show();
      expect(bench.screen.rows).toHaveLength(1);
      expect(bench.screen.rows[0].length).toBeLessThan(80);
      expect(bench.screen.editedRow.endsWith("|")).toBe(true);
    }
    bench.line.moveTo(0);
    bench.show();
    expect(bench.screen.editedRow.startsWith("> |0123456789")).toBe(true);
  });

  test("a prompt that would fill the row is cut", () => {
    const bench = new Bench();
    bench.line.insertText("answer");
    bench.show("x".repeat(100));
    expect(bench.screen.editedRow).toBe(`${"x".repeat(55)}answer|`);
  });

  test("masked from a position, or hidden", () => {
    const bench = new Bench();
    bench.line.insertText("set wifi.password secret");
    bench.show("> ", { kind: "maskedFrom", position: 18 });
    expect(bench.screen.rows).toEqual(["> set wifi.password ******"]);
    bench.show("> ", { kind: "hidden" });
    expect(bench.screen.rows).toEqual([">"]);
  });

  test("the cursor goes between a character and its mark, from the left: the mark stays", () => {
    const bench = new Bench();
    bench.line.insertText("a\u0301");
    bench.line.moveTo(0);
    bench.show();
    bench.line.insertText("a");
    bench.show();
    bench.line.moveTo(2);
    bench.show();
    expect(bench.screen.editedRow).toBe("> aa\u0301|");
  });

  test("any edits: the screen shows the line and the cursor's place, and never a second row", () => {
    const character = fc.constantFrom("a", "b", " ", "é", "客", "😀", "\u0301", "-");
    const step = fc.oneof(
      character.map((text) => ({ kind: "insert" as const, text })),
      fc.nat(30).map((to) => ({ kind: "move" as const, to })),
      fc.record({ kind: fc.constant("erase" as const), from: fc.nat(30), count: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bench = new Bench();
        for (const one of steps) {
          if (one.kind === "insert") bench.line.insertText(one.text);
          else if (one.kind === "move") bench.line.moveTo(one.to);
          else
            bench.line.erase(Math.min(one.from, bench.line.length), Math.min(one.from + one.count, bench.line.length));
          bench.show();
          const { line } = bench;
          // Blanks behind the cursor cannot be seen, and the screen does not show them.
          expect(bench.screen.editedRow.trimEnd()).toBe(expectedRow(line).trimEnd());
          expect(bench.screen.rows.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** The row as the screen model shows it: a mark stays with its character even if the cursor is between them. */
function expectedRow(line: Line): string {
  const before = `> ${line.text(0, line.cursor)}`;
  let rest = line.text(line.cursor);
  let marks = "";
  while (rest !== "" && columnsOf(rest.codePointAt(0)!) === 0) {
    marks += rest[0];
    rest = rest.slice(1);
  }
  return `${collapse(before + marks)}|${collapse(rest).trimEnd()}`;
}

/** The screen model keeps one mark of a kind per character. */
function collapse(text: string): string {
  return text.replaceAll(/\u0301+/g, "\u0301");
}
