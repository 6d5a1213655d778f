/*
 * Runs a line: one command after the other. A command ends when it returns, when its question is answered, or when its `later`
 * is finished. The first one that fails ends the whole line, so that nothing is saved after a refused `set`. Errors are shown,
 * never thrown.
 */

import { commands as allCommands } from "../commands/all.js";
import { type Command, type Question, Refusal, requireName, type Shell } from "../commands/command.js";
import { hintFor } from "../commands/hints.js";
import type { ConsoleHost, SettingsPort } from "../host/host.js";
import type { LogLevel } from "../host/log-levels.js";
import type { TimerId, Timers } from "../port/serial.js";
import { splitWords } from "./words.js";

const ANSWER_MS = 60_000; // a `later` that takes longer counts as lost

/** What the runner needs of the console. */
export interface Screen {
  print(line: string, indent?: number): void;
  afterOutput(action: () => void): void;
  forgetLine(): void;
  /** See Shell. */
  level: LogLevel;
  /** Something happened outside of `step` and `answer`. */
  wake(): void;
}

/** The object is kept, and its properties are read again and again. */
export interface RunnerOptions {
  readonly settings: SettingsPort;
  readonly host: ConsoleHost;
  readonly timers: Timers;
  /** Default: all commands of this library. */
  readonly commands?: readonly Command[];
}

/** Runs a line: its commands one after the other, up to the first that fails. */
export class Runner implements Shell {
  private readonly options: RunnerOptions;
  private readonly screen: Screen;
  private pending: (readonly string[])[] = [];
  private listing: (() => string | undefined) | undefined; // runs before the pending commands
  private listIndent = 0;
  private _question: Question | undefined;
  private waiting: { readonly timer: TimerId } | undefined;
  private leaving = false;

  constructor(options: RunnerOptions, screen: Screen) {
    this.options = options;
    this.screen = screen;
  }

  get settings(): SettingsPort {
    return this.options.settings;
  }

  get host(): ConsoleHost {
    return this.options.host;
  }

  get commands(): readonly Command[] {
    return this.options.commands ?? allCommands;
  }

  get level(): LogLevel {
    return this.screen.level;
  }

  set level(level: LogLevel) {
    this.screen.level = level;
  }

  /**
   * `asking`: the next line is an answer. `waiting`: a `later` is not finished. `pending`: `step` has work. `leaving`: nothing
   * more is read, because a reboot may follow `afterOutput`.
   */
  get state(): "idle" | "pending" | "asking" | "waiting" | "leaving" {
    if (this.leaving) return "leaving";
    if (this.waiting !== undefined) return "waiting";
    if (this._question !== undefined) return "asking";
    return this.listing !== undefined || this.pending.length > 0 ? "pending" : "idle";
  }

  get question(): Question | undefined {
    return this._question;
  }

  /** Takes a line; its commands run in `step`. */
  enter(line: string): void {
    const { commands, open } = splitWords(line);
    if (open === "quote") this.print("error: a quote is not closed; nothing was done");
    else if (open === "escape") this.print("error: nothing follows the last backslash; nothing was done");
    else this.pending = [...commands];
  }

  /** Prints the next line of a listing, or runs the next command. */
  step(): void {
    if (this.listing !== undefined) {
      this.guard(() => this.showNext());
      return;
    }
    const words = this.pending.shift();
    if (words !== undefined) this.guard(() => this.find(words[0]).run(this, words.slice(1)));
  }

  /** Passes the answer to the question; undefined: Ctrl-C, which also ends the line. */
  answer(text: string | undefined): void {
    const question = this._question;
    this._question = undefined;
    if (text === undefined) this.pending = [];
    if (question !== undefined) this.guard(() => question.answer(text));
  }

  /** The answer is longer than a line. Returns false if the question does not handle this, and stays. */
  answerTooLong(): boolean {
    const question = this._question;
    if (question?.tooLong === undefined) return false;
    this._question = undefined;
    this.guard(() => question.tooLong?.());
    return true;
  }

  /** Ends all running and pending commands. */
  interrupt(): void {
    this.pending = [];
    this.listing = undefined;
    this.stopWaiting();
    if (this._question !== undefined) this.answer(undefined);
  }

  print(line: string, indent?: number): void {
    this.screen.print(line, indent);
  }

  list(next: () => string | undefined, indent = 0): void {
    this.listing = next;
    this.listIndent = indent;
  }

  ask(question: Question): void {
    this._question = question;
  }

  later(): (finish: () => void) => void {
    const late = () => {
      if (this.waiting !== waiting) return;
      this.waiting = undefined;
      this.guard(() => {
        throw new Refusal("no answer");
      });
      this.screen.wake();
    };
    const waiting = { timer: this.options.timers.set(late, ANSWER_MS) };
    this.waiting = waiting;
    return (finish) => {
      if (this.waiting !== waiting) return; // interrupted, or late
      this.stopWaiting();
      this.guard(finish);
      this.screen.wake();
    };
  }

  afterOutput(action: (stay: () => void) => void): void {
    this.pending = [];
    this.leaving = true;
    const stay = () => {
      this.leaving = false;
      this.screen.wake();
    };
    this.screen.afterOutput(() => {
      this.guard(() => {
        try {
          action(stay);
        } catch (error) {
          this.leaving = false; // no reboot: the prompt is back
          throw error;
        }
      });
      this.screen.wake();
    });
  }

  forgetLine(): void {
    this.screen.forgetLine();
  }

  private showNext(): void {
    const line = this.listing?.();
    if (line === undefined) this.listing = undefined;
    else this.print(line, this.listIndent);
  }

  private stopWaiting(): void {
    if (this.waiting !== undefined) this.options.timers.clear(this.waiting.timer);
    this.waiting = undefined;
  }

  private find(name: string): Command {
    const commands = this.commands;
    const word = name.toLowerCase();
    const found = commands.find((command) => command.name === word || command.alias === word);
    if (found !== undefined) return found;
    const hint = hintFor(word);
    if (hint !== undefined) throw new Refusal(hint);
    const names = commands.map((command) => command.name);
    const wanted = requireName(this, "command", name, names);
    return commands.find((command) => command.name === wanted)!;
  }

  private guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      const left = this.pending.length;
      this.pending = [];
      this.listing = undefined;
      this.print(`error: ${error instanceof Error ? error.message : String(error)}`);
      if (left > 0) this.print("the rest of the line was not run");
    }
  }
}
