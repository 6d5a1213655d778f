/*
 * Stores that look SPAN numbers ahead of the oldest, as an outbox on flash does: one in RAM, and the outbox itself.
 */
import { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { type MemoryEntry, MemoryStore, SPAN } from "../../../src/mqtt/delivery/store.js";
import { Outbox } from "../../../src/outbox/outbox.js";

export class SpannedStore extends MemoryStore {
  #next = 0;

  get nextSequence(): number {
    return this.#next;
  }

  override append(topic: string, payload: Uint8Array, qos: 1 | 2): number {
    const sequence = super.append(topic, payload, qos);
    this.#next = sequence + 1;
    return sequence;
  }

  override seek(from: number): ReturnType<MemoryStore["seek"]> {
    const oldest = super.seek(0)?.sequence ?? 0;
    const entry = super.seek(from);
    return entry && entry.sequence < oldest + SPAN ? entry : undefined;
  }
}

const TOPIC = Uint8Array.of(0x61); // a

/** Entries on simulated flash; their topic is "a". One object for all, as stores may: it changes with the next call. */
export class FlashStore extends MemoryStore {
  readonly #entry = {
    sequence: -1,
    qos: 1 as 1 | 2,
    released: false,
    topic: TOPIC,
    payload: TOPIC,
    payloadLength: 0,
    retain: false,
  };
  readonly outbox = new Outbox({ flash: new NorFlash({ blocks: 64 }) });

  get nextSequence(): number {
    return this.outbox.nextSequence;
  }

  override get length(): number {
    return this.outbox.statistics().entries;
  }

  override append(_topic: string, payload: Uint8Array, qos: 1 | 2): number {
    return this.outbox.append(payload, qos);
  }

  override seek(from: number): (MemoryEntry & { released: boolean }) | undefined {
    const entry = this.outbox.seek(from);
    if (!entry) return undefined;
    const { sequence, qos, released } = entry;
    const payload = entry.payload.slice();
    return Object.assign(this.#entry, { sequence, qos, released, payload, payloadLength: payload.length });
  }

  override released(sequence: number): void {
    this.outbox.released(sequence);
  }

  override settle(sequence: number): void {
    this.outbox.settle(sequence);
  }

  override requeue(): number {
    return this.outbox.requeue();
  }
}
