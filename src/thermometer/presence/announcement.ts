/*
 * Under which names the device has made itself known: what it has retained at the broker. When one of them changes, what
 * stands under the old ones is to be taken back, or the old device would be shown as offline for ever.
 * One entry beside the settings, written when the names or channels change and never for a reading: a line each,
 * `room/id/prefix+channels`; no prefix has a `+`. Without `+channels`, Home Assistant was sent the temperature alone, as firmware 0.1
 * did. That wrote `room/id/room/id...` without a line's end, and knew Home Assistant's own prefix alone.
 * What is read is checked as a setting is: a damaged name must not become a topic that ends every connection.
 */
import { DEFAULT_PREFIX, MASK_END } from "../../homeassistant/discovery.js";
import { NEWEST, type WritableFormats } from "../../journal/formats.js";
import { decodeUTF8, encodeUTF8 } from "../../mqtt/wire/utf8.js";
import type { KeyValueStore } from "../../settings/store.js";
import { isName, isTopic, isTopicLevel, utf8Length } from "../../settings/texts.js";
import type { Names } from "./names.js";

/** Its key beside the settings. */
export const ANNOUNCED_KEY = "announced";

/** Names kept: they must fit one entry, and all be taken back in one go. */
const MAX_NAMES = 4;
/** UTF-8 bytes of a room or a prefix, and of an id, as in the settings' schema. */
const MAX_BYTES = 64;
const MAX_ID_BYTES = 23;

/** Reads and writes the names. A store that fails costs old topics that stay retained, and nothing else. */
export class Announcement {
  private readonly store: KeyValueStore;
  private readonly formats: WritableFormats;

  constructor(store: KeyValueStore, formats: WritableFormats = NEWEST) {
    this.store = store;
    this.formats = formats;
  }

  /** All names that may stand at the broker, the latest last. What is damaged is left out: it costs a stale topic. */
  read(): readonly Names[] {
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
    const latest = names.slice(-MAX_NAMES);
    const text = this.formats.isOldest ? pairsText(latest) : linesText(latest);
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

function linesText(names: readonly Names[]): string {
  return names
    .map(({ room, id, prefix, channels }) => `${room}/${id}/${prefix}${channels === 0 ? "" : `+${channels}`}\n`)
    .join("");
}

/** As firmware 0.1 wrote them: it would make topics of whatever else it found, and no broker takes those. */
function pairsText(names: readonly Names[]): string {
  return names.map(({ room, id }) => `${room}/${id}`).join("/");
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
    channels < MASK_END &&
    isTopicLevel(room) &&
    utf8Length(room) <= MAX_BYTES &&
    id !== "" &&
    isName(id) &&
    id.length <= MAX_ID_BYTES &&
    (prefix === "" || (isTopic(prefix) && utf8Length(prefix) <= MAX_BYTES))
  );
}
