/*
 * The measurements on XS: scripts for the measuring programs in xs/, with their goals. Each row is measured
 * in computrons, slots and chunk bytes (cost.ts) and, where valgrind is installed, in native instructions (instructions.ts).
 */
import { bundle } from "../../boards/xs/bundle.js";
import { XSWorker } from "../engine/worker.js";

const PROGRAM = { entry: "hosttest/bench/xs/main.ts" };

export interface Goals {
  readonly computrons?: number;
  readonly slots?: number;
  readonly chunkBytes?: number;
}

export interface Measurement {
  readonly name: string;
  /** A script that runs once in a new machine; its cost is not counted. */
  readonly setup: string;
  /** A script whose result is the mean cost of one turn, as JSON. */
  script(turns: number): string;
  /** Number of turns for computrons, enough to include erases and block heads; and for instructions, which are slower to count. */
  readonly turns: number;
  readonly counted: number;
  readonly goals: Goals;
}

const TURNS = 2_000; // over many blocks of flash
const COUNTED = 408; // two blocks of records of 0.1
const CALIBRATED = "bench.calibrate()";
const PROMPT = `${CALIBRATED}; bench.app.boot('typed'); bench.app.run(20, 'up'); bench.app.type('status\\r', 1)`;

function measurement(
  name: string,
  script: (turns: number) => string,
  goals: Goals = {},
  { setup = CALIBRATED, turns = TURNS, counted = COUNTED } = {},
): Measurement {
  return { name, setup, script, turns, counted, goals };
}

export const MEASUREMENTS: readonly Measurement[] = [
  measurement("QoS 1 publish", (turns) => `bench.publish(1, ${turns})`, { computrons: 650, slots: 8 }),
  measurement("QoS 2 publish", (turns) => `bench.publish(2, ${turns})`, { computrons: 1_300, slots: 14 }),
  measurement("QoS 1 publish, MQTT 5", (turns) => `bench.publish(1, ${turns}, 5)`, { computrons: 660, slots: 8 }),
  measurement("QoS 2 publish, MQTT 5", (turns) => `bench.publish(2, ${turns}, 5)`, { computrons: 960, slots: 14 }),
  measurement("whole way, QoS 1", (turns) => `bench.wholeWay(1, ${turns})`, {
    computrons: 1_700,
    slots: 16,
    chunkBytes: 64,
  }),
  measurement("whole way, QoS 2", (turns) => `bench.wholeWay(2, ${turns})`),
  measurement("whole way, QoS 1, 31 bytes in flash", (turns) => `bench.wholeWayReady(1, ${turns})`),
  measurement(
    "rendering as JSON",
    (turns) => `bench.render("json", ${turns})`,
    { computrons: 400, slots: 12 },
    { turns: 500 },
  ),
  measurement("rendering plain", (turns) => `bench.render("plain", ${turns})`, {}, { turns: 500 }),
  measurement("sampling, sensor to record", (turns) => `bench.sampling(${turns})`),
];

/** The prompt. These depend on the commands' texts, and are not compared with a baseline. */
export const PROMPT_MEASUREMENTS: readonly Measurement[] = [
  measurement(
    "prompt, a key",
    (turns) => `bench.app.type("s", ${turns})`,
    {},
    { setup: PROMPT, turns: 20, counted: 10 },
  ),
  measurement(
    "prompt, status typed and answered",
    (turns) => `bench.app.type("status\\r", ${turns})`,
    {},
    { setup: PROMPT, turns: 10, counted: 5 },
  ),
];

export interface LoadOptions {
  /** Alters the program first, to check that a test notices. */
  change?(script: string): string;
  /** As XSWorker's. */
  readonly runner?: readonly string[];
}

/** A worker with the programs preloaded, not booted. */
export async function loadWorker({ change = (script) => script, runner }: LoadOptions = {}): Promise<XSWorker> {
  const xs = await XSWorker.open(runner === undefined ? {} : { runner });
  if (xs.wordBits !== 32) {
    await xs.close();
    throw new Error("costs are measured with 32-bit words: gcc's 32-bit libraries are missing (Debian: gcc-multilib)");
  }
  await xs.preload(change(await bundle(PROGRAM)));
  return xs;
}
