/*
 * Which commands were done, so that none is done twice though the broker sends it again, also after a power cut. One value beside the
 * settings, written once a command that does something:
 *
 *   0 format (1)  1 number of hashes  2-3 zero  4-11 `samples`, little-endian  12- hashes, 4 bytes each, the latest last
 *
 * `samples`: the number that the next sample of the outbox is to have when each `sample` has been done. A cut before that leaves it
 * above the outbox's own: the next life takes what is missing.
 * A hash is of a command's id, where it has one, and is kept while it is among the latest MAX_KEPT. Else it is of packet id and text:
 * it counts for a message that is sent again (DUP) alone, and not beyond the proof that the broker has its acknowledgement. A packet
 * id comes again, and so may the same text.
 */
import type { KeyValueStore } from "../../settings/store.js";

/** Its key beside the settings. */
export const COMMANDS_KEY = "commands";
/** As many as a broker has in flight to a client, and more. */
const MAX_KEPT = 32;
/** Samples that are asked for and not taken yet. Above that, `samples` counts in an outbox that was erased since. */
const MAX_OWED = 16;
const HEAD = 12;
const FORMAT = 1;
/** Of a hash: it is of a command's own id. */
const OWN_ID = 1;

/** Which commands were done. What it notes is durable when it returns; throws Error if the store cannot keep it. */
export class CommandRecord {
  private readonly store: KeyValueStore;
  private hashes: number[] = [];
  /** The connections on which they came; 0: in an earlier life; negative: a message was sent behind the acknowledgement. */
  private connections: number[] = [];
  /** See above. */
  private samples = 0;

  constructor(store: KeyValueStore) {
    this.store = store;
    const bytes = read(store);
    if (bytes === undefined) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.samples = samplesOf(view);
    for (let n = 0; n < bytes[1]; n++) {
      this.hashes.push(view.getUint32(HEAD + 4 * n, true));
      this.connections.push(0);
    }
  }

  has(hash: number): boolean {
    return this.hashes.includes(hash);
  }

  /** In an earlier life. */
  isEarlier(hash: number): boolean {
    return this.connections[this.hashes.indexOf(hash)] === 0;
  }

  /** One sample more is owed from the next `add` on. `next`: number of the next one. */
  owe(next: number): void {
    this.samples = next + owed(this.samples, next) + 1;
  }

  /** Durable on return. `connection`: the one that it came on, from 1. @throws Error if the store cannot keep it */
  add(hash: number, connection: number): void {
    this.hashes.push(hash);
    this.connections.push(connection);
    if (this.hashes.length > MAX_KEPT) {
      this.hashes.shift();
      this.connections.shift();
    }
    this.write();
  }

  /** Behind the acknowledgement of each that came on this connection a message goes to the broker: once that is acknowledged, so are they. */
  follow(connection: number): void {
    for (let n = 0; n < this.connections.length; n++)
      if (this.connections[n] === connection) this.connections[n] = -connection;
  }

  /**
   * Those without an id will not be sent again: any, or those of a connection whose acknowledgement has surely arrived, as what followed it
   * is acknowledged. Durable with the next `add`.
   */
  retire(connection?: number): void {
    for (let n = this.hashes.length; n-- > 0; ) {
      const isOther = connection !== undefined && (connection === 0 || this.connections[n] !== -connection);
      if (isOther || this.hashes[n] & OWN_ID) continue;
      this.hashes.splice(n, 1);
      this.connections.splice(n, 1);
    }
  }

  private write(): void {
    const { hashes, samples } = this;
    const bytes = new Uint8Array(HEAD + 4 * hashes.length);
    const view = new DataView(bytes.buffer);
    bytes[0] = FORMAT;
    bytes[1] = hashes.length;
    view.setUint32(4, samples >>> 0, true);
    view.setUint32(8, Math.floor(samples / 2 ** 32), true);
    for (let n = 0; n < hashes.length; n++) view.setUint32(HEAD + 4 * n, hashes[n], true);
    this.store.write(COMMANDS_KEY, bytes.buffer);
  }
}

/** Samples that were asked for and not taken before the power went. `next`: number of the next one. */
export function owedSamples(store: KeyValueStore, next: number): number {
  const bytes = read(store);
  if (bytes === undefined) return 0;
  return owed(samplesOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.length)), next);
}

function owed(samples: number, next: number): number {
  const count = Math.max(0, samples - next);
  return count > MAX_OWED ? 0 : count;
}

/** 31 bits of FNV-1a over what makes a command itself and no other; the lowest bit says whether that is an id of its own. */
export function commandHash(parts: readonly (string | Uint8Array)[], isOwnId: boolean): number {
  let hash = 0x811c9dc5;
  const take = (code: number): void => {
    hash = Math.imul(hash ^ code, 0x01000193);
  };
  parts.forEach((part) => {
    for (let n = 0; n < part.length; n++) take(typeof part === "string" ? part.charCodeAt(n) : part[n]);
    take(0x100);
  });
  return ((hash & ~OWN_ID) | (isOwnId ? OWN_ID : 0)) >>> 0;
}

function read(store: KeyValueStore): Uint8Array | undefined {
  try {
    const value = store.read(COMMANDS_KEY);
    if (value === undefined) return undefined;
    const bytes = value instanceof Uint8Array ? value : new Uint8Array(value);
    return bytes[0] === FORMAT && bytes.length === HEAD + 4 * bytes[1] ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function samplesOf(view: DataView): number {
  return view.getUint32(4, true) + view.getUint32(8, true) * 2 ** 32;
}
