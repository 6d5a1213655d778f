/* An independent terminal, xterm.js without a window: it shows what a person would see. */
import xterm from "@xterm/headless";

const COLUMNS = 80;
const ROWS = 60;

export class Xterm {
  readonly #terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });

  /** Bytes for the screen; kept as they are, the caller may use them again. */
  write(bytes: Uint8Array): void {
    this.#terminal.write(bytes.slice());
  }

  /** Waits until everything written is on the screen. */
  drawn(): Promise<void> {
    return new Promise((done) => this.#terminal.write("", done));
  }

  /** The screen, a line a row, the cursor as a bar; without the blanks behind a row and the empty rows below. */
  get text(): string {
    const { active } = this.#terminal.buffer;
    const rows: string[] = [];
    for (let y = 0; y < ROWS; y++) {
      const row = active.getLine(active.viewportY + y)?.translateToString(true) ?? "";
      const { cursorX, cursorY } = active;
      rows.push(y === cursorY ? `${row.padEnd(cursorX).slice(0, cursorX)}|${row.slice(cursorX)}` : row);
    }
    return rows
      .map((row) => row.trimEnd())
      .join("\n")
      .trimEnd();
  }
}
