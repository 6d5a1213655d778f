/* The interface of commands, and what they may use of the console. Types, and the errors of commands. */
import type { ConsoleHost, SettingsPort } from "../host/host.js";
import type { LogLevel } from "../host/log-levels.js";

/** A question, shown in place of the prompt. */
export interface Question {
  readonly prompt: string;
  /**
   * Hidden answers are not echoed, and are overwritten in memory after use. A pasted one is hidden, and one of several: its row
   * continues in place.
   */
  readonly echo: "shown" | "hidden" | "pasted";
  /** Called once with the line, or with undefined after Ctrl-C. May ask again. */
  answer(text: string | undefined): void;
  /**
   * The answer is longer than a line: called with its beginning, instead of `answer`. Default: an error is shown, and the
   * question is asked again.
   */
  tooLong?(): void;
}

/** The console, as a command sees it. */
export interface Shell {
  readonly settings: SettingsPort;
  readonly host: ConsoleHost;
  readonly commands: readonly Command[];
  /** The level of log lines shown; a command changes it for this run. */
  level: LogLevel;
  /** Prints a line. A narrower terminal breaks it; with `indent`, it continues below, `indent` columns from the left. */
  print(line: string, indent?: number): void;
  /** Prints the lines that `next` returns, one when most of those before it are written, so that a long listing needs little memory. */
  list(next: () => string | undefined, indent?: number): void;
  ask(question: Question): void;
  /** The command stays open until the returned function is called. Work done in that function counts as the command's own. */
  later(): (finish: () => void) => void;
  /**
   * Calls `action` when everything printed is written, or after a limited time. No more input is read: the device is about to
   * restart. Calling `stay` at any time cancels this, and so does an action that throws.
   */
  afterOutput(action: (stay: () => void) => void): void;
  /** Keeps the running line out of the history. */
  forgetLine(): void;
}

/** One command: its name and help, Tab completion, and action. `run` throws Refusal for wrong arguments; the runner shows the text. */
export interface Command {
  readonly name: string;
  /** Another name. */
  readonly alias?: string;
  /** The arguments, as help shows them. */
  readonly usage: string;
  readonly help: string;
  /** Candidates for argument number `args.length - 1`, which is still being typed. */
  complete?(shell: Shell, args: readonly string[]): readonly string[];
  /** @throws Error whose message is shown */
  run(shell: Shell, args: readonly string[]): void;
}

/** A command was called wrongly; `message` is one line. */
export class Refusal extends Error {}

/** The entry of `names` that equals `name`, ignoring case. Undefined if there is none. */
export function findName(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  return names.find((one) => one.toLowerCase() === wanted);
}

/**
 * The entry of `names` that equals `name`, ignoring case. `what`: the kind of name, for the message.
 * @throws Refusal that suggests the nearest name. It does not repeat the input, which may contain a password
 */
export function requireName(shell: Shell, what: string, name: string, names: readonly string[]): string {
  const found = findName(name, names);
  if (found !== undefined) return found;
  const guess = shell.host.nearest?.(name, names);
  if (guess !== undefined) throw new Refusal(`no such ${what}, did you mean ${guess}?`);
  throw new Refusal(names.length > 6 ? `no such ${what}` : `no such ${what}, expected ${names.join(", ")}`);
}

/** @throws Refusal unless there are `least` to `most` arguments */
export function requireCount(command: Command, args: readonly string[], least: number, most: number): void {
  if (args.length >= least && args.length <= most) return;
  throw new Refusal(`usage: ${command.name} ${command.usage}`.trimEnd());
}
