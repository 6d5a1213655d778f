/*
 * Finds the beginning of a password in a line: after the name of a secret setting and one more character, in any command. From
 * there on, characters are masked, and the line is kept out of the history. It rather hides too much than too little. Pure.
 */
import type { Line } from "./line.js";

/** First character of `line` to hide; its length if there is none. */
export function secretStart(line: Line, secretKeys: readonly string[]): number {
  let start = line.length;
  secretKeys.forEach((key) => {
    for (let at = 0; at + key.length < start; at++) {
      if (isAt(line, at, key)) start = at + key.length + 1;
    }
  });
  return Math.min(start, line.length);
}

function isAt(line: Line, at: number, key: string): boolean {
  for (let i = 0; i < key.length; i++) {
    const code = line.codeAt(at + i);
    const lower = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
    if (lower !== key.charCodeAt(i)) return false;
  }
  return true;
}
