/*
 * A real terminal for a test: runs a program in its own tmux server, types keys, and reads the screen.
 * Only the server that was started here is ever ended.
 */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const LOOK_MS = 50;
const LIMIT_MS = 30_000;
let terminals = 0;

/** A key that is not a character, by tmux's names. */
export type Key = "Enter" | "BSpace" | "Tab" | "Up" | "Left" | "C-c";

export class Terminal {
  readonly #socket = `thermometer-${process.pid}-${++terminals}`;

  /** Starts `command` by the shell. @throws Error if there is no tmux */
  static async start(command: string, folder: string, size = { columns: 100, rows: 30 }): Promise<Terminal> {
    try {
      execFileSync("tmux", ["-V"]);
    } catch {
      throw new Error("tmux is missing, which types at the prompt in this test: run hosttest/setup.sh");
    }
    const terminal = new Terminal();
    const window = ["-x", `${size.columns}`, "-y", `${size.rows}`, "-c", folder];
    await terminal.#tmux("new-session", "-d", ...window, `${command}; echo "exit code $?"; exec sleep 600`);
    return terminal;
  }

  /** Types characters as they are. */
  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  async press(...keys: readonly Key[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** A line and Enter. */
  async enter(line: string): Promise<void> {
    if (line !== "") await this.type(line);
    await this.press("Enter");
  }

  /** All lines since the beginning, including those that have left the screen, without blank lines at the end. */
  async lines(): Promise<string[]> {
    const text = await this.#tmux("capture-pane", "-p", "-J", "-S", "-");
    return text.trimEnd().split("\n");
  }

  /** The line with the cursor: the last one. */
  async line(): Promise<string> {
    return (await this.lines()).at(-1)?.trimEnd() ?? "";
  }

  /** Resolves with the lines when `condition` holds. @throws Error with the screen if it does not in time */
  async until(condition: (lines: readonly string[]) => boolean): Promise<string[]> {
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const lines = await this.lines();
      if (condition(lines)) return lines;
      if (waitedMs >= LIMIT_MS) throw new Error(`not shown; the screen says:\n${lines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Resolves when `text` is shown in `times` lines. */
  untilShown(text: string, times = 1): Promise<string[]> {
    return this.until((lines) => lines.filter((line) => line.includes(text)).length >= times);
  }

  /** Ends the program with its terminal. */
  async close(): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...parameters: readonly string[]): Promise<string> {
    const { stdout } = await run("tmux", ["-L", this.#socket, "-f", "/dev/null", ...parameters]);
    return stdout;
  }
}
