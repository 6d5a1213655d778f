/*
 * The names under which the device has published retained messages. When a name changes, the messages under the old names have to
 * be removed, or Home Assistant would show the old device as offline for ever.
 * Stored as one entry beside the settings, written only when names or channels change. One line for each set of names:
 * `room/id/prefix+channels` (no prefix contains a `+`). Without `+channels`, Home Assistant has the temperature only, as with
 * firmware 0.1. Firmware 0.1 wrote `room/id/room/id...` without line ends, and knew only Home Assistant's default prefix.
 * Names that are read back are checked like settings: a damaged name must not become a topic on which the broker ends every
 * connection.
 */
import { DEFAULT_PREFIX, MASK_END } from "../../homeassistant/discovery.js";
import { NEWEST, type WritableFormats } from "../../journal/formats.js";
import { decodeUTF8, encodeUTF8 } from "../../mqtt/wire/utf8.js";
import type { KeyValueStore } from "../../settings/store.js";
import { isName, isTopic, isTopicLevel, utf8Length } from "../../settings/texts.js";
import type { Names } from "./names.js";

/** Its key beside the settings. */
export const ANNOUNCED_KEY = "announced";

/** Sets of names kept: they must fit one entry, and their messages must be removable on one connection. */
const MAX_NAMES = 4;
/** UTF-8 bytes of a room or a prefix, and of an id, as in the settings' schema. */
const MAX_BYTES = 64;
const MAX_ID_BYTES = 23;

/** Reads and writes the names. If the store fails, old topics stay retained at the broker; nothing else is affected. */
export class Announcement {
  private readonly store: KeyValueStore;
  private readonly formats: WritableFormats;

  constructor(store: KeyValueStore, formats: WritableFormats = NEWEST) {
    this.store = store;
    this.formats = formats;
  }

  /** All names under which the broker may retain something, the latest last. Damaged ones are left out; their topics stay retained. */
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

  /** Records names under which messages may be retained from now on. Of many, the latest are kept. */
  write(names: readonly Names[]): void {
    const latest = names.slice(-MAX_NAMES);
    const text = this.formats.isOldest ? pairsText(latest) : linesText(latest);
    try {
      this.store.write(ANNOUNCED_KEY, new Uint8Array(encodeUTF8(text)).buffer);
    } catch {
      // Only old topics stay retained.
    }
  }

  forget(): void {
    try {
      this.store.delete(ANNOUNCED_KEY);
    } catch {
      // Only old topics stay retained.
    }
  }
}

function linesText(names: readonly Names[]): string {
  return names
    .map(({ room, id, prefix, channels }) => `${room}/${id}/${prefix}${channels === 0 ? "" : `+${channels}`}\n`)
    .join("");
}

/** The format of firmware 0.1. It would turn any other content into topics, which brokers refuse. */
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
