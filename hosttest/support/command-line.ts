/*
 * The command line of a tool: what its usage line says, and one clear line, exit code 2, for everything else.
 */
import { type ParseArgsConfig, parseArgs } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The options' values and the other words. Ends the process on `--help` (0) and on what cannot be understood (2). */
export function commandLine<const O extends Options>(
  usage: string,
  options: O,
  words: "no words" | "words" = "no words",
) {
  try {
    const { values, positionals } = parseArgs({
      options: { ...options, help: { type: "boolean", short: "h" } } as O & { help: { type: "boolean"; short: "h" } },
      allowPositionals: words === "words",
    });
    if ((values as { help?: boolean }).help === true) {
      console.log(`usage: ${usage}`);
      process.exit(0);
    }
    return { values, positionals: positionals as readonly string[] };
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split(/\. To specify|\n/);
    return misused(`${line.replace(/\.$/, "")}\nusage: ${usage}`);
  }
}

/** Whatever the user got wrong. */
export function misused(problem: string): never {
  console.error(problem);
  process.exit(2);
}

/** @returns the whole number that an option was given */
export function whole(option: string, text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  return misused(`${option} ${text}: expected a whole number from ${least}`);
}

/** @returns the number above 0 that an option was given */
export function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  return misused(`${option} ${text}: expected a number above 0`);
}

/** The seed that was given, or a new one. */
export function seedOf(text: string | undefined): number {
  return text === undefined ? Math.floor(Math.random() * 2 ** 32) : whole("--seed", text, 0);
}
