/*
 * What was pasted into settings and is not saved: bytes in RAM, overwritten when they are no longer needed; and how a paste is taken.
 * Made when the first one begins. A private key may be among them.
 */
import { messageOf } from "../common/message-of.js";
import { type PEMKind, PEMReader } from "../tls/pem.js";
import { keepLong, MAX_LONG_VALUE, referenceTo, writeLong } from "./long-values.js";
import { requireSetting, SettingError } from "./parse.js";
import type { KeyValueStore } from "./store.js";

/** What is pasted into a setting, line by line. */
export interface Pasting {
  /** Takes the next line; false: nothing more is to come. */
  take(line: string): boolean;
  /** What came up to now, for who watches: "12 lines". */
  readonly progress: string;
  /** Stages what came. @throws Error, one line that says what is wrong; nothing is staged then */
  stage(): void;
  /** Overwrites what came. Also behind `stage`. */
  close(): void;
}

/** What is pasted into the setting; undefined: nothing, it is typed. @throws SettingError if there is no such key */
export function kindPasted(key: string): PEMKind | undefined {
  const { type } = requireSetting(key);
  return type.kind === "text" ? type.pasted : undefined;
}

/** Pasted values that are not saved yet. Their bytes are overwritten when they go. */
export class PastedValues {
  private readonly store: KeyValueStore;
  private readonly staged: { [key: string]: Uint8Array } = {};

  constructor(store: KeyValueStore) {
    this.store = store;
  }

  /** Keeps what the reader has, until it is saved; returns the text that refers to it. @throws SettingError if it is not what it should be */
  stage(key: string, reader: PEMReader): string {
    let bytes: Uint8Array;
    try {
      bytes = reader.finish().slice();
    } catch (error) {
      throw new SettingError(key, messageOf(error));
    }
    this.discard(key);
    this.staged[key] = bytes;
    return referenceTo(bytes);
  }

  discard(key: string): void {
    this.staged[key]?.fill(0);
    delete this.staged[key];
  }

  /** Writes what is staged of the key beside what is saved. @throws what the store throws if it cannot keep it */
  write(key: string, saved: string): void {
    const bytes = this.staged[key];
    if (bytes !== undefined) writeLong(this.store, key, bytes, saved);
  }

  /** Deletes what is on flash and is not what is saved; empty: all of it. `onProblem` is called with what cannot be. */
  keep(key: string, saved: string, onProblem: (text: string) => void): void {
    try {
      keepLong(this.store, key, saved);
    } catch (error) {
      onProblem(`saved: ${key}: what it was before cannot be deleted: ${messageOf(error)}`);
    }
  }
}

/** Takes a paste; `stage` is called with what has come. */
export function pasting(kind: PEMKind, stage: (reader: PEMReader) => void): Pasting {
  const reader = new PEMReader(kind, MAX_LONG_VALUE);
  let lines = 0;
  return {
    take(line) {
      const isBlank = line.trim() === "";
      if (!isBlank) lines += 1;
      reader.take(line);
      // A chain has several blocks, a key is one.
      return reader.isInside || (!isBlank && !(kind === "PRIVATE KEY" && reader.blocks > 0));
    },
    get progress() {
      return lines === 1 ? "1 line" : `${lines} lines`;
    },
    stage: () => stage(reader),
    close: () => reader.wipe(),
  };
}
