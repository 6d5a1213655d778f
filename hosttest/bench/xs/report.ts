/*
 * The cost of a wake with a report: until the first reading is sent, and until the device sleeps again. On a board like a chip's,
 * with the samples that have waited since the previous report. The network is up at once, and the clock is set, so that only the
 * firmware's work is counted.
 */
import type { Board } from "../../../src/board.js";
import { startFirmware } from "../../../src/firmware.js";
import type { Sleeper, WakeCause } from "../../../src/power/io.js";
import { GenerationStore, type KeyValueStore } from "../../../src/settings/store.js";
import { ANNOUNCED_KEY } from "../../../src/thermometer/presence/announcement.js";
import { forgetTimers, hasTimers, nextCallback, sleepFor, wired } from "./app.js";
import { announceReadable, readable } from "./harness.js";
import { enter, leave, spentIn } from "./meter.js";

const memory = new Uint8Array(512);
/** `[slept, cause]`: milliseconds of the sleep, 0 while it is awake; an index of CAUSES. */
const state = new Float64Array(2);
const SLEPT = 0;
const CAUSE = 1;
const REPORTS = 2;
const CAUSES: readonly WakeCause[] = Object.freeze<WakeCause[]>(["reset", "timer"]);

/** Two generations of settings, and the announcement that was sent to Home Assistant. */
const values: Record<string, ArrayBuffer | undefined> = { "settings.a": undefined, "settings.b": undefined };
const store: KeyValueStore = {
  read: (key) => (key === ANNOUNCED_KEY ? announced : values[key]?.slice(0)),
  write(key, value) {
    if (key === ANNOUNCED_KEY) announced = value;
    else values[key] = value;
  },
  delete() {},
};
let announced: ArrayBuffer | undefined;

class Chip implements Sleeper {
  readonly firmware = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  get cause(): WakeCause {
    return CAUSES[state[CAUSE]];
  }
  slowClockMs(): number {
    return wired.clock.uptimeMs();
  }
  readMemory(buffer: Uint8Array): void {
    const entered = enter();
    buffer.set(memory.subarray(0, buffer.length));
    leave(entered);
  }
  writeMemory(bytes: Uint8Array): void {
    const entered = enter();
    memory.set(bytes);
    leave(entered);
  }
  sleep(ms: number): void {
    state[SLEPT] = ms;
  }
  close(): void {}
}

/** Computrons of a wake: until a reading is written to the socket, 0 if none was; and until it sleeps. */
export interface ReportCost {
  readonly toPublish: number;
  readonly toSleep: number;
}

/** The cost of the second wake that reports, with `waiting` samples; later ones cost the same. `published`: PUBLISH packets written so far. */
export function reportCost(waiting: number, published: () => number): ReportCost {
  const board: Board = Object.create(wired, {
    sleep: { value: { io: Chip } },
    serial: { value: undefined },
    openSettings: { value: (): KeyValueStore => store },
    overrides: { value: undefined },
  });
  const typed = { ...wired.overrides, sleep: "on", interval: "60", report: String(waiting), awake: "10" };
  for (const more of [{}, { "wifi.ssid": "home", "wifi.password": "correct horse" }]) {
    const generations = new GenerationStore(store);
    generations.load();
    generations.save({ ...typed, ...more });
  }
  state[CAUSE] = 0;
  let cost = wake(board, published);
  state[CAUSE] = 1;
  for (let report = 0; report < REPORTS; report++) {
    do {
      sleepFor(state[SLEPT]);
      cost = wake(board, published);
    } while (cost.toPublish === 0);
  }
  return cost;
}

function wake(board: Board, published: () => number): ReportCost {
  const before = published();
  let computrons = 0;
  let toPublish = 0;
  const count = (call: () => void): void => {
    computrons += spentIn(call);
    if (toPublish === 0 && published() > before) toPublish = computrons;
  };
  state[SLEPT] = 0;
  count(() => {
    startFirmware(board);
  });
  while (state[SLEPT] === 0 && hasTimers()) {
    count(nextCallback());
    while (readable() > 0 && state[SLEPT] === 0) count(announceReadable);
  }
  forgetTimers();
  return { toPublish, toSleep: computrons };
}
