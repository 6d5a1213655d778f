/*
 * The row of the screen on which a line is edited: computes the output that changes the row from its present to its new
 * content. It uses only characters, blanks and backspaces, no control sequences and no queries, so that the simplest serial
 * monitor works. It does not use the last column, where terminals differ; a longer line is shown through a window that moves
 * with the cursor. Pure.
 */
import { isUnprintable } from "../port/printable.js";
import { columnsOf } from "./columns.js";
import type { Line } from "./line.js";

/** Most columns of a row: one less than the narrowest terminal has. */
export const COLUMNS = 79;
const MIN_LINE_COLUMNS = 24; // columns that a prompt leaves to the line
const JUMP = 16; // characters that the window moves at a time; no more than MIN_LINE_COLUMNS
const MASK = 0x2a; // *
const UNPRINTABLE = 0x3f; // ?

/** How a line is masked: asterisks from a character on, or hidden completely. */
export type Disguise = { readonly kind: "maskedFrom"; readonly position: number } | { readonly kind: "hidden" };

/** One row. Before other output is written there, call `clear` or `leave`. */
export class Row {
  private shown: number[] = []; // code points on the screen
  private at = 0; // the cursor, as an index of shown
  private first = 0; // the line's first character in the window

  /** The output that shows `prompt` and `line`, with the cursor at its place. */
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

  /** The output that blanks the row and moves the cursor to its start, before other output; then call `draw`. */
  clear(): string {
    const back = "\b".repeat(columns(this.shown, 0, this.at));
    const width = columns(this.shown, 0, this.shown.length);
    this.forget();
    return back + " ".repeat(width) + "\b".repeat(width);
  }

  /** The output that moves the cursor behind the line; after a line break a new row begins. */
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

  /** Moves the cursor to character `index`: by backspaces, or by writing the characters again. */
  private move(index: number): string {
    let out = "";
    if (index < this.at) out = "\b".repeat(columns(this.shown, index, this.at));
    let end = index;
    // A character that is written again loses its marks, even if the cursor should be before them.
    if (index > this.at) while (end < this.shown.length && columnsOf(this.shown[end]) === 0) end += 1;
    for (let i = this.at; i < end; i++) out += String.fromCodePoint(this.shown[i]);
    this.at = index;
    return out;
  }

  /** Appends prompt (printable) and window to `next`; returns the index of the cursor. */
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

  /** Moves the window so that it contains the cursor. */
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

/** One column in place of an unprintable character: pasted text may contain anything. */
function shownAs(code: number): number {
  return isUnprintable(code) ? UNPRINTABLE : code;
}

/** Length of the common beginning, without separating a mark from its character. */
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
