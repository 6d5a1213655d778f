/*
 * Finds out how much of its own messages the broker accepts. A broker may close the connection on a subscription, on discovery,
 * on retained messages or on the availability topic. Readings must then continue without these.
 *
 * Method: if the server closes several connections in a row within PROOF_MS of these messages, one kind of message is left out.
 * If the next connection then lasts, the kind is tried once more after a while. If that ends the connection again, the kind
 * counts as refused, and is tried again at growing intervals. If connections end even with nothing left to leave out, something
 * else ends them, and everything is published again. A network that drops now and then therefore costs at most half a minute
 * without these messages, and nothing counts as refused.
 * Details (diagnostics and their entities) are tried separately: each connection begins without them, and they are sent when it
 * has lasted. They count as refused if several connections in a row lasted until they were sent, and then ended.
 * Only a close by the server counts: no time-out, no refusal by a reason code, no loss of the network. A close also does not
 * count if the broker cannot be reached afterwards, because then it was stopped. The number of such excuses is limited, because a broker that
 * crashes on a message cannot be reached either. At a boot nothing is known.
 * Connections of a sleeper do not last for PROOF_MS. There, the acknowledgement of something that was sent later is the proof.
 * The state survives the sleep (`learned`), and a refused kind is tried again at the beginning of a report.
 */

import type { TimerId, Timers } from "../../board.js";
import { birthTopic } from "../../homeassistant/discovery.js";

/** Everything is published and subscribed to. */
export const ALL = 0;
/** Without diagnostics and their entities. */
export const UNDETAILED = 1;
/** Also without the subscription to Home Assistant's birth message. */
export const UNSUBSCRIBED = 2;
/** Also without discovery. */
export const UNDISCOVERED = 3;
/** Also without retain on availability and will. */
export const UNRETAINED = 4;
/** Also without availability and will: readings only. */
export const SILENT = 5;
/** What is published beside readings: each value leaves out one kind of message more. */
export type Extent =
  | typeof ALL
  | typeof UNDETAILED
  | typeof UNSUBSCRIBED
  | typeof UNDISCOVERED
  | typeof UNRETAINED
  | typeof SILENT;

/** A server that refuses a message closes within a round trip; this is far more. In milliseconds. */
export const PROOF_MS = 10_000;
/** After so many connections in a row that ended, something is left out for the first time; after LATER_STRIKES more, the next. */
export const STRIKES = 3;
const LATER_STRIKES = 2;
/** Time from the proof that a connection lasts without a kind of message to the next attempt with it, in milliseconds. */
export const FIRST_RETRY_MS = 30_000;
const RETRY_FACTOR = 4;
/** The longest time until a refused kind is tried again: six hours, in milliseconds. */
export const MAX_RETRY_MS = 6 * 3_600_000;

/** At most so many closes in a row are excused because the broker was away afterwards. The count restarts when everything is accepted. */
export const MAX_EXCUSED = 10;

const ACCEPTED = 0;
const REFUSED = 1;
/** Refused if the last close counts, which the next attempt shows. */
const DOUBTFUL = 2;
type Verdict = typeof ACCEPTED | typeof REFUSED | typeof DOUBTFUL;

/** Length of the state that survives a sleep. */
const LEARNED = 7;
const NOT_PROVEN = -1;

/** What acceptance needs of its owner. */
export interface AcceptanceOwner {
  readonly timers: Timers;
  uptimeMs(): number;
  /** While connected, more may be published than before: publish what is missing. */
  onMore(): void;
  /** The broker does not accept what `extent` leaves out; it will be tried again. Called once, until `onAccepted`. */
  onRefused(extent: Extent): void;
  /** The broker accepts everything again. */
  onAccepted(): void;
}

/** Finds out how much of the device's own messages the broker accepts. */
export class Acceptance {
  /** What is published on this connection, or on the next one. */
  extent: Extent = UNDETAILED;
  private readonly owner: AcceptanceOwner;
  /** The extent with which a connection has lasted, details aside; undefined: not known. */
  private proven: Extent | undefined;
  private strikes = 0;
  /** Connections in a row that ended on details. */
  private detailStrikes = 0;
  private verdict: Verdict = ACCEPTED;
  // These two properties are made at the first close, because few devices ever need them.
  /** The state before the last close, until the next attempt shows whether that close counts. */
  declare private before: readonly number[] | undefined;
  /** Closes in a row that did not count. */
  declare private excused: number | undefined;
  private retryMs = FIRST_RETRY_MS;
  private retryAtMs = 0;
  private isOnTrial = false;
  private timer: TimerId | undefined;

  /** `learned`: the state before a sleep. Default, or empty: nothing is known. */
  constructor(owner: AcceptanceOwner, learned: readonly number[] = []) {
    this.owner = owner;
    if (learned.length === LEARNED) this.goOn(learned);
  }

  /** The state that survives a sleep, LEARNED numbers; empty: nothing is known. */
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

  /** The refused extent; undefined: nothing is refused, or not for certain. */
  get refused(): Extent | undefined {
    return this.verdict === REFUSED && this.extent !== ALL ? this.extent : undefined;
  }

  /** More is being published than is known to be accepted. */
  get isTrying(): boolean {
    return this.proven !== undefined && this.extent < this.proven;
  }

  /** Time until a refused kind is tried again, if the connection stays, in milliseconds. */
  get retryInMs(): number {
    return Math.max(0, this.retryAtMs - this.owner.uptimeMs());
  }

  /** CONNECT is about to be sent: from here on, a close by the server counts. */
  connecting(): void {
    this.isOnTrial = true;
  }

  /** CONNACK has come: the broker was not away, so the last close counts. */
  reached(): void {
    this.forgetBefore();
    if (this.verdict !== DOUBTFUL) return;
    this.verdict = REFUSED;
    this.owner.onRefused(this.proven ?? this.extent);
  }

  /** After `reached`: everything in `extent` is being published. */
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

  /** What is published has changed: the broker may accept now what it refused before. */
  reset(): void {
    this.extent = UNDETAILED;
    this.proven = undefined;
    this.strikes = this.detailStrikes = 0;
    this.verdict = ACCEPTED;
    this.forgetBefore();
    this.retryMs = FIRST_RETRY_MS;
  }

  private forgetBefore(): void {
    if (this.before !== undefined) this.before = undefined;
  }

  /** Something that was sent after everything in `extent` was acknowledged. */
  outlived(): void {
    if (this.isOnTrial && this.timer !== undefined && this.extent !== ALL) this.judge();
  }

  /** A report has to show that the connection lasts without what was left out, even if it has nothing to publish. (No report lasts for PROOF_MS.) */
  get isDoubtful(): boolean {
    return this.proven === undefined && (this.extent > UNDETAILED || this.strikes > 0);
  }

  /** In a report: details are to be sent. Returns false if the broker does not accept them, as far as is known. */
  beginDetails(): boolean {
    if (this.extent > UNDETAILED || (this.detailStrikes >= STRIKES && this.retryInMs > 0)) return false;
    this.rest();
    this.extent = ALL;
    this.isOnTrial = true;
    return true;
  }

  /** The next details have to be acknowledged, because connections have ended on them. */
  get areDetailsDoubtful(): boolean {
    return this.detailStrikes > 0;
  }

  /** Details were acknowledged. */
  detailed(): void {
    if (this.extent === ALL && this.isOnTrial) this.judge();
  }

  /** The connection has lasted for PROOF_MS. */
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
      if (this.verdict !== ACCEPTED) owner.onAccepted();
      this.verdict = ACCEPTED;
      if (extent !== ALL) this.proven = extent;
      return;
    }
    if (proven === undefined || extent !== proven) {
      this.retryMs = FIRST_RETRY_MS;
      this.retryAtMs = owner.uptimeMs() + FIRST_RETRY_MS;
    }
    this.proven = extent;
  }

  /** On a connection that lasts: tries one kind of message more than is known to be accepted. */
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
    if (this.verdict === ACCEPTED) this.verdict = DOUBTFUL;
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

/** What a broker does not accept, as text. `prefix`: of discovery. */
export function acceptanceText(extent: Extent, statusTopic: string, prefix: string): string {
  switch (extent) {
    case ALL:
      return "";
    case UNDETAILED:
      return "closes on diagnostics, or on a subscription to commands; readings go on without them";
    case UNSUBSCRIBED:
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
