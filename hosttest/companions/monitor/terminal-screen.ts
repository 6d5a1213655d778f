/*
 * A full-screen display on the terminal's alternate screen, so that the previous content returns afterwards.
 */
import type { Shape } from "./screen.js";

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST_OF_SCREEN = "\x1b[J";
const CTRL_C = "\x03";

interface Output {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

interface Input {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  pause(): unknown;
}

export class TerminalScreen {
  readonly #output: Output;
  readonly #input: Input;
  readonly #atExit = (): void => this.close();
  #isOpen = true;

  /** `onEnd`: q or Ctrl-C was pressed. */
  constructor(output: Output, input: Input, onEnd: () => void) {
    this.#output = output;
    this.#input = input;
    output.write(ENTER);
    process.once("exit", this.#atExit);
    if (!input.isTTY) return;
    input.setRawMode?.(true);
    input.on("data", (bytes) => {
      const text = bytes.toString("utf8");
      if (text.includes(CTRL_C) || text.includes("q")) onEnd();
    });
  }

  show(linesFor: (shape: Shape) => readonly string[]): void {
    if (!this.#isOpen) return;
    const { columns = 80, rows = 24 } = this.#output;
    const hasColours = process.env.NO_COLOR === undefined || process.env.NO_COLOR === "";
    const lines = linesFor({ columns, rows, hasColours }).slice(0, rows);
    this.#output.write(HOME + lines.map((line) => line + REST_OF_LINE).join("\r\n") + REST_OF_SCREEN);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off("exit", this.#atExit);
    if (this.#input.isTTY) this.#input.setRawMode?.(false);
    this.#input.pause();
    this.#output.write(LEAVE);
  }
}
