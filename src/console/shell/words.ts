/*
 * A line to commands and words. Blanks part words, `;` parts commands. '...' takes everything as it is; inside "..." and
 * outside quotes a backslash takes the next character as it is, but for \n and \t. Pure.
 */

/** What a line says. `open`: what was begun and not ended at its end. */
export interface Words {
  /** The words of each command; empty commands left out, unless `open` or the cursor's. */
  readonly commands: readonly (readonly string[])[];
  readonly open: "nothing" | "quote" | "escape";
  /** The words of the command that the line ends in, the last one being the word that is still typed, maybe empty. */
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
