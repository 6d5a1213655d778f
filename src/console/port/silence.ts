/*
 * Detects that no more bytes come, for decoders that wait for the rest of something. It uses one timer for all bytes, not one
 * per byte, and so detects a silence between one and two times the patience after the last byte.
 */
import type { TimerId, Timers } from "./serial.js";

/** The owner of port and timers. */
export interface SilenceOwner {
  readonly timers: Timers;
  /** More bytes have arrived that were not processed yet: the port is not silent. */
  bytesWait(): boolean;
  /** Runs a timer's action, and then updates the prompt. */
  turn(action: () => void): void;
}

/** A decoder that needs to detect silence. */
export interface Listener {
  /** Milliseconds of silence that would decide something now; 0: none. */
  readonly patienceMs: number;
  /** The port was silent for that time. */
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

  /** Call this after every byte that the listener was given. */
  broken(): void {
    this.bytes += 1;
    if (this.timer === undefined) this.watch();
  }

  /** Nothing expires afterwards. */
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
