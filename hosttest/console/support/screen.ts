/*
 * A terminal in memory: what a person would see after some bytes, on a terminal of any width, without escape sequences.
 * Knows printable UTF-8 (wide characters and marks included), CR, LF, BS, BEL, and of the escape sequences only "home" and
 * "erase the screen"; any other one throws, because a simple serial monitor would show it. Writing in the last column wraps.
 */
import { columnsOf } from "../../../src/console/terminal/columns.js";
import { TextStream } from "./text-stream.js";

export class Screen {
  readonly #columns: number;
  readonly #rows: string[][] = [[]];
  readonly #decoder = new TextStream();
  #row = 0;
  #column = 0;
  #escape = "";
  bells = 0;

  constructor(columns = 80) {
    this.#columns = columns;
  }

  write(bytes: Uint8Array): void {
    for (const character of this.#decoder.decode(bytes)) this.#put(character);
  }

  /** The rows, without blanks at their ends and without empty rows below. */
  get rows(): string[] {
    const rows = this.#rows.map((cells) =>
      Array.from(cells, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    while (rows.length > 0 && rows[rows.length - 1] === "") rows.pop();
    return rows;
  }

  /** The last row as it is, and a bar at the cursor. */
  get editedRow(): string {
    const cells = Array.from(this.#rows[this.#row], (cell) => cell ?? " ");
    while (cells.length < this.#column) cells.push(" ");
    let end = cells.length;
    while (end > this.#column && cells[end - 1] === " ") end -= 1;
    return `${cells.slice(0, this.#column).join("")}|${cells.slice(this.#column, end).join("")}`;
  }

  #put(character: string): void {
    const code = character.codePointAt(0)!;
    if (this.#escape !== "") this.#control(character);
    else if (character === "\x1b") this.#escape = character;
    else if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#newRow();
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (character === "\x07") this.bells += 1;
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) throw new Error(`control character ${code} sent`);
    else this.#show(character, columnsOf(code));
  }

  #show(character: string, width: number): void {
    const row = this.#rows[this.#row];
    if (width === 0) {
      let base = this.#column - 1;
      while (row[base] === "") base -= 1;
      if (!row[base].includes(character)) row[base] += character;
      return;
    }
    if (this.#column + width > this.#columns) {
      this.#column = 0;
      this.#newRow();
    }
    this.#rows[this.#row][this.#column] = character;
    if (width === 2) this.#rows[this.#row][this.#column + 1] = "";
    this.#column += width;
  }

  #newRow(): void {
    this.#row += 1;
    if (this.#row === this.#rows.length) this.#rows.push([]);
  }

  #control(character: string): void {
    this.#escape += character;
    if (!/[A-Za-z]/.test(character)) return;
    if (this.#escape === "\x1b[2J") for (const row of this.#rows) row.length = 0;
    else if (this.#escape === "\x1b[H") this.#row = this.#column = 0;
    else throw new Error(`sequence ${JSON.stringify(this.#escape)} sent: a dumb monitor would show it`);
    this.#escape = "";
  }
}
