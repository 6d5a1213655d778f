/*
 * Detects another device with the same client id. The broker ends the older connection whenever the other device connects (MQTT
 * 3.1.1 §3.1.4-2), and MQTT 3.1.1 gives no reason. The sign of this is that the broker ends several connections in a row soon after
 * they begin, while nothing is being sent. A broker that refuses a message ends the connection at once; after a broker's
 * restart or a loss of the network, the next attempt fails. It remains a guess: equipment that closes idle connections looks
 * the same.
 */

/** Number of such connections in a row. */
export const MIN_ROW = 4;
/** A connection that lasts longer, in milliseconds, ends the row: the other device is gone. */
export const MAX_LIFE_MS = 150_000;
/**
 * Time since the connection began or something was acknowledged, in milliseconds. A refused message ends a connection within a
 * round trip.
 */
export const MIN_QUIET_MS = 1_000;

/** Detects that another device uses this client id. Times in milliseconds of uptime. */
export class Takeover {
  private row = 0;
  private sinceMs = 0;
  private heardMs = 0;
  private isOpen = false;

  /** Enough connections were seen to report it. */
  get isLikely(): boolean {
    return this.row >= MIN_ROW;
  }

  /** How long the latest connection had lasted when something was last acknowledged, in milliseconds. */
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

  /** A connection or an attempt has ended. Returns whether a takeover has just become likely. */
  ended(by: "server" | "other", nowMs: number): boolean {
    const isSoon = this.isOpen && nowMs - this.sinceMs <= MAX_LIFE_MS;
    const isQuiet = nowMs - this.heardMs >= MIN_QUIET_MS;
    this.isOpen = false;
    if (by !== "server" || !isSoon) this.row = 0;
    else if (isQuiet) return ++this.row === MIN_ROW;
    return false; // something was being sent, which may be the cause
  }
}
