/* The measurements as Node calls them: `bench.<name>(...)` answers with JSON. */
import { boot, powerOff, progress, run } from "./app.js";
import { bootWork, type Contents, callbackWork } from "./boot.js";
import { type Cost, calibrate } from "./meter.js";
import { outboxCost, publishCost, wholeWayCost } from "./publish.js";
import { renderCost } from "./render.js";

const THIRTY_ONE = new Uint8Array(31).fill(0x31);

const bench = {
  calibrate,
  publish: (qos: 1 | 2, turns: number): string => shown(publishCost(qos, turns)),
  wholeWay: (qos: 1 | 2, turns: number): string => shown(wholeWayCost(qos, turns)),
  wholeWayReady: (qos: 1 | 2, turns: number): string => shown(wholeWayCost(qos, turns, THIRTY_ONE)),
  render: (format: "json" | "plain", turns: number): string => shown(renderCost(format, turns)),
  app: { boot, run, progress, powerOff },
  boot: (contents: Contents, blocks: number): string => JSON.stringify(bootWork(contents, blocks)),
  callbacks: (blocks: number): string => JSON.stringify(callbackWork(blocks)),
  outbox: (turns: number): string => JSON.stringify(outboxCost(turns)),
};

function shown(cost: Cost): string {
  return JSON.stringify(cost);
}

Object.assign(globalThis, { bench });
