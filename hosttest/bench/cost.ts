/*
 * The cost of a reading on XS, and the memory of the running app. The figures are the same on every machine, so that a test can
 * compare them with a baseline. Measured by the programs in xs/, on a 32-bit worker, whose slots are as large as the device's.
 */
import { type Creation, type Figures, XSAborted, type XSWorker } from "../engine/worker.js";
import { type Goals, loadWorker, MEASUREMENTS, type Measurement, PROMPT_MEASUREMENTS } from "./measurements.js";
import { type Row, row } from "./row.js";
import type { Cost } from "./xs/meter.js";

const OUTBOX_TURNS = 1_000;
/** Rows of the outbox alone, with further arguments of `bench.outbox`: none for a record of firmware 0.1; three bytes for one in a short frame. */
const OUTBOX_PAYLOADS = [
  ["outbox", ""],
  ["outbox, short frames", ", Uint8Array.of(1, 2, 3)"],
] as const;
const KB = 1_024;
const MIN_ARENA = 24 * KB; // bytes at which the search begins, and at which it ends
const MAX_ARENA = 64 * KB;

/** Increments as in the boards' manifest (boards/esp32/common.json); a smaller heap at the beginning, so that little is unused. */
const DEVICE: Creation = {
  initialChunkBytes: 4_096,
  incrementalChunkBytes: 512,
  initialSlots: 512,
  incrementalSlots: 64,
  stackSlots: 448,
  initialKeys: 64,
  incrementalKeys: 32,
};

/** The mean cost of one turn, in a new machine. */
export async function costOf(xs: XSWorker, { setup, script, turns }: Measurement): Promise<Cost> {
  await xs.boot();
  await xs.evaluate(setup);
  return JSON.parse((await xs.evaluate(script(turns))).text);
}

function rowsOf(name: string, cost: Cost, goals: Goals = {}): Row[] {
  return [
    row(`${name}: computrons`, cost.computrons, "computrons", goals.computrons),
    row(`${name}: slots`, cost.slots, "slots", goals.slots),
    row(`${name}: chunk bytes`, cost.chunkBytes, "bytes", goals.chunkBytes),
  ];
}

/** Cost of a reading at each stage and as a whole. `change`: alters the program first, to check that a test notices. */
export async function readingRows(change: (script: string) => string = (script) => script): Promise<Row[]> {
  const xs = await loadWorker({ change });
  const rows: Row[] = [];
  try {
    for (const one of MEASUREMENTS) rows.push(...rowsOf(one.name, await costOf(xs, one), one.goals));
    await xs.boot();
    await xs.evaluate("bench.calibrate()");
    for (const [name, payload] of OUTBOX_PAYLOADS) {
      const { append, settle } = JSON.parse((await xs.evaluate(`bench.outbox(${OUTBOX_TURNS}${payload})`)).text);
      rows.push(...rowsOf(`${name}: append`, append), ...rowsOf(`${name}: seek and settle`, settle));
    }
  } finally {
    await xs.close();
  }
  return rows;
}

/** The cost of a key at the prompt, and of a command. */
export async function promptRows(): Promise<Row[]> {
  const xs = await loadWorker();
  const rows: Row[] = [];
  try {
    for (const one of PROMPT_MEASUREMENTS) rows.push(...rowsOf(one.name, await costOf(xs, one)));
  } finally {
    await xs.close();
  }
  return rows;
}

/** The app's live heap. `readings`: how many it takes; afterwards the live heap must be no larger than before. */
export async function appRows(
  readings: number,
  change: (script: string) => string = (script) => script,
): Promise<Row[]> {
  const xs = await loadWorker({ change });
  try {
    const empty = (await xs.boot(DEVICE)).figures;
    const live = async (): Promise<number> => bytesAlive(await xs.collect()) - bytesAlive(empty);
    await xs.evaluate("bench.app.boot(); bench.app.run(20, 'up')");
    const started = await live();
    const { computrons } = (await xs.evaluate(`bench.app.run(${readings}, 'up')`)).figures;
    const later = await live();
    const { settled } = JSON.parse((await xs.evaluate("bench.app.progress()")).text);
    if (!(settled >= readings)) throw new Error(`${settled} of ${readings} readings settled: the app is not connected`);
    const wakes = Number((await xs.evaluate("bench.app.wakesAMinute(60)")).text);
    await xs.evaluate("bench.app.run(14000, 'down')"); // more than fit its 24 blocks of flash
    const full = await live();
    const progress = JSON.parse((await xs.evaluate("bench.app.progress()")).text);
    // On the same flash: this figure includes what a backlog from an earlier boot leaves in the heap.
    const wirelessEmpty = (await xs.boot(DEVICE)).figures;
    await xs.evaluate("bench.app.boot('wireless'); bench.app.run(20, 'up')");
    const wireless = bytesAlive(await xs.collect()) - bytesAlive(wirelessEmpty);
    if (!(progress.statistics.dropped > 0)) throw new Error("the outbox did not get full");
    const rows = [
      row("app: live heap after start", started, "bytes", 21.5 * KB),
      row(`app: live heap after ${readings} readings more`, later - started, "bytes more", 0),
      row("app: live heap with a full outbox", full - started, "bytes more", 0),
      row("app: live heap after start, with Wi-Fi and NTP", wireless, "bytes", 23 * KB),
      row("app: a reading, all in all", computrons / readings, "computrons"),
      row("app: wakes, a reading every 10 s, connected", wakes, "timer callbacks a minute"),
      row("app: byte code, measuring programs included", empty.codeBytes, "bytes"),
    ];
    return rows;
  } finally {
    await xs.close();
  }
}

/** In bytes; the subscription to announcements takes about 200 of them. */
const IDLE_UPDATES = 300;
/** In bytes: six properties that had no value before the update keep their slots. */
const AFTER_UPDATE = 400;

/** Live heap of updates: without one, while one is received and read back, and after its end. `change`: as of `appRows`. */
export async function updateRows(change: (script: string) => string = (script) => script): Promise<Row[]> {
  const xs = await loadWorker({ change });
  try {
    const empty = (await xs.boot(DEVICE)).figures;
    const live = async (): Promise<number> => bytesAlive(await xs.collect()) - bytesAlive(empty);
    const shows = async (script: string, text: RegExp): Promise<number> => {
      const progress = (await xs.evaluate(`${script}; bench.update.progress()`)).text;
      if (!text.test(progress)) throw new Error(`${progress}: expected ${text}`);
      return live();
    };
    await xs.evaluate("bench.app.boot('wired'); bench.app.run(20, 'up')");
    const without = await live();
    await xs.boot(DEVICE);
    await xs.evaluate("bench.app.boot('updatable'); bench.app.run(20, 'up')");
    const idle = await shows("", /^$/);
    await xs.evaluate("bench.update.announce(); bench.app.run(1, 'up'); bench.update.block(0); bench.update.block(1)");
    const receiving = await shows("bench.update.block(2, 3000)", /^9\.0\.0 is being received, 25 %$/);
    const blocks = [2, 3, 4, 5, 6, 7].map((n) => `bench.update.block(${n})`).join("; ");
    const verifying = await shows(blocks, /^9\.0\.0 is verified/);
    const over = await shows("bench.app.run(20, 'up')", /^9\.0\.0 failed|^$/);
    return [
      row("updates: live heap while there is none", idle - without, "bytes more", IDLE_UPDATES),
      row("updates: live heap in the midst of a block", receiving - without, "bytes more", 6 * KB),
      row("updates: live heap while it is read back", verifying - without, "bytes more", 6 * KB),
      row("updates: live heap after one", over - without, "bytes more", AFTER_UPDATE),
    ];
  } finally {
    await xs.close();
  }
}

function bytesAlive(figures: Figures): number {
  return figures.slots * figures.slotBytes + figures.chunkBytes;
}

/** The least memory, to a KB and including the stack, in which the app takes its readings, loses the network, and catches up. */
export async function memoryRows(readings: number): Promise<Row[]> {
  let arenaBytes = MIN_ARENA;
  for (const many of [500, readings]) {
    while (arenaBytes <= MAX_ARENA && !(await survives(arenaBytes, many))) arenaBytes += KB;
  }
  if (arenaBytes > MAX_ARENA) arenaBytes = Number.POSITIVE_INFINITY;
  return [row(`app: memory that ran ${readings} readings and an outage`, arenaBytes / KB, "KB", 32)];
}

async function survives(arenaBytes: number, readings: number): Promise<boolean> {
  const xs = await loadWorker();
  try {
    await xs.boot({ ...DEVICE, arenaBytes });
    const script = `bench.app.boot(); bench.app.run(${readings}, 'up'); bench.app.run(300, 'down'); bench.app.run(100, 'up'); bench.app.progress()`;
    const progress = JSON.parse((await xs.evaluate(script)).text);
    return progress.unsettled <= 1;
  } catch (error) {
    if (error instanceof XSAborted) return false;
    throw error;
  } finally {
    await xs.close();
  }
}
