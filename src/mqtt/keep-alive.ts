/*
 * Keep-alive of one connection: when to check whether it lives, PINGREQ, and when PINGRESP is overdue.
 * Source: MQTT 3.1.1 §3.1.2.10, §3.12.
 */
import type { Ending } from "./delivery/options.js";
import type { MQTTError } from "./options.js";
import type { Transmit } from "./wire/transmit.js";

const NEVER = Number.POSITIVE_INFINITY;

/** Bytes a second: slower transfers count as a hanging peer, not as a message in transit. */
const MIN_SPEED = 256;
/** Longest time from PINGREQ to PINGRESP, whatever is transferred in between. */
const MAX_PING_MS = 600_000;

/**
 * Time to wait for PINGRESP, in milliseconds (default 15,000, and no more than the keep-alive allows), and the clock, in
 * milliseconds of uptime.
 */
export interface KeepAliveOptions {
  readonly pingTimeoutMs?: number;
  uptimeMs(): number;
}

/** What keep-alive needs of its connection. */
export interface KeptAlive {
  /** Knows whether something was sent since the last check. */
  readonly out: Transmit;
  /** The same for received bytes. */
  hasHeard: boolean;
  /** Calls back after `delayMs` milliseconds; replaces the last request. */
  wait(delayMs: number): void;
  /** Sends what is due, PINGREQ included. */
  send(): void;
  fail(kind: MQTTError["kind"], message: string, ending?: Ending): void;
}

/**
 * Keep-alive of one connection (MQTT 3.1.1 §3.1.2.10): checks at fixed intervals whether bytes were transferred, sends PINGREQ,
 * and detects a missing PINGRESP.
 */
export class KeepAlive {
  private readonly link: KeptAlive;
  private readonly options: KeepAliveOptions;
  /** Bytes received since the wait for PINGRESP last started again; `out` counts those that were sent in parts. */
  moved = 0;
  /**
   * Interval of the checks, in milliseconds: 0.4 of the keep-alive; Infinity: no checks. A connection that was idle for a whole
   * interval is pinged, and so at 0.8 of the keep-alive at the latest.
   */
  lookMs = NEVER;
  /** When PINGRESP is overdue, in milliseconds of uptime; Infinity: no ping is outstanding. */
  pingLimitMs = NEVER;
  /** The final limit, whatever is transferred meanwhile. */
  private lastLimitMs = NEVER;
  /** PINGREQ waits for free space. */
  private isPingDue = false;

  constructor(link: KeptAlive, options: KeepAliveOptions) {
    this.link = link;
    this.options = options;
  }

  /** CONNACK was accepted. `keepAliveS`: 0: off. */
  begin(keepAliveS: number): void {
    this.lookMs = keepAliveS * 400 || NEVER;
    this.link.wait(this.lookMs);
  }

  /** Called if nothing was sent or received since the last check, the oldest in flight is the same, or a ping is outstanding. */
  lookCloser(): void {
    const { link } = this;
    const { out, hasHeard } = link;
    const nowMs = this.options.uptimeMs();
    const hasSent = out.hasSent;
    out.hasSent = link.hasHeard = false;
    if (nowMs >= this.pingLimitMs) {
      if (!this.isMoving(nowMs, hasSent)) {
        link.fail("timeout", "no PINGRESP");
        return;
      }
      this.pingLimitMs = nowMs + this.pingTimeoutMs;
      this.countAnew();
    }
    // While a ping is outstanding, another is sent only if no other packets are.
    if (hasSent && hasHeard && !this.isPingDue && this.pingLimitMs < NEVER) this.look();
    else this.ping();
  }

  /** PINGRESP was received. Returns whether it answers a PINGREQ, and so proves that the connection lives. */
  pingresp(): boolean {
    if (this.pingLimitMs === NEVER) return false;
    // The next check is due as if the answer had come at once: the time of our PINGREQ counts (§3.1.2-23).
    this.link.wait(this.pingLimitMs - this.pingTimeoutMs + this.lookMs - this.options.uptimeMs());
    this.pingLimitMs = this.lastLimitMs = NEVER;
    return true;
  }

  /** Sends PINGREQ. Without free space the wait for the answer begins anyway, and begins again when PINGREQ is sent. */
  private ping(): void {
    const nowMs = this.options.uptimeMs();
    const limitMs = nowMs + this.pingTimeoutMs;
    const isOut = this.link.out.packet(Uint8Array.of(0xc0, 0));
    if (this.pingLimitMs === NEVER) {
      this.lastLimitMs = nowMs + MAX_PING_MS;
      this.countAnew();
    }
    this.pingLimitMs = isOut && this.isPingDue ? limitMs : Math.min(this.pingLimitMs, limitMs);
    this.isPingDue = !isOut;
    this.look();
    this.link.send();
  }

  /**
   * PINGRESP waits behind incoming messages, and PINGREQ behind an outgoing one. Their bytes count as a sign of life while they
   * move at a minimum speed: a peer that is much slower blocks everything, as a silent one does.
   */
  private isMoving(nowMs: number, hasSent: boolean): boolean {
    const out = this.link.out;
    if (nowMs >= this.lastLimitMs) return false;
    if (this.isPingDue && hasSent && !out.end) return true; // PINGREQ has free space now, and is sent
    return (this.moved + out.moved) * 1_000 >= this.pingTimeoutMs * MIN_SPEED;
  }

  private countAnew(): void {
    this.moved = this.link.out.moved = 0;
  }

  private look(): void {
    this.link.wait(Math.min(this.lookMs, this.pingLimitMs - this.options.uptimeMs()));
  }

  private get pingTimeoutMs(): number {
    return Math.min(this.options.pingTimeoutMs ?? 15_000, this.lookMs * 2.5);
  }
}
