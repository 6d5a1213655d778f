/* Breaks a line that is wider than the terminal into rows. Pure. */
import { columnsOf } from "./columns.js";

/**
 * Breaks `text` at blanks, so that no row is wider than `width` columns. Later rows begin `indent` columns from the left, below
 * the text after the label. A word wider than a row is not broken.
 */
export function fold(text: string, indent: number, width: number): readonly string[] {
  const rows: string[] = [];
  let row = "";
  let used = 0;
  let blanks = ""; // before the next word; dropped where a row ends
  text.split(" ").forEach((word) => {
    let columns = 0;
    for (const character of word) columns += columnsOf(character.codePointAt(0)!);
    if (used > indent && used + blanks.length + columns > width && columns > 0) {
      rows.push(row);
      row = " ".repeat(indent);
      used = indent;
      blanks = "";
    }
    if (columns > 0) {
      row += blanks + word;
      used += blanks.length + columns;
      blanks = "";
    }
    blanks += " ";
  });
  rows.push(row);
  return rows;
}
