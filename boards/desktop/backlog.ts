/*
 * Prints at the terminal how many readings wait for the broker: soon after the first one, then at growing intervals,
 * and once more when all of them have arrived.
 */
import type { TimerId, Timers } from "../../src/board.js";

/** A reading that waits longer than this is not just in flight. */
const FIRST_MS = 2_000;
const SECOND_MS = 10_000;
const LAST_MS = 3_600_000;

export class Backlog {
  readonly #timers: Timers;
  readonly #say: (text: string) => void;
  #timer: TimerId | undefined;
  #unsettled = 0;
  #reported: number | undefined; // the last reported number of readings; undefined: no report is open
  #sent = 0;
  #waitMs = SECOND_MS;

  constructor(timers: Timers, say: (text: string) => void) {
    this.#timers = timers;
    this.#say = say;
  }

  /** A reading was taken, or the device has booted. `unsettled`: readings in flash. */
  waits(unsettled: number): void {
    this.#unsettled = unsettled;
    if (unsettled > 0 && this.#timer === undefined) this.#look(FIRST_MS);
  }

  /** The broker has one more. */
  sent(): void {
    if (this.#reported !== undefined) this.#sent++;
  }

  /** `unsettled`: readings still in flash after some were sent. */
  left(unsettled: number): void {
    this.#unsettled = unsettled;
    if (this.#reported !== undefined) {
      if (unsettled === 0) this.#end();
      return;
    }
    this.close(); // it continues
    if (unsettled > 0) this.#look(FIRST_MS);
  }

  /** Prints nothing more about the readings that wait now. */
  close(): void {
    if (this.#timer !== undefined) this.#timers.clear(this.#timer);
    this.#timer = undefined;
  }

  #look(inMs: number): void {
    this.#timer = this.#timers.set(() => this.#report(), inMs);
  }

  #report(): void {
    const count = this.#unsettled;
    if (count !== this.#reported)
      this.#say(`not confirmed by the broker: ${counted(count)} kept in flash, to be sent again`);
    this.#reported = count;
    this.#look(this.#waitMs);
    this.#waitMs = Math.min(2 * this.#waitMs, LAST_MS);
  }

  #end(): void {
    this.close();
    this.#say(`${counted(this.#sent, "kept ")} sent`);
    this.#reported = undefined;
    this.#sent = 0;
    this.#waitMs = SECOND_MS;
  }
}

function counted(count: number, what = ""): string {
  return `${count} ${what}reading${count === 1 ? "" : "s"}`;
}
