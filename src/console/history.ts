/*
 * The lines that were entered, the newest last; Up and Down walk through them and come back to what was being typed.
 */

const ENTRIES = 8;

export class History {
  private readonly entries: string[] = [];
  private at = 0; // entry that is shown; one behind the last: the draft
  private draft = "";

  /** Keeps `line`, unless it is blank or the last one again. */
  add(line: string): void {
    if (line.trim() !== "" && line !== this.entries[this.entries.length - 1]) {
      if (this.entries.length === ENTRIES) this.entries.shift();
      this.entries.push(line);
    }
    this.rest();
  }

  /** Takes `line` out again, if it is the newest. */
  forget(line: string): void {
    if (this.entries[this.entries.length - 1] === line) this.entries.pop();
    this.rest();
  }

  /** Back to the newest; the draft is forgotten. */
  rest(): void {
    this.at = this.entries.length;
    this.draft = "";
  }

  /** The line before the one that is shown; undefined at the oldest. `shown` is kept if it is the draft. */
  older(shown: string): string | undefined {
    if (this.at === 0) return undefined;
    if (this.at === this.entries.length) this.draft = shown;
    this.at -= 1;
    return this.entries[this.at];
  }

  /** The line after the one that is shown, the draft behind the last; undefined at the draft. */
  newer(): string | undefined {
    if (this.at === this.entries.length) return undefined;
    this.at += 1;
    return this.at === this.entries.length ? this.draft : this.entries[this.at];
  }
}
