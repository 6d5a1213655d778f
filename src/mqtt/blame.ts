/*
 * Which entry breaks the connection? One that does so again and again must not stop the rest; a flaky network must not cost a reading.
 *
 * The rule. A strike: a connection that ends with this entry as the oldest in flight, because either the server closed it after CONNACK
 * without having acknowledged anything, or it answered pings while this entry stayed unacknowledged. Ten strikes in a row make
 * the entry a suspect: it is held back on the next connection. Only if that connection proves to live without it (an acknowledgement,
 * or PINGRESP) the suspect becomes a dead letter; if not, the network is to blame, and counting begins anew.
 * Numbers only: no clock, no I/O.
 */

/** How a connection ended. "peer": closed by the server, after CONNACK. "stuck": by us, for want of an acknowledgement. */
export type Ending = "peer" | "stuck" | "other";

/** PINGRESPs in a row after which an entry that stays the oldest in flight is stuck. */
const PATIENCE = 3;
const NOBODY = -1;

export class Blame {
  /** Held back on this connection; below 0: nobody. */
  suspect = NOBODY;
  /** Has anything been acknowledged on this connection? */
  hasHeard = false;
  private readonly most: number;
  private strikes = 0;
  /** Who has the strikes. */
  private struck = NOBODY;
  /** The oldest in flight at the last PINGRESP, and at how many in a row. */
  private waiting = NOBODY;
  private waited = 0;

  /** `most`: strikes that make a suspect. */
  constructor(most = 10) {
    this.most = most;
  }

  /** The connection lives. Returns who is a dead letter now; below 0: nobody. */
  acquit(): number {
    const { suspect } = this;
    this.suspect = NOBODY;
    return suspect;
  }

  /** PINGRESP came while `oldest` was the oldest in flight (below 0: none is). Returns whether it is stuck. */
  pingresp(oldest: number): boolean {
    this.waited = oldest >= 0 && oldest === this.waiting ? this.waited + 1 : 0;
    this.waiting = oldest;
    return this.waited >= PATIENCE;
  }

  /** The connection ended while `oldest` was the oldest in flight (below 0: none was). */
  close(ending: Ending, oldest: number): void {
    if (this.suspect >= 0) {
      // It was not there: whatever breaks the connections, this entry is not to blame.
      this.suspect = this.struck = NOBODY;
    } else if (oldest >= 0 && (ending === "stuck" || (ending === "peer" && !this.hasHeard))) this.strike(oldest);
    else if (this.hasHeard) this.strikes = 0;
    this.hasHeard = false;
    this.waiting = NOBODY;
  }

  private strike(oldest: number): void {
    if (this.struck !== oldest) this.strikes = 0;
    this.struck = oldest;
    if (++this.strikes < this.most) return;
    this.strikes = 0;
    this.suspect = oldest;
  }
}
