/*
 * How often each command is to have been done, and which values its settings may have, by the wire alone.
 * A command is to be done once, however often the broker sends it. Handed out as a new message, it may have been done again: that is the broker's
 * double, as after a kill that cost it what it knew, or that of who sent it, at QoS 1. One that the device has not acknowledged may have been
 * done or not: the acknowledgement, or the command, was lost.
 */
import type { WireEvent } from "./wire.js";

/** Of a command, the messages that the broker has sent. */
export interface Delivered {
  /** Times that it was handed out. */
  handedOut: number;
  /** Of these, so many that the device has acknowledged. */
  acknowledged: number;
  /** Of these, so many though the broker had the acknowledgement of an earlier one. */
  again: number;
  /** Of these, so many with the packet id of another one: see `WireEvent.masks`. */
  masked: number;
}

/** By name of the command. */
export function tally(events: readonly WireEvent[]): Map<string, Delivered> {
  const all = new Map<string, Delivered>();
  for (const { kind, name, isAgain, masks } of events) {
    const delivered = all.get(name) ?? { ...NEVER };
    all.set(name, delivered);
    if (kind === "acknowledged") delivered.acknowledged++;
    if (kind !== "handedOut") continue;
    delivered.handedOut++;
    if (isAgain) delivered.again++;
    if (masks !== undefined) delivered.masked++;
  }
  return all;
}

const NEVER: Delivered = Object.freeze({ handedOut: 0, acknowledged: 0, again: 0, masked: 0 });

/** A command, as far as it matters how often it is done. */
export interface Expected {
  readonly name: string;
  /** It is done once, however often it is handed out. */
  readonly hasId: boolean;
}

/**
 * Between how many and how many times these commands are to have been done, in all. Each that the device has acknowledged, once at least. Handed
 * out again, it may have been done again: the device does not know every such one from a new one with the same text.
 */
export function expected(
  commands: readonly Expected[],
  delivered: ReadonlyMap<string, Delivered>,
): { readonly least: number; readonly most: number } {
  let least = 0;
  let most = 0;
  for (const { name, hasId } of commands) {
    const { handedOut, acknowledged, masked } = delivered.get(name) ?? NEVER;
    if (acknowledged > masked) least++;
    most += hasId ? Math.min(1, handedOut) : handedOut;
  }
  return { least, most };
}

/** A setting that a command changes. */
export interface Change {
  readonly key: string;
  readonly value: string;
}

/**
 * By key, the values that may be in force: that of the change that came last of those that the device has certainly done, and those of all that
 * came after it and may have been done. What is repeated keeps its place, as a broker repeats in order (MQTT-4.6.0-5). `changeOf`: what a command
 * changes.
 */
export function inForce(
  events: readonly WireEvent[],
  changeOf: (name: string) => Change | undefined,
): Map<string, ReadonlySet<string>> {
  const came = new Map<string, Came>();
  for (const { kind, name, masks } of events) {
    const change = changeOf(name);
    if (change === undefined || kind === "repeated") continue;
    const { key, value } = change;
    const { names, values, from } = came.get(key) ?? { names: [], values: [], from: 0 };
    const isNew = kind === "handedOut";
    // It was done when it came first or later. One that masks another need not be done.
    const isDone = !isNew && masks === undefined;
    came.set(key, {
      names: isNew ? [...names, name] : names,
      values: isNew ? [...values, value] : values,
      from: isDone ? Math.max(from, names.indexOf(name)) : from,
    });
  }
  return new Map([...came].map(([key, { values, from }]) => [key, new Set(values.slice(from))]));
}

/** Changes of a setting, in the order in which they came. */
interface Came {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** What was in force before this one is not any more. */
  readonly from: number;
}
