/*
 * Messages between the board inside XS and the one on Node, in both directions. A call of Node has the name of an operation, a head of
 * three numbers, and data. An event from Node has a head and data. Numbers are 64-bit floats, little-endian; texts and structures are UTF-8 and JSON.
 * Used on both sides, so it imports neither XS nor Node.
 */
import type { BatteryPort } from "../../src/power/battery.js";

/** Bytes of the head: the object, and two numbers whose meaning depends on the operation. */
export const HEAD_BYTES = 24;

export interface Head {
  handle: number;
  first: number;
  second: number;
}

/** One call of the board inside XS: head and data. */
export interface Call {
  readonly handle: number;
  readonly first: number;
  readonly second: number;
  readonly rest: Uint8Array;
}

/** The answer to a call. */
export type Answer = Uint8Array | string | undefined;

/** Events from Node to the machine. `first` of the head is one of these. */
export const EVENT = Object.freeze({
  timer: 0,
  readable: 1,
  writable: 2,
  error: 3,
  resolved: 4, // data: the address
  command: 5, // second: a COMMAND; data: its text
});

/** Commands from Node to the firmware. */
export const COMMAND = Object.freeze({ print: 0, stopSampling: 1, stop: 2, clockChanged: 3 });

/** The flash to open: `first` of a `flash.open`. `slot`: that of the firmware image that does not run. */
export const PARTITION = Object.freeze({ outbox: 0, settings: 1, slot: 2 });

/** Facts that the board inside XS cannot know by itself. `null`: there is none. */
export interface Facts {
  readonly name: string;
  readonly mac: string;
  readonly flashWriteUnit: 1 | 16 | null;
  readonly resetCause: string | null;
  /** Version of the running image; null: the program's own. */
  readonly version: string | null;
  readonly sensor: { readonly data: number | string; readonly clock: number | string; readonly hz: number | null };
  readonly digital: { readonly InputPullUp: number; readonly OutputOpenDrain: number } | null;
  readonly hasSettingsFlash: boolean;
  /** Slots for firmware images; `key`: in hexadecimal digits. */
  readonly update: { readonly chip: string; readonly key: string | null } | null;
  readonly hasDNS: boolean;
  readonly hasSleep: boolean;
  readonly battery: (Omit<BatteryPort, "io"> & { readonly resolution: number }) | null;
  readonly hasSerial: boolean;
  readonly serialMode: "terminal" | "lines" | null;
  /** The board on Node has TLS: the one inside has it, too, if the worker was built with it. */
  readonly hasTLS: boolean;
  readonly defaults: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
}

/** Credentials, by the handle in a call of `credentials`. */
export const CREDENTIAL = Object.freeze(["ca", "certificate", "key"] as const);

/** How a reading was settled, by the number in a call of `observer.settled`. */
export const OUTCOMES = Object.freeze(["delivered", "deadLetter", "dropped"] as const);

/** Writes the head. */
export function putHead(bytes: Uint8Array, handle: number, first: number, second: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  view.setFloat64(0, handle, true);
  view.setFloat64(8, first, true);
  view.setFloat64(16, second, true);
}

/** Reads the head. */
export function headOf(bytes: Uint8Array): Head {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  return { handle: view.getFloat64(0, true), first: view.getFloat64(8, true), second: view.getFloat64(16, true) };
}

/** A message: head and data. */
export function message(handle: number, first: number, second: number, rest?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + (rest?.length ?? 0));
  putHead(bytes, handle, first, second);
  if (rest !== undefined) bytes.set(rest, HEAD_BYTES);
  return bytes;
}

/** A number as an answer. */
export function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return bytes;
}
