/*
 * Splits a line into commands and words. Blanks separate words, `;` separates commands. '...' is literal; inside "..." and
 * outside quotes a backslash makes the next character literal, except in \n and \t, a line feed and a tab. Pure.
 */

/** The parts of a line. `open`: what was begun but not ended. */
export interface Words {
  /** The words of each command; empty commands are left out, unless `open` or at the cursor. */
  readonly commands: readonly (readonly string[])[];
  readonly open: "nothing" | "quote" | "escape";
  /** The words of the last command; the last one is still being typed, and may be empty. */
  readonly current: readonly string[];
}

/** The words of `line`. */
export function splitWords(line: string): Words {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined; // undefined: between words
  let quote = "";
  let escaped = false;
  for (const character of line) {
    if (escaped) {
      word = (word ?? "") + meaning(character);
      escaped = false;
    } else if (quote !== "'" && character === "\\") escaped = true;
    else if (quote !== "" && character === quote) quote = "";
    else if (quote !== "") word += character;
    else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (character === " " || character === "\t" || character === ";") {
      if (word !== undefined) words.push(word);
      word = undefined;
      if (character !== ";") continue;
      if (words.length > 0) commands.push(words);
      words = [];
    } else word = (word ?? "") + character;
  }
  const current = [...words, word ?? ""];
  if (word !== undefined) words.push(word);
  if (words.length > 0) commands.push(words);
  return { commands, open: escaped ? "escape" : quote !== "" ? "quote" : "nothing", current };
}

function meaning(character: string): string {
  if (character === "n") return "\n";
  return character === "t" ? "\t" : character;
}
