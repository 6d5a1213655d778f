/*
 * The line being edited: code points in a buffer of fixed length, and a cursor.
 * What does not fit is refused and remembered, so that nobody runs half of what was pasted. The buffer is overwritten
 * when a line is done with: it may have held a password. No I/O, no allocation but in `text`.
 */

/** Characters that a line holds. */
export const LINE_MAX = 240;

const SPACE = 0x20;

export class Line {
  readonly #codes = new Uint32Array(LINE_MAX);
  #length = 0;
  #cursor = 0;
  #overflow = false;

  /** In characters (code points), as all positions here. */
  get length(): number {
    return this.#length;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Characters came that did not fit, and nothing was erased since. */
  get overflow(): boolean {
    return this.#overflow;
  }

  /** The code point at `position`. */
  codeAt(position: number): number {
    return this.#codes[position];
  }

  /** The characters from `start` to `end`, the latter not included. */
  text(start = 0, end = this.#length): string {
    let text = "";
    for (let i = start; i < end; i++) text += String.fromCodePoint(this.#codes[i]);
    return text;
  }

  /** False if the line is full. */
  insert(code: number): boolean {
    if (this.#length === LINE_MAX) {
      this.#overflow = true;
      return false;
    }
    this.#codes.copyWithin(this.#cursor + 1, this.#cursor, this.#length);
    this.#codes[this.#cursor] = code;
    this.#cursor += 1;
    this.#length += 1;
    return true;
  }

  /** Inserts all characters of `text`, as far as they fit. */
  insertText(text: string): void {
    for (const character of text) this.insert(character.codePointAt(0)!);
  }

  /** Erases from `start` to `end`, the latter not included; the cursor then stands at `start`. */
  erase(start: number, end: number): void {
    if (start >= end) return;
    this.#codes.copyWithin(start, end, this.#length);
    this.#codes.fill(0, this.#length - (end - start), this.#length);
    this.#length -= end - start;
    this.#cursor = start;
    this.#overflow = false;
  }

  /** To `position`, or as near as the line goes. */
  moveTo(position: number): void {
    this.#cursor = Math.max(0, Math.min(this.#length, position));
  }

  /** Where the word before the cursor begins, the blanks behind it counted with it. */
  wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && this.#codes[at - 1] === SPACE) at -= 1;
    while (at > 0 && this.#codes[at - 1] !== SPACE) at -= 1;
    return at;
  }

  /** Empties the line and overwrites what it held. */
  clear(): void {
    this.#codes.fill(0);
    this.#length = 0;
    this.#cursor = 0;
    this.#overflow = false;
  }

  /** The line is now `text`, the cursor behind it. */
  replace(text: string): void {
    this.clear();
    this.insertText(text);
  }
}
