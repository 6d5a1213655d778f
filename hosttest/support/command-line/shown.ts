/*
 * Text from outside (topics, payloads, a broker's reasons, other programs' output) in a tool's output: a terminal gets it
 * with control characters escaped, a pipe or a file gets the bytes unchanged, for the program that reads it.
 */
import { printable } from "../../../src/console/port/printable.js";

/** Text of our own with parts from outside, for a person: line breaks stay, all other control characters are escaped. */
export function shownLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** One line of bytes from outside, without its end, for output to `screen`. At a terminal, invalid UTF-8 is shown as U+FFFD. */
export function shownBytes(line: Buffer, { isTTY }: { readonly isTTY?: boolean }): Buffer | string {
  return isTTY ? printable(line.toString("utf8")) : line;
}
