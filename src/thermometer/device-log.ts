/*
 * The device's log: one line an event, to the prompt if there is one, else to the board's trace. Lines from before the prompt
 * is opened wait for it. The setting `log`, or the prompt's command `log`, sets the level.
 */
import type { Board } from "../board.js";
import { type LineLevel, LOG_LEVELS, type LogLevel } from "../common/log-levels.js";
import type { Console } from "../console/console.js";
import { printable } from "../console/port/printable.js";

/** The device's log. */
export class DeviceLog {
  private readonly board: Pick<Board, "trace">;
  private early: [LineLevel, string][] | undefined = []; // until `open`
  private console: Console | undefined;
  private _level: LogLevel = "info";

  /** `board`: its trace prints the lines if there is no prompt. */
  constructor(board: Pick<Board, "trace">) {
    this.board = board;
  }

  /** Prints the lines that waited, and from now on every line at once. Without a prompt, `level` alone decides what is printed. */
  open(level: LogLevel, console: Console | undefined): void {
    this.console = console;
    this.level = level;
    const early = this.early;
    this.early = undefined;
    early?.forEach((line) => this.write(line[0], line[1]));
  }

  set level(level: LogLevel) {
    this._level = level;
    if (this.console !== undefined) this.console.level = level;
  }

  write(level: LineLevel, text: string): void {
    if (this.early !== undefined) this.early.push([level, text]);
    else if (this.console !== undefined) this.console.log(level, text);
    else if (LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this._level)) this.trace(`${level}: ${text}`);
  }

  /** Prints a line whatever the level: output that somebody asked for, not an event. */
  print(text: string): void {
    if (this.console !== undefined) this.console.log("info", text);
    else this.trace(text);
  }

  /** Only for the trace: the console makes its lines printable itself. */
  private trace(text: string): void {
    this.board.trace?.(printable(text));
  }
}
