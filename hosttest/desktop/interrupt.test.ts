/* How a person ends `npm start`: Ctrl-C twice, and the first one explains it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Terminal } from "../support/processes/tmux.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const HINT = "Ctrl-C again ends the device";

let folder: string;
let terminal: Terminal;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  terminal = await Terminal.start(`npm start -s -- --interval 60 --flash ${join(folder, "chip.flash")}`, TOP);
  await terminal.until((lines) => lines.at(-1) === ">");
});

afterEach(async () => {
  await terminal.close();
  rmSync(folder, { recursive: true });
});

test("Ctrl-C on an empty line explains the next one, and that one ends the device", async () => {
  await terminal.press("C-c");
  const lines = await terminal.untilShown(HINT);
  expect(lines.slice(0, lines.indexOf(HINT)).map((line) => line.trimEnd())).toContain("> ^C");
  await terminal.press("C-c");
  await terminal.untilShown("exit code 0");
});

test("Ctrl-C that discards input prints nothing; a key between two Ctrl-C makes each a single one", async () => {
  await terminal.type("set ro");
  await terminal.press("C-c");
  await terminal.until((lines) => lines.at(-1)?.trimEnd() === ">");
  await terminal.enter("show room");
  await terminal.untilShown("Readings go to");
  expect((await terminal.lines()).join("\n")).not.toContain(HINT);
  for (const times of [1, 2]) {
    await terminal.press("C-c");
    await terminal.untilShown(HINT, times);
    await terminal.press("Enter");
  }
});
