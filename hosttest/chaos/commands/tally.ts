/*
 * Computes from the wire log how often each command must have been executed, and which values its settings may have.
 * A command is executed once, however often the broker repeats it. If it is delivered as a new message, it may be executed again: that is the
 * double of the broker (after a kill that lost its state) or of the sender (at QoS 1). A command that the device has not acknowledged may have been
 * executed or not: the acknowledgement, or the command, was lost.
 */
import type { WireEvent } from "./wire.js";

/** The messages of one command that the broker has sent. */
export interface Delivered {
  /** How often it was delivered as a new message. */
  times: number;
  /** How many of these the device has acknowledged. */
  acknowledged: number;
  /** How many of these were sent although the broker had the acknowledgement of an earlier one. */
  again: number;
  /** How many of these had the packet id of another command: see `WireEvent.masks`. */
  masked: number;
}

/** By name of the command. */
export function tally(events: readonly WireEvent[]): Map<string, Delivered> {
  const all = new Map<string, Delivered>();
  for (const { kind, name, isAgain, masks } of events) {
    const delivered = all.get(name) ?? { ...NEVER };
    all.set(name, delivered);
    if (kind === "acknowledged") delivered.acknowledged++;
    if (kind !== "delivered") continue;
    delivered.times++;
    if (isAgain) delivered.again++;
    if (masks !== undefined) delivered.masked++;
  }
  return all;
}

const NEVER: Delivered = Object.freeze({ times: 0, acknowledged: 0, again: 0, masked: 0 });

/** The properties of a command that decide how often it is executed. */
export interface Expected {
  readonly name: string;
  /** It is executed once, however often it is delivered. */
  readonly hasId: boolean;
}

/**
 * The minimum and maximum number of executions of these commands, in all. Each one that the device has acknowledged was executed at least once. If
 * it was delivered again, it may have been executed again: the device cannot always distinguish it from a new command with the same text.
 */
export function expected(
  commands: readonly Expected[],
  delivered: ReadonlyMap<string, Delivered>,
): { readonly least: number; readonly most: number } {
  let least = 0;
  let most = 0;
  for (const { name, hasId } of commands) {
    const { times, acknowledged, masked } = delivered.get(name) ?? NEVER;
    if (acknowledged > masked) least++;
    most += hasId ? Math.min(1, times) : times;
  }
  return { least, most };
}

/** A setting that a command changes. */
export interface Change {
  readonly key: string;
  readonly value: string;
}

/**
 * By key, the values that may be in force: that of the last change that was certainly executed, and those of all later ones that may have been.
 * A repetition keeps its place, because a broker repeats in order (MQTT-4.6.0-5). `changeOf`: the change that a command makes.
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
    const isNew = kind === "delivered";
    // It was executed at its first delivery or later. One that masks another need not be executed.
    const isDone = !isNew && masks === undefined;
    came.set(key, {
      names: isNew ? [...names, name] : names,
      values: isNew ? [...values, value] : values,
      from: isDone ? Math.max(from, names.indexOf(name)) : from,
    });
  }
  return new Map([...came].map(([key, { values, from }]) => [key, new Set(values.slice(from))]));
}

/** Changes of a setting, in the order of arrival. */
interface Came {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** What was in force before this one is not any more. */
  readonly from: number;
}
