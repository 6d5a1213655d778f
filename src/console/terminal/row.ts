/*
 * The row of the screen on which a line is edited: brings it from what is shown to what shall be shown.
 * Writes characters, blanks and backspaces only, no control sequence, and asks the terminal nothing: the dumbest serial
 * monitor can follow. Stays left of the last column, where terminals differ; a longer line is shown through a window
 * that moves with the cursor. Pure: returns what has to be sent.
 */
import { isUnprintable } from "../port/printable.js";
import { columnsOf } from "./columns.js";
import type { Line } from "./line.js";

/** Columns that a row uses, at most: one less than the narrowest terminal has. */
export const COLUMNS = 79;
const MIN_LINE_COLUMNS = 24; // columns that a prompt leaves to the line
const JUMP = 16; // characters that the window moves at a time; no more than MIN_LINE_COLUMNS
const MASK = 0x2a; // *
const UNPRINTABLE = 0x3f; // ?

/** How a line is shown: from which character on as asterisks, or not at all. */
export type Disguise = { readonly kind: "maskedFrom"; readonly position: number } | { readonly kind: "hidden" };

/** One row. It may be shared with other output, as long as `clear` or `leave` comes before that. */
export class Row {
  private shown: number[] = []; // code points on the screen
  private at = 0; // the cursor, as an index of shown
  private first = 0; // the line's first character in the window

  /** What brings the row to `prompt` and `line`, the cursor in its place. */
  draw(prompt: string, line: Line, disguise: Disguise): string {
    const next: number[] = [];
    const cursor = this.compose(next, prompt, line, disguise);
    const shown = this.shown;
    const same = commonStart(shown, next);
    if (same === shown.length && same === next.length) return this.move(cursor);
    let out = this.move(same);
    for (let i = same; i < next.length; i++) out += String.fromCodePoint(next[i]);
    const surplus = columns(shown, same, shown.length) - columns(next, same, next.length);
    if (surplus > 0) out += " ".repeat(surplus) + "\b".repeat(surplus);
    this.shown = next;
    this.at = next.length;
    return out + this.move(cursor);
  }

  /** What blanks the row and puts the cursor at its start: other output comes there, and `draw` after it. */
  clear(): string {
    const back = "\b".repeat(columns(this.shown, 0, this.at));
    const width = columns(this.shown, 0, this.shown.length);
    this.forget();
    return back + " ".repeat(width) + "\b".repeat(width);
  }

  /** What puts the cursor behind the line; the row stays as it is and a new one begins, once a line break was sent. */
  leave(): string {
    const out = this.move(this.shown.length);
    this.forget();
    this.first = 0;
    return out;
  }

  private forget(): void {
    this.shown.length = 0;
    this.at = 0;
  }

  /** Moves the cursor to character `index` of what is shown: by backspaces, or by writing what is there once more. */
  private move(index: number): string {
    let out = "";
    if (index < this.at) out = "\b".repeat(columns(this.shown, index, this.at));
    let end = index;
    // A character that is written again loses its marks, though the cursor shall stand before them.
    if (index > this.at) while (end < this.shown.length && columnsOf(this.shown[end]) === 0) end += 1;
    for (let i = this.at; i < end; i++) out += String.fromCodePoint(this.shown[i]);
    this.at = index;
    return out;
  }

  /** Puts prompt, which is printable, and window into `next`; returns the index of the cursor. */
  private compose(next: number[], prompt: string, line: Line, disguise: Disguise): number {
    let room = COLUMNS;
    for (const character of prompt) {
      const code = character.codePointAt(0)!;
      if (room - columnsOf(code) < MIN_LINE_COLUMNS) break;
      room -= columnsOf(code);
      next.push(code);
    }
    if (disguise.kind === "hidden") return next.length;
    this.scroll(line, disguise.position, room);
    let cursor = next.length;
    let used = 0;
    for (let i = this.first; i < line.length; i++) {
      const code = i < disguise.position ? shownAs(line.codeAt(i)) : MASK;
      used += columnsOf(code);
      if (used > room) break;
      next.push(code);
      if (i < line.cursor) cursor = next.length;
    }
    return cursor;
  }

  /** Moves the window so that the cursor is in it. */
  private scroll(line: Line, maskedFrom: number, room: number): void {
    const width = (start: number) => {
      let sum = 0;
      for (let i = start; i < line.cursor; i++) sum += i < maskedFrom ? columnsOf(shownAs(line.codeAt(i))) : 1;
      return sum;
    };
    while (this.first > 0 && this.first >= line.cursor) this.first = Math.max(0, this.first - JUMP);
    while (width(this.first) > room) this.first += JUMP;
  }
}

/** One column in the place of what must not be printed: pasted text may hold anything. */
function shownAs(code: number): number {
  return isUnprintable(code) ? UNPRINTABLE : code;
}

/** Characters that both begin with, never parting a mark from the character it sits on. */
function commonStart(a: readonly number[], b: readonly number[]): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same += 1;
  const inMark = (codes: readonly number[]) => same < codes.length && columnsOf(codes[same]) === 0;
  while (same > 0 && (inMark(a) || inMark(b))) same -= 1;
  return same;
}

function columns(codes: readonly number[], start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += columnsOf(codes[i]);
  return sum;
}
