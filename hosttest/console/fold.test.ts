import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnsOf } from "../../src/console/terminal/columns.js";
import { fold } from "../../src/console/terminal/fold.js";

const widthOf = (text: string): number => [...text].reduce((sum, one) => sum + columnsOf(one.codePointAt(0)!), 0);

describe("a line that is wider than the terminal", () => {
  test.each([
    ["one two", 2, 79, ["one two"]],
    ["", 2, 79, [""]],
    ["one two three", 2, 8, ["one two", "  three"]],
    ["wifi  a-name-that-is-longer-than-the-row up", 6, 20, ["wifi  a-name-that-is-longer-than-the-row", "      up"]],
    ["温度 温度 温度", 1, 9, ["温度 温度", " 温度"]],
  ])("%j, %i, %i", (text, indent, width, rows) => {
    expect(fold(text, indent, width)).toEqual(rows);
  });

  test("any text: all words are there in order, and no row is too wide, except one with a single word and perhaps its label", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "é", "度", "🛁", ";"), minLength: 1, maxLength: 12 });
    const words = fc.array(word, { minLength: 1 });
    fc.assert(
      fc.property(words, fc.nat(8), fc.integer({ min: 10, max: 40 }), (words, indent, width) => {
        const rows = fold("x".repeat(indent - 1 > 0 ? indent - 1 : 0).padEnd(indent) + words.join(" "), indent, width);
        const contents = rows.map((row) => row.slice(indent));
        expect(contents.flatMap((row) => row.split(" "))).toEqual(words);
        for (const [at, row] of rows.entries()) {
          expect(widthOf(row) <= width || !contents[at].includes(" ")).toBe(true);
          if (at > 0) expect(row.slice(0, indent)).toBe(" ".repeat(indent));
        }
      }),
    );
  });
});
