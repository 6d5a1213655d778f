/*
 * `npm run bench`: measured figures beside their goals, section by section; `--help` names them.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { topFolder } from "../engine/build.js";
import { commandLine, flag, misused, whole } from "../support/command-line/command-line.js";
import { printVerdict } from "../support/command-line/progress.js";
import { exitOnSignals } from "../support/temporary.js";
import { bootRows } from "./boot.js";
import { codeRows } from "./bytecode.js";
import { appRows, memoryRows, promptRows, readingRows, updateRows } from "./cost.js";
import { drain5Rows, drainRows } from "./drain.js";
import { flashRows } from "./flash.js";
import { instructionRows } from "./instructions.js";
import { promptMemoryRows } from "./prompt.js";
import { type Row, table } from "./row.js";

const READINGS = 100_000;
const BASELINE = "hosttest/bench/baseline.json";

const SECTIONS: Readonly<Record<string, () => Promise<Row[]>>> = {
  xs: async () => [
    ...(await readingRows()),
    ...(await promptRows()),
    ...(await appRows(READINGS)),
    ...(await updateRows()),
    ...(await memoryRows(READINGS)),
    ...(await promptMemoryRows()),
  ],
  boot: bootRows,
  instructions: instructionRows,
  flash: flashRows,
  drain: drainRows,
  drain5: () => drain5Rows(values.broker),
  code: codeRows,
};

exitOnSignals();
const { values, words } = commandLine(
  {
    program: "npm run bench --",
    does: "Measured figures beside their goals.",
    words: "[SECTION ...]",
    notes: [
      "SECTION (default: all): xs, the cost of a reading, a key and `status` on XS; instructions, the same in native instructions",
      "(with valgrind), which decide where the two disagree; boot, the cost of a boot; flash, how the outbox uses flash; drain, how",
      "fast a backlog drains; drain5, the same with MQTT 5; code, byte code by folder (with the SDK).",
      "The goals beside mosquitto_pub are not all met today, so drain and drain5 exit 1: hosttest/README.md states what was measured.",
      "These ratios depend on what else runs on the machine; the processor time, which is shown too, depends on that less.",
      "Exit code: 0 every goal is met, or the baseline is written; 1 a goal is not met; 2 wrong command line.",
    ],
  },
  {
    json: flag("prints each row as a line of JSON"),
    broker: whole(
      "PORT",
      "for drain5: the port of a broker that runs on this machine already, for example of another version",
      1,
      65_535,
    ),
    rebase: flag(
      `writes the costs on XS to ${BASELINE}, with which CI compares; give the reason in the commit message`,
    ),
  },
);
for (const word of words) {
  if (!Object.hasOwn(SECTIONS, word))
    misused(`${word}: no such section; there are ${Object.keys(SECTIONS).join(", ")}`);
}
if (values.rebase && words.length > 0)
  misused(`--rebase: always measures the costs on XS: leave out the section (${words[0]})`);

if (values.rebase) await rebase();
else await measure(words.length > 0 ? words : Object.keys(SECTIONS));

async function rebase(): Promise<void> {
  const rows = await readingRows();
  const figures = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  writeFileSync(join(topFolder, BASELINE), `${JSON.stringify(figures, null, 2)}\n`);
  printVerdict(`${BASELINE}: ${rows.length} figures`, false);
}

async function measure(sections: readonly string[]): Promise<void> {
  const all: Row[] = [];
  for (const section of sections) {
    console.error(`${section} …`);
    const rows = await SECTIONS[section]();
    all.push(...rows);
    if (rows.length > 0) console.log(values.json ? rows.map((row) => JSON.stringify(row)).join("\n") : table(rows));
  }
  const goals = all.filter(({ met }) => met !== undefined);
  const missed = goals.filter(({ met }) => met === false);
  const which = missed.length === 0 ? "" : `; not met: ${missed.map(({ name }) => name).join("; ")}`;
  printVerdict(
    `${goals.length - missed.length} of ${goals.length} goals met, ${all.length} figures${which}`,
    values.json,
  );
  process.exitCode = missed.length === 0 ? 0 : 1;
}
