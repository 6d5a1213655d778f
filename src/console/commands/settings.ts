/* show, set, save, revert, and for remote commands change: the settings. A secret is asked for without echo and never shown. */
import type { Pasting } from "../host/host.js";
import { MAX_LINE } from "../terminal/line.js";
import { type Command, findName, Refusal, requireCount, requireName, type Shell } from "./command.js";

const show = Object.freeze<Command>({
  name: "show",
  usage: "[key]",
  help: "Shows all settings and edits; or one key",
  complete: keys,
  run(shell, args) {
    requireCount(show, args, 0, 1);
    const keys = shell.settings.keys;
    const width = keys.reduce((longest, key) => Math.max(longest, key.length), 0);
    let at = 0;
    if (args.length === 0)
      shell.list(() => (at < keys.length ? rowOf(shell, keys[at++], width) : undefined), width + 3);
    else explain(shell, requireName(shell, "setting", args[0], shell.settings.keys));
  },
});

const set = Object.freeze<Command>({
  name: "set",
  usage: "key [value]",
  help: "Edits a setting; a password is asked for",
  complete(shell, args) {
    if (args.length === 1) return shell.settings.keys;
    const key = findName(args[0], shell.settings.keys);
    return args.length !== 2 || key === undefined ? [] : shell.settings.describe(key).suggestions;
  },
  run(shell, args) {
    requireCount(set, args, 1, Number.POSITIVE_INFINITY);
    const known = findName(args[0], shell.settings.keys);
    // A misspelt key may have been a password's, whose value is in the line.
    if (known === undefined || (args.length > 1 && shell.settings.describe(known).secret)) shell.forgetLine();
    const key = known ?? requireName(shell, "setting", args[0], shell.settings.keys);
    if (args.length === 1) askFor(shell, key);
    else if (args.length === 2) stage(shell, key, args[1]);
    else throw new Refusal(`${key}: a value with blanks needs quotes: set ${key} ${quoted(shell, key, args.slice(1))}`);
  },
});

const save = Object.freeze<Command>({
  name: "save",
  usage: "",
  help: "Saves the edits",
  run(shell, args) {
    requireCount(save, args, 0, 0);
    const keys = shell.settings.staged();
    if (keys.length === 0) return shell.print("nothing to save");
    saveAll(shell, keys);
  },
});

/** `set` and `save` in one, for one setting; other edits at the prompt stay unsaved. For remote commands. */
export const change = Object.freeze<Command>({
  name: "change",
  usage: "key value",
  help: "Edits a setting and saves it",
  run(shell, args) {
    requireCount(change, args, 2, 2);
    const key = requireName(shell, "setting", args[0], shell.settings.keys);
    if (shell.settings.state(key).staged !== undefined) throw new Refusal(`${key}: is being edited at the prompt`);
    shell.settings.set(key, args[1]);
    if (shell.settings.state(key).staged === undefined) shell.print(`${key} is as it was saved`);
    else saveAll(shell, [key]);
  },
});

function saveAll(shell: Shell, keys: readonly string[]): void {
  shell.settings.save(keys);
  const hidden = keys.filter((key) => shell.settings.state(key).origin === "override");
  const waiting = keys.filter((key) => shell.settings.state(key).atBoot !== undefined);
  shell.print(`saved: ${keys.join(", ")}`);
  if (hidden.length > 0) shell.print(`in this run the command line's value stays in force: ${hidden.join(", ")}`);
  if (waiting.length > 0) shell.print(`in force after a reboot: ${waiting.join(", ")}`);
}

const revert = Object.freeze<Command>({
  name: "revert",
  usage: "",
  help: "Discards edits that are not saved",
  run(shell, args) {
    requireCount(revert, args, 0, 0);
    const keys = shell.settings.staged();
    shell.settings.revert();
    shell.print(keys.length === 0 ? "nothing to discard" : `discarded: ${keys.join(", ")}`);
  },
});

/** show, set, save, revert. */
export const settingsCommands: readonly Command[] = Object.freeze([show, set, save, revert]);

function keys(shell: Shell, args: readonly string[]): readonly string[] {
  return args.length === 1 ? shell.settings.keys : [];
}

function stage(shell: Shell, key: string, text: string): void {
  shell.settings.set(key, text);
  const { staged } = shell.settings.state(key);
  if (staged === undefined) shell.print(`${key} is as it was saved`);
}

/** The value in quotes, as it was probably meant; a secret is not repeated. @throws Error if it is invalid in quotes, too */
function quoted(shell: Shell, key: string, words: readonly string[]): string {
  const value = words.join(" ");
  shell.settings.check(key, value);
  const isPlain = !shell.settings.describe(key).secret && !value.includes('"') && !value.includes("\\");
  return `"${isPlain ? value : "…"}"`;
}

function askFor(shell: Shell, key: string): void {
  if (shell.settings.describe(key).pasted) {
    shell.print(`${key}: paste it now; an empty line ends it, Ctrl-C cancels`);
    askForLine(shell, key, shell.settings.paste(key), "whole");
    return;
  }
  if (!shell.settings.describe(key).secret) throw new Refusal(`${key}: expected a value ("show ${key}" describes it)`);
  shell.ask({
    prompt: `${key}: `,
    echo: "hidden",
    answer(text) {
      if (text !== undefined) stage(shell, key, text);
    },
  });
}

/** Asks for the next pasted line. `soFar`: after a broken line, later lines are not run as commands. */
function askForLine(shell: Shell, key: string, pasting: Pasting, soFar: "whole" | "broken"): void {
  const next = (line: string, now: "whole" | "broken"): void => {
    if (pasting.take(line)) askForLine(shell, key, pasting, now);
    else finishPaste(shell, key, pasting, now);
  };
  shell.ask({
    prompt: `${key}: ${pasting.progress} `,
    echo: "pasted",
    answer(text) {
      if (text === undefined) pasting.close();
      else next(text, soFar);
    },
    tooLong: () => next("?", "broken"),
  });
}

function finishPaste(shell: Shell, key: string, pasting: Pasting, soFar: "whole" | "broken"): void {
  try {
    if (soFar === "broken") throw new Refusal(`${key}: a pasted line is longer than ${MAX_LINE} characters`);
    pasting.stage();
  } finally {
    pasting.close();
  }
  const { staged, text } = shell.settings.state(key);
  shell.print(staged === undefined ? `${key} is as it was saved: ${text}` : `${key}: ${staged}`);
}

/** `width`: of the column of keys. */
function rowOf(shell: Shell, key: string, width: number): string {
  const { text, unit, origin, staged, atBoot, hidden } = shell.settings.state(key);
  const value = unit === "" ? shown(text) : `${text} ${unit}`;
  const override = hidden === undefined ? " (this run only)" : ` (this run only; saved: ${shown(hidden)})`;
  const origins = { override, saved: "", board: " (default)", default: " (default)" };
  const edit = staged === undefined ? "" : `  * edited: ${shown(staged)}`;
  const boot = atBoot === undefined ? "" : `  after reboot: ${shown(atBoot)}`;
  return `${edit === "" ? " " : "*"} ${key.padEnd(width)} ${value}${origins[origin]}${boot}${edit}`;
}

function shown(text: string): string {
  return text === "" ? "-" : text;
}

function explain(shell: Shell, key: string): void {
  const { help, expects, needsReboot } = shell.settings.describe(key);
  shell.print(rowOf(shell, key, key.length), 4);
  shell.print(`  ${help}.`, 4);
  shell.print(`  Expects ${expects}.`, 4);
  if (needsReboot) shell.print("  In force after a reboot.");
}
