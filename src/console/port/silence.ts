/*
 * Notices that no more bytes come, for decoders that wait for the rest of something: one timer for all of it, not one a byte.
 * A silence is noticed between one and two times the patience after the last byte.
 */
import type { TimerId, Timers } from "./serial.js";

/** Who has the port and the timers. */
export interface SilenceOwner {
  readonly timers: Timers;
  /** More has come and was not fed yet: the port is not silent. */
  bytesWait(): boolean;
  /** Runs what a timer has to do, and looks after the prompt then. */
  turn(action: () => void): void;
}

/** Who wants to know of a silence. */
export interface Listener {
  /** Milliseconds of silence that would mean something now; 0: none would. */
  readonly patienceMs: number;
  /** The port was silent for as long. */
  expire(): void;
}

/** One listener's timer: calls `expire` after one to two times its patience without a byte. */
export class Silence {
  private readonly owner: SilenceOwner;
  private readonly listener: Listener;
  private timer: TimerId | undefined;
  private bytes = 0; // since the timer was set

  constructor(owner: SilenceOwner, listener: Listener) {
    this.owner = owner;
    this.listener = listener;
  }

  /** To be called behind every byte that the listener was fed. */
  broken(): void {
    this.bytes += 1;
    if (this.timer === undefined) this.watch();
  }

  /** Nothing expires after it. */
  close(): void {
    if (this.timer !== undefined) this.owner.timers.clear(this.timer);
    this.timer = undefined;
  }

  private watch(): void {
    const patienceMs = this.listener.patienceMs;
    if (patienceMs === 0) return;
    this.bytes = 0;
    this.timer = this.owner.timers.set(() => this.owner.turn(() => this.late()), patienceMs);
  }

  private late(): void {
    this.timer = undefined;
    if (this.bytes === 0 && !this.owner.bytesWait()) this.listener.expire();
    else this.watch();
  }
}
