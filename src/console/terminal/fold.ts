/*
 * A line that is wider than the terminal, as rows that are not. Pure.
 */
import { columnsOf } from "./columns.js";

/**
 * Breaks `text` at blanks, so that no row takes more than `width` columns; the rows behind the first begin `indent` columns from the left,
 * below what follows the label of that width. A word that is wider than a row stays whole.
 */
export function fold(text: string, indent: number, width: number): readonly string[] {
  const rows: string[] = [];
  let row = "";
  let used = 0;
  text.split(" ").forEach((word) => {
    let columns = 0;
    for (const character of word) columns += columnsOf(character.codePointAt(0)!);
    if (used > indent && used + columns > width) {
      rows.push(row.trimEnd());
      row = " ".repeat(indent);
      used = indent;
    }
    row += `${word} `;
    used += columns + 1;
  });
  rows.push(row.trimEnd());
  return rows;
}
