/*
 * Every program of ours in the scripts of package.json answers --help, and refuses what it does not understand with one line: the option,
 * what was given, what is expected.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  choice,
  flag,
  helpText,
  many,
  type Options,
  parseCommandLine,
  positive,
  preset,
  text,
  UsageError,
  whole,
} from "../../../boards/desktop/options/command-line.js";

const TOP = fileURLToPath(new URL("../../..", import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(TOP, "package.json"), "utf8")) as { scripts: Record<string, string> };
const PROGRAMS = Object.keys(scripts).filter((name) => scripts[name].startsWith("node hosttest/run.mjs "));

/** For each program: an option with an invalid value, and the expected error. */
const WRONG: Readonly<Record<string, readonly [words: string[], line: string]>> = {
  start: [["--count", "0.5"], "--count 0.5: expected a whole number from 1"],
  simulate: [["--years", "NaN"], "--years NaN: expected a number, more than 0 and at most 10000"],
  chaos: [["--qos", "0"], "--qos 0: expected 1 or 2"],
  fleet: [["--devices", "1e9"], "--devices 1e9: expected a whole number from 1 to 100000"],
  battery: [["--cells", "2xD"], "--cells 2xD: expected 1 to 8, x, and one of 18650, AA, AAA, AA-lithium, as 2xAA"],
  faults: [["--write-unit", "8"], "--write-unit 8: expected 1 or 16"],
  bench: [["speed"], "speed: no such section; there are "],
  "mqtt-client": [["--port", "-1"], "mqtt-client: --port -1: expected a whole number from 1 to 65535"],
  planted: [["no-bug"], "no-bug: no such bug; there are "],
  backfill: [
    ["--home-assistant", "http://h"],
    "--home-assistant http://h: expected an address that begins with ws:// or wss://",
  ],
  monitor: [["--broker", "http://u:secret@h"], "--broker http://u:***@h: expected mqtt[s]://[user:pass@]host[:port]"],
  peers: [["--count", "0"], "--count 0: expected a whole number from 20 to 100000"],
  recipes: [["--outage", "0"], "--outage 0: expected a whole number from 1 to 86400"],
  update: [["--wait", "x"], "--wait x: expected seconds, more than 0 and at most 3600"],
  updates: [["--updates", "0"], "--updates 0: expected a whole number from 1 to 10000000"],
};

function runScript(name: string, words: readonly string[]): { status: number | null; out: string; error: string } {
  const [, ...args] = scripts[name].split(" ");
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, ...words], {
    cwd: TOP,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status, out: stdout, error: stderr };
}

test("the programs are known", () => {
  expect(PROGRAMS.sort()).toEqual(Object.keys(WRONG).sort());
});

describe.each(PROGRAMS)("npm run %s", (name) => {
  test("--help: usage and every option, exit 0", { timeout: 120_000 }, () => {
    const { status, out, error } = runScript(name, ["--help"]);
    expect(error).toBe("");
    expect(status).toBe(0);
    expect(out).toMatch(/^usage: npm (run |run -s )?[a-z-]+ -- \[OPTION \.\.\.\]/);
    expect(out).toContain("-h, --help");
  });

  test("an unknown option: one line, exit 2", { timeout: 120_000 }, () => {
    const { status, out, error } = runScript(name, ["--no-such-thing"]);
    expect(error).toMatch(/^[^\n]*--no-such-thing: no such option; --help lists the options\n$/);
    expect(out).toBe("");
    expect(status).toBe(2);
  });

  test("an invalid value: one line, exit 2", { timeout: 120_000 }, () => {
    const [words, line] = WRONG[name];
    const { status, out, error } = runScript(name, words);
    expect(error.startsWith(line), error).toBe(true);
    expect(error.trimEnd()).not.toContain("\n");
    expect(out).toBe("");
    expect(status).toBe(2);
  });
});

const OPTIONS = {
  devices: preset("10", whole("N", "how many", 1, 100)),
  hours: positive("H", "how long", 24, "hours"),
  way: preset("up", choice("where to", ["up", "down"])),
  name: many(text("NAME", "whom")),
  json: flag("for machines"),
} satisfies Options;

const parsed = (...argv: string[]) => parseCommandLine(argv, OPTIONS).values;

test("values: as given; of a repeated option the last or all; else the default", () => {
  expect(parsed()).toEqual({ devices: 10, hours: undefined, way: "up", name: [], json: false });
  expect(
    parsed("--devices", "1", "--devices=100", "--hours", ".5", "--way", "down", "--name", "a", "--name=", "--json"),
  ).toEqual({ devices: 100, hours: 0.5, way: "down", name: ["a", ""], json: true });
});

test.each(["0", "101", "-1", "1.5", "1e1", "0x10", "NaN", "Infinity", "", " 5", "5 ", "٣"])(
  "a whole number from 1 to 100 is not %j",
  (given) => {
    expect(() => parsed(`--devices=${given}`)).toThrow(
      new UsageError(`--devices ${given}: expected a whole number from 1 to 100`),
    );
  },
);

test.each(["0", "-1", "24.1", "1e1", "NaN", "Infinity", "", ".", "0.0", "1,5"])(
  "hours up to 24 are not %j",
  (given) => {
    expect(() => parsed(`--hours=${given}`)).toThrow(
      new UsageError(`--hours ${given}: expected hours, more than 0 and at most 24`),
    );
  },
);

test.each([
  [["--way", "left"], "--way left: expected up or down"],
  [["--json=1"], "--json: takes no value"],
  [["--name"], "--name: expected a value (NAME)"],
  [["--name", "--json"], "--name: expected a value (NAME)"],
  [["--nam", "a"], "--nam: no such option, did you mean --name?; --help lists the options"],
  [["word"], "word: expected an option; --help lists the options"],
])("%j: %s", (argv, line) => {
  expect(() => parsed(...argv)).toThrow(new UsageError(line));
});

test("--help ignores everything else, and lists every option with its value and its default", () => {
  expect(parseCommandLine(["--devices", "x", "-h", "--nothing"], OPTIONS).help).toBe(true);
  expect(helpText({ program: "npm run x --", does: "Does x.", words: "[W]", notes: ["Note."] }, OPTIONS)).toBe(
    [
      "usage: npm run x -- [OPTION ...] [W]",
      "Does x.",
      "",
      "  --devices N    how many (default: 10)",
      "  --hours H      how long",
      "  --way up|down  where to (default: up)",
      "  --name NAME    whom; may be repeated",
      "  --json         for machines",
      "  -h, --help     this help",
      "",
      "Note.",
    ].join("\n"),
  );
});
