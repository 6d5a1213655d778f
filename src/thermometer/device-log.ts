/*
 * The device's log: one line an event, to the prompt if there is one, else to the board's trace. Lines from before the
 * prompt was opened wait for it. The setting `log`, or the prompt's own command, says how much is shown.
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

  /** `board`: its trace is where lines go without a prompt. */
  constructor(board: Pick<Board, "trace">) {
    this.board = board;
  }

  /** From now on lines go out, those that waited first. Without a prompt, `level` alone decides. */
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

  /** A line that is neither a problem nor an event of the device itself. */
  print(text: string): void {
    if (this.console !== undefined) this.console.log("info", text);
    else this.trace(text);
  }

  /** The console makes its lines printable itself. */
  private trace(text: string): void {
    this.board.trace?.(printable(text));
  }
}
