/*
 * One device's update, on the host's side: announces the image, sends the blocks that the device asks for, a few at once, and ends when
 * the device reports the result. Lost blocks are sent again from the device's position. No I/O and no clock.
 */
import { fromHex, toASCII } from "../../../src/common/ascii.js";
import { CHUNK_HEAD } from "../../../src/update/image-writer.js";
import type { Offer } from "../../../src/update/offer.js";

/** Bytes of the image in a chunk: a block of flash. */
export const CHUNK_BYTES = 4096;
/** Chunks in flight at once. */
const WINDOW = 4;
/** Without a state message for so long, the announcement is sent again, which the device answers. */
const ASK_MS = 10_000;
/** The same position twice within this time is one loss. */
const REPEAT_MS = 2_000;

/** A device's message on its state topic. */
export interface DeviceState {
  readonly version: string;
  readonly state: string;
  readonly id?: string;
  readonly latest?: string;
  readonly at?: number;
  readonly size?: number;
  readonly reason?: string;
}

/** How an update ended. */
export type Outcome = "confirmed" | "refused" | "failed" | "rolledBack";

const OUTCOMES: readonly string[] = ["confirmed", "refused", "failed", "rolledBack"];

export interface SenderOptions {
  readonly offer: Offer;
  readonly image: Uint8Array;
  publish(name: "offer" | "chunk", payload: Uint8Array): void;
  nowMs(): number;
}

export class Sender {
  /** The last state message about this update. */
  state: DeviceState | undefined;
  readonly #options: SenderOptions;
  #sentTo = 0;
  #lastAt = -1;
  #lastNewsMs = Number.NEGATIVE_INFINITY;
  #lastOfferMs = Number.NEGATIVE_INFINITY;
  #repeatMs = Number.NEGATIVE_INFINITY;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Undefined: the update is not finished. */
  get outcome(): Outcome | undefined {
    const state = this.state?.state;
    return state !== undefined && OUTCOMES.includes(state) ? (state as Outcome) : undefined;
  }

  /** To be called about every second, and when the connection is established. */
  tick(): void {
    const { nowMs } = this.#options;
    if (this.outcome !== undefined) return;
    const quietSinceMs = Math.max(this.#lastNewsMs, this.#lastOfferMs);
    if (nowMs() - quietSinceMs >= ASK_MS) this.#announce();
  }

  /** The connection is new: chunks sent on the previous one may be lost. */
  connected(): void {
    this.#sentTo = 0;
    if (this.outcome === undefined) this.#announce();
  }

  /** A message on the device's state topic. */
  hear(payload: Uint8Array): void {
    const { offer, nowMs } = this.#options;
    const state = parseState(payload);
    if (state === undefined || state.id !== offer.id || this.outcome !== undefined) return;
    this.state = state;
    this.#lastNewsMs = nowMs();
    if (state.state === "receiving") this.#send(state.at ?? 0);
  }

  #announce(): void {
    const { offer, publish, nowMs } = this.#options;
    this.#lastOfferMs = nowMs();
    publish("offer", toASCII(JSON.stringify(offer)));
  }

  #send(at: number): void {
    const { image, nowMs } = this.#options;
    const isRepeated = at === this.#lastAt;
    this.#lastAt = at;
    if (isRepeated && nowMs() - this.#repeatMs >= REPEAT_MS) {
      this.#repeatMs = nowMs();
      this.#sentTo = at;
    }
    if (at < this.#sentTo - WINDOW * CHUNK_BYTES) this.#sentTo = at; // the device has lost some: its power was away
    for (let next = Math.max(this.#sentTo, at); next < Math.min(image.length, at + WINDOW * CHUNK_BYTES); ) {
      this.#sendChunk(next);
      next += CHUNK_BYTES;
      this.#sentTo = next;
    }
  }

  #sendChunk(at: number): void {
    const { image, offer, publish } = this.#options;
    const data = image.subarray(at, at + CHUNK_BYTES);
    const chunk = new Uint8Array(CHUNK_HEAD + data.length);
    chunk.set(fromHex(offer.id));
    new DataView(chunk.buffer).setUint32(4, at, true);
    chunk.set(data, CHUNK_HEAD);
    publish("chunk", chunk);
  }
}

/** Parses a message of a state topic; undefined: not a device's state. */
export function parseState(payload: Uint8Array): DeviceState | undefined {
  try {
    const state = JSON.parse(new TextDecoder().decode(payload));
    return typeof state?.state === "string" && typeof state.version === "string" ? state : undefined;
  } catch {
    return undefined;
  }
}
