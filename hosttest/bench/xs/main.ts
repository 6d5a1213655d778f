/* The measurements for scripts from Node: `bench.<name>(...)` returns JSON. */
import { boot, enter, powerOff, progress, published, run, running, type, wakesAMinute } from "./app.js";
import { bootWork, type Contents, callbackWork } from "./boot.js";
import { type Cost, calibrate, counts, nothingCost } from "./meter.js";
import { outboxCost, publishCost, wholeWayCost } from "./publish.js";
import { renderCost } from "./render.js";
import { reportCost } from "./report.js";
import { samplingCost } from "./sampling.js";
import * as updating from "./updating.js";
import { wakeCost } from "./wake.js";

const THIRTY_ONE = new Uint8Array(31).fill(0x31);

const bench = {
  calibrate,
  publish: (qos: 1 | 2, turns: number, version?: 4 | 5): string => shown(publishCost(qos, turns, version)),
  wholeWay: (qos: 1 | 2, turns: number): string => shown(wholeWayCost(qos, turns)),
  wholeWayReady: (qos: 1 | 2, turns: number): string => shown(wholeWayCost(qos, turns, THIRTY_ONE)),
  render: (format: "json" | "plain", turns: number): string => shown(renderCost(format, turns)),
  sampling: (turns: number): string => shown(samplingCost(turns)),
  wake: (turns: number): string => JSON.stringify(wakeCost(turns)),
  report: (waiting: number): string => JSON.stringify(reportCost(waiting, published)),
  nothing: nothingCost,
  counts: (): string => JSON.stringify(counts()),
  app: {
    boot,
    run,
    progress,
    powerOff,
    wakesAMinute,
    enter,
    type: (text: string, times: number): string => shown(type(text, times)),
  },
  update: {
    announce: (): void => updating.announce(running()),
    block: (n: number, bytes?: number): void => updating.sendBlock(running(), n, bytes),
    progress: (): string => updating.progress(running()),
  },
  boot: (contents: Contents, blocks: number): string => JSON.stringify(bootWork(contents, blocks)),
  callbacks: (blocks: number): string => JSON.stringify(callbackWork(blocks)),
  outbox: (turns: number, payload?: Uint8Array): string => JSON.stringify(outboxCost(turns, payload)),
};

function shown(cost: Cost): string {
  return JSON.stringify(cost);
}

Object.assign(globalThis, { bench });
