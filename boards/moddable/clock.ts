/*
 * Uptime and wall clock from the SDK's tick counter, which has 32 bits, wraps after 49 days and may be negative.
 * The wall clock is kept as an offset from the uptime: `Time.set` accepts only whole seconds.
 */
import Time from "time";

const WRAP_MS = 2 ** 32;

export class TickClock {
  private last = 0;
  private wrappedMs = 0;
  private utcAtZeroMs: number | undefined;

  /** Milliseconds since boot. Must be called at least every 49 days; sampling does. */
  uptimeMs(): number {
    const now = Time.ticks >>> 0;
    if (now < this.last) this.wrappedMs += WRAP_MS;
    this.last = now;
    return this.wrappedMs + now;
  }

  /** Milliseconds since 1970; undefined until it was set. */
  utcMs(): number | undefined {
    return this.utcAtZeroMs === undefined ? undefined : this.utcAtZeroMs + this.uptimeMs();
  }

  setUtc(utcMs: number): void {
    this.utcAtZeroMs = utcMs - this.uptimeMs();
    Time.set(Math.round(utcMs / 1000)); // for code that uses Date
  }
}
