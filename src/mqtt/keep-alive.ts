/*
 * Keep-alive of one connection: when to look whether it lives, PINGREQ, and when PINGRESP is overdue.
 * Source: MQTT 3.1.1 §3.1.2.10, §3.12.
 */
import type { Ending } from "./delivery/options.js";
import type { MQTTError } from "./options.js";
import type { Transmit } from "./wire/transmit.js";

const NEVER = Number.POSITIVE_INFINITY;

/** Bytes a second: what moves slower does not count as a message on its way, but as a peer that hangs. */
const MIN_SPEED = 256;
/** From PINGREQ to PINGRESP at most, whatever moves in between. */
const MAX_PING_MS = 600_000;

/**
 * How long PINGRESP is waited for, in milliseconds (default 15,000, and no more than the keep-alive allows), and the clock,
 * in milliseconds of uptime.
 */
export interface KeepAliveOptions {
  readonly pingTimeoutMs?: number;
  uptimeMs(): number;
}

/** What keep-alive needs of its connection. */
export interface KeptAlive {
  /** Knows whether something was sent since it was last asked. */
  readonly out: Transmit;
  /** The same for what was heard. */
  hasHeard: boolean;
  /** To be called again in so many milliseconds, instead of what was asked for before. */
  wait(delayMs: number): void;
  /** Sends what there is, PINGREQ among it. */
  send(): void;
  fail(kind: MQTTError["kind"], message: string, ending?: Ending): void;
}

/**
 * Keep-alive of one connection (MQTT 3.1.1 §3.1.2.10): looks at set times whether bytes have moved, sends PINGREQ, notices a
 * PINGRESP that does not come.
 */
export class KeepAlive {
  private readonly link: KeptAlive;
  private readonly options: KeepAliveOptions;
  /** Bytes that came in since PINGRESP was last waited for anew; `out` counts those that went out in pieces. */
  moved = 0;
  /** How often is looked, in milliseconds; Infinity: never. What is idle for a whole look is pinged: at 0.8 of the keep-alive. */
  lookMs = NEVER;
  /** When PINGRESP is overdue, in milliseconds of uptime; Infinity: no ping is out. */
  pingLimitMs = NEVER;
  /** The same, whatever comes in and goes out meanwhile. */
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

  /** Nothing was sent or nothing was heard since the last look, or the oldest in flight is still the same, or a ping is out. */
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
    // While a ping is out, another one leaves only for want of other packets.
    if (hasSent && hasHeard && !this.isPingDue && this.pingLimitMs < NEVER) this.look();
    else this.ping();
  }

  /** PINGRESP came. Returns whether it was asked for, and so is a proof of life. */
  pingresp(): boolean {
    if (this.pingLimitMs === NEVER) return false;
    // The next look is due as if the answer had come at once: what counts is when we sent (§3.1.2-23).
    this.link.wait(this.pingLimitMs - this.pingTimeoutMs + this.lookMs - this.options.uptimeMs());
    this.pingLimitMs = this.lastLimitMs = NEVER;
    return true;
  }

  /** Sends PINGREQ. Without free space the wait for the answer still begins, and begins again once PINGREQ is out. */
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
   * PINGRESP waits behind the messages that come in, and PINGREQ behind one that goes out. They count as life as long as they
   * move at a speed that a person would call slow: a peer that drips is as bad as one that is silent, with all that waits for it.
   */
  private isMoving(nowMs: number, hasSent: boolean): boolean {
    const out = this.link.out;
    if (nowMs >= this.lastLimitMs) return false;
    if (this.isPingDue && hasSent && !out.end) return true; // PINGREQ has free space now, and goes
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
