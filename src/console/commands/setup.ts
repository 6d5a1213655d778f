/*
 * setup: asks for the settings of a new device, one after the other, and checks every answer at once. Answers are edits, as
 * with `set`; nothing is saved before the last question. After Ctrl-C, the answers so far stay as edits.
 */
import { type Command, requireCount, type Shell } from "./command.js";

const MAX_SHOWN = 24; // characters of a value that a question shows
const EMPTY = "-"; // this answer empties the setting; an empty answer keeps it

/** setup: asks for everything that a new device needs. */
export const setup = Object.freeze<Command>({
  name: "setup",
  usage: "",
  help: "Asks for everything a new device needs",
  run(shell, args) {
    requireCount(setup, args, 0, 0);
    shell.print(`Enter keeps the value in brackets, ${EMPTY} empties it, Ctrl-C ends.`);
    const hasWiFi = shell.host.scan !== undefined;
    const keys = shell.settings.keys.filter(
      (key) => shell.settings.describe(key).asked && (hasWiFi || !key.startsWith("wifi.")),
    );
    askFor(shell, keys, 0);
  },
});

function askFor(shell: Shell, keys: readonly string[], at: number): void {
  if (at === keys.length) {
    finish(shell);
    return;
  }
  const key = keys[at];
  const { help, secret, suggestions } = shell.settings.describe(key);
  shell.print(`${help}.`);
  shell.ask({
    prompt: `${key}${suggestions.length > 1 ? ` (${suggestions.join(", ")})` : ""} [${clipped(next(shell, key))}]: `,
    echo: secret ? "hidden" : "shown",
    answer(text) {
      if (text === undefined) shell.print("setup ended; save or revert your answers");
      else askFor(shell, keys, take(shell, key, text) ? at + 1 : at);
    },
  });
}

/** Returns false if the answer was refused: the question is asked again. */
function take(shell: Shell, key: string, text: string): boolean {
  if (text === "") return true;
  try {
    shell.settings.set(key, text === EMPTY ? "" : text);
    return true;
  } catch (error) {
    shell.print(`error: ${(error as Error).message}`);
    return false;
  }
}

function finish(shell: Shell): void {
  const keys = shell.settings.staged();
  if (keys.length === 0) {
    shell.print("nothing changed");
    return;
  }
  keys.forEach((key) => shell.print(`  ${key.padEnd(16)}${next(shell, key)}`));
  shell.ask({
    prompt: "save, and reboot? yes or no: ",
    echo: "shown",
    answer(text) {
      if (!(text ?? "").trim().toLowerCase().startsWith("y")) {
        shell.print("not saved; save or revert");
        return;
      }
      shell.settings.save();
      shell.print("saved; rebooting");
      shell.afterOutput(() => shell.host.reboot());
    },
  });
}

/** The value that would be in force after save and reboot. */
function next(shell: Shell, key: string): string {
  const { staged, atBoot, text } = shell.settings.state(key);
  return staged ?? atBoot ?? text;
}

function clipped(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
