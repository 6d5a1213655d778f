/*
 * Two devices with one client id throw each other out: the broker ends the older connection whenever the other one connects
 * (MQTT 3.1.1 §3.1.4-2), and MQTT 3.1.1 does not say why. What can be seen: several connections in a row that the broker ended
 * while nothing was going on, soon after they began. A broker that does not take what it was sent ends a connection at once;
 * a broker that restarts, or a network that is gone, is away for a while, and the next attempt fails. It stays a guess: something in
 * between that ends idle connections looks the same.
 */

/** Connections in a row that were ended so. */
export const MIN_ROW = 4;
/** A connection that lived longer ends the row: the other device has gone. */
export const MAX_LIFE_MS = 150_000;
/** Since the connection began, or something was acknowledged. What is not taken ends a connection within a round trip. */
export const MIN_QUIET_MS = 1_000;

/** Notices that another device has this one's client id. Times in milliseconds of uptime. */
export class Takeover {
  private row = 0;
  private sinceMs = 0;
  private heardMs = 0;
  private isOpen = false;

  /** Enough was seen to say so. */
  get isLikely(): boolean {
    return this.row >= MIN_ROW;
  }

  /** The latest connection: something was acknowledged when it had lived for so long. */
  get provenMs(): number {
    return this.heardMs - this.sinceMs;
  }

  connected(nowMs: number): void {
    this.sinceMs = this.heardMs = nowMs;
    this.isOpen = true;
  }

  /** Something was acknowledged. */
  acknowledged(nowMs: number): void {
    this.heardMs = nowMs;
  }

  /** A connection or an attempt is over. Returns whether it has just become likely. */
  ended(by: "server" | "other", nowMs: number): boolean {
    const isSoon = this.isOpen && nowMs - this.sinceMs <= MAX_LIFE_MS;
    const isQuiet = nowMs - this.heardMs >= MIN_QUIET_MS;
    this.isOpen = false;
    if (by !== "server" || !isSoon) this.row = 0;
    else if (isQuiet) return ++this.row === MIN_ROW;
    return false; // ended in the midst of something: that may be anything
  }
}
