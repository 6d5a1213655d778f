/*
 * The numbers that each device has taken, that the cluster has acknowledged, and that the subscriber has seen.
 */
import type { Observer } from "../../../src/board.js";
import type { Arrival } from "../../support/collector.js";

export interface Balance {
  readonly taken: number;
  /** Acknowledged by the cluster. */
  readonly settled: number;
  readonly seen: number;
  /** Acknowledged, and never seen: ROOM/SEQ. */
  readonly lost: readonly string[];
  /** Taken, and not acknowledged yet. */
  readonly waiting: number;
  /** Seen again, which QoS 1 allows. */
  readonly repeated: number;
}

export class Ledger {
  readonly #taken = new Set<string>();
  readonly #settled = new Set<string>();
  /** By device: uptime of its last acknowledged reading, milliseconds. */
  readonly #settledMs: number[];
  readonly #nowMs: () => number;

  constructor(devices: number, nowMs: () => number) {
    this.#settledMs = new Array(devices).fill(Number.NEGATIVE_INFINITY);
    this.#nowMs = nowMs;
  }

  /** Watches a device, whose room is `room<index>`. */
  observer(index: number): Observer {
    return {
      reading: (_sample, sequence) => {
        if (sequence !== undefined && sequence >= 0) this.#taken.add(`room${index}/${sequence}`);
      },
      settled: (sequence, outcome) => {
        if (outcome === "delivered") this.#settled.add(`room${index}/${sequence}`);
        this.#settledMs[index] = this.#nowMs();
      },
    };
  }

  /** Devices of which something was acknowledged since then. */
  servedSince(sinceMs: number): number {
    return this.#settledMs.filter((atMs) => atMs >= sinceMs).length;
  }

  balance(arrivals: readonly Arrival[]): Balance {
    const seen = new Set(arrivals.map(nameOf));
    return {
      taken: this.#taken.size,
      settled: this.#settled.size,
      seen: seen.size,
      lost: [...this.#settled].filter((name) => !seen.has(name)),
      waiting: [...this.#taken].filter((name) => !this.#settled.has(name)).length,
      repeated: arrivals.length - seen.size,
    };
  }
}

function nameOf({ topic, payload }: Arrival): string {
  return `${topic.split("/")[1]}/${JSON.parse(payload).seq}`;
}
