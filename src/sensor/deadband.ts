/*
 * The deadband: a reading that hardly differs from the last one that was passed on is not passed on, unless there was
 * silence for a heartbeat. Steps add up: a slow drift gets through as soon as it has left the band.
 * Pure: no clock, no allocation; the caller says when it is.
 */

/** Lets a reading pass or not. */
export class Deadband {
  private readonly celsius: number;
  private readonly heartbeatMs: number;
  private last = Number.NaN; // passed on; NaN: nothing yet, and no difference to NaN is within the band
  private lastMs = 0;

  /** `celsius`: half width of the band; 0: all pass. `heartbeatMs`: longest silence; 0: silence may last. */
  constructor(celsius: number, heartbeatMs: number) {
    if (!(celsius >= 0)) throw new RangeError(`deadband ${celsius}: expected 0 or more °C`);
    if (!(heartbeatMs >= 0)) throw new RangeError(`heartbeat ${heartbeatMs}: expected 0 or more ms`);
    this.celsius = celsius;
    this.heartbeatMs = heartbeatMs;
  }

  /** Whether a reading at `nowMs` (any steady clock) is to be passed on. */
  passes(celsius: number, nowMs: number): boolean {
    if (this.celsius === 0) return true;
    const silent = this.heartbeatMs === 0 || nowMs - this.lastMs < this.heartbeatMs;
    if (silent && Math.abs(celsius - this.last) < this.celsius) return false;
    this.note(celsius, nowMs);
    return true;
  }

  /** A reading was passed on without being asked for. */
  note(celsius: number, nowMs: number): void {
    this.last = celsius;
    this.lastMs = nowMs;
  }
}
