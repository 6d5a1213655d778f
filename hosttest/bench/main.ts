/*
 * `npm run bench`: measured figures beside their goals. `npm run bench -- xs`: what a reading costs on XS; `flash`: what
 * the outbox does to it; `drain`: how fast a backlog leaves; `code`: byte code by room, with the SDK; none of them: all.
 * `--json`: a row of JSON a line. `--rebase`: the costs become the baseline that CI holds to; say in the commit why they rose.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { topFolder } from "../../boards/xs/engine/build.js";
import { codeRows } from "./bytecode.js";
import { appRows, memoryRows, readingRows } from "./cost.js";
import { drainRows } from "./drain.js";
import { flashRows } from "./flash.js";
import { type Row, table } from "./row.js";

const READINGS = 100_000;
const BASELINE = "hosttest/bench/baseline.json";

const SECTIONS: Readonly<Record<string, () => Promise<Row[]>>> = {
  xs: async () => [...(await readingRows()), ...(await appRows(READINGS)), ...(await memoryRows(READINGS))],
  flash: flashRows,
  drain: drainRows,
  code: codeRows,
};

const words = process.argv.slice(2);
const options = new Set(words.filter((word) => word.startsWith("--")));
const chosen = words.filter((word) => !word.startsWith("--"));
for (const word of [...chosen, ...options]) {
  if (word in SECTIONS || word === "--json" || word === "--rebase") continue;
  console.error(`bench: ${word}? expected ${Object.keys(SECTIONS).join(", ")}, --json, --rebase`);
  process.exit(2);
}

if (options.has("--rebase")) {
  const rows = await readingRows();
  const figures = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  writeFileSync(join(topFolder, BASELINE), `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`${BASELINE}: ${rows.length} figures`);
} else {
  for (const section of chosen.length > 0 ? chosen : Object.keys(SECTIONS)) {
    const rows = await SECTIONS[section]();
    console.log(options.has("--json") ? rows.map((row) => JSON.stringify(row)).join("\n") : table(rows));
  }
}
