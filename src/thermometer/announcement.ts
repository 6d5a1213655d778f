/*
 * Under which rooms and ids the device has made itself known: what it has retained at the broker. When either changes,
 * what stands under the old names is to be taken back, or the old device would be shown as offline for ever.
 * One entry beside the settings, written when the names change and never for a reading.
 */
import { decodeUTF8, encodeUTF8 } from "../mqtt/utf8.js";
import type { KeyValueStore } from "../settings/store.js";

export const ANNOUNCED_KEY = "announced";

/** Names kept at most: they must fit one entry, and all be taken back in one go. */
const MOST = 4;

export interface Names {
  readonly room: string;
  readonly id: string;
}

export class Announcement {
  private readonly store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.store = store;
  }

  /** All names that may stand at the broker, the latest last. */
  read(): Names[] {
    try {
      const value = this.store.read(ANNOUNCED_KEY);
      if (value === undefined) return [];
      const parts = (decodeUTF8(value instanceof Uint8Array ? value : new Uint8Array(value)) ?? "").split("/"); // no name has one
      const all: Names[] = [];
      for (let i = 0; i + 1 < parts.length; i += 2) all.push({ room: parts[i], id: parts[i + 1] });
      return all;
    } catch {
      return []; // costs a stale topic at worst
    }
  }

  /** These may stand there now. Of many, the latest are kept. */
  write(names: readonly Names[]): void {
    const text = names
      .slice(-MOST)
      .map(({ room, id }) => `${room}/${id}`)
      .join("/");
    try {
      this.store.write(ANNOUNCED_KEY, new Uint8Array(encodeUTF8(text)).buffer);
    } catch {
      // As above.
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
