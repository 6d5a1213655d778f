/*
 * Pasted values that are not saved yet, in RAM, overwritten when they are no longer needed; and how a paste is read. Made for
 * the first paste. A private key may be among them.
 */
import { messageOf } from "../common/message-of.js";
import { type PEMKind, PEMReader } from "../tls/pem.js";
import { keepLong, MAX_LONG_VALUE, referenceTo, writeLong } from "./long-values.js";
import { requireSetting, SettingError } from "./parse.js";
import type { KeyValueStore } from "./store.js";

/** A value that is pasted into a setting, line by line. */
export interface Pasting {
  /** Takes the next line; false: the value is complete. */
  take(line: string): boolean;
  /** The progress so far, for display: "12 lines". */
  readonly progress: string;
  /** Stages the pasted value. @throws Error, one line with the fault; then nothing is staged */
  stage(): void;
  /** Overwrites the pasted value. Also call it after `stage`. */
  close(): void;
}

/** The kind of PEM that is pasted into the setting; undefined: it is typed. @throws SettingError if there is no such key */
export function kindPasted(key: string): PEMKind | undefined {
  const { type } = requireSetting(key);
  return type.kind === "text" ? type.pasted : undefined;
}

/** Pasted values that are not saved yet. Their bytes are overwritten when they are removed. */
export class PastedValues {
  private readonly store: KeyValueStore;
  private readonly staged: { [key: string]: Uint8Array } = {};

  constructor(store: KeyValueStore) {
    this.store = store;
  }

  /** Keeps the reader's bytes until they are saved; returns the reference to them. @throws SettingError if they are invalid */
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

  /** Writes the staged value of the key beside the saved one. @throws the exceptions of the store */
  write(key: string, saved: string): void {
    const bytes = this.staged[key];
    if (bytes !== undefined) writeLong(this.store, key, bytes, saved);
  }

  /** Deletes everything on flash but the saved value; empty: everything. `onProblem` is called if that fails. */
  keep(key: string, saved: string, onProblem: (text: string) => void): void {
    try {
      keepLong(this.store, key, saved);
    } catch (error) {
      onProblem(`saved: ${key}: the previous value cannot be deleted: ${messageOf(error)}`);
    }
  }
}

/** Begins a paste; `stage` is called with its result. */
export function pasting(kind: PEMKind, stage: (reader: PEMReader) => void): Pasting {
  const reader = new PEMReader(kind, MAX_LONG_VALUE);
  let lines = 0;
  return {
    take(line) {
      const isBlank = line.trim() === "";
      if (!isBlank) lines += 1;
      reader.take(line);
      // A chain has several blocks, a key only one.
      return reader.isInside || (!isBlank && !(kind === "PRIVATE KEY" && reader.blocks > 0));
    },
    get progress() {
      return lines === 1 ? "1 line" : `${lines} lines`;
    },
    stage: () => stage(reader),
    close: () => reader.wipe(),
  };
}
