/*
 * How long sending waits for the clock to be set, after the link is up: a reading that is sent before never gets a time. Usually the
 * readings are some seconds old by then. After hours without a network they can wait some minutes more, which a router may need
 * until a time server can be reached. A device that sleeps waits for a few seconds, and with such readings, or if a time server's first
 * answer has to be confirmed, until a later report.
 */
import type { TimerId, Timers } from "../common/timers.js";

/** The shortest wait, in milliseconds. */
export const CLOCK_PATIENCE_MS = 30_000;
/** The longest wait, in milliseconds. */
export const MAX_CLOCK_PATIENCE_MS = 10 * 60_000;
/** Readings that may wait for so long, in milliseconds, are those of a long time without a network. */
const LONG_MS = 60_000;
/** The usual wait in a report of a device that sleeps, in milliseconds. */
export const REPORT_CLOCK_MS = 6_000;

/** What the wait needs of its owner. */
export interface PatienceOwner {
  readonly board: { readonly timers: Timers; readonly clock: { uptimeMs(): number } };
  /** Only of a device that sleeps. */
  readonly sleep: { holdsForClock(isLong: boolean): boolean } | undefined;
  log(level: "info", text: string): void;
  /** Sending begins, with or without a time. */
  startUplink(): void;
}

/** One wait for the clock, from the moment when the link is up. */
export class ClockPatience {
  private readonly owner: PatienceOwner;
  private timer: TimerId | undefined;

  constructor(owner: PatienceOwner) {
    this.owner = owner;
    if (owner.sleep === undefined) this.waitLong();
    else this.wait(REPORT_CLOCK_MS, () => this.lookAtReport());
  }

  /** Ends the wait: `startUplink` is not called any more. */
  close(): void {
    if (this.timer !== undefined) this.owner.board.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** In a report: sends now, or goes on waiting. Unless somebody is at the prompt, the report ends before that wait does. */
  private lookAtReport(): void {
    const { owner } = this;
    if (owner.sleep?.holdsForClock(this.patienceMs >= LONG_MS)) this.waitLong();
    else owner.startUplink();
  }

  private waitLong(): void {
    const { owner, patienceMs } = this;
    const end = owner.sleep
      ? "but no longer than two more reports"
      : `for at most ${Math.round(patienceMs / 60_000)} min`;
    if (patienceMs >= LONG_MS) owner.log("info", `readings wait for the time, ${end}`);
    this.wait(patienceMs, () => owner.startUplink());
  }

  /** A tenth of the time since boot, within the limits. */
  private get patienceMs(): number {
    const tenthMs = this.owner.board.clock.uptimeMs() / 10;
    return Math.min(Math.max(tenthMs, CLOCK_PATIENCE_MS), MAX_CLOCK_PATIENCE_MS);
  }

  private wait(ms: number, next: () => void): void {
    this.timer = this.owner.board.timers.set(() => {
      this.timer = undefined;
      next();
    }, ms);
  }
}
