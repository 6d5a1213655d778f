/*
 * The memory of a device with a person at its prompt: every command is run, with default settings and with the longest value of
 * each text, with a history of the longest lines, while readings are sent and while they wait.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MAX_LINE } from "../../src/console/terminal/line.js";
import { topFolder } from "../engine/build.js";
import { type Creation, XSAborted, type XSWorker } from "../engine/worker.js";
import { COMMANDS } from "../xs/commands.js";
import { type LoadOptions, loadWorker } from "./measurements.js";
import { type Row, row } from "./row.js";

const KB = 1_024;
const MIN_ARENA_KB = 24; // where the search begins
const MAX_ARENA_KB = 64; // where it ends; a board has 68 KB (boards/esp32/common.json)
const BACKLOG = 60; // readings: more than `queue peek` can show
const LINES = 2; // of maximum length: one is in the history, another is being typed
const { creation } = JSON.parse(readFileSync(join(topFolder, "boards/esp32/common.json"), "utf8"));
const FOR_THE_SDK = 128; // stack slots for the SDK's callbacks that call ours

/** The machine of a board, except for the stack that the SDK needs and the initial heap sizes, which are searched for. */
const DEVICE: Creation = {
  initialChunkBytes: 4_096,
  incrementalChunkBytes: creation.chunk.incremental,
  initialSlots: 512,
  incrementalSlots: creation.heap.incremental,
  stackSlots: creation.stack - FOR_THE_SDK,
};

/** `typed`: default settings; `largest`: the longest value of each text, and a history of the longest lines. */
export type Prompted = "typed" | "largest";

/** A line of maximum length, all of characters of four bytes; a different one for each `n` below 70. */
export function longestLine(n: number): string {
  return "\u{1f321}".repeat(MAX_LINE - 1) + String.fromCodePoint(0x1f600 + n);
}

/** A script that types `line` as a terminal sends it, and runs the timers that are due. */
export function typing(line: string): string {
  return `bench.app.enter(${JSON.stringify(Buffer.from(`${line}\r`).toString("latin1"))})`;
}

/** Starts the app in a machine with `arenaKB` KB; undefined: without a limit. */
async function start(prompted: Prompted, arenaKB: number | undefined, options: LoadOptions): Promise<XSWorker> {
  const xs = await loadWorker(options);
  await xs.boot(arenaKB === undefined ? DEVICE : { ...DEVICE, arenaBytes: arenaKB * KB });
  await xs.evaluate(`bench.app.boot('${prompted}'); bench.app.run(20, 'up')`);
  return xs;
}

/** Whether every command works in `arenaKB` KB of memory, including the stack. @throws Error if it fails for another reason than memory */
export async function promptRuns(prompted: Prompted, arenaKB: number, options: LoadOptions = {}): Promise<boolean> {
  let xs: XSWorker | undefined;
  try {
    xs = await start(prompted, arenaKB, options);
    if (prompted === "largest") for (let n = 0; n < LINES; n++) await xs.evaluate(typing(longestLine(n)));
    await everyCommand(xs, "up");
    await xs.evaluate(`bench.app.run(${BACKLOG}, 'down')`);
    if (prompted === "largest") for (let n = 0; n < LINES; n++) await xs.evaluate(typing(longestLine(n)));
    await everyCommand(xs, "down");
    await xs.evaluate("bench.app.run(100, 'up')");
    const { state, unsettled } = JSON.parse((await xs.evaluate("bench.app.progress()")).text);
    if (state !== "connected" || unsettled > 1)
      throw new Error(`${state}, ${unsettled} readings wait: nothing is measured`);
    return true;
  } catch (error) {
    if (error instanceof XSAborted) return false;
    throw error;
  } finally {
    await xs?.close();
  }
}

async function everyCommand(xs: XSWorker, network: "up" | "down"): Promise<void> {
  for (const line of [...COMMANDS, "queue peek 50", "setup\r\x03"]) {
    await xs.evaluate(`${typing(line)}; bench.app.run(1, '${network}')`);
  }
}

/** How many more bytes of the heap are in use after `lines` different lines of maximum length than after one command. */
export async function bytesKept(lines: number, options: LoadOptions = {}): Promise<number> {
  const xs = await start("typed", undefined, options);
  try {
    const alive = async (): Promise<number> => {
      const { slots, slotBytes, chunkBytes } = await xs.collect();
      return slots * slotBytes + chunkBytes;
    };
    await xs.evaluate(typing("help"));
    const before = await alive();
    for (let n = 0; n < lines; n++) await xs.evaluate(typing(longestLine(n)));
    return (await alive()) - before;
  } finally {
    await xs.close();
  }
}

/** The least memory, to a KB and including the stack, in which every command works. */
export async function promptMemoryRows(): Promise<Row[]> {
  return [
    row("prompt: memory that ran every command", await least("typed"), "KB", 40),
    row("prompt: the same with the largest settings and the longest history", await least("largest"), "KB", 50),
  ];
}

async function least(prompted: Prompted): Promise<number> {
  let below = MIN_ARENA_KB - 1;
  let least = MAX_ARENA_KB + 1;
  while (least - below > 1) {
    const middle = (below + least) >> 1;
    if (await promptRuns(prompted, middle)) least = middle;
    else below = middle;
  }
  return least <= MAX_ARENA_KB ? least : Number.POSITIVE_INFINITY;
}
