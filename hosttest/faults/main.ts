/*
 * The fault campaign: lives of devices that lose power at any byte, compared with what an outbox promises.
 *   npm run faults -- [--cuts N] [--seed S] [--write-unit 1|16] [--json]      random, replayable by its seed
 *   npm run faults -- --exhaustive [--only CASE] [--write-unit 1|16] [--json]   every byte of a small ring
 * Prints cuts, operations, violations, the share of cuts inside a program or an erase, and for the first violation the
 * command that replays it. Exit 0: none; 1: some; 2: options that cannot be understood.
 */
import { parseArgs } from "node:util";
import { exhaust } from "./exhaustive.js";
import { campaign, type Outcome } from "./random.js";

const USAGE = "npm run faults -- [--cuts N] [--seed S] [--write-unit 1|16] [--exhaustive [--only CASE]] [--json]";

interface Wish {
  readonly cuts: number;
  readonly seed: number;
  readonly unit: 1 | 16;
  readonly exhaustive: boolean;
  readonly only: string | undefined;
  readonly json: boolean;
}

function wishOf(args: string[]): Wish {
  const { values } = parseArgs({
    args,
    options: {
      cuts: { type: "string", default: "20000" },
      seed: { type: "string" },
      "write-unit": { type: "string", default: "1" },
      exhaustive: { type: "boolean", default: false },
      only: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const unit = Number(values["write-unit"]);
  if (unit !== 1 && unit !== 16) throw new RangeError(`--write-unit ${values["write-unit"]}: expected 1 or 16`);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 0x1_0000_0000) : whole("--seed", values.seed);
  const { exhaustive, only, json } = values;
  return { cuts: whole("--cuts", values.cuts), seed, unit, exhaustive, only, json };
}

function whole(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new RangeError(`${name} ${text}: expected a whole number`);
  return Number(text);
}

function run(wish: Wish): Outcome {
  const { unit, cuts, seed, json, exhaustive, only } = wish;
  if (exhaustive) {
    if (!json) console.log(`exhaustive, write unit ${unit}`);
    return exhaust(unit, { only });
  }
  if (!json) console.log(`seed ${seed}, ${cuts} cuts, write unit ${unit}`);
  return campaign(seed, cuts, unit);
}

function report(outcome: Outcome, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(outcome));
    return;
  }
  const { cuts, inside, operations, appended, dropped, refused, erases, violations, first } = outcome;
  console.log(
    `operations      ${operations} (${appended} appended, ${dropped} dropped, ${refused} refused, ${erases} erases)`,
  );
  console.log(`cuts            ${cuts}`);
  console.log(`inside          ${((inside / Math.max(1, cuts)) * 100).toFixed(1)} % fell in a program or an erase`);
  console.log(`violations      ${violations}`);
  if (first !== undefined) console.log(`first violation ${first.what}\nreplay          ${first.replay}`);
}

function main(): number {
  Error.stackTraceLimit = 5;
  try {
    const wish = wishOf(process.argv.slice(2));
    const outcome = run(wish);
    report(outcome, wish.json);
    return outcome.violations === 0 ? 0 : 1;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nusage: ${USAGE}`);
    return 2;
  }
}

process.exitCode = main();
