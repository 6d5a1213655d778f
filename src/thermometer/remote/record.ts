/*
 * Records which commands were executed, and which requested samples are still pending, so that each is executed exactly once
 * although the broker may repeat it and the power may be cut. One value beside the settings. It is written with each command
 * that has an effect, before a requested sample is appended, and when commands without an id can no longer be repeated:
 *
 *   0 format (3)  1 number of hashes  2 `pending`  3 zero  4-11 `due`, a float, little-endian  12- hashes, 4 bytes each, the latest last
 *
 * `pending`: number of requested samples that are not taken yet. `due`: the sequence number of one of them, which is appended to
 * the outbox right after this is written; NOT_DUE: none is. After a reboot, the outbox's next number shows whether that entry was
 * appended; it must therefore be read before anything else is appended.
 * A command with an id of its own is hashed by that id, which is kept while it is among the latest MAX_KEPT. Any other is
 * hashed by packet id and text; this hash is compared with repeated messages (DUP) only, and is removed when the broker is
 * known to have the acknowledgement, because packet ids and texts are used again.
 */
import { textHash } from "../../common/text-hash.js";
import type { KeyValueStore } from "../../settings/store.js";

/** Key beside the settings. */
export const COMMANDS_KEY = "commands";
/** Hashes kept: more than a broker has in flight to a client. */
const MAX_KEPT = 32;
const HEAD = 12;
const FORMAT = 3;
const PENDING_AT = 2;
const DUE_AT = 4;
/** More than any sequence number. */
const NOT_DUE = 2 ** 48;
/** Bit of a hash: set if it is the hash of the command's own id. */
const OWN_ID = 1;

/** What is needed of the outbox. */
export interface Queue {
  readonly nextSequence: number;
  seek(from: number): { readonly sequence: number } | undefined;
}

/** The executed commands. Each method's changes are durable when it returns; it throws Error if the store fails. */
export class CommandRecord {
  private readonly store: KeyValueStore;
  private hashes: number[] = [];
  /** The connection on which each command came last; 0: before the boot; negative: a message was sent after its acknowledgement. */
  private connections: number[] = [];
  /** Requested samples that are not taken yet. */
  pending = 0;
  /** See above; only for samples of this run. */
  private due = NOT_DUE;
  /** The store has refused the latest record, and still has the one before. */
  isStale = false;

  /** Reads the record from before the boot. `next`: number of the outbox's next entry, before this run appends any. */
  constructor(store: KeyValueStore, next: number) {
    this.store = store;
    const bytes = read(store);
    if (bytes === undefined) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const due = view.getFloat64(DUE_AT, true);
    this.pending = bytes[PENDING_AT] - (due === NOT_DUE || due === next ? 0 : 1);
    for (let n = 0; n < bytes[1]; n++) {
      this.hashes.push(view.getUint32(HEAD + 4 * n, true));
      this.connections.push(0);
    }
  }

  has(hash: number): boolean {
    return this.hashes.includes(hash);
  }

  /** The command was repeated on this connection. Returns whether it came before the boot and not since. */
  again(hash: number, connection: number): boolean {
    const { connections } = this;
    const at = this.hashes.lastIndexOf(hash);
    const isEarlier = connections[at] === 0;
    connections[at] = connection;
    return isEarlier;
  }

  /**
   * Durable on return. `connection`: the one on which the command came, from 1. `samples`: number of samples to add to
   * `pending`.
   * @throws Error if the store fails; then nothing is added
   */
  add(hash: number, connection: number, samples: number): void {
    const { hashes, connections, isStale } = this;
    this.hashes = hashes.concat(hash).slice(-MAX_KEPT);
    this.connections = connections.concat(connection).slice(-MAX_KEPT);
    this.pending += samples;
    try {
      this.write();
    } catch (error) {
      this.hashes = hashes;
      this.connections = connections;
      this.pending -= samples;
      this.isStale = isStale;
      throw error;
    }
  }

  /** A pending sample is appended right after this, as number `next` of the outbox. @throws Error if the store fails */
  append(next: number): void {
    this.pending--;
    this.due = next;
    this.write(1, next);
  }

  /**
   * Called after the sample is appended. If `outbox` has refused it, it was sent at once or counted as lost, and is no longer
   * pending. @throws Error if the store fails
   */
  appended(outbox: Queue): void {
    const { due } = this;
    this.due = NOT_DUE;
    if (this.isStale || (due !== NOT_DUE && outbox.seek(due)?.sequence !== due)) this.write();
  }

  /** A pending sample cannot be taken. @throws Error if the store fails */
  cancel(): void {
    this.pending--;
    this.write();
  }

  /** A message is being sent after the acknowledgements of all commands of this connection. When it is acknowledged, the broker has these, too. */
  follow(connection: number): void {
    for (let n = 0; n < this.connections.length; n++)
      if (this.connections[n] === connection) this.connections[n] = -connection;
  }

  /**
   * Removes commands without an id that will not be repeated. `hasArrived`: those of this connection that were followed by a
   * message, which is now acknowledged. `hasAll`: those of other connections, because the broker has repeated on this one all
   * that it had to. `isThisRun`: also those of this run, whose repetitions the client suppresses at QoS 2. Durable with the
   * next `add` or `write`. Returns whether any were removed.
   */
  retire(connection: number, hasArrived: boolean, hasAll: boolean, isThisRun = hasAll): boolean {
    const { length } = this.hashes;
    for (let n = length; n-- > 0; ) {
      const came = this.connections[n];
      const isOver = Math.abs(came) === connection ? hasArrived && came < 0 : came === 0 ? hasAll : isThisRun;
      if (!isOver || this.hashes[n] & OWN_ID) continue;
      this.hashes.splice(n, 1);
      this.connections.splice(n, 1);
    }
    return this.hashes.length < length;
  }

  /** `more`: samples pending in addition, unless `due` shows that one was appended. @throws Error if the store fails */
  write(more = 0, due = NOT_DUE): void {
    const { hashes } = this;
    const bytes = new Uint8Array(HEAD + 4 * hashes.length);
    const view = new DataView(bytes.buffer);
    bytes[0] = FORMAT;
    bytes[1] = hashes.length;
    bytes[PENDING_AT] = this.pending + more;
    view.setFloat64(DUE_AT, due, true);
    for (let n = 0; n < hashes.length; n++) view.setUint32(HEAD + 4 * n, hashes[n], true);
    this.isStale = true;
    this.store.write(COMMANDS_KEY, bytes.buffer);
    this.isStale = false;
  }
}

/** Whether anything is recorded from before the boot: commands, pending samples, or samples that may have been appended. */
export function isOnRecord(store: KeyValueStore): boolean {
  const bytes = read(store);
  return bytes !== undefined && bytes[1] + bytes[PENDING_AT] > 0;
}

/** 31 bits of `text`, which identifies the command; the lowest bit shows whether that is an id of its own. */
export function commandHash(text: string, isOwnId: boolean): number {
  return ((textHash(text) & ~OWN_ID) | +isOwnId) >>> 0;
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
