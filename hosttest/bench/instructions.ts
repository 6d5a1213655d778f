/*
 * The second measure: native instructions of the 32-bit worker, counted by valgrind's callgrind (Debian: valgrind). Computrons
 * count byte codes, but not the work inside a native method, such as copied bytes, or a string that XS reads to find its length.
 * Where the two disagree, the instructions decide. Without valgrind they are reported as not measured.
 *
 * Counting is off while the harness works (meter.ts); what it still adds is measured and subtracted. A row is the difference between a run
 * of 2n turns and a run of n, so that the cost of the start cancels out. The counts depend on compiler and C library:
 * compare them on one machine only. There they are the same in each run, within a spread that has a row of its own.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { XSWorker } from "../engine/worker.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import { loadWorker, MEASUREMENTS, type Measurement, PROMPT_MEASUREMENTS } from "./measurements.js";
import { type Row, row } from "./row.js";
import type { Counts } from "./xs/meter.js";

const CALIBRATIONS = 1_000;

export const hasValgrind = spawnSync("valgrind", ["--version"]).status === 0;

/** Instructions that the harness adds to a count, each time. */
interface Overhead {
  readonly frame: number;
  readonly glue: number;
  readonly bracket: number;
}

/** Native instructions of one turn, by the measurement's name. `change`: alters the program first, to check that a test notices. */
export async function countInstructions(
  measurements: readonly Measurement[],
  change?: (script: string) => string,
): Promise<Map<string, number>> {
  const counter = await Counter.open(change);
  try {
    const overhead = await counter.overhead();
    const figures = new Map<string, number>();
    for (const { name, setup, script, counted } of measurements) {
      const sum = async (turns: number): Promise<number> => (await counter.run(setup, script(turns), overhead)) ?? 0;
      figures.set(name, ((await sum(2 * counted)) - (await sum(counted))) / counted);
    }
    return figures;
  } finally {
    await counter.close();
  }
}

/** The figures of `npm run bench -- instructions`: two runs, and how far apart they are. */
export async function instructionRows(): Promise<Row[]> {
  if (!hasValgrind) {
    console.error("instructions: not measured, valgrind is not installed (Debian: valgrind)");
    return [];
  }
  const all = [...MEASUREMENTS, ...PROMPT_MEASUREMENTS];
  const first = await countInstructions(all);
  const second = await countInstructions(all);
  const rows = [...first].map(([name, value]) => row(`${name}: instructions`, value, "native instructions"));
  const apart = [...first].map(([name, value]) => Math.abs(((second.get(name) ?? 0) - value) / value) * 100);
  return [...rows, row("instructions: two runs, the furthest apart", Math.max(...apart), "percent", 0.5)];
}

/** A worker under callgrind. */
class Counter {
  readonly #xs: XSWorker;
  readonly #folder: string;
  #dumps = 0;

  private constructor(xs: XSWorker, folder: string) {
    this.#xs = xs;
    this.#folder = folder;
  }

  static async open(change?: (script: string) => string): Promise<Counter> {
    const folder = temporaryFolder("callgrind-");
    const output = [`--callgrind-out-file=${join(folder, "out")}`, `--log-file=${join(folder, "log")}`];
    const runner = ["valgrind", "--tool=callgrind", "--collect-atstart=no", ...output];
    return new Counter(await loadWorker(change === undefined ? { runner } : { runner, change }), folder);
  }

  async overhead(): Promise<Overhead> {
    const cost = async (what: string): Promise<number> => {
      const sum = async (turns: number): Promise<number> =>
        this.run("bench.calibrate()", `bench.nothing("${what}", ${turns})`, { frame: 0, glue: 0, bracket: 0 });
      return ((await sum(2 * CALIBRATIONS)) - (await sum(CALIBRATIONS))) / CALIBRATIONS;
    };
    const frame = await cost("frame");
    return { frame, glue: (await cost("glue")) - frame, bracket: (await cost("bracket")) - (await cost("native")) };
  }

  /** Instructions of the product in a new machine's run of `script`. */
  async run(setup: string, script: string, overhead: Overhead): Promise<number> {
    await this.#xs.boot();
    await this.#xs.evaluate(setup);
    await this.#dump();
    await this.#xs.evaluate("bench.counts()");
    await this.#xs.evaluate(script);
    const instructions = await this.#dump();
    const { frames, glues, brackets }: Counts = JSON.parse((await this.#xs.evaluate("bench.counts()")).text);
    return instructions - frames * overhead.frame - glues * overhead.glue - brackets * overhead.bracket;
  }

  /** The instructions counted since the last dump. */
  async #dump(): Promise<number> {
    const { text } = await this.#xs.evaluate("host.count(false); host.countDone()");
    if (text !== "true") throw new Error("the XS worker was built without valgrind/callgrind.h");
    const dump = readFileSync(join(this.#folder, `out.${++this.#dumps}`), "latin1");
    return Number(/^(?:summary|totals): (\d+)$/m.exec(dump)?.[1]);
  }

  async close(): Promise<void> {
    await this.#xs.close();
    removeFolder(this.#folder);
  }
}
