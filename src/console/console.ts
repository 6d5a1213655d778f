/*
 * The prompt on a serial port: reads bytes, runs commands, and prints everything else above the line being typed. Bounded: one
 * line, eight in the history, an output queue that stops reading while much output waits, and drops log lines if the port is
 * too slow. No exception leaves a callback, no query is sent to the terminal, and without a terminal nothing is echoed.
 * README.md has the states and bytes.
 */
import type { ConsoleHost } from "./host/host.js";
import { type LineLevel, LOG_LEVELS, type LogLevel } from "./host/log-levels.js";
import { ImprovStream, type ImprovStreamOwner } from "./improv/stream.js";
import { Output, type OutputOwner } from "./port/output.js";
import { printable } from "./port/printable.js";
import type { Serial, SerialPort, TimerId, Timers } from "./port/serial.js";
import { complete, rowsOf } from "./shell/completion.js";
import { Runner, type RunnerOptions, type Screen } from "./shell/runner.js";
import { type Completion, Editor, type EditorOwner, type Prompt } from "./terminal/editor.js";
import { fold } from "./terminal/fold.js";
import { MAX_LINE } from "./terminal/line.js";
import { COLUMNS } from "./terminal/row.js";

/** The object is kept, and its properties are read again and again; only `serial` and `level` are read once. */
export interface ConsoleOptions extends RunnerOptions {
  readonly serial: Serial;
  /** Text before the prompt's sign; default: none. */
  readonly name?: string;
  /** The level of log lines shown; default "info". */
  readonly level?: LogLevel;
}

const AHEAD = 64; // most bytes typed ahead while a command waits; more stay in the port
const MAX_HELD = 8; // most bytes that Improv may pass on at once
const CALM = 256; // no input is read while more than this waits to be written
const MAX_LOG = 2_048; // no log line is added while more than this waits
const LAST_WORDS_MS = 500; // longest wait for the output before a reboot
const INTERRUPT = 0x03; // Ctrl-C

/** The prompt on one serial port. host.ts has what it needs of the product; `close` ends it. Errors are shown on the port, never thrown. */
export class Console implements EditorOwner, Screen, OutputOwner, ImprovStreamOwner {
  /** The level of log lines shown. */
  level: LogLevel;
  private readonly options: ConsoleOptions;
  private readonly editor: Editor;
  private readonly output: Output;
  private runner: Runner | undefined; // made with the first line
  private improv: ImprovStream | undefined; // made with the first byte, if the host supports Improv
  private input: Uint8Array | undefined; // one byte; made with the first one
  private ahead: Uint8Array | undefined; // bytes typed ahead; made with the first one
  private aheadAt = 0;
  private aheadEnd = 0;
  private readable = 0;
  private leftOut = 0; // log lines
  private entered = "";
  private lastWords: { readonly timer: TimerId; readonly action: () => void } | undefined;
  private turning = false;
  port: SerialPort | undefined;

  /** Opens the port. Throws what the port's class throws. */
  constructor(options: ConsoleOptions) {
    const { serial, host } = options;
    this.options = options;
    this.level = options.level ?? "info";
    this.output = new Output(this);
    this.editor = new Editor(this);
    const port = new serial.io({ ...serial, format: "buffer", target: this, onReadable, onWritable });
    this.editor.mode = serial.mode ?? port.mode ?? "terminal";
    this.port = port;
    this.turn(() => {
      if (this.editor.mode === "terminal") this.print(`${host.version}. Type help for the commands.`);
    });
  }

  /** Prints a line above the one being typed, if its level is shown and the port is fast enough. */
  log(level: LineLevel, text: string): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.level) || this.port === undefined) return;
    if (this.output.waiting > MAX_LOG) this.leftOut += 1;
    else this.turn(() => this.print(level === "info" ? text : `${level}: ${text}`));
  }

  /** Closes the port; unwritten output is lost. Nothing happens afterwards. */
  close(): void {
    this.port?.close();
    this.port = undefined;
    if (this.lastWords !== undefined) this.timers.clear(this.lastWords.timer);
    this.lastWords = undefined;
    this.runner?.interrupt();
    this.improv?.close();
    this.editor.close();
    this.output.discard();
  }

  // Callbacks and options of its parts

  get timers(): Timers {
    return this.options.timers;
  }

  get host(): ConsoleHost {
    return this.options.host;
  }

  prompt(): Prompt {
    const question = this.runner?.question;
    if (question !== undefined)
      return { text: printable(question.prompt), kind: question.echo === "shown" ? "answer" : question.echo };
    const { name = "", settings } = this.options;
    return { text: `${printable(name)}${settings.staged().length > 0 ? "*" : ""}> `, kind: "command" };
  }

  secretKeys(): readonly string[] {
    const settings = this.options.settings;
    return settings.keys.filter((key) => settings.describe(key).secret);
  }

  onEnter(text: string, tooLong: boolean): void {
    if (tooLong && this.runner?.answerTooLong()) return;
    if (tooLong) this.print(`error: a line has at most ${MAX_LINE} characters; nothing was done`);
    else if (this.runner?.question !== undefined) this.runner.answer(text);
    else {
      this.entered = text;
      this.shell().enter(text);
    }
  }

  onInterrupt(): void {
    this.runner?.interrupt();
  }

  complete(before: string): Completion {
    return complete(this.shell(), before);
  }

  onCandidates(candidates: readonly string[]): void {
    rowsOf(candidates).forEach((row) => this.print(row));
  }

  /** Sends text unchanged. */
  send(text: string): void {
    this.output.text(text);
  }

  /** Prints a line above the one being edited. See Shell. */
  print(text: string, indent = 0): void {
    this.editor.lift();
    if (this.leftOut > 0)
      this.output.line(`(${this.leftOut} log ${this.leftOut === 1 ? "line" : "lines"} left out)`, this.lineBreak);
    this.leftOut = 0;
    if (indent > 0 && this.editor.mode === "terminal")
      fold(text, indent, COLUMNS).forEach((row) => this.output.line(row, this.lineBreak));
    else this.output.line(text, this.lineBreak);
  }

  afterOutput(action: () => void): void {
    this.lastWords = { timer: this.timers.set(() => this.onDrained(), LAST_WORDS_MS), action };
  }

  forgetLine(): void {
    this.editor.forget(this.entered);
  }

  wake(): void {
    this.turn(() => {});
  }

  /** All output was written, or never will be: runs the waiting action. */
  onDrained(): void {
    const lastWords = this.lastWords;
    if (lastWords === undefined) return;
    this.lastWords = undefined;
    this.timers.clear(lastWords.timer);
    lastWords.action();
  }

  /** A byte that is not part of a frame. */
  onByte(byte: number): void {
    if (this.state === "waiting" && byte === INTERRUPT) {
      this.aheadAt = this.aheadEnd = 0;
      this.onInterrupt();
      this.print("interrupted");
    } else if (this.listens() && this.aheadAt === this.aheadEnd) this.editor.feed(byte);
    else if (this.aheadEnd < AHEAD) {
      this.ahead ??= new Uint8Array(AHEAD);
      this.ahead[this.aheadEnd++] = byte;
    }
  }

  bytesWait(): boolean {
    return this.readable > 0;
  }

  /** Sends a frame on a line of its own: clients discard everything before the next line feed, and a prompt has none. */
  sendFrame(frame: Uint8Array): void {
    this.turn(() => {
      this.editor.lift();
      this.output.text(this.lineBreak);
      this.output.bytes(frame);
      this.output.text(this.lineBreak);
    });
  }

  onReadable(bytes: number): void {
    this.turn(() => {
      this.readable = bytes;
    });
  }

  onWritable(bytes: number): void {
    this.turn(() => this.output.writable(bytes));
  }

  /** Does `action`, which comes from outside, and then all pending work. */
  turn(action: () => void): void {
    if (this.turning || this.port === undefined) {
      action();
      return;
    }
    this.turning = true;
    try {
      action();
      while (this.output.waiting <= CALM && this.advance());
      if (this.listens()) this.editor.show();
      this.output.flush();
      if (this.listens() && this.output.waiting === 0) this.port?.idle?.();
    } catch (error) {
      this.output.line(`internal error: ${String(error)}`, this.lineBreak); // an exception would restart the device
    } finally {
      this.turning = false;
    }
  }

  private get state(): Runner["state"] {
    return this.runner?.state ?? "idle";
  }

  private shell(): Runner {
    this.runner ??= new Runner(this.options, this);
    return this.runner;
  }

  /** Input goes to the editor. */
  private listens(): boolean {
    return this.state === "idle" || this.state === "asking";
  }

  /** Runs one command, or handles one byte of input. Returns false if there is nothing to do. */
  private advance(): boolean {
    const state = this.state;
    switch (state) {
      case "leaving":
        return false;
      case "waiting":
        // Frames are answered and Ctrl-C works meanwhile; other input waits.
        return this.aheadEnd + MAX_HELD <= AHEAD && this.read();
      case "pending":
        this.shell().step();
        return true;
      case "idle":
      case "asking":
        return this.retype() || this.read();
      default:
        throw new TypeError(`state: ${state satisfies never}`);
    }
  }

  /** Reads the next byte; false if there is none. Only one at a time: bytes after a reboot command are left for the next run. */
  private read(): boolean {
    if (this.readable === 0 || this.port === undefined) return false;
    this.readable -= 1;
    this.host.onInput?.();
    this.input ??= new Uint8Array(1);
    this.port.read(this.input);
    const improv = this.host.improv;
    if (improv === undefined) this.onByte(this.input[0]);
    else {
      this.improv ??= new ImprovStream(this, improv);
      this.improv.feed(this.input[0]);
    }
    return true;
  }

  /** Handles the next byte typed ahead; false if there is none. */
  private retype(): boolean {
    if (this.ahead === undefined || this.aheadAt === this.aheadEnd) {
      this.aheadAt = this.aheadEnd = 0;
      return false;
    }
    this.editor.feed(this.ahead[this.aheadAt++]);
    return true;
  }

  private get lineBreak(): string {
    return this.editor.mode === "terminal" ? "\r\n" : "\n";
  }
}

/** The port calls these as its own methods, with the console as its target, so that no closures are needed. */
function onReadable(this: { readonly target: Console }, bytes: number): void {
  this.target.onReadable(bytes);
}

function onWritable(this: { readonly target: Console }, bytes: number): void {
  this.target.onWritable(bytes);
}
