/*
 * Calls of the board inside XS to Node: the name of an operation, a head of three numbers, and the bytes after it (wire.ts).
 */
import { message } from "./wire.js";

/** Functions of the engine for scripts (hosttest/engine/host.c). */
declare const host: { call(name: string, bytes?: Uint8Array): ArrayBuffer | undefined };

/** XS's conversions between text and UTF-8. */
const Bytes = ArrayBuffer as unknown as { fromString(text: string): ArrayBuffer };
const Text = String as unknown as { fromArrayBuffer(buffer: ArrayBuffer): string };

let lastHandle = 0;

/** A number for something that is opened on Node. */
export function newHandle(): number {
  return ++lastHandle;
}

/** @throws what the hardware throws */
export function ask(operation: string, handle = 0, first = 0, second = 0, rest?: Uint8Array): ArrayBuffer | undefined {
  return host.call(operation, message(handle, first, second, rest));
}

/** Returns NaN if there is no answer. @throws what the hardware throws */
export function askNumber(operation: string, handle = 0, first = 0, second = 0, rest?: Uint8Array): number {
  const answer = ask(operation, handle, first, second, rest);
  return answer === undefined ? Number.NaN : new DataView(answer).getFloat64(0, true);
}

/** Fills `buffer`, whose length Node gets as `first`, and `first` as `second`. @throws what the hardware throws */
export function askInto(buffer: Uint8Array, operation: string, handle: number, first = 0): number {
  const answer = ask(operation, handle, buffer.length, first);
  if (answer !== undefined) buffer.set(new Uint8Array(answer));
  return buffer.length;
}

/** `text` in UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Bytes.fromString(text));
}

/** `bytes` as UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return Text.fromArrayBuffer(bytes.slice().buffer);
}

/** JSON in UTF-8. */
export function json(value: object): Uint8Array {
  return bytesOf(JSON.stringify(value));
}
