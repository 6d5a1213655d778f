/*
 * The line being edited: code points in a buffer that grows to a fixed length, and a cursor. Characters that do not fit are
 * refused and noted, so that half of a pasted text is not run. The buffer is overwritten and released when a line is finished:
 * it may have contained a password, and mostly no line is being typed. No I/O.
 */

/** Most characters in a line. */
export const MAX_LINE = 240;

const SPACE = 0x20;
const LENGTH_FIRST = 60; // doubled twice: MAX_LINE
const EMPTY: Uint32Array = new Uint32Array(0); // in flash on a device, where writing throws, even of no bytes

/** The line being edited. Positions and lengths in characters (code points). */
export class Line {
  private codes = EMPTY;
  private _length = 0;
  private _cursor = 0;
  private _overflow = false;

  /** In characters (code points), as all positions here. */
  get length(): number {
    return this._length;
  }

  get cursor(): number {
    return this._cursor;
  }

  /** Some characters did not fit, and nothing was erased since. */
  get overflow(): boolean {
    return this._overflow;
  }

  /** The code point at `position`. */
  codeAt(position: number): number {
    return this.codes[position];
  }

  /** The characters from `start` up to, but without, `end`. */
  text(start = 0, end = this._length): string {
    let text = "";
    for (let i = start; i < end; i++) text += String.fromCodePoint(this.codes[i]);
    return text;
  }

  /** Returns false if the line is full. */
  insert(code: number): boolean {
    if (this._length === MAX_LINE) {
      this._overflow = true;
      return false;
    }
    if (this._length === this.codes.length) this.grow();
    this.codes.copyWithin(this._cursor + 1, this._cursor, this._length);
    this.codes[this._cursor] = code;
    this._cursor += 1;
    this._length += 1;
    return true;
  }

  /** Inserts as many characters of `text` as fit. */
  insertText(text: string): void {
    for (const character of text) this.insert(character.codePointAt(0)!);
  }

  /** Erases from `start` up to, but without, `end`; the cursor is then at `start`. */
  erase(start: number, end: number): void {
    if (start >= end) return;
    this.codes.copyWithin(start, end, this._length);
    this.codes.fill(0, this._length - (end - start), this._length);
    this._length -= end - start;
    this._cursor = start;
    this._overflow = false;
  }

  /** Moves to `position`, or to the nearest end. */
  moveTo(position: number): void {
    this._cursor = Math.max(0, Math.min(this._length, position));
  }

  /** The beginning of the word before the cursor, including blanks after it. */
  wordStart(): number {
    let at = this._cursor;
    while (at > 0 && this.codes[at - 1] === SPACE) at -= 1;
    while (at > 0 && this.codes[at - 1] !== SPACE) at -= 1;
    return at;
  }

  /** Empties the line and overwrites its memory. */
  clear(): void {
    if (this.codes !== EMPTY) this.codes.fill(0);
    this.codes = EMPTY;
    this._length = 0;
    this._cursor = 0;
    this._overflow = false;
  }

  private grow(): void {
    const former = this.codes;
    this.codes = new Uint32Array(Math.min(Math.max(LENGTH_FIRST, 2 * former.length), MAX_LINE));
    this.codes.set(former);
    if (former !== EMPTY) former.fill(0);
  }

  /** Replaces the line by `text`, with the cursor at its end. */
  replace(text: string): void {
    this.clear();
    this.insertText(text);
  }
}
