/* The entered lines, newest last. Up and Down move through them and back to the line being typed. */

const MAX_ENTRIES = 8;
const MAX_BYTES = 1_024; // of all entries together: one line of 240 characters may take 960

/** Length in UTF-8 bytes, as the device stores strings. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** The last entered lines, at most eight. */
export class History {
  private readonly entries: string[] = [];
  private bytes = 0; // of all entries
  private at = 0; // entry that is shown; one after the last: the draft
  private draft = "";

  /** Keeps `line`, unless it is blank or equals the last one. */
  add(line: string): void {
    if (line.trim() !== "" && line !== this.entries[this.entries.length - 1]) {
      this.entries.push(line);
      this.bytes += bytesOf(line);
      while (this.entries.length > MAX_ENTRIES || this.bytes > MAX_BYTES) this.bytes -= bytesOf(this.entries.shift()!);
    }
    this.rest();
  }

  /** Removes `line`, if it is the newest. */
  forget(line: string): void {
    if (this.entries[this.entries.length - 1] === line) {
      this.entries.pop();
      this.bytes -= bytesOf(line);
    }
    this.rest();
  }

  /** Back to the newest; the draft is dropped. */
  rest(): void {
    this.at = this.entries.length;
    this.draft = "";
  }

  /** The line before the one shown; undefined at the oldest. `shown` is kept if it is the draft. */
  older(shown: string): string | undefined {
    if (this.at === 0) return undefined;
    if (this.at === this.entries.length) this.draft = shown;
    this.at -= 1;
    return this.entries[this.at];
  }

  /** The line after the one shown, then the draft; undefined at the draft. */
  newer(): string | undefined {
    if (this.at === this.entries.length) return undefined;
    this.at += 1;
    return this.at === this.entries.length ? this.draft : this.entries[this.at];
  }
}
