/*
 * The names under which the device makes itself known at a broker, and the topics that are retained under them.
 */
import { textHash } from "../../common/text-hash.js";
import { controlTopic } from "../../homeassistant/controls.js";
import { detailTopic } from "../../homeassistant/details.js";
import {
  availabilityTopic,
  diagnosticsTopic,
  discoveryTopic,
  FIRMWARE,
  formerTopic,
} from "../../homeassistant/discovery.js";
import { updateEntityTopic } from "../../homeassistant/update-entity.js";
import { controls, extraOf } from "./controls.js";
import { DETAIL_MESSAGES } from "./diagnostics.js";

/** The names under which the device is known at a broker. */
export interface Names {
  readonly room: string;
  readonly id: string;
  /** Home Assistant's discovery prefix; empty: no discovery message was sent. */
  readonly prefix: string;
  /** What Home Assistant has of it, a bit each: channels, LAST_REPORT, BUTTONS ...; 0: the message is firmware 0.1's, or there is none. */
  readonly channels: number;
}

/** What stands at the broker, as short as a sleeper keeps it. `hash` 0: it is not certain. */
export interface Announced {
  readonly hash: number;
  readonly channels: number;
}

/** What presence asks of a thermometer that sleeps. */
export interface PresenceSleep {
  readonly hasPrompt: boolean;
  /** As they were before the sleep: what stood at the broker, and `Acceptance.learned`. */
  readonly announced: Announced;
  readonly learned: { readonly presence: readonly number[] };
}

/** What stands at the broker is not known. */
export const NOT_KNOWN: Announced = Object.freeze({ hash: 0, channels: 0 });

/** Of names; never 0. Two that differ have the same one in 4 billion. */
export function hashOf({ room, id, prefix, channels }: Names): number {
  return textHash(`${room}/${id}/${prefix}/${channels}`) | 1;
}

/** Whether nothing has to be said anew. */
export function isSame(a: Names, b: Names): boolean {
  return a.room === b.room && a.id === b.id && a.prefix === b.prefix && a.channels === b.channels;
}

/** The same device, not known to Home Assistant. */
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

/** Those of them that have the diagnostics, and what Home Assistant knows of those. */
export function detailTopicsOf(all: readonly Names[]): string[] {
  const topics = new Set<string>();
  all.forEach(({ room, id, prefix, channels }) => {
    topics.add(diagnosticsTopic(room, id));
    if (prefix === "" || channels === 0) return;
    for (let n = 0; n < DETAIL_MESSAGES; n++) topics.add(detailTopic(id, prefix, n));
    controls.forEach((_, n) => {
      if (channels & extraOf(n)) topics.add(controlTopic(id, prefix, n));
    });
    if (channels & FIRMWARE) topics.add(updateEntityTopic(id, prefix));
  });
  return [...topics];
}
