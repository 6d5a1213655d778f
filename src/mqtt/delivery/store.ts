/*
 * What the session needs of storage, and stores in RAM for those without flash.
 * A method that changes something has made it durable when it returns: the next packet says so to the peer.
 * Stores are bounded; they do no I/O but their own.
 */
import { encodeTopicName } from "../wire/topics.js";
import type { Message } from "../wire/transmit.js";

/** One message on its way out. The store may reuse the object at the next call of any of its methods. */
export interface OutboundEntry {
  /** Counted from 0 over the store's whole life, below 2^48. The packet id follows from it. */
  readonly sequence: number;
  readonly qos: 1 | 2;
  /** PUBREC was recorded, in the session in force. */
  readonly released: boolean;
}

/** A store hands out at least so many numbers, from its oldest unsettled entry on: what there is for proof against that one. */
export const SPAN = 256;

/** Messages on their way out, in order. `src/outbox` is one, on flash. */
export interface OutboundStore<E extends OutboundEntry> {
  /**
   * The first unsettled entry with a sequence number of at least `from`. One that is SPAN or more from the oldest may be kept back
   * until that is settled, if `nextSequence` says that there is one.
   */
  seek(from: number): E | undefined;
  /** Number of the next entry to come. Where it is known, the session does not look for one that is not there. */
  readonly nextSequence?: number;
  /** PUBREC came. */
  released(sequence: number): void;
  /** PUBACK or PUBCOMP came, or the entry is dead-lettered. */
  settle(sequence: number): void;
  /** The session is lost: every `released` is void. Returns how many there were. */
  requeue(): number;
}

/** The store of those who only subscribe, or publish from RAM. */
export const NO_STORE = Object.freeze({
  seek: () => undefined,
  released: () => {},
  settle: () => {},
  requeue: () => 0,
});

/** Packet ids of inbound QoS 2 messages between PUBREC and PUBREL. Durable, if duplicates shall be known after a reboot. */
export interface InboundStore {
  has(id: number): boolean;
  /** @throws RangeError when full: the connection is closed, the server sends again later */
  add(id: number): unknown;
  /** An id that is not there: nothing to do. */
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

/** A message in a `MemoryStore`: entry and message in one. */
export interface MemoryEntry extends OutboundEntry, Message {}

interface Kept extends MemoryEntry {
  released: boolean;
}

/** An outbound store in RAM: survives a lost connection, not a reboot. Give it to the client with `render: (entry) => entry`. */
export class MemoryStore implements OutboundStore<MemoryEntry> {
  private readonly capacity: number;
  private readonly entries: Kept[] = []; // by sequence, ascending
  private next = 0;

  /** `capacity`: messages at most. */
  constructor(capacity = 32) {
    this.capacity = capacity;
  }

  /** Messages not settled. */
  get length(): number {
    return this.entries.length;
  }

  /**
   * Queues a message; the payload is kept, not copied. Call the client's `wake` afterwards. Returns its sequence number; -1: full.
   * @throws RangeError if `topic` is no topic name
   */
  append(topic: string | Uint8Array, payload: Uint8Array, qos: 1 | 2, retain = false): number {
    if (this.entries.length >= this.capacity) return -1;
    const name = typeof topic === "string" ? encodeTopicName(topic) : topic;
    const sequence = this.next++;
    this.entries.push({ sequence, qos, released: false, topic: name, payload, payloadLength: payload.length, retain });
    return sequence;
  }

  // By search from the front: what is asked for is in the window, and so among the oldest.
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
