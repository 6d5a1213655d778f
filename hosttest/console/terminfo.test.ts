/*
 * The keys of every terminal that this machine's terminfo knows: none of their escape sequences types anything at the prompt. Debian has
 * some forty terminals; with the package ncurses-term, 1,800.
 */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { type Key, KeyDecoder } from "../../src/console/terminal/keys.js";

const SHELL = 'for name in $(toe -a | cut -f1 | sort -u); do infocmp -1 -x "$name"; done 2>/dev/null';

/**
 * minitel12-80: its sequences are one of the other terminals' with two digits behind it; only the time between the bytes could distinguish
 * them from typing.
 */
const TYPES_ALL_THE_SAME = /^\x1bOP[0-9*#]$/;

/** Key capabilities that begin with ESC, once each: the bytes, and the terminals that send them. */
function sequences(): Map<string, string> {
  const found = new Map<string, string>();
  let terminal = "";
  for (const line of execFileSync("sh", ["-c", SHELL], { maxBuffer: 2 ** 28, encoding: "latin1" }).split("\n")) {
    if (/^[^#\t]/.test(line)) terminal = line.split("|", 1)[0];
    const [, key, text] = /^\t(k[^=]*)=(.*),$/.exec(line) ?? [];
    if (text === undefined) continue;
    const bytes = bytesOf(text.replace(/\$<[^>]*>/g, "")); // without the padding
    if (bytes.startsWith("\x1b")) found.set(bytes, `${terminal} ${key}`);
  }
  return found;
}

/** Source: terminfo(5), "Types of Capabilities". */
function bytesOf(text: string): string {
  const letters: Record<string, string> = {
    E: "\x1b",
    e: "\x1b",
    n: "\n",
    l: "\n",
    r: "\r",
    t: "\t",
    b: "\b",
    f: "\f",
    s: " ",
  };
  return text.replace(/\\([0-7]{1,3}|.)|\^(.)/g, (_all, escaped?: string, control?: string) => {
    if (control !== undefined) return control === "?" ? "\x7f" : String.fromCharCode(control.charCodeAt(0) & 0x1f);
    if (/^[0-7]/.test(escaped!)) return String.fromCharCode(Number.parseInt(escaped!, 8) & 0xff);
    return letters[escaped!] ?? escaped!;
  });
}

test("no key of a known terminal types a character, or swallows the one that is typed next", () => {
  const all = sequences();
  expect(all.size).toBeGreaterThan(100);
  const typing: string[] = [];
  for (const [sequence, name] of all) {
    const typed: number[] = [];
    const decoder = new KeyDecoder({ press: (key: Key, code) => void (key === "character" && typed.push(code)) });
    for (const byte of Buffer.from(sequence, "latin1")) decoder.feed(byte);
    decoder.expire(); // a silence
    decoder.feed(0x78);
    const isExpected = typed.length === 1 && typed[0] === 0x78;
    if (!isExpected && !TYPES_ALL_THE_SAME.test(sequence)) typing.push(`${name}: ${JSON.stringify(sequence)}`);
  }
  expect(typing).toEqual([]);
}, 120_000);
