/*
 * Which commands were done, and which samples they asked for are still to be taken: so that none is done twice or not at all, though the
 * broker sends it again and the power may go at any time. One value beside the settings, written with each command that does something,
 * before a sample that was asked for is appended, and when commands without an id of their own will not be sent again:
 *
 *   0 format (3)  1 number of hashes  2 `owed`  3 zero  4-11 `due`, a float, little-endian  12- hashes, 4 bytes each, the latest last
 *
 * `owed`: samples that were asked for, one each. `due`: the number that one of these was to have in the outbox, which is appended right
 * after this is written; NOT_DUE: none was. The next life knows by the outbox whether it is there: that has gone on to the next number, or
 * it has not. So it has to look before it appends anything itself.
 * A hash is of a command's id, where it has one, and is kept while it is among the latest MAX_KEPT. Else it is of packet id and text:
 * it counts for a message that is sent again (DUP) alone, and not beyond the proof that the broker has its acknowledgement. A packet
 * id comes again, and so may the same text.
 */
import { textHash } from "../../common/text-hash.js";
import type { KeyValueStore } from "../../settings/store.js";

/** Its key beside the settings. */
export const COMMANDS_KEY = "commands";
/** As many as a broker has in flight to a client, and more. */
const MAX_KEPT = 32;
const HEAD = 12;
const FORMAT = 3;
const OWED_AT = 2;
const DUE_AT = 4;
/** No outbox comes so far. */
const NOT_DUE = 2 ** 48;
/** Of a hash: it is of a command's own id. */
const OWN_ID = 1;

/** The outbox, as far as it is needed here. */
export interface Queue {
  readonly nextSequence: number;
  seek(from: number): { readonly sequence: number } | undefined;
}

/** Which commands were done. What it notes is durable when it returns; throws Error if the store cannot keep it. */
export class CommandRecord {
  private readonly store: KeyValueStore;
  private hashes: number[] = [];
  /** The connections on which they came last; 0: in an earlier life; negative: a message was sent behind the acknowledgement. */
  private connections: number[] = [];
  /** Samples that were asked for and are not taken. */
  owed = 0;
  /** See above; of this life. */
  private due = NOT_DUE;
  /** The store has refused what is to be on record: it has what was before. */
  isStale = false;

  /** What earlier lives have left. `next`: number of the outbox's next entry, before this one appends any. */
  constructor(store: KeyValueStore, next: number) {
    this.store = store;
    const bytes = read(store);
    if (bytes === undefined) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const due = view.getFloat64(DUE_AT, true);
    this.owed = bytes[OWED_AT] - (due === NOT_DUE || due === next ? 0 : 1);
    for (let n = 0; n < bytes[1]; n++) {
      this.hashes.push(view.getUint32(HEAD + 4 * n, true));
      this.connections.push(0);
    }
  }

  has(hash: number): boolean {
    return this.hashes.includes(hash);
  }

  /** It comes again, on this connection. Returns whether it came first in an earlier life, and not since. */
  again(hash: number, connection: number): boolean {
    const { connections } = this;
    const at = this.hashes.lastIndexOf(hash);
    const isEarlier = connections[at] === 0;
    connections[at] = connection;
    return isEarlier;
  }

  /**
   * Durable on return. `connection`: the one that it came on, from 1. `samples`: so many more are owed.
   * @throws Error if the store cannot keep it: it is not added
   */
  add(hash: number, connection: number, samples: number): void {
    const { hashes, connections, isStale } = this;
    this.hashes = hashes.concat(hash).slice(-MAX_KEPT);
    this.connections = connections.concat(connection).slice(-MAX_KEPT);
    this.owed += samples;
    try {
      this.write();
    } catch (error) {
      this.hashes = hashes;
      this.connections = connections;
      this.owed -= samples;
      this.isStale = isStale;
      throw error;
    }
  }

  /** A sample that is owed is appended right after this, as number `next` of the outbox. @throws Error if the store cannot keep that */
  append(next: number): void {
    this.owed--;
    this.due = next;
    this.write(1, next);
  }

  /** Behind `append`. What has not come to `outbox` was sent at once, or counted as lost, and is not owed. @throws Error as `append` */
  appended(outbox: Queue): void {
    const { due } = this;
    this.due = NOT_DUE;
    if (this.isStale || (due !== NOT_DUE && outbox.seek(due)?.sequence !== due)) this.write();
  }

  /** A sample that is owed cannot be had. @throws Error if the store cannot keep that */
  forgive(): void {
    this.owed--;
    this.write();
  }

  /** Behind the acknowledgement of each that came on this connection a message goes to the broker: once that is acknowledged, so are they. */
  follow(connection: number): void {
    for (let n = 0; n < this.connections.length; n++)
      if (this.connections[n] === connection) this.connections[n] = -connection;
  }

  /**
   * Those without an id that will not be sent again. `hasArrived`: of those that came on this connection the ones with a message behind their
   * acknowledgement, as that message is acknowledged. `hasAll`: those that did not come on it, as the broker has sent again on it whatever it
   * had to. `isThisLife`: also those of this life, whose repetitions the client keeps to itself at QoS 2. Durable with the next `add` or `write`. Returns whether there were any.
   */
  retire(connection: number, hasArrived: boolean, hasAll: boolean, isThisLife = hasAll): boolean {
    const { length } = this.hashes;
    for (let n = length; n-- > 0; ) {
      const came = this.connections[n];
      const isOver = Math.abs(came) === connection ? hasArrived && came < 0 : came === 0 ? hasAll : isThisLife;
      if (!isOver || this.hashes[n] & OWN_ID) continue;
      this.hashes.splice(n, 1);
      this.connections.splice(n, 1);
    }
    return this.hashes.length < length;
  }

  /** `more`: are owed, unless `due` shows that one was appended. @throws Error if the store cannot keep it */
  write(more = 0, due = NOT_DUE): void {
    const { hashes } = this;
    const bytes = new Uint8Array(HEAD + 4 * hashes.length);
    const view = new DataView(bytes.buffer);
    bytes[0] = FORMAT;
    bytes[1] = hashes.length;
    bytes[OWED_AT] = this.owed + more;
    view.setFloat64(DUE_AT, due, true);
    for (let n = 0; n < hashes.length; n++) view.setUint32(HEAD + 4 * n, hashes[n], true);
    this.isStale = true;
    this.store.write(COMMANDS_KEY, bytes.buffer);
    this.isStale = false;
  }
}

/** Whether an earlier life has left anything: commands, or samples that are owed or were perhaps appended when it ended. */
export function isOnRecord(store: KeyValueStore): boolean {
  const bytes = read(store);
  return bytes !== undefined && bytes[1] + bytes[OWED_AT] > 0;
}

/** 31 bits of `text`, which makes a command itself and no other; the lowest bit says whether that is an id of its own. */
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
