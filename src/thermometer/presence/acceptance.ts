/*
 * How much of what the device says of itself the broker takes. A broker may close the connection on a subscription, on
 * discovery, on retained messages, on the availability topic; readings must go on without what it does not take.
 *
 * Evidence: a connection that the server closes within PROOF_MS of what was said on it, so many times in a row, while the next
 * connection lives that leaves a thing out. After a while that thing is tried once more: if that ends the connection again, it is
 * refused, and is tried again ever more rarely. If even silence does not keep a connection, something else ends them, and all is
 * said again. So a network that drops now and then costs half a minute of silence at worst, and no verdict.
 * Details have a trial of their own: each connection begins without them, and has proved itself before they are said. They are refused
 * when so many connections in a row have ended upon them, each of which had outlived everything else.
 * Only what the server closes counts: no time-out, no refusal by a code, no network that is gone. Nor does a close after which the
 * broker cannot be reached: it was stopped. That is no excuse for ever: a broker that crashes on what it is sent is away as well. A boot
 * begins anew.
 * A sleeper's connections do not live for PROOF_MS: there it is proof that an acknowledgement has come of what was sent after all that
 * was said. It goes on where it was before the sleep (`learned`), and tries what was refused at the beginning of a report.
 */

import type { TimerId, Timers } from "../../board.js";
import { birthTopic } from "../../homeassistant/discovery.js";

/** All is said and heard. */
export const ALL = 0;
/** Without diagnostics, and without their entities. */
export const UNDETAILED = 1;
/** And without the subscription to Home Assistant's status. */
export const UNHEARD = 2;
/** And without discovery. */
export const UNDISCOVERED = 3;
/** And availability is not retained, nor the will. */
export const UNRETAINED = 4;
/** No availability, no will: readings alone. */
export const SILENT = 5;
/** What is said beside readings, from all to nothing: each leaves out one thing more. */
export type Extent =
  | typeof ALL
  | typeof UNDETAILED
  | typeof UNHEARD
  | typeof UNDISCOVERED
  | typeof UNRETAINED
  | typeof SILENT;

/** A server that does not take a thing closes within a round trip; this is many. */
export const PROOF_MS = 10_000;
/** Connections in a row that end so before something is left out. */
export const STRIKES = 3;
const LATER_STRIKES = 2;
/** From the proof that the connection lives without a thing to the next try with it. */
export const FIRST_RETRY_MS = 30_000;
const RETRY_FACTOR = 4;
/** The longest time until what was refused is tried again: six hours, in milliseconds. */
export const MAX_RETRY_MS = 6 * 3_600_000;

/** So many closes in a row after which the broker was away do not count; more do. The row ends where everything is taken. */
export const MAX_EXCUSED = 10;

const TAKEN = 0;
const REFUSED = 1;
/** Refused, if the last close counts, which the next attempt shows. */
const DOUBTFUL = 2;
type Verdict = typeof TAKEN | typeof REFUSED | typeof DOUBTFUL;

/** What a sleep keeps of it: so many numbers. */
const LEARNED = 7;
const NOT_PROVEN = -1;

/** What acceptance asks of its owner, and what it reports. */
export interface AcceptanceOwner {
  readonly timers: Timers;
  uptimeMs(): number;
  /** What is said from now on has changed while connected: say what is not said yet. */
  onMore(): void;
  /** The broker does not take what `extent` leaves out: it is tried again. Once, until `onTaken`. */
  onRefused(extent: Extent): void;
  /** It takes everything after all. */
  onTaken(): void;
}

/** Finds out how much of what the device publishes about itself the broker takes. */
export class Acceptance {
  /** What is said on this connection, or on the next one. */
  extent: Extent = UNDETAILED;
  private readonly owner: AcceptanceOwner;
  /** The most that a connection has lived with lately, details aside; undefined: nothing is known. */
  private proven: Extent | undefined;
  private strikes = 0;
  /** Connections in a row that have ended upon details. */
  private detailStrikes = 0;
  private verdict: Verdict = TAKEN;
  // Not made before the first close, as few devices ever need them:
  /** As it was before the last close, until the next attempt shows whether that counts. */
  declare private before: readonly number[] | undefined;
  /** Closes in a row that did not count. */
  declare private excused: number | undefined;
  private retryMs = FIRST_RETRY_MS;
  private retryAtMs = 0;
  private isOnTrial = false;
  private timer: TimerId | undefined;

  /** `learned`: as it was before a sleep. Default, or empty: nothing is known. */
  constructor(owner: AcceptanceOwner, learned: readonly number[] = []) {
    this.owner = owner;
    if (learned.length === LEARNED) this.goOn(learned);
  }

  /** What outlives a sleep, LEARNED numbers; empty: nothing is known. */
  get learned(): readonly number[] {
    const { extent, proven, strikes, detailStrikes } = this;
    const kept = Math.max(extent, this.isTrying ? (proven ?? 0) : UNDETAILED) as Extent;
    if (kept === UNDETAILED && strikes + detailStrikes === 0) return [];
    return this.stateWith(kept);
  }

  private stateWith(extent: Extent): readonly number[] {
    const { proven, strikes, detailStrikes, verdict } = this;
    return [extent, proven ?? NOT_PROVEN, strikes, detailStrikes, verdict, this.retryMs, this.retryAtMs];
  }

  private restore([extent, proven, strikes, detailStrikes, verdict, retryMs, retryAtMs]: readonly number[]): void {
    this.extent = extent as Extent;
    this.proven = proven === NOT_PROVEN ? undefined : (proven as Extent);
    this.strikes = strikes;
    this.detailStrikes = detailStrikes;
    this.verdict = verdict as Verdict;
    this.retryMs = retryMs;
    this.retryAtMs = retryAtMs;
  }

  private goOn(learned: readonly number[]): void {
    this.restore(learned);
    const { proven, extent } = this;
    const isDue = extent === proven && extent > UNDETAILED && this.owner.uptimeMs() >= this.retryAtMs;
    if (isDue) this.extent = (extent - 1) as Extent;
  }

  /** What is refused; undefined: nothing, or it is not known for sure. */
  get refused(): Extent | undefined {
    return this.verdict === REFUSED && this.extent !== ALL ? this.extent : undefined;
  }

  /** More is said than is known to be taken. */
  get isTrying(): boolean {
    return this.proven !== undefined && this.extent < this.proven;
  }

  /** Until what is refused is tried again, in milliseconds, if the connection stays. */
  get retryInMs(): number {
    return Math.max(0, this.retryAtMs - this.owner.uptimeMs());
  }

  /** CONNECT is about to go: from here on, an end by the server counts. */
  connecting(): void {
    this.isOnTrial = true;
  }

  /** CONNACK came: the broker was not away, and the close before this connection counts. */
  reached(): void {
    this.forgetBefore();
    if (this.verdict !== DOUBTFUL) return;
    this.verdict = REFUSED;
    this.owner.onRefused(this.proven ?? this.extent);
  }

  /** After `reached`: all of `extent` is being said. */
  connected(): void {
    this.isOnTrial = true;
    this.wait(PROOF_MS, () => this.lived());
  }

  /** There is no connection. */
  rest(): void {
    this.wait(undefined);
  }

  /** After `rest`: how the connection, or the attempt, has ended. */
  ended(by: "server" | "other"): void {
    const counts = this.isOnTrial && by === "server";
    this.isOnTrial = false;
    const { proven, extent, before } = this;
    if (extent === ALL) this.extent = UNDETAILED;
    if (!counts) {
      const excused = this.excused ?? 0;
      this.forgetBefore();
      if (before === undefined || excused >= MAX_EXCUSED) return;
      this.excused = excused + 1;
      this.restore(before);
      return;
    }
    this.before = this.stateWith(this.extent);
    if (extent === ALL) {
      if (++this.detailStrikes >= STRIKES) this.fallBack(UNDETAILED);
    } else if (proven !== undefined && extent < proven) this.fallBack(proven);
    else if (++this.strikes >= (extent === UNDETAILED ? STRIKES : LATER_STRIKES)) {
      this.strikes = 0;
      this.extent = extent === SILENT ? UNDETAILED : ((extent + 1) as Extent);
    }
  }

  /** Other things are to be said: what was refused may be taken now. */
  reset(): void {
    this.extent = UNDETAILED;
    this.proven = undefined;
    this.strikes = this.detailStrikes = 0;
    this.verdict = TAKEN;
    this.forgetBefore();
    this.retryMs = FIRST_RETRY_MS;
  }

  private forgetBefore(): void {
    if (this.before !== undefined) this.before = undefined;
  }

  /** What was sent after all of `extent` is acknowledged, if anything was said; and the owner is about to end the connection. */
  outlived(): void {
    if (this.isOnTrial && this.timer !== undefined && this.extent !== ALL) this.judge();
  }

  /** The connection has outlived what was said on it. */
  private lived(): void {
    const { extent } = this;
    this.judge();
    if (extent === UNDETAILED && this.detailStrikes < STRIKES) this.more();
    else if (extent !== ALL) this.wait(this.retryInMs, () => this.more());
  }

  private judge(): void {
    const { owner, extent, proven } = this;
    this.isOnTrial = false;
    this.strikes = 0;
    if (extent === ALL) {
      this.detailStrikes = 0;
      if (this.excused !== undefined) this.excused = 0;
    }
    const areDetailsRefused = this.detailStrikes >= STRIKES;
    if (extent === ALL || (extent === UNDETAILED && !areDetailsRefused)) {
      if (this.verdict !== TAKEN) owner.onTaken();
      this.verdict = TAKEN;
      if (extent !== ALL) this.proven = extent;
      return;
    }
    if (proven === undefined || extent !== proven) {
      this.retryMs = FIRST_RETRY_MS;
      this.retryAtMs = owner.uptimeMs() + FIRST_RETRY_MS;
    }
    this.proven = extent;
  }

  /** Tries one thing more than is known to be taken, on the connection that lives. */
  private more(): void {
    this.extent = (this.extent - 1) as Extent;
    this.isOnTrial = true;
    this.wait(PROOF_MS, () => this.lived());
    this.owner.onMore();
  }

  private fallBack(proven: Extent): void {
    this.extent = proven;
    this.retryMs = Math.min(this.retryMs * RETRY_FACTOR, MAX_RETRY_MS);
    this.retryAtMs = this.owner.uptimeMs() + this.retryMs;
    if (this.verdict === TAKEN) this.verdict = DOUBTFUL;
  }

  private wait(delayMs: number | undefined, next: () => void = () => {}): void {
    const timers = this.owner.timers;
    if (this.timer !== undefined) timers.clear(this.timer);
    this.timer =
      delayMs === undefined
        ? undefined
        : timers.set(() => {
            this.timer = undefined;
            next();
          }, delayMs);
  }
}

/** How much of discovery and availability a broker does not take. `prefix`: of discovery. */
export function acceptanceText(extent: Extent, statusTopic: string, prefix: string): string {
  switch (extent) {
    case ALL:
      return "";
    case UNDETAILED:
      return "closes on diagnostics, or on a subscription to commands; readings go on without them";
    case UNHEARD:
      return `closes on a subscription to ${birthTopic(prefix)}; readings go on without it`;
    case UNDISCOVERED:
      return "closes on discovery; readings go on without it (set discovery off)";
    case UNRETAINED:
      return "closes on retained messages; readings go on without discovery, and the status is not retained";
    case SILENT:
      return `closes on ${statusTopic}; readings go on without it, and without discovery`;
    default:
      throw new TypeError(`extent: ${extent satisfies never}`);
  }
}
