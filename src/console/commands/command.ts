/*
 * What a command is, and what it may use of the console. Types, and the errors of commands.
 */
import type { ConsoleHost, SettingsPort } from "../host/host.js";
import type { LogLevel } from "../host/log-levels.js";

/** A question, shown in place of the prompt. */
export interface Question {
  readonly prompt: string;
  /**
   * Hidden answers are not echoed, and overwritten in memory when they were given. A pasted one is hidden, and one of many: its row
   * goes on in place.
   */
  readonly echo: "shown" | "hidden" | "pasted";
  /** Called once with the line, or with undefined when it was interrupted. May ask again. */
  answer(text: string | undefined): void;
  /** What was answered is longer than a line: called with its beginning, instead of `answer`. Default: that is said, and it is asked again. */
  tooLong?(): void;
}

/** The console, as a command sees it. */
export interface Shell {
  readonly settings: SettingsPort;
  readonly host: ConsoleHost;
  readonly commands: readonly Command[];
  /** What log lines are shown; a command changes it for this run. */
  level: LogLevel;
  /** A line of output. On a terminal that is narrower it goes on below, `indent` columns from the left; without, the terminal breaks it. */
  print(line: string, indent?: number): void;
  /** Prints the lines that `next` gives, one when most of those before it have left: a long listing takes no more memory than a line. */
  list(next: () => string | undefined, indent?: number): void;
  ask(question: Question): void;
  /** The command stays open until the returned function is called. Work done through that function counts as the command's own. */
  later(): (finish: () => void) => void;
  /**
   * Calls `action` when everything printed has left the port, or after a moment in which it did not. Nothing is read from now on:
   * the device goes down. Calling `stay` at any time cancels this, and so does an action that throws.
   */
  afterOutput(action: (stay: () => void) => void): void;
  /** Keeps the line that is running out of the history. */
  forgetLine(): void;
}

/**
 * One command: its name and help, what Tab completes, what it does. `run` throws Refusal for what it does not take; the
 * runner shows the text.
 */
export interface Command {
  readonly name: string;
  /** Another word for it. */
  readonly alias?: string;
  /** What follows the name, as help shows it. */
  readonly usage: string;
  readonly help: string;
  /** What could stand as argument number `args.length - 1`; the last one is still typed. */
  complete?(shell: Shell, args: readonly string[]): readonly string[];
  /** @throws Error whose message is shown */
  run(shell: Shell, args: readonly string[]): void;
}

/** A command was called wrongly; `message` is one line. */
export class Refusal extends Error {}

/** The one of `names` that is `name` in any case: keys and commands are all lower case. Undefined if there is none. */
export function findName(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  return names.find((one) => one.toLowerCase() === wanted);
}

/**
 * The one of `names` that is `name` in any case. `what` is the kind of thing that is named.
 * @throws Refusal that offers the nearest name, and does not repeat the input: without a blank it may contain a password
 */
export function requireName(shell: Shell, what: string, name: string, names: readonly string[]): string {
  const found = findName(name, names);
  if (found !== undefined) return found;
  const guess = shell.host.nearest?.(name, names);
  if (guess !== undefined) throw new Refusal(`no such ${what}, did you mean ${guess}?`);
  throw new Refusal(names.length > 6 ? `no such ${what}` : `no such ${what}, expected ${names.join(", ")}`);
}

/** @throws Refusal unless `args` are `least` to `most` */
export function requireCount(command: Command, args: readonly string[], least: number, most: number): void {
  if (args.length >= least && args.length <= most) return;
  throw new Refusal(`usage: ${command.name} ${command.usage}`.trimEnd());
}
