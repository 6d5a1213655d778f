/*
 * What the session needs of storage, and stores in RAM for clients without flash. Changes are durable when a method returns,
 * because the next packet acknowledges them. Stores are bounded.
 */
import { encodeTopicName } from "../wire/topics.js";
import type { Message } from "../wire/transmit.js";

/** An outgoing message. The store may reuse the object at the next call of any of its methods. */
export interface OutboundEntry {
  /** Counted from 0 over the store's whole life, below 2^48. The packet id follows from it. */
  readonly sequence: number;
  readonly qos: 1 | 2;
  /** PUBREC was recorded in the current session. */
  readonly released: boolean;
}

/** A store delivers at least this many numbers from its oldest unsettled entry on, which bounds the proof against that entry. */
export const SPAN = 256;

/** Outgoing messages, in order. `src/outbox` is one, on flash. */
export interface OutboundStore<E extends OutboundEntry> {
  /**
   * The first unsettled entry with a sequence number of at least `from`. An entry SPAN or more beyond the oldest may be
   * withheld until that is settled, if `nextSequence` shows that it exists.
   */
  seek(from: number): E | undefined;
  /** Number of the next new entry. If it is known, the session does not search for entries that do not exist. */
  readonly nextSequence?: number;
  /** PUBREC was received. */
  released(sequence: number): void;
  /** PUBACK or PUBCOMP was received, or the entry is dead-lettered. */
  settle(sequence: number): void;
  /** The session is lost: every `released` is void. Returns how many there were. */
  requeue(): number;
}

/** The store of clients that only subscribe, or publish from RAM. */
export const NO_STORE = Object.freeze({
  seek: () => undefined,
  released: () => {},
  settle: () => {},
  requeue: () => 0,
});

/** Packet ids of inbound QoS 2 messages between PUBREC and PUBREL. Durable, if duplicates have to be recognized after a reboot. */
export interface InboundStore {
  has(id: number): boolean;
  /** @throws RangeError when full: the connection is closed, and the server sends again later */
  add(id: number): unknown;
  /** No effect for an id that is not there. */
  delete(id: number): unknown;
  clear(): void;
}

/** An inbound store in RAM, of 64 ids. */
export class MemoryInboundStore extends Set<number> implements InboundStore {
  override add(id: number): this {
    if (this.size > 63) throw new RangeError("over 64 inbound QoS 2 messages at once");
    return super.add(id);
  }
}

/** A message in a `MemoryStore`, entry and message in one object. */
export interface MemoryEntry extends OutboundEntry, Message {}

interface Kept extends MemoryEntry {
  released: boolean;
}

/** An outbound store in RAM: survives a lost connection, but not a reboot. Use it with the client's option `render: (entry) => entry`. */
export class MemoryStore implements OutboundStore<MemoryEntry> {
  private readonly capacity: number;
  private readonly entries: Kept[] = []; // by sequence, ascending
  private next = 0;

  /** `capacity`: most messages. */
  constructor(capacity = 32) {
    this.capacity = capacity;
  }

  /** Messages not settled. */
  get length(): number {
    return this.entries.length;
  }

  /**
   * Queues a message; the payload is kept, not copied. Call the client's `wake` afterwards. Returns its sequence number; -1:
   * full.
   * @throws RangeError if `topic` is not a valid topic name
   */
  append(topic: string | Uint8Array, payload: Uint8Array, qos: 1 | 2, retain = false): number {
    if (this.entries.length >= this.capacity) return -1;
    const name = typeof topic === "string" ? encodeTopicName(topic) : topic;
    const sequence = this.next++;
    this.entries.push({ sequence, qos, released: false, topic: name, payload, payloadLength: payload.length, retain });
    return sequence;
  }

  // Searches from the front: entries asked for are in the window, and so among the oldest.
  seek(from: number): Kept | undefined {
    return this.entries.find((entry) => entry.sequence >= from);
  }

  released(sequence: number): void {
    const entry = this.seek(sequence);
    if (entry?.sequence === sequence) entry.released = true;
  }

  settle(sequence: number): void {
    const at = this.entries.findIndex((entry) => entry.sequence === sequence);
    if (at >= 0) this.entries.splice(at, 1);
  }

  requeue(): number {
    const released = this.entries.filter((entry) => entry.released);
    released.forEach((entry) => {
      entry.released = false;
    });
    return released.length;
  }
}
