/*
 * Under which room and id the device has made itself known: what it has retained at the broker. When either changes,
 * what stands under the old names is to be taken back, or the old device would be shown as offline for ever.
 * One entry beside the settings, written when the names change and never for a reading.
 */
import { decodeUTF8, encodeUTF8 } from "../mqtt/utf8.js";
import type { KeyValueStore } from "../settings/store.js";

export const ANNOUNCED_KEY = "announced";

export interface Names {
  readonly room: string;
  readonly id: string;
}

export class Announcement {
  private readonly store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.store = store;
  }

  /** The names that stand at the broker; undefined: none, or nobody knows. */
  read(): Names | undefined {
    try {
      const value = this.store.read(ANNOUNCED_KEY);
      if (value === undefined) return undefined;
      const text = decodeUTF8(value instanceof Uint8Array ? value : new Uint8Array(value)) ?? "";
      const [room, id] = text.split("/"); // neither has one
      return id === undefined ? undefined : { room, id };
    } catch {
      return undefined; // costs a stale topic at worst
    }
  }

  /** These stand there now. */
  write({ room, id }: Names): void {
    try {
      this.store.write(ANNOUNCED_KEY, new Uint8Array(encodeUTF8(`${room}/${id}`)).buffer);
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
