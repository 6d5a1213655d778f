/*
 * A key-value store in memory, and one that does not work.
 */
import type { KeyValueStore } from "../../src/settings/store.js";

/** Keeps values in a map that outlives a `Settings`, as flash outlives a boot. */
export class MemoryStore implements KeyValueStore {
  readonly values = new Map<string, Uint8Array>();
  writes = 0;

  read(key: string): ArrayBuffer | undefined {
    const value = this.values.get(key);
    return value === undefined ? undefined : value.slice().buffer;
  }

  write(key: string, value: ArrayBuffer): void {
    this.writes += 1;
    this.values.set(key, new Uint8Array(value.slice(0)));
  }

  delete(key: string): void {
    this.values.delete(key);
  }
}

/** Reads nothing and stores nothing, as worn-out flash. */
export class BrokenStore implements KeyValueStore {
  read(): ArrayBuffer | undefined {
    throw new Error("mismatch");
  }

  write(): void {
    throw new Error("no space");
  }

  delete(): void {
    throw new Error("write failed");
  }
}
