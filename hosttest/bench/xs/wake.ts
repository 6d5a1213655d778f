/*
 * The cost of a sleeper's wake, from the start of main to the sleep: it reads the wake record, opens and reads a TMP117, appends an
 * entry, and writes the wake record. Loading the modules is not counted: on a device they are preloaded in flash.
 */
import { TEMPERATURE } from "../../../src/channels/channels.js";
import { Sample } from "../../../src/channels/sample.js";
import { Journal } from "../../../src/journal/journal.js";
import { BASE } from "../../../src/journal/notes.js";
import { Sticky } from "../../../src/journal/sticky.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { encodeUTF8 } from "../../../src/mqtt/wire/utf8.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import type { Sleeper } from "../../../src/power/io.js";
import { WakeRecord } from "../../../src/power/record.js";
import { Wake, type WakeBoard } from "../../../src/thermometer/sleep/wake.js";
import { blankFlash, CountedFlash, flashWork } from "./boot.js";
import { advance, timers } from "./harness.js";
import { allocated, type Cost, enter, leave, spentIn } from "./meter.js";
import { Registers } from "./sampling.js";

const INTERVAL_MS = 60_000;
const BLOCKS = 256;
const STEP_MS = 5;
const FIRMWARE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const memory = new Uint8Array(512);
let slowMs = 0;
let sleeps = 0;
let whole = 0;

const sleeper: Sleeper = {
  cause: "timer",
  firmware: FIRMWARE,
  slowClockMs(): number {
    const entered = enter();
    const now = slowMs;
    leave(entered);
    return now;
  },
  readMemory(buffer): void {
    const entered = enter();
    for (let i = 0; i < buffer.length; i++) buffer[i] = memory[i];
    leave(entered);
  },
  writeMemory(bytes): void {
    const entered = enter();
    for (let i = 0; i < bytes.length; i++) memory[i] = bytes[i];
    leave(entered);
  },
  sleep(ms): void {
    const entered = enter();
    slowMs += ms;
    sleeps++;
    leave(entered);
  },
  close(): void {},
};

const board: WakeBoard = {
  timers,
  sensor: { io: Registers, data: 21, clock: 22 },
  openFlash: () => new CountedFlash(),
};

const owner = {
  onWhole(): void {
    whole++;
  },
};

/** A boot that took samples, wrote a base, and went to sleep. */
function fallAsleep(): void {
  blankFlash(BLOCKS);
  const outbox = new Outbox({ flash: new CountedFlash() });
  const journal = new Journal({
    store: outbox,
    notes: new Sticky(outbox),
    clock: { uptimeMs: () => slowMs, utcMs: () => undefined },
    boot: 1,
    room: encodeUTF8("livingroom"),
    format: "json",
    isEach: false,
    intervalMs: INTERVAL_MS,
    topicOf: () => encodeTopicName("home/livingroom/temperature"),
  });
  const sample = new Sample();
  sample.set(TEMPERATURE, 21.25, 2);
  for (let i = 0; i < 8; i++, slowMs += INTERVAL_MS) journal.append(sample, 1);
  const record = new WakeRecord();
  record.base = outbox.readNote(BASE) ?? record.base;
  Object.assign(record, outbox.suspend());
  record.driver = 0;
  record.address = 0x48;
  record.intervalMs = INTERVAL_MS;
  record.reportMs = 1_000 * INTERVAL_MS;
  record.nextSampleMs = slowMs;
  record.nextReportMs = slowMs + record.reportMs;
  memory.set(record.seal(FIRMWARE));
}

/** The cost of a wake, and its calls of flash. */
export interface WakeWork extends Cost {
  readonly reads: number;
  readonly readBytes: number;
  readonly programs: number;
}

/** The mean of `turns` wakes. */
export function wakeCost(turns: number): WakeWork {
  fallAsleep();
  let computrons = 0;
  const wake = (): void => {
    new Wake(board, sleeper, owner);
  };
  const turn = (): void => {
    const before = sleeps;
    computrons += spentIn(wake);
    while (sleeps === before) {
      if (whole > 0) throw new Error("the whole thermometer was started");
      const callback = advance(STEP_MS);
      if (callback !== undefined) computrons += spentIn(callback);
    }
  };
  for (let i = 0; i < 3; i++) turn();
  computrons = 0;
  const before = flashWork();
  const { slots, chunkBytes } = allocated(() => {
    for (let i = 0; i < turns; i++) turn();
  });
  const after = flashWork();
  return {
    computrons: computrons / turns,
    slots: slots / turns,
    chunkBytes: chunkBytes / turns,
    reads: (after.reads - before.reads) / turns,
    readBytes: (after.readBytes - before.readBytes) / turns,
    programs: (after.programs - before.programs) / turns,
  };
}
