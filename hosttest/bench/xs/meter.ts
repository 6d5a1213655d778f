/*
 * Measures the product inside XS without the harness around it. Harness code that the product calls begins with `enter` and ends
 * with `leave`; its own cost is subtracted, and the call counts as much as that of a native function, which it is on a device.
 */

/** Functions of hosttest/engine/host.c for scripts. */
interface Host {
  call(name: string, bytes?: Uint8Array | ArrayBuffer): ArrayBuffer | undefined;
  trace(text: string): void;
  collect(): void;
  computrons(): number;
  slots(): number;
  chunkBytes(): number;
  collections(): number;
  keepWritable(): void;
  count(on: boolean): void;
  countDone(): boolean;
}

declare global {
  var host: Host;
}

/** A sum of costs. */
export interface Cost {
  computrons: number;
  slots: number;
  chunkBytes: number;
}

/** How often the harness was called since the last `counts`. Native instructions include those of these calls. */
export interface Counts {
  brackets: number;
  frames: number;
  glues: number;
}

let brackets = 0;
let frames = 0;
let glues = 0;

/** The calls since the last call of this function. */
export function counts(): Counts {
  const now = { brackets, frames, glues };
  brackets = frames = glues = 0;
  return now;
}

let tare = 0;
let bracket = 0; // the part of the cost of `enter` and `leave` that they do not measure themselves
let frame = 0; // what `spent` measures for an empty call
let glue = 0; // what a closure of the harness spends on calling one method of the product

/** To be called first in harness code that the product calls. Give the result to `leave`. */
export function enter(): number {
  const entered = host.computrons();
  host.count(false);
  return entered;
}

/** To be called last in harness code that the product calls. Must not be nested. */
export function leave(entered: number): void {
  brackets++;
  tare += host.computrons() - entered + bracket;
  host.count(true);
}

class Callee {
  empty(): void {
    leave(enter());
  }
  nothing(): void {}
}

const callee = new Callee();
const nothing = (): void => {};
const callNothing = (): void => callee.nothing();
const callBracket = (): void => callee.empty();
const callNative = (): void => {
  host.slots();
};

/** Runs the harness without the product, `turns` times: what it adds to a count of native instructions. */
export function nothingCost(what: "frame" | "glue" | "bracket" | "native", turns: number): void {
  const call = { frame: nothing, glue: callNothing, bracket: callBracket, native: callNative }[what];
  for (let i = 0; i < turns; i++) spentIn(call);
}

const NOTHING = 2; // byte codes of a function that does nothing: begin and end

const CALIBRATIONS = 100;

/** Measures the cost of the harness itself. Call it once, before anything else is measured. */
export function calibrate(): void {
  bracket = frame = glue = 0;
  let start = host.computrons();
  for (let i = 0; i < CALIBRATIONS; i++) callee.empty();
  const ours = host.computrons() - start - tare;
  host.count(false); // `leave` has begun it
  start = host.computrons();
  for (let i = 0; i < CALIBRATIONS; i++) host.slots();
  const native = host.computrons() - start;
  tare = 0;
  bracket = Math.round((ours - native) / CALIBRATIONS);
  frame = spent(nothing);
  glue = spent(callNothing) - NOTHING;
  tare = 0;
}

/**
 * Computrons of the product in `call`, a closure of the harness that calls one method. The code between `enter` and `leave`, and
 * the call of the method, are subtracted. Make the closure once, not for each call.
 */
export function spent(call: () => void): number {
  glues++;
  return spentIn(call) - glue;
}

/** The same for a callback of the product's own. */
export function spentIn(callback: () => void): number {
  const tareBefore = tare;
  frames++;
  const start = host.computrons();
  host.count(true);
  callback();
  host.count(false);
  return host.computrons() - start - (tare - tareBefore) - frame;
}

/** Slots and chunk bytes that `turns` allocates. The harness must allocate nothing in it. @throws Error if garbage was collected meanwhile */
export function allocated(turns: () => void): { slots: number; chunkBytes: number } {
  const collections = host.collections();
  const slots = host.slots();
  const chunkBytes = host.chunkBytes();
  turns();
  if (host.collections() !== collections) throw new Error("a garbage collection fell into a measurement: fewer turns");
  return { slots: host.slots() - slots, chunkBytes: host.chunkBytes() - chunkBytes };
}
