/*
 * The true state of each sample: taken, delivered, evicted with a report. Also the broker that receives them at QoS 2: it ignores a
 * PUBLISH whose packet id it still has.
 */
import type { Recorder } from "./recorder.js";

export class Truth {
  /** Values by number, of samples that are durable. */
  readonly taken = new Map<number, number>();
  /** Values whose append was interrupted by a power cut: stored, or not. */
  readonly interrupted = new Set<number>();
  readonly delivered = new Map<number, number>();
  readonly evicted: (readonly [first: number, end: number])[] = [];
  /** Texts of violations. */
  readonly faults: string[] = [];
  refused = 0;
  readonly #held = new Set<number>();
  readonly #isOff: () => boolean;
  #count = 0;

  /** `isOff`: the power is cut; results of calls are then ignored. */
  constructor(isOff: () => boolean = () => false) {
    this.#isOff = isOff;
  }

  /** Copies the state of `other`: for a copied flash. */
  static after(other: Truth, isOff: () => boolean): Truth {
    const truth = new Truth(isOff);
    for (const [sequence, value] of other.taken) truth.taken.set(sequence, value);
    truth.evicted.push(...other.evicted);
    truth.#count = other.#count;
    return truth;
  }

  /** One sample; no two have the same value. */
  take(recorder: Recorder): void {
    const value = ++this.#count / 100;
    this.interrupted.add(value);
    const sequence = recorder.take(value, 45.5);
    if (this.#isOff()) return;
    this.interrupted.delete(value);
    if (sequence < 0) this.refused++;
    else this.taken.set(sequence, value);
  }

  /** One exchange at QoS 2, of which any part may be lost with the connection. @returns whether there was one */
  exchange(recorder: Recorder, isLost: () => boolean): boolean {
    const entry = recorder.waiting();
    if (entry === undefined || this.#isOff()) return false;
    const { sequence, value, released } = entry;
    if (!released) {
      if (isLost()) return true;
      if (!this.#held.has(sequence)) this.#deliver(sequence, value);
      this.#held.add(sequence);
      if (isLost()) return true;
      recorder.released(sequence);
      if (this.#isOff()) return false;
    }
    this.#held.delete(sequence);
    if (!isLost()) recorder.settle(sequence);
    return true;
  }

  #deliver(sequence: number, value: number): void {
    const times = (this.delivered.get(sequence) ?? 0) + 1;
    this.delivered.set(sequence, times);
    if (times > 1) this.faults.push(`${sequence} is delivered ${times} times`);
    if (!this.taken.has(sequence) && this.interrupted.delete(value)) this.taken.set(sequence, value);
    if (this.taken.get(sequence) !== value)
      this.faults.push(`${sequence} says ${value}, not ${this.taken.get(sequence)}`);
  }

  /** Sends all waiting samples; any missing one is a violation. */
  settle(recorder: Recorder): void {
    while (this.exchange(recorder, () => false)) {}
    for (const sequence of this.taken.keys()) {
      if (this.delivered.has(sequence)) continue;
      if (!this.evicted.some(([first, end]) => sequence >= first && sequence < end))
        this.faults.push(`${sequence} is lost`);
    }
    const { entries, damaged } = recorder.statistics;
    if (entries + damaged > 0) this.faults.push(`${entries} wait, ${damaged} damaged, where all is sent`);
  }
}
