/*
 * A tool's progress on standard error: at a terminal one line that is rewritten, elsewhere (a pipe, a file, CI) a line now and then. Text
 * from outside is escaped, see shown.ts.
 */
import { printable } from "../../../src/console/port/printable.js";
import { shownLines } from "./shown.js";

/** Output for progress; `process.stderr` is one. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const EVERY_MS = { terminal: 200, elsewhere: 10_000 };
const CLEARED = "\r\x1b[K";

export class Progress {
  readonly #screen: Screen;
  readonly #nowMs: () => number;
  #shownMs: number;
  #isLineOpen = false;

  constructor(screen: Screen = process.stderr, nowMs: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#nowMs = nowMs;
    this.#shownMs = nowMs() - (screen.isTTY ? EVERY_MS.terminal : 0);
  }

  /** May be called at any rate: `text` is called only when a line is due. */
  show(text: () => string): void {
    const nowMs = this.#nowMs();
    const isTerminal = this.#screen.isTTY === true;
    if (nowMs - this.#shownMs < (isTerminal ? EVERY_MS.terminal : EVERY_MS.elsewhere)) return;
    this.#shownMs = nowMs;
    if (!isTerminal) {
      this.#screen.write(`${shownLines(text())}\n`);
      return;
    }
    this.#screen.write(CLEARED + printable(text()).slice(0, (this.#screen.columns || 80) - 1));
    this.#isLineOpen = true;
  }

  /** A line that stays. */
  line(text: string): void {
    this.end();
    this.#screen.write(`${shownLines(text)}\n`);
  }

  /** Removes the line from the terminal: what follows is the result. */
  end(): void {
    if (this.#isLineOpen) this.#screen.write(CLEARED);
    this.#isLineOpen = false;
  }
}

/** The last line of a tool: on standard output, or beside figures for a machine (`--json`) on standard error. */
export function printVerdict(text: string, json: boolean): void {
  if (json) console.error(shownLines(text));
  else console.log(shownLines(text));
}
