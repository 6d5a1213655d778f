/*
 * Tab: candidates for the word at the cursor. Commands, keys and values have neither blanks nor quotes, so the missing part can
 * be typed unchanged. Pure.
 */
import type { Shell } from "../commands/command.js";
import type { Completion } from "../terminal/editor.js";
import { splitWords } from "./words.js";

const COLUMNS = 79;

/** Completes the last word of `before`, the line up to the cursor. */
export function complete(shell: Shell, before: string): Completion {
  const { open, current } = splitWords(before);
  const word = current[current.length - 1];
  if (open !== "nothing") return { insert: "", candidates: [] };
  const lower = word.toLowerCase();
  const candidates = possibilities(shell, current).filter((name) => name.toLowerCase().startsWith(lower));
  if (candidates.length === 0) return { insert: "", candidates };
  if (candidates.length === 1) return { insert: `${candidates[0].slice(word.length)} `, candidates: [] };
  const common = commonStart(candidates).slice(word.length);
  return { insert: common, candidates: common === "" ? candidates : [] };
}

/** The candidates in rows, without breaking a name. Names are ASCII. */
export function rowsOf(candidates: readonly string[]): string[] {
  const rows: string[] = [];
  candidates.forEach((name) => {
    const last = rows.length - 1;
    if (last >= 0 && rows[last].length + 2 + name.length <= COLUMNS) rows[last] += `  ${name}`;
    else rows.push(name);
  });
  return rows;
}

function possibilities(shell: Shell, words: readonly string[]): readonly string[] {
  if (words.length === 1) return shell.commands.map((command) => command.name);
  const name = words[0].toLowerCase();
  const command = shell.commands.find((one) => one.name === name);
  return command?.complete?.(shell, words.slice(1)) ?? [];
}

function commonStart(names: readonly string[]): string {
  let length = names[0].length;
  names.forEach((name) => {
    while (!name.startsWith(names[0].slice(0, length))) length -= 1;
  });
  return names[0].slice(0, length);
}
