/*
 * show, set, save, revert: the settings. A secret is asked for without echo and never shown.
 */
import { type Command, Refusal, requireCount, type Shell } from "../command.js";

const VALUE_COLUMN = 16; // width of the longest key, and two blanks

const show: Command = {
  name: "show",
  usage: "[key]",
  help: "What is in force and what is edited; or one key in full",
  complete: keys,
  run(shell, args) {
    requireCount(show, args, 0, 1);
    if (args.length === 0) for (const key of shell.settings.keys) shell.print(rowOf(shell, key));
    else explain(shell, args[0]);
  },
};

const set: Command = {
  name: "set",
  usage: "key [value]",
  help: "Edits; save keeps it. Without value: asks for a password",
  complete(shell, args) {
    if (args.length === 1) return shell.settings.keys;
    if (args.length !== 2 || !shell.settings.keys.includes(args[0])) return [];
    return shell.settings.describe(args[0]).suggestions;
  },
  run(shell, args) {
    if (args.length === 1) return askFor(shell, args[0]);
    requireCount(set, args, 2, 2);
    stage(shell, args[0], args[1]);
  },
};

const save: Command = {
  name: "save",
  usage: "",
  help: "Keeps the edits",
  run(shell, args) {
    requireCount(save, args, 0, 0);
    const keys = shell.settings.staged();
    if (keys.length === 0) return shell.print("nothing to save");
    shell.settings.save();
    const waiting = keys.filter((key) => shell.settings.state(key).atBoot !== undefined);
    shell.print(`saved: ${keys.join(", ")}`);
    if (waiting.length > 0) shell.print(`in force after a reboot: ${waiting.join(", ")}`);
  },
};

const revert: Command = {
  name: "revert",
  usage: "",
  help: "Takes edits back that are not saved",
  run(shell, args) {
    requireCount(revert, args, 0, 0);
    const keys = shell.settings.staged();
    shell.settings.revert();
    shell.print(keys.length === 0 ? "nothing to take back" : `taken back: ${keys.join(", ")}`);
  },
};

export const settingsCommands: readonly Command[] = [show, set, save, revert];

function keys(shell: Shell, args: readonly string[]): readonly string[] {
  return args.length === 1 ? shell.settings.keys : [];
}

function stage(shell: Shell, key: string, text: string): void {
  // A key that was misspelt may have been a password's, and its value stands in the line.
  if (!shell.settings.keys.includes(key) || shell.settings.describe(key).secret) shell.forgetLine();
  shell.settings.set(key, text);
  const { staged } = shell.settings.state(key);
  if (staged === undefined) shell.print(`${key} is as it was saved`);
}

function askFor(shell: Shell, key: string): void {
  if (!shell.settings.describe(key).secret) throw new Refusal(`${key}: expected a value ("show ${key}" says which)`);
  shell.ask({
    prompt: `${key}: `,
    echo: "hidden",
    answer(text) {
      if (text !== undefined) stage(shell, key, text);
    },
  });
}

function rowOf(shell: Shell, key: string): string {
  const { text, unit, origin, staged, atBoot } = shell.settings.state(key);
  const value = text === "" ? "-" : unit === "" ? text : `${text} ${unit}`;
  const origins = { override: "  (this run only)", saved: "", board: "  (default)", default: "  (default)" };
  const edit = staged === undefined ? "" : `  * edited: ${staged === "" ? "-" : staged}`;
  const boot = atBoot === undefined ? "" : `  after reboot: ${atBoot === "" ? "-" : atBoot}`;
  return `${edit === "" ? " " : "*"} ${key.padEnd(VALUE_COLUMN)}${value}${origins[origin]}${boot}${edit}`;
}

function explain(shell: Shell, key: string): void {
  const { help, expects, needsReboot } = shell.settings.describe(key);
  shell.print(rowOf(shell, key));
  shell.print(`  ${help}.`);
  shell.print(`  Takes ${expects}.${needsReboot ? " In force after a reboot." : ""}`);
}
