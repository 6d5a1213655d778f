/*
 * Texts from outside: anything, but mostly what controls a terminal or is invisible.
 */
import fc from "fast-check";
import { isUnprintable } from "../../../src/console/port/printable.js";

/** Sequences and characters that terminals obey, or that hide. */
export const STEERING: readonly string[] = [
  "\x1b[2J", // erases the screen
  "\x1b]0;title\x07", // sets the window's title
  "\x1b]52;c;cGFzdGU=\x07", // writes the clipboard
  "\x1bc", // resets
  "\x1b[31m",
  "\x1b[6n", // makes the terminal type its answer
  "\x9b2J", // the same by C1
  "\x90q\x9c",
  "\x85", // next line
  "\x00",
  "\x07",
  "\b",
  "\t",
  "\v",
  "\f",
  "\r",
  "\n",
  "\r\n",
  "\x0e", // line drawing characters
  "\x7f",
  "\xad",
  "\u061c",
  "\u200b",
  "\u200d",
  "\u200e",
  "\u2028",
  "\u2029",
  "\u202a",
  "\u202e",
  "\u2066",
  "\u2069",
  "\ufeff",
  "\ufff9",
  "\ufffe",
  "\u{e0041}",
  "\u{e0100}",
];

/** Anything, half of it steering. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.string({ unit: "binary", maxLength: 6 }), fc.constantFrom(...STEERING), fc.string()), {
    maxLength: 6,
  })
  .map((parts) => parts.join(""));

/**
 * The characters in `text` that must not be sent to a terminal, as escapes. The caller removes line breaks that are ours. printable.test.ts
 * compares the set of characters with Unicode's properties, which XS, on which this also runs, does not have.
 */
export function foreignIn(text: string): string[] {
  const codes = Array.from(text, (character) => character.codePointAt(0)!);
  return codes.filter(isUnprintable).map((code) => `U+${code.toString(16)}`);
}
