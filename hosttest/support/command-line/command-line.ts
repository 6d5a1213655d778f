/*
 * The command line of a tool, read by a table of its options. `--help` ends the process with exit code 0, and an error with 2
 * and one line of text.
 */
import {
  type Description,
  helpText,
  type Option,
  type Options,
  option,
  parseCommandLine,
  UsageError,
  type Values,
  wholeOf,
} from "../../../boards/desktop/options/command-line.js";
import { shownLines } from "./shown.js";

export {
  choice,
  flag,
  many,
  type Option,
  option,
  positive,
  preset,
  text,
  UsageError,
  whole,
} from "../../../boards/desktop/options/command-line.js";

/** A run uses consecutive seeds from this one on. Each can be replayed alone, so the last must be a whole number, too. */
export const MAX_SEED = 2 ** 52;
const DRAWN_BELOW = 2 ** 32;

/** Returns the options' values and the other words, or ends the process. */
export function commandLine<const O extends Options>(
  description: Description,
  options: O,
): { values: Values<O>; words: readonly string[] } {
  return orMisused(() => {
    const parsed = parseCommandLine(process.argv.slice(2), options, description);
    if (!parsed.help) return parsed;
    console.log(helpText(description, options));
    process.exit(0);
  });
}

/** Returns the result of `work`; a UsageError ends the process. `before`: prefix of the error line. */
export function orMisused<T>(work: () => T, before = ""): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UsageError) return misused(before + error.message);
    throw error;
  }
}

/** Ends the process because of an error in the command line. */
export function misused(problem: string): never {
  console.error(shownLines(problem));
  process.exit(2);
}

/** The option `--seed S`; default: a random seed. */
export function seedOption(): Option<number> {
  const given = option("S", "everything random follows from it (default: drawn and printed)", (text, name) =>
    wholeOf(name, text, 0, MAX_SEED),
  );
  return {
    ...given,
    read: (texts, name) => given.read(texts, name) ?? Math.floor(Math.random() * DRAWN_BELOW),
  };
}
