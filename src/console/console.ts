/*
 * The prompt on a serial port: bytes to keys, keys to a line, lines to commands, and everything else above that line.
 * Bounded: one line, eight in the history, an output queue that stops the reading of input while much of it waits, and
 * from which log lines are left out when the port does not take them. Never throws out of a callback, never asks the
 * terminal anything, and without a terminal echoes nothing.
 * The states and the bytes are on the page beside this file.
 */
import type { Command } from "./command.js";
import { commands as allCommands } from "./commands/all.js";
import { complete } from "./completion.js";
import { History } from "./history.js";
import type { ConsoleHost, LogLevel, SettingsPort } from "./host.js";
import { type Key, KeyDecoder } from "./keys.js";
import { LINE_MAX, Line } from "./line.js";
import { Output } from "./output.js";
import { type Disguise, Row } from "./row.js";
import { Runner } from "./runner.js";
import { secretStart } from "./secrets.js";
import type { Serial, SerialPort, Timers } from "./serial.js";

export interface ConsoleOptions {
  readonly serial: Serial;
  readonly settings: SettingsPort;
  readonly host: ConsoleHost;
  readonly timers: Timers;
  /** Stands before the prompt's sign; default: nothing. */
  readonly name?: string;
  /** What log lines are shown; default "info". */
  readonly level?: LogLevel;
  /** Default: all commands of this room. */
  readonly commands?: readonly Command[];
}

const INPUT_LENGTH = 64; // bytes read ahead at most
const CALM = 256; // no input is taken while more than this waits to be written
const LOG_MAX = 2_048; // no log line is taken while more than this waits
const LAST_WORDS_MS = 500; // a reboot waits no longer for a port that takes nothing
const INTERRUPT = 0x03; // Ctrl-C
const HIDDEN: Disguise = { kind: "hidden" };
const SEVERITY: Record<LogLevel, number> = { off: 0, error: 1, warn: 2, info: 3, debug: 4 };

export class Console {
  readonly #timers: Timers;
  readonly #name: string;
  readonly #settings: SettingsPort;
  readonly #secretKeys: readonly string[];
  readonly #echo: boolean;
  readonly #lineBreak: string;
  readonly #runner: Runner;
  readonly #output: Output;
  readonly #decoder: KeyDecoder;
  readonly #line = new Line();
  readonly #row = new Row();
  readonly #history = new History();
  readonly #input = new Uint8Array(INPUT_LENGTH);
  readonly #oneByte = this.#input.subarray(0, 1);
  #inputAt = 0;
  #inputEnd = 0;
  #readable = 0;
  #leftOut = 0; // log lines
  #entered = "";
  #lastWords: (() => void) | undefined;
  #pumping = false;
  #port: SerialPort | undefined;

  /** Opens the port. What its class throws, the constructor throws. */
  constructor({ serial, settings, host, timers, name = "", level = "info", commands = allCommands }: ConsoleOptions) {
    this.#timers = timers;
    this.#name = name;
    this.#settings = settings;
    this.#secretKeys = settings.keys.filter((key) => settings.describe(key).secret);
    this.#output = new Output(
      () => this.#port,
      () => this.#drained(),
    );
    this.#decoder = new KeyDecoder((key, code) => this.#press(key, code));
    const screen = {
      print: (line: string) => this.#print(line),
      afterOutput: (action: () => void) => this.#afterOutput(action),
      forgetLine: () => this.#history.forget(this.#entered),
      wake: () => this.#pump(),
    };
    this.#runner = new Runner({ settings, host, commands, timers, level, screen });
    const port = new serial.io({
      ...serial,
      format: "buffer",
      onReadable: (bytes) => {
        this.#readable = bytes;
        this.#pump();
      },
      onWritable: (bytes) => {
        this.#output.writable(bytes);
        this.#pump();
      },
    });
    this.#echo = (serial.mode ?? port.mode) !== "lines";
    this.#lineBreak = this.#echo ? "\r\n" : "\n";
    this.#port = port;
    if (this.#echo) this.#print(`${host.version}. Type help for the commands.`);
    this.#pump();
  }

  /** What log lines are shown. */
  get level(): LogLevel {
    return this.#runner.level;
  }

  set level(level: LogLevel) {
    this.#runner.level = level;
  }

  /** Shows a line above the one that is being typed, if `level` is shown and the port keeps up. */
  log(level: Exclude<LogLevel, "off">, text: string): void {
    if (SEVERITY[level] > SEVERITY[this.#runner.level]) return;
    if (this.#output.waiting > LOG_MAX) {
      this.#leftOut += 1;
      return;
    }
    this.#print(level === "info" ? text : `${level}: ${text}`);
    this.#pump();
  }

  /** Closes the port; what was not written yet is lost. */
  close(): void {
    this.#runner.interrupt();
    this.#output.discard();
    this.#line.clear();
    this.#port?.close();
    this.#port = undefined;
  }

  /** Takes input and runs commands for as long as the output keeps up, then shows the line. */
  #pump(): void {
    if (this.#pumping || this.#port === undefined) return;
    this.#pumping = true;
    try {
      while (this.#output.waiting <= CALM && this.#advance());
      this.#showLine();
      this.#output.flush();
      this.#reportIdle();
    } catch (error) {
      this.#output.line(`internal error: ${String(error)}`, this.#lineBreak); // an exception would restart the device
    } finally {
      this.#pumping = false;
    }
  }

  #reportIdle(): void {
    const { state } = this.#runner;
    const waits = state === "idle" || state === "asking";
    if (waits && this.#output.waiting === 0) this.#port?.idle?.();
  }

  /** One command, or one byte of input. False if there is nothing to do. */
  #advance(): boolean {
    switch (this.#runner.state) {
      case "leaving":
        return false;
      case "waiting":
        return this.#interrupted();
      case "pending":
        this.#runner.step();
        return true;
      case "idle":
      case "asking":
        if (!this.#fill(1)) return false;
        this.#decoder.feed(this.#input[this.#inputAt++]);
        return true;
      default:
        throw new TypeError(`state: ${this.#runner.state satisfies never}`);
    }
  }

  /** Ctrl-C among what was typed ahead ends the command that waits; the rest stays for later. */
  #interrupted(): boolean {
    if (!this.#fill(INPUT_LENGTH)) return false;
    const at = this.#input.indexOf(INTERRUPT, this.#inputAt);
    if (at < 0 || at >= this.#inputEnd) return false;
    this.#inputAt = at + 1;
    this.#runner.interrupt();
    this.#print("interrupted");
    return true;
  }

  /**
   * Reads up to `most` bytes if none are left; false if there is no input. One byte at a time is read but while a command
   * waits: what comes after a reboot is for whoever reads then.
   */
  #fill(most: number): boolean {
    if (this.#inputAt < this.#inputEnd) return true;
    const bytes = Math.min(this.#readable, most);
    if (bytes === 0 || this.#port === undefined) return false;
    this.#readable -= bytes;
    this.#port.read(bytes === 1 ? this.#oneByte : this.#input.subarray(0, bytes));
    this.#inputAt = 0;
    this.#inputEnd = bytes;
    return true;
  }

  #press(key: Key, code: number): void {
    const line = this.#line;
    switch (key) {
      case "character":
        if (!line.insert(code) && this.#echo) this.#output.text("\x07");
        return;
      case "enter":
        this.#enter();
        return;
      case "tab":
        this.#complete();
        return;
      case "backspace":
        line.erase(line.cursor - 1, line.cursor);
        return;
      case "delete":
        line.erase(line.cursor, Math.min(line.cursor + 1, line.length));
        return;
      case "left":
        line.moveTo(line.cursor - 1);
        return;
      case "right":
        line.moveTo(line.cursor + 1);
        return;
      case "home":
        line.moveTo(0);
        return;
      case "end":
        line.moveTo(line.length);
        return;
      case "up":
        this.#recall(this.#history.older(line.text()));
        return;
      case "down":
        this.#recall(this.#history.newer());
        return;
      case "killToStart":
        line.erase(0, line.cursor);
        return;
      case "killToEnd":
        line.erase(line.cursor, line.length);
        return;
      case "killWord":
        line.erase(line.wordStart(), line.cursor);
        return;
      case "interrupt":
        this.#cancel();
        return;
      case "clear":
        this.#clearScreen();
        return;
      default:
        throw new TypeError(`key: ${key satisfies never}`);
    }
  }

  #enter(): void {
    const { overflow } = this.#line;
    const text = this.#line.text();
    const secret = secretStart(this.#line, this.#secretKeys) < this.#line.length;
    this.#leaveLine("");
    if (overflow) {
      this.#print(`error: a line takes ${LINE_MAX} characters; nothing was done`);
      return;
    }
    if (this.#runner.question !== undefined) {
      this.#runner.answer(text);
      return;
    }
    this.#entered = text;
    if (secret) this.#history.rest();
    else this.#history.add(text);
    this.#runner.enter(text);
  }

  #cancel(): void {
    this.#leaveLine("^C");
    this.#history.rest();
    this.#runner.interrupt();
  }

  /** The row stays on the screen with `mark` behind it; the line is empty again. */
  #leaveLine(mark: string): void {
    if (this.#echo) {
      this.#showLine();
      this.#output.text(`${this.#row.leave()}${mark}\r\n`);
    }
    this.#line.clear();
  }

  #complete(): void {
    if (this.#runner.question !== undefined) return;
    const { insert, candidates } = complete(this.#runner, this.#line.text(0, this.#line.cursor));
    this.#line.insertText(insert);
    if (candidates.length > 0) this.#print(candidates.join("  "));
  }

  #recall(text: string | undefined): void {
    if (text !== undefined && this.#runner.question === undefined) this.#line.replace(text);
  }

  #clearScreen(): void {
    if (this.#echo) this.#output.text(`${this.#row.clear()}\x1b[H\x1b[2J`);
  }

  /** A line of its own, above the one that is edited. */
  #print(text: string): void {
    if (this.#echo) this.#output.text(this.#row.clear());
    if (this.#leftOut > 0) this.#output.line(`(${this.#leftOut} log lines left out)`, this.#lineBreak);
    this.#leftOut = 0;
    this.#output.line(text, this.#lineBreak);
  }

  #showLine(): void {
    const { state } = this.#runner;
    if (!this.#echo || (state !== "idle" && state !== "asking")) return;
    this.#output.text(this.#row.draw(this.#prompt(), this.#line, this.#disguise()));
  }

  #prompt(): string {
    const { question } = this.#runner;
    if (question !== undefined) return question.prompt;
    return `${this.#name}${this.#settings.staged().length > 0 ? "*" : ""}> `;
  }

  #disguise(): Disguise {
    if (this.#runner.question?.echo === "hidden") return HIDDEN;
    const position =
      this.#runner.question === undefined ? secretStart(this.#line, this.#secretKeys) : this.#line.length;
    return { kind: "maskedFrom", position };
  }

  #afterOutput(action: () => void): void {
    const once = () => {
      this.#lastWords = undefined;
      this.#timers.clear(timer);
      action();
    };
    const timer = this.#timers.set(once, LAST_WORDS_MS);
    this.#lastWords = once;
  }

  #drained(): void {
    this.#lastWords?.();
  }
}
