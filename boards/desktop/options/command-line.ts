/*
 * A command line as a table: the name of each option, its value, its text in the help. All programs of this repository
 * use it. A mistake is reported in one line: the option, the given text, the expected one.
 */
import { parseArgs } from "node:util";
import { nearest } from "../../../src/settings/nearest.js";

/** A mistake on a command line, in one line. */
export class UsageError extends Error {}

export interface Option<T> {
  /** Name of the value in the help; undefined: the option has none. */
  readonly value?: string | undefined;
  readonly says: string;
  /** The text used if the option is not given. */
  readonly preset?: string;
  /** Parses all texts given for the option, in order; those of an option without value are empty. @throws UsageError */
  read(texts: readonly string[], option: string): T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;
export type Values<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

/** A program's description in its help. */
export interface Description {
  /** As it is typed: `npm run fleet --`. */
  readonly program: string;
  readonly does: string;
  /** Names of the words that are not options; undefined: there are none. */
  readonly words?: string;
  /** Lines below the options. */
  readonly notes?: readonly string[];
  /** Advice for an option of a similar program that people may try here; undefined: none. */
  hint?(option: string): string | undefined;
}

export interface Parsed<O extends Options> {
  readonly values: Values<O>;
  readonly words: readonly string[];
  /** `--help` or `-h` was given: nothing else was parsed. */
  readonly help: boolean;
}

export function flag(says: string): Option<boolean> {
  return { says, read: (texts) => texts.length > 0 };
}

/** `parse` gets the last text given. @throws UsageError, as `parse` may */
export function option<T>(
  value: string,
  says: string,
  parse: (text: string, option: string) => T,
): Option<T | undefined> {
  return {
    value,
    says,
    read: (texts, name) => (texts.length === 0 ? undefined : parse(texts[texts.length - 1], name)),
  };
}

export function text(value: string, says: string): Option<string | undefined> {
  return option(value, says, (given) => given);
}

/** Only decimal digits; the limits are included. */
export function whole(value: string, says: string, from: number, to: number): Option<number | undefined> {
  return option(value, says, (given, name) => wholeOf(name, given, from, to));
}

/** @returns `given` as a whole number. `name`: the option. @throws UsageError */
export function wholeOf(name: string, given: string, from: number, to: number): number {
  const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (number >= from && number <= to) return number;
  throw new UsageError(`${name} ${given}: expected a whole number from ${from}${upTo(to)}`);
}

/** A decimal number above 0. `unit`: for the error message, for example "seconds". */
export function positive(value: string, says: string, to: number, unit = "a number"): Option<number | undefined> {
  return option(value, says, (given, name) => {
    const number = /^(\d+\.?\d*|\.\d+)$/.test(given) ? Number(given) : Number.NaN;
    if (number > 0 && number <= to) return number;
    throw new UsageError(`${name} ${given}: expected ${unit}, more than 0 and at most ${to}`);
  });
}

export function choice<const C extends string>(says: string, choices: readonly C[]): Option<C | undefined> {
  return option(choices.join("|"), says, (given, name) => {
    const chosen = choices.find((one) => one === given);
    if (chosen !== undefined) return chosen;
    throw new UsageError(`${name} ${given}: expected ${oneOf(choices)}`);
  });
}

/** The option with a default text. */
export function preset<T>(value: string, what: Option<T>): Option<NonNullable<T>> {
  return {
    ...what,
    preset: value,
    read: (texts, name) => what.read(texts.length === 0 ? [value] : texts, name) as NonNullable<T>,
  };
}

/** The option given any number of times: its values in order. */
export function many<T>(what: Option<T>): Option<readonly NonNullable<T>[]> {
  return {
    value: what.value,
    says: `${what.says}; may be repeated`,
    read: (texts, name) => texts.map((one) => what.read([one], name) as NonNullable<T>),
  };
}

/** The help: usage, description, one or more lines for each option, notes. */
export function helpText({ program, does, words, notes = [] }: Description, options: Options): string {
  const rows: [left: string, right: string][] = Object.entries(options).map(([name, { value, says, preset }]) => [
    `--${name}${value === undefined ? "" : ` ${value}`}`,
    preset === undefined ? says : `${says} (default: ${preset})`,
  ]);
  rows.push(["-h, --help", "this help"]);
  const width = Math.min(MAX_LEFT, Math.max(...rows.map(([left]) => left.length)));
  const lines = rows.flatMap(([left, right]) =>
    left.length > width ? [`  ${left}`, `  ${" ".repeat(width)}  ${right}`] : [`  ${left.padEnd(width)}  ${right}`],
  );
  const usage = `usage: ${program} [OPTION ...]${words === undefined ? "" : ` ${words}`}`;
  return [usage, does, "", ...lines, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

const MAX_LEFT = 32;

/** Reads a command line. @throws UsageError with one line */
export function parseCommandLine<const O extends Options>(
  argv: readonly string[],
  options: O,
  description: Pick<Description, "words" | "hint"> = {},
): Parsed<O> {
  const { tokens } = parseArgs({ args: [...argv], options: configOf(options), strict: false, tokens: true });
  const help = tokens.some((token) => token.kind === "option" && token.name === "help");
  const texts = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of help ? [] : tokens) {
    if (token.kind === "positional") {
      if (description.words === undefined)
        throw new UsageError(`${masked(token.value)}: expected an option; ${SEE_HELP}`);
      words.push(token.value);
    } else if (token.kind === "option") {
      texts.set(token.name, [...(texts.get(token.name) ?? []), given(token, options, description)]);
    }
  }
  const values = Object.entries(options).map(([name, one]) => [name, one.read(texts.get(name) ?? [], `--${name}`)]);
  return { values: Object.fromEntries(values) as Values<O>, words, help };
}

const SEE_HELP = "--help lists the options";

/** Checks that a value is given: Node's own messages have several lines, and do not help if a value begins with a dash. */
function configOf(options: Options): Record<string, { type: "string" | "boolean"; short?: string }> {
  const config = Object.entries(options).map(([name, { value }]) => [
    name,
    { type: value === undefined ? ("boolean" as const) : ("string" as const) },
  ]);
  return { ...Object.fromEntries(config), help: { type: "boolean", short: "h" } };
}

interface Token {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** The text that an option was given. @throws UsageError */
function given(
  { name, rawName, value, inlineValue }: Token,
  options: Options,
  { hint }: Pick<Description, "hint">,
): string {
  if (!Object.hasOwn(options, name)) {
    const guess = nearest(name, Object.keys(options));
    const advice = hint?.(rawName) ?? (guess === undefined ? undefined : `did you mean --${guess}?`);
    throw new UsageError(`${rawName}: no such option${advice === undefined ? "" : `, ${advice}`}; ${SEE_HELP}`);
  }
  if (options[name].value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName}: takes no value`);
    return "";
  }
  const isNextOption = inlineValue !== true && value?.startsWith("--");
  if (value === undefined || isNextOption)
    throw new UsageError(`${rawName}: expected a value (${options[name].value})`);
  return value;
}

/** Without the password of an address. */
export function masked(given: string): string {
  return given.replace(/:[^:/@]*@/, ":***@");
}

function upTo(to: number): string {
  return to >= Number.MAX_SAFE_INTEGER ? "" : ` to ${to}`;
}

function oneOf(choices: readonly string[]): string {
  if (choices.length < 2) return choices.join("");
  return `${choices.slice(0, -1).join(", ")} or ${choices[choices.length - 1]}`;
}
