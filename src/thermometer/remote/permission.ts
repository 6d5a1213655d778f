/*
 * Which commands are allowed over MQTT. `remote` = off: none; basic: those that change no setting; on: also settings that are
 * not secret. Never allowed are commands that ask a question (because they discard readings or settings, or take a password)
 * and settings that decide to whom a password is sent: who may change them could get the password.
 */
import { commands as allCommands } from "../../console/commands/all.js";
import { findName } from "../../console/commands/command.js";
import { splitWords } from "../../console/shell/words.js";
import type { Settings } from "../../settings/settings.js";

/** A command that is allowed. */
export interface Permitted {
  /** The line for the prompt, and its first word. */
  readonly run: string;
  readonly name: string;
  /** Must not be executed twice: it is recorded before it is executed. */
  readonly isOnce: boolean;
  /** Takes a while: such commands run one after the other. */
  readonly isSlow: boolean;
  /** Only reads: may be executed again. */
  readonly isIdle: boolean;
}

const LOOKS = Object.freeze(["status", "version", "show", "queue", "help", "sensors", "scan"]);
const ONCE = Object.freeze(["sample", "reboot", "identify"]);
const SLOW = Object.freeze(["sample", "sensors", "scan"]);
/** Settings whose values decide who gets a password. */
const WHERE_TO = /^(wifi\.|mqtt\.(host|port|user|tls|name|ca|cert|fingerprint|follow)$)/;

/** Decides whether `line` is allowed. @throws Error with the reason; its text contains nothing of `line` */
export function permit(line: string, settings: Settings): Permitted {
  const remote = settings.get("remote");
  if (remote === "off") throw new Error("commands are off: set remote at the prompt");
  const { commands, open } = splitWords(line);
  if (open !== "nothing" || commands.length !== 1) throw new Error("expected one command");
  const words = commands[0];
  const name = words[0].toLowerCase();
  const isOnce = ONCE.includes(name);
  const isIdle = LOOKS.includes(name);
  if (isOnce && words.length > 1) throw new Error(`${name}: takes no value`);
  if (isIdle || isOnce || name === "announce") return { run: line, name, isOnce, isSlow: SLOW.includes(name), isIdle };
  const at = name === "set" ? 1 : 0;
  const value = words[at + 1];
  const known = words.length > at ? findName(words[at], settings.keys) : undefined;
  if (known === undefined)
    throw new Error(
      allCommands.some((command) => command.name === name)
        ? `${name}: at the prompt only`
        : "no such command or setting",
    );
  if (remote !== "on") throw new Error(`${known}: settings cannot be changed by MQTT: set remote on at the prompt`);
  if (settings.describe(known).secret || WHERE_TO.test(known)) throw new Error(`${known}: at the prompt only`);
  if (words.length !== at + 2) throw new Error(`${known}: expected one value`);
  settings.check(known, value); // Checked before anything is recorded.
  return { run: `change ${known} ${quoted(value)}`, name: known, isOnce: false, isSlow: false, isIdle: false };
}

function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}
