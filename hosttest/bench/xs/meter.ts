/*
 * Measures the product inside XS without the harness around it. Harness code that the product calls puts itself between
 * `enter` and `leave`; what it spends there, and what being called that way costs, is taken off.
 * What the product calls here is native on a device, so that a call from the product costs as much as a native one.
 */

/** What worker.c gives to scripts. */
interface Host {
  call(name: string, bytes?: Uint8Array | ArrayBuffer): ArrayBuffer | undefined;
  trace(text: string): void;
  collect(): void;
  computrons(): number;
  slots(): number;
  chunkBytes(): number;
  collections(): number;
  keepWritable(): void;
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

let tare = 0;
let bracket = 0; // what enter and leave cost outside of what they see
let frame = 0; // what `spent` sees around a call
let glue = 0; // what a closure of the harness spends on calling one method of the product

/** First thing in harness code that the product calls. Give the result to `leave`. */
export function enter(): number {
  return host.computrons();
}

/** Last thing in such code. Must not be nested. */
export function leave(entered: number): void {
  tare += host.computrons() - entered + bracket;
}

class Callee {
  empty(): void {
    leave(enter());
  }
  nothing(): void {}
}

const NOTHING = 2; // byte codes of a function that does nothing: begin and end

const CALIBRATIONS = 100;

/** Weighs the brackets. Once, before anything is measured. */
export function calibrate(): void {
  bracket = frame = glue = 0;
  const callee = new Callee();
  let start = host.computrons();
  for (let i = 0; i < CALIBRATIONS; i++) callee.empty();
  const ours = host.computrons() - start - tare;
  start = host.computrons();
  for (let i = 0; i < CALIBRATIONS; i++) host.slots();
  const native = host.computrons() - start;
  tare = 0;
  bracket = Math.round((ours - native) / CALIBRATIONS);
  const nothing = (): void => {};
  frame = spent(nothing);
  const callNothing = (): void => callee.nothing();
  glue = spent(callNothing) - NOTHING;
  tare = 0;
}

/**
 * Computrons that the product spends in `call`, a closure of the harness that calls one method: what is between `enter` and
 * `leave`, and calling the method, is taken off. Make the closure once, not for each call.
 */
export function spent(call: () => void): number {
  return spentIn(call) - glue;
}

/** The same for a callback of the product's own. */
export function spentIn(callback: () => void): number {
  const tareBefore = tare;
  const start = host.computrons();
  callback();
  return host.computrons() - start - (tare - tareBefore) - frame;
}

/** What `turns` turns allocate; the harness must allocate nothing in them, and nothing may be collected meanwhile. */
export function allocated(turns: () => void): { slots: number; chunkBytes: number } {
  const collections = host.collections();
  const slots = host.slots();
  const chunkBytes = host.chunkBytes();
  turns();
  if (host.collections() !== collections) throw new Error("a garbage collection fell into a measurement: fewer turns");
  return { slots: host.slots() - slots, chunkBytes: host.chunkBytes() - chunkBytes };
}
