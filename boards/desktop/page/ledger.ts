/*
 * Counts a device's samples: which were taken, which have arrived, which wait, and whether any is lost or arrived twice.
 * No I/O. The process has one ledger, and the page another one, which it keeps when the process is killed and started again.
 */
import type { Outcome } from "../../../src/board.js";
import type { SampleRecord } from "./protocol.js";

/** Limit from the broker's acknowledgement to the arrival at the subscriber; after it the sample counts as lost. */
const TRANSIT_MS = 5_000;
/** A sample that arrives so long after it was taken counts as late. */
export const LATE_MS = 3_000;
/** Samples that are kept in detail; older ones that are settled are only counted. */
const MAX_KEPT = 20_000;

export interface Counts {
  /** Distinct samples that are known to have been taken. */
  readonly taken: number;
  /** Of these: arrived at the subscriber. */
  readonly delivered: number;
  readonly waiting: number;
  /** Acknowledged by the broker, and not at the subscriber yet. */
  readonly inTransit: number;
  /** Arrivals beyond the first. */
  readonly doubled: number;
  /** Those that were evicted included. */
  readonly lost: number;
  /** Flash was full. */
  readonly evicted: number;
  readonly deadLetters: number;
  /** By `queue drop`. */
  readonly dropped: number;
  /** Settled while the subscriber was disconnected: not seen, but not known as lost. */
  readonly unseen: number;
  readonly late: number;
}

export class Ledger {
  readonly #samples = new Map<number, SampleRecord>();
  #newest: SampleRecord | undefined;
  #lastReceived: SampleRecord | undefined;
  #through = 0; // of those that are not kept any more
  #throughDoubled = 0;
  #throughLate = 0;

  /** In the order in which they became known. */
  get samples(): readonly SampleRecord[] {
    return [...this.#samples.values()];
  }

  /** Taken last, as far as is known. */
  get newest(): SampleRecord | undefined {
    return this.#newest;
  }

  /** At the subscriber last. */
  get lastReceived(): SampleRecord | undefined {
    return this.#lastReceived;
  }

  get(seq: number): SampleRecord | undefined {
    return this.#samples.get(seq);
  }

  /** Merges a sample of another ledger, without forgetting anything known here. */
  merge(sample: SampleRecord): void {
    const known = this.#samples.get(sample.seq);
    if (known === undefined) {
      this.#store({ ...sample });
      return;
    }
    const { takenMs, values, receivedMs, copies } = known;
    Object.assign(known, sample);
    known.takenMs = takenMs ?? sample.takenMs;
    known.values = values ?? sample.values;
    known.receivedMs = earlier(receivedMs, sample.receivedMs);
    known.copies = Math.max(copies, sample.copies);
    this.#note(known);
  }

  /** A factory reset: numbers start again, and older ones belong to another device. */
  clear(): void {
    this.#samples.clear();
    this.#newest = this.#lastReceived = undefined;
    this.#through = this.#throughDoubled = this.#throughLate = 0;
  }

  taken(seq: number, takenMs: number, values: Readonly<Record<string, number>>): SampleRecord {
    return this.#put(seq, { takenMs, values, state: "waiting" });
  }

  /** Found in flash at a boot. */
  found(seq: number): SampleRecord {
    return this.#put(seq, { state: "waiting" });
  }

  /** `isWatched`: the subscriber is connected. */
  settled(seq: number, outcome: Outcome, nowMs: number, isWatched: boolean): SampleRecord {
    const state = outcome === "delivered" ? "settled" : outcome;
    return this.#put(seq, { state, settledMs: nowMs, ...(isWatched ? {} : { unwatched: true }) });
  }

  /** Flash was full: waiting samples from `first` to before `end` were evicted. */
  evicted(first: number, end: number, nowMs: number): SampleRecord[] {
    const gone = this.samples.filter(({ seq, state }) => seq >= first && seq < end && state === "waiting");
    return gone.map(({ seq }) => this.#put(seq, { state: "evicted", settledMs: nowMs }));
  }

  received(seq: number, nowMs: number, sample: Pick<SampleRecord, "takenMs" | "values">): SampleRecord {
    const known = this.#samples.get(seq);
    const takenMs = known?.takenMs ?? sample.takenMs;
    const values = known?.values ?? sample.values;
    // Unknown until it arrived: from an earlier run.
    const state = known?.state ?? "settled";
    return this.#put(seq, {
      takenMs,
      values,
      state,
      receivedMs: known?.receivedMs ?? nowMs,
      copies: (known?.copies ?? 0) + 1,
    });
  }

  /** The subscriber is disconnected: it may miss messages in transit. */
  unwatched(): SampleRecord[] {
    const missed = this.samples.filter(({ state, receivedMs }) => state === "settled" && receivedMs === undefined);
    for (const sample of missed) sample.unwatched = true;
    return missed;
  }

  /** At a boot: `queued` are the entries in flash. Samples that were counted as waiting and are not there have been settled. */
  reconcile(queued: ReadonlySet<number>, nowMs: number): SampleRecord[] {
    const changed: SampleRecord[] = [];
    for (const sample of this.#samples.values()) {
      if (sample.state !== "waiting" || queued.has(sample.seq)) continue;
      sample.state = "settled";
      sample.settledMs = nowMs;
      changed.push(sample);
    }
    for (const seq of queued) {
      const known = this.#samples.get(seq);
      if (known?.state === "waiting") continue;
      changed.push(this.found(seq));
    }
    return changed;
  }

  counts(nowMs: number): Counts {
    const counts = {
      taken: 0,
      delivered: 0,
      waiting: 0,
      inTransit: 0,
      doubled: 0,
      lost: 0,
      deadLetters: 0,
      dropped: 0,
    };
    let evicted = 0;
    let unseen = 0;
    let late = 0;
    for (const sample of this.#samples.values()) {
      counts.taken++;
      counts.doubled += Math.max(0, sample.copies - 1);
      if (isLate(sample)) late++;
      switch (fateOf(sample, nowMs)) {
        case "delivered":
          counts.delivered++;
          break;
        case "waiting":
          counts.waiting++;
          break;
        case "inTransit":
          counts.inTransit++;
          break;
        case "deadLetter":
          counts.deadLetters++;
          break;
        case "dropped":
          counts.dropped++;
          break;
        case "unseen":
          unseen++;
          break;
        default:
          counts.lost++;
          if (sample.state === "evicted") evicted++;
      }
    }
    return {
      ...counts,
      taken: counts.taken + this.#through,
      delivered: counts.delivered + this.#through,
      doubled: counts.doubled + this.#throughDoubled,
      late: late + this.#throughLate,
      unseen,
      evicted,
    };
  }

  #put(seq: number, what: Partial<SampleRecord>): SampleRecord {
    const sample: SampleRecord = { copies: 0, state: "waiting", ...this.#samples.get(seq), ...what, seq };
    return this.#store(sample);
  }

  #store(sample: SampleRecord): SampleRecord {
    this.#samples.set(sample.seq, sample);
    this.#note(sample);
    this.#trim();
    return sample;
  }

  #note(sample: SampleRecord): void {
    const { seq, receivedMs } = sample;
    if (sample.values !== undefined && seq >= (this.#newest?.seq ?? 0)) this.#newest = sample;
    if (receivedMs !== undefined && receivedMs >= (this.#lastReceived?.receivedMs ?? 0)) this.#lastReceived = sample;
  }

  #trim(): void {
    if (this.#samples.size <= MAX_KEPT) return;
    for (const [seq, sample] of this.#samples) {
      if (sample.receivedMs === undefined || sample.state === "waiting") continue;
      this.#samples.delete(seq);
      this.#through++;
      this.#throughDoubled += sample.copies - 1;
      if (isLate(sample)) this.#throughLate++;
      return;
    }
  }
}

export type Fate = "delivered" | "waiting" | "inTransit" | "deadLetter" | "dropped" | "unseen" | "lost";

/** The state of a sample. If it has arrived, it is delivered, even if it is still in flash. */
export function fateOf(sample: SampleRecord, nowMs: number): Fate {
  if (sample.receivedMs !== undefined) return "delivered";
  if (sample.state === "deadLetter" || sample.state === "dropped") return sample.state;
  if (sample.state === "evicted") return "lost";
  if (sample.state === "waiting") return "waiting";
  if (nowMs - (sample.settledMs ?? 0) < TRANSIT_MS) return "inTransit";
  return sample.unwatched ? "unseen" : "lost";
}

export function isLate({ takenMs, receivedMs }: SampleRecord): boolean {
  return takenMs !== undefined && receivedMs !== undefined && receivedMs - takenMs > LATE_MS;
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}

/** Comma-separated values, RFC 4180: a line for each sample. */
export function csvOf(samples: readonly SampleRecord[]): string {
  const keys = [...new Set(samples.flatMap(({ values = {} }) => Object.keys(values)))];
  const time = (ms: number | undefined): string => (ms === undefined ? "" : new Date(ms).toISOString());
  const rows = samples.map(({ seq, takenMs, values = {}, state, receivedMs, copies }) => [
    seq,
    time(takenMs),
    ...keys.map((key) => values[key] ?? ""),
    state,
    time(receivedMs),
    copies,
  ]);
  return [["seq", "taken", ...keys, "state", "received", "copies"], ...rows]
    .map((row) => `${row.join(",")}\r\n`)
    .join("");
}
