/* The names under which the device publishes retained messages, and the topics of these messages. */
import { textHash } from "../../common/text-hash.js";
import { controlTopic } from "../../homeassistant/controls.js";
import { detailTopic } from "../../homeassistant/details.js";
import {
  availabilityTopic,
  CELLS,
  diagnosticsTopic,
  discoveryTopic,
  FIRMWARE,
  formerTopic,
} from "../../homeassistant/discovery.js";
import { updateEntityTopic } from "../../homeassistant/update-entity.js";
import { controls, extraOf } from "./controls.js";
import { DETAIL_MESSAGES, DETAILS_WITHOUT_CELLS } from "./diagnostics.js";

/** The names under which a broker knows the device. */
export interface Names {
  readonly room: string;
  readonly id: string;
  /** Home Assistant's discovery prefix; empty: no discovery message was sent. */
  readonly prefix: string;
  /** What Home Assistant was sent, one bit each: channels, LAST_REPORT, BUTTONS ...; 0: nothing, or firmware 0.1's message. */
  readonly channels: number;
}

/**
 * The lowest two bits of `Announced.hash`: the number of reports that could not announce all entities. ENTITIES: all are announced,
 * or no report tries any more.
 */
export const ENTITIES = 3;

/** The next bit: the broker has lost the session since. */
export const LOST = 4;

/** All bits of `Announced.hash` that are not part of the hash. */
export const MARKS = ENTITIES | LOST;

/** What the broker retains, in the short form that a sleeper keeps. `hash`: see `hashOf`; 0: not certain. */
export interface Announced {
  readonly hash: number;
  readonly channels: number;
}

/** What presence needs of the sleep. */
export interface PresenceSleep {
  readonly hasPrompt: boolean;
  /** From before the sleep: what the broker retained, and `Acceptance.learned`. */
  readonly announced: Announced;
  readonly learned: { readonly presence: readonly number[] };
  readonly network: { readonly key: number };
}

/** What the broker retains is not known. */
export const NOT_KNOWN: Announced = Object.freeze({ hash: 0, channels: 0 });

/**
 * A hash of names, and of the broker that retains them: `key` is `NetworkMemory.key`. All marks are set. Different names have the same
 * hash with a probability of 1 in 500 million.
 */
export function hashOf({ room, id, prefix, channels }: Names, key: number): number {
  return (textHash(`${room}/${id}/${prefix}/${channels}`) ^ key) | MARKS;
}

/** `hash` with these marks instead of its own. 0 stays 0. */
export function marked(hash: number, marks: number): number {
  return hash === 0 ? 0 : (hash & ~MARKS) | marks;
}

/** Whether the messages for `a` and `b` are the same. */
export function isSame(a: Names, b: Names): boolean {
  return a.room === b.room && a.id === b.id && a.prefix === b.prefix && a.channels === b.channels;
}

/** The same names without discovery. */
export function undiscovered(names: Names): Names {
  return { ...names, prefix: "", channels: 0 };
}

/** All topics that are retained under these names, each once. */
export function topicsOf(all: readonly Names[]): string[] {
  const topics = new Set<string>();
  all.forEach(({ room, id, prefix, channels }) => {
    topics.add(availabilityTopic(room, id));
    if (prefix !== "") topics.add(channels === 0 ? formerTopic(id, prefix) : discoveryTopic(id, prefix));
  });
  detailTopicsOf(all).forEach((topic) => topics.add(topic));
  return [...topics];
}

/** Of these, the topics of the diagnostics and of their discovery messages. */
export function detailTopicsOf(all: readonly Names[]): string[] {
  const topics = new Set<string>();
  all.forEach(({ room, id, prefix, channels }) => {
    topics.add(diagnosticsTopic(room, id));
    if (prefix === "" || channels === 0) return;
    const messages = channels & CELLS ? DETAIL_MESSAGES : DETAILS_WITHOUT_CELLS; // Home Assistant warns if an entity is removed that it does not have
    for (let n = 0; n < messages; n++) topics.add(detailTopic(id, prefix, n));
    controls.forEach((_, n) => {
      if (channels & extraOf(n)) topics.add(controlTopic(id, prefix, n));
    });
    if (channels & FIRMWARE) topics.add(updateEntityTopic(id, prefix));
  });
  return [...topics];
}
