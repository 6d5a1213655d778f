/*
 * The prompt on a serial port: takes bytes in, runs commands, and shows everything else above the line being typed.
 * Bounded: one line, eight in the history, an output queue that stops the reading of input while much of it waits, and
 * from which log lines are left out when the port does not take them. Never throws out of a callback, never asks the
 * terminal anything, and without a terminal echoes nothing.
 * The states and the bytes are on the page beside this file.
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

/** Kept, and asked again and again; `serial` and `level` are read once. */
export interface ConsoleOptions extends RunnerOptions {
  readonly serial: Serial;
  /** Stands before the prompt's sign; default: nothing. */
  readonly name?: string;
  /** What log lines are shown; default "info". */
  readonly level?: LogLevel;
}

const AHEAD = 64; // bytes typed while a command waits, at most; more stay with the port
const MAX_HELD = 8; // bytes that Improv may hand on at once
const CALM = 256; // no input is taken while more than this waits to be written
const MAX_LOG = 2_048; // no log line is taken while more than this waits
const LAST_WORDS_MS = 500; // a reboot waits no longer for a port that takes nothing
const INTERRUPT = 0x03; // Ctrl-C

/**
 * The prompt on one serial port. Made with what it may ask of the product (host.ts); `close` ends it. Errors are shown on
 * the port, never thrown.
 */
export class Console implements EditorOwner, Screen, OutputOwner, ImprovStreamOwner {
  /** What log lines are shown. */
  level: LogLevel;
  private readonly options: ConsoleOptions;
  private readonly editor: Editor;
  private readonly output: Output;
  private runner: Runner | undefined; // since a line was entered
  private improv: ImprovStream | undefined; // since the first byte, where the host has a port for it
  private input: Uint8Array | undefined; // one byte, since the first one came
  private ahead: Uint8Array | undefined; // what was typed ahead, since that was first done
  private aheadAt = 0;
  private aheadEnd = 0;
  private readable = 0;
  private leftOut = 0; // log lines
  private entered = "";
  private lastWords: { readonly timer: TimerId; readonly action: () => void } | undefined;
  private turning = false;
  port: SerialPort | undefined;

  /** Opens the port. What its class throws, the constructor throws. */
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

  /** Shows a line above the one that is being typed, if `level` is shown and the port keeps up. */
  log(level: LineLevel, text: string): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.level) || this.port === undefined) return;
    if (this.output.waiting > MAX_LOG) this.leftOut += 1;
    else this.turn(() => this.print(level === "info" ? text : `${level}: ${text}`));
  }

  /** Closes the port; what was not written yet is lost. Nothing happens after it. */
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

  // What its parts ask of their owner

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
    if (tooLong) this.print(`error: a line takes ${MAX_LINE} characters; nothing was done`);
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

  /** Text as it is. */
  send(text: string): void {
    this.output.text(text);
  }

  /** A line of its own, above the one that is edited. See Shell. */
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

  /** All output was written, or never will be: runs what waited for that. */
  onDrained(): void {
    const lastWords = this.lastWords;
    if (lastWords === undefined) return;
    this.lastWords = undefined;
    this.timers.clear(lastWords.timer);
    lastWords.action();
  }

  /** A byte that is no part of a frame. */
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

  /** A frame on a line of its own: clients throw away what comes before the next line feed, and a prompt has none. */
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

  /** Does `action`, which comes from outside, and then everything that there is to do. */
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

  /** One command, or one byte of input. False if there is nothing to do. */
  private advance(): boolean {
    const state = this.state;
    switch (state) {
      case "leaving":
        return false;
      case "waiting":
        // Frames are answered all the while, and Ctrl-C is heard; what else is typed waits.
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

  /** Takes the next byte; false if there is none. Only one at a time: bytes after a reboot command are for the next life. */
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

  /** The next byte of what was typed ahead; false if there is none. */
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

/** The port calls these as its own methods, and it has the console as its target: no closure is kept for them. */
function onReadable(this: { readonly target: Console }, bytes: number): void {
  this.target.onReadable(bytes);
}

function onWritable(this: { readonly target: Console }, bytes: number): void {
  this.target.onWritable(bytes);
}
