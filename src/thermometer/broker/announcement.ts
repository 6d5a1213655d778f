/*
 * Under which names the device has made itself known: what it has retained at the broker. When one of them changes, what
 * stands under the old ones is to be taken back, or the old device would be shown as offline for ever.
 * One entry beside the settings, written when the names or channels change and never for a reading: a line each,
 * `room/id/prefix+channels`; no prefix has a `+`. Without `+channels`, Home Assistant was sent the temperature alone, as firmware 0.1
 * did. That wrote `room/id/room/id...` without a line's end, and knew Home Assistant's own prefix alone.
 * What is read is checked as a setting is: a damaged name must not become a topic that ends every connection.
 */
import { MAX_CHANNELS } from "../../channels/channels.js";
import { detailTopic } from "../../homeassistant/details.js";
import {
  availabilityTopic,
  DEFAULT_PREFIX,
  diagnosticsTopic,
  discoveryTopic,
  formerTopic,
} from "../../homeassistant/discovery.js";
import { decodeUTF8, encodeUTF8 } from "../../mqtt/wire/utf8.js";
import type { KeyValueStore } from "../../settings/store.js";
import { isName, isTopic, isTopicLevel, utf8Length } from "../../settings/texts.js";
import { DETAIL_MESSAGES } from "./diagnostics.js";

/** Its key beside the settings. */
export const ANNOUNCED_KEY = "announced";

/** Names kept: they must fit one entry, and all be taken back in one go. */
const MAX_NAMES = 4;
/** UTF-8 bytes of a room or a prefix, and of an id, as in the settings' schema. */
const MAX_BYTES = 64;
const MAX_ID_BYTES = 23;

/** The names under which the device is known at a broker. */
export interface Names {
  readonly room: string;
  readonly id: string;
  /** Home Assistant's discovery prefix; empty: no discovery message was sent. */
  readonly prefix: string;
  /** Which channels the device's discovery message has, a bit each; 0: the message is firmware 0.1's, or there is none. */
  readonly channels: number;
}

/** Reads and writes the names. A store that fails costs old topics that stay retained, and nothing else. */
export class Announcement {
  private readonly store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.store = store;
  }

  /** All names that may stand at the broker, the latest last. What is damaged is left out: it costs a stale topic. */
  read(): Names[] {
    try {
      const value = this.store.read(ANNOUNCED_KEY);
      if (value === undefined) return [];
      const text = decodeUTF8(value instanceof Uint8Array ? value : new Uint8Array(value)) ?? "";
      return (text.includes("\n") ? linesOf(text) : pairsOf(text)).filter(isSound).slice(-MAX_NAMES);
    } catch {
      return [];
    }
  }

  /** These may stand there now. Of many, the latest are kept. */
  write(names: readonly Names[]): void {
    const text = names
      .slice(-MAX_NAMES)
      .map(({ room, id, prefix, channels }) => `${room}/${id}/${prefix}${channels === 0 ? "" : `+${channels}`}\n`)
      .join("");
    try {
      this.store.write(ANNOUNCED_KEY, new Uint8Array(encodeUTF8(text)).buffer);
    } catch {
      // Costs a stale topic.
    }
  }

  forget(): void {
    try {
      this.store.delete(ANNOUNCED_KEY);
    } catch {
      // As above.
    }
  }
}

function linesOf(text: string): Names[] {
  return text.split("\n").map((line) => {
    const [room = "", id = "", ...rest] = line.split("/");
    const [prefix, mask = "0", ...more] = rest.join("/").split("+");
    return { room, id, prefix, channels: more.length === 0 ? Number(mask) : Number.NaN };
  });
}

function pairsOf(text: string): Names[] {
  const parts = text.split("/");
  const all: Names[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    all.push({ room: parts[i], id: parts[i + 1], prefix: DEFAULT_PREFIX, channels: 0 });
  }
  return all;
}

function isSound({ room, id, prefix, channels }: Names): boolean {
  return (
    channels >= 0 &&
    channels < 1 << MAX_CHANNELS &&
    isTopicLevel(room) &&
    utf8Length(room) <= MAX_BYTES &&
    id !== "" &&
    isName(id) &&
    id.length <= MAX_ID_BYTES &&
    (prefix === "" || (isTopic(prefix) && utf8Length(prefix) <= MAX_BYTES))
  );
}

/** What stands at the broker, as short as a sleeper keeps it. `hash` 0: it is not certain. */
export interface Announced {
  readonly hash: number;
  readonly channels: number;
}

/** What stands at the broker is not known. */
export const NOT_KNOWN: Announced = Object.freeze({ hash: 0, channels: 0 });

/** Of names; never 0. Two that differ have the same one in 4 billion. */
export function hashOf({ room, id, prefix, channels }: Names): number {
  const text = `${room}/${id}/${prefix}`;
  let hash = channels;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 1;
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
    for (let n = 0; prefix !== "" && channels > 0 && n < DETAIL_MESSAGES; n++) topics.add(detailTopic(id, prefix, n));
  });
  return [...topics];
}
