/*
 * With --once: whether all messages that waited at the broker have been received. MQTT does not show it. A broker sends what waits first, so it is
 * assumed after three seconds without a message, or after three seconds with messages that were measured after the connection began: where many
 * devices send, no three seconds pass without one. A wrong assumption loses nothing: what is not received waits for the next run.
 */
const QUIET_MS = 3_000;

export class Waiting {
  private quietSinceMs = Number.POSITIVE_INFINITY;
  private newSinceMs = Number.POSITIVE_INFINITY;
  private beganAtMs = Number.POSITIVE_INFINITY;

  /** The broker has answered the subscription. `nowMs`: a monotonic clock; `dateMs`: milliseconds since 1970. */
  begin(nowMs: number, dateMs: number): void {
    this.quietSinceMs = nowMs;
    this.newSinceMs = Number.POSITIVE_INFINITY;
    this.beganAtMs = dateMs;
  }

  /** The connection is lost: nothing is known. */
  stop(): void {
    this.begin(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  /** A message came; `measuredMs`: when it was measured, milliseconds since 1970, if known. */
  received(nowMs: number, measuredMs: number | undefined): void {
    if (this.quietSinceMs === Number.POSITIVE_INFINITY) return;
    this.quietSinceMs = nowMs;
    if (measuredMs !== undefined && measuredMs >= this.beganAtMs) this.newSinceMs = Math.min(this.newSinceMs, nowMs);
  }

  /** Whether all that waited has been received, as far as can be known. */
  isOver(nowMs: number): boolean {
    return nowMs - Math.min(this.quietSinceMs, this.newSinceMs) > QUIET_MS;
  }
}
