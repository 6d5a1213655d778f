/*
 * One word for one thing: words not to be used, and their replacements. Code, messages, comments and pages
 * are searched, line by line. Names of outside software are exempt: see ALLOWED.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const PLACES = ["src", "boards", "hosttest", "README.md"];

interface Word {
  readonly name: string;
  readonly pattern: RegExp;
  readonly say: string;
  /** A line that the pattern must find, so that a mistake in the pattern shows. */
  readonly example: string;
}

const WORDS: readonly Word[] = [
  {
    name: "MOST, LEAST and the like as limits",
    pattern: /\b(?:\w+_)?(?:MOST|LEAST|LONGEST|SHORTEST|LARGEST|SMALLEST)(?:_\w+)?\b/,
    say: "MAX_ or MIN_ in front",
    example: "const LONGEST_BACKOFF_MS = 30_000;",
  },
  {
    name: "a limit with _MAX or _MIN behind",
    pattern: /const \w+_(?:MAX|MIN)\b/,
    say: "MAX_ or MIN_ in front",
    example: "const LINE_MAX = 240;",
  },
  {
    name: "give up",
    pattern: /\b(?:gives?|gave|given|giving)(?: \w+){0,3} up\b/i,
    say: "abort or time out (an attempt), dead-letter (an entry), evict (a block)",
    example: "half a frame is given up after 500 ms",
  },
  {
    name: "tell",
    pattern: /\b(?:tells?|told|telling)\b/i,
    say: "report (to a person or a log), notify (code), show, distinguish",
    example: "the owner is told",
  },
  {
    name: "nobody",
    pattern: /\bnobody\b/i,
    say: "the standard words: not read, no client, never",
    example: "what nobody reads stops the sender",
  },
  {
    name: "whose it is",
    pattern: /\/\*\* Whose\b|\bwhose \w+ (?:it|this|that) is\b/,
    say: "what it belongs to: the owner of ..., what ... needs of its owner",
    example: "/** Whose editor it is. */",
  },
  {
    name: "weigh",
    pattern: /\bweigh(?:s|ed|ing|t|ts)?\b/i,
    say: "size, bytes, cost",
    example: "what a record weighs",
  },
  {
    name: "room as free space",
    pattern: /\b(?:no|has|have|had|makes?|leaves?|leaving|is|enough) room\b|\broom (?:for|left)\b/i,
    say: "free space (in flash), what a port or a buffer takes",
    example: "there is room for 12 bytes",
  },
  {
    name: "room as a part of the code",
    pattern: /\broom of the firmware\b|\b(?:this|other|another) rooms?\b.*\b(?:import|module|library)/i,
    say: "folder, module, library",
    example: "imports no other room of the library",
  },
];

/** Lines that are allowed: the word means something else there, or is a name of outside software. */
const ALLOWED: readonly RegExp[] = [/\bweight: \d/]; // fast-check's option

/** Folders and pages that are not searched yet, by the first two parts of their path. Nothing may be added. */
const TO_DO: readonly string[] = [];

const SEARCHED = /\.(?:ts|mjs|cjs|md|c|h|bash|sh)$/;
const OWN = basename(fileURLToPath(import.meta.url));

function* filesIn(place: string): Generator<string> {
  if (place.endsWith(".md")) {
    yield place;
    return;
  }
  for (const name of readdirSync(join(TOP, place), { recursive: true, encoding: "utf8" })) {
    if (SEARCHED.test(name) && basename(name) !== OWN) yield join(place, name);
  }
}

const partOf = (path: string): string => path.split("/").slice(0, 2).join("/");

/** Each use of a word, as "path:line: word: what to say". */
function uses(path: string, text: string): string[] {
  return text.split("\n").flatMap((line, index) => {
    if (ALLOWED.some((right) => right.test(line))) return [];
    const found = WORDS.filter(({ pattern }) => pattern.test(line));
    return found.map(({ name, say }) => `${path}:${index + 1}: ${name}: say ${say}`);
  });
}

test.each(WORDS)("$name: the pattern finds its example", ({ name, example }) => {
  expect(uses("example", example)).toEqual([expect.stringContaining(name)]);
});

test("no word that the glossary has replaced", () => {
  const found = PLACES.flatMap((place) => [...filesIn(place)])
    .filter((path) => !TO_DO.includes(partOf(path)))
    .flatMap((path) => uses(path, readFileSync(join(TOP, path), "utf8")));
  expect(found).toEqual([]);
});
