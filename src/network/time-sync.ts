/*
 * TimeSync: sets the wall clock by SNTP while the link is up, and again about once a day. It is careful with public servers: no
 * server twice within 15 s (RFC 4330 §10), with back-off and jitter, and less often if a server asks for that. An answer is accepted
 * if its server reports a synchronised clock, if it is plausible for this firmware, and if enough other answers agree
 * (time-votes.ts). If servers contradict each other, the clock is unchanged until more of them agree. After a sleep, when there
 * is no time to ask a server twice, one answer is enough if the clock can have drifted so far, and no other server contradicts it.
 */

import type { TimerId, Timers } from "../common/timers.js";
import { nextStepMs, waitMs } from "./back-off.js";
import type { NTPPort } from "./io.js";
import { type Outcome, TimeQuestion } from "./time-question.js";
import { type EarlierAnswers, isWithinDrift, type LastSet, TimeVotes, votesNeeded } from "./time-votes.js";

/** No answer is earlier than this, in milliseconds since 1970: the source was written then. */
export const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** No answer is later than this, in milliseconds since 1970. */
export const LATEST_MS = Date.UTC(2066, 0, 1);
/** Shortest wait between two questions to one server. RFC 4330 §10, item 1: 15 s. */
export const MIN_WAIT_MS = 15_000;
/** Time before another server is asked after a failure. */
export const NEXT_SERVER_MS = 1_000;
/** Steps of the back-off once all servers have failed. */
export const TIME_STEPS = Object.freeze({ firstMs: 15_000, longestMs: 900_000 });
/** How long a server that answers RATE is not asked, in milliseconds. */
export const RATE_MS = 3_600_000;
/** How long a server that answers DENY or RSTR is not asked, in milliseconds: a day (RFC 4330 §8). */
export const DENY_MS = 86_400_000;
/** Shortest time between two settings of the clock; up to an hour more, so that many devices do not ask at once. */
export const REFRESH_MS = 86_400_000;
const REFRESH_SPREAD_MS = 3_600_000;
/** After so long in sleep without being set, in milliseconds, a clock may be wrong by an hour. This is reported. */
export const OVERDUE_MS = 86_400_000;

/** The object is kept, and its properties are read again and again. */
export interface TimeSyncOptions {
  readonly ntp: NTPPort;
  /** The servers' names or addresses, separated by commas. */
  readonly hosts: string;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  random(): number;
  /** Milliseconds since boot. */
  uptimeMs(): number;
  /** The latest time that is known to be past, in milliseconds since 1970: what flash knows of earlier boots. */
  pastUtcMs?(): number | undefined;
  /** Only of a device that sleeps: how the clock was set before. */
  lastSet?(): LastSet | undefined;
  /** Only of a device that sleeps, while its clock was never set: `toConfirm` from before the sleep. */
  earlierAnswers?(): EarlierAnswers | undefined;
  /** Sets the wall clock, milliseconds since 1970. */
  setUtc(utcMs: number): void;
  /** Called after `setUtc`. `movedMs`: by how much the clock was moved; undefined at the first time. */
  onSynced?(utcMs: number, movedMs: number | undefined): void;
  /** A line for the log: why there is no time. Only the first reason since the last success is reported, and once that it is overdue. */
  onProblem?(text: string): void;
  /** The owner's callback threw, and was caught here. */
  onFault?(error: unknown): void;
}

/** The state of the time, for `status`. */
export interface TimeStatus {
  /** The server of the current or the next question. */
  readonly host: string;
  /** "down": the link is down. "waiting": for the time of the next question. */
  readonly state: "down" | "asking" | "waiting" | "closed";
  /** Time since the clock was set, in milliseconds; undefined while it was not. */
  readonly ageMs?: number;
  /** Why the last question failed. */
  readonly problem?: string;
  /** Only of a device that sleeps: the clock was not set for more than a day, and the remedy. */
  readonly overdue?: string;
}

interface Server {
  readonly host: string;
  /** Uptime before which it must not be asked again. */
  dueMs: number;
}

/** Sets the clock by the given servers, and reports the result. Times in milliseconds. */
export class TimeSync {
  private readonly options: TimeSyncOptions;
  private readonly servers: readonly Server[];
  private readonly votes = new TimeVotes();
  private state: TimeStatus["state"] = "down";
  private at = 0; // the server to ask next
  private question?: TimeQuestion;
  private timer?: TimerId;
  private failures = 0; // in a row
  private asked = 0; // questions that have ended
  private stepMs = 0;
  private dueMs = 0; // in uptime: when we want to ask next
  private syncedAtMs?: number;
  private bootMs?: number; // milliseconds since 1970 at uptime 0: what was set
  private problem?: string;
  private overdue?: string;

  constructor(options: TimeSyncOptions) {
    this.options = options;
    this.servers = options.hosts
      .split(",")
      .map((host) => ({ host: host.trim(), dueMs: 0 }))
      .filter(({ host }) => host !== "");
  }

  /** Asks, if a question is due. */
  linkUp(): void {
    if (this.state !== "down" || this.servers.length === 0) return;
    if (this.syncedAtMs === undefined) this.dueMs = 0; // the link may have been the reason for missing answers
    this.waitUntil(this.dueMs);
  }

  linkDown(): void {
    if (this.state !== "closed") this.rest("down");
  }

  /**
   * Does not wait for further answers: after a sleep, one is enough if it is no further off than the clock can drift, and no
   * other contradicts it. There may be only one server, and a report is too short to ask it twice.
   */
  settle(): void {
    const last = this.options.lastSet?.();
    const isUp = this.state === "asking" || this.state === "waiting";
    if (last === undefined || this.bootMs !== undefined || !isUp) return;
    const nowMs = this.options.uptimeMs();
    const bootMs = this.votes.unanimous;
    if (bootMs !== undefined && (isWithinDrift(bootMs, nowMs, last) || this.isConfirmed(bootMs, nowMs)))
      this.set(bootMs);
    else this.lookOverdue(last, nowMs);
  }

  /** The answers of this run are too few, and agree with those from before a sleep. */
  private isConfirmed(bootMs: number, nowMs: number): boolean {
    const pastMs = Math.max(EARLIEST_MS, this.options.pastUtcMs?.() ?? 0);
    const needed = votesNeeded(bootMs, nowMs, { ageMs: 0, pastMs });
    return this.votes.carry(bootMs, needed, nowMs, this.options.earlierAnswers?.());
  }

  /** The clock was never set, and the first answer waits for the one that confirms it. */
  get isConfirming(): boolean {
    if (this.bootMs !== undefined || this.votes.unanimous === undefined) return false;
    return (this.options.lastSet?.()?.syncUtcMs ?? 0) === 0;
  }

  /** The answers that are too few to set the clock, to be confirmed after a sleep: a report may be too short to ask a server twice. */
  get toConfirm(): EarlierAnswers | undefined {
    return this.bootMs === undefined ? this.votes.toKeep(this.options.earlierAnswers?.()) : undefined;
  }

  status(): TimeStatus {
    const ageMs = this.syncedAtMs === undefined ? undefined : this.options.uptimeMs() - this.syncedAtMs;
    const { state, problem, overdue } = this;
    return { host: this.servers[this.at]?.host ?? "", state, ageMs, problem, overdue };
  }

  close(): void {
    this.rest("closed");
  }

  private ask(): void {
    this.rest("asking");
    const server = this.servers[this.at];
    server.dueMs = this.options.uptimeMs() + MIN_WAIT_MS;
    const question = new TimeQuestion(server.host, this.options, (outcome) => this.guarded(() => this.ended(outcome)));
    if (this.state === "asking") this.question = question; // otherwise it has already ended
  }

  private ended(outcome: Outcome): void {
    this.asked++;
    const { host } = this.servers[this.at];
    switch (outcome.kind) {
      case "time":
        this.answered(outcome.bootMs, outcome.address);
        return;
      case "kiss":
        this.servers[this.at].dueMs = this.options.uptimeMs() + (outcome.code === "RATE" ? RATE_MS : DENY_MS);
        this.failed(`${host} refuses requests (${outcome.code})`);
        return;
      case "unusable":
        this.failed(`${host}: ${outcome.why}: not accepted`);
        return;
      case "silent":
        this.failed(`${host} does not answer`);
        return;
      case "unknownHost":
        this.failed(`${host}: no such host`);
        return;
      case "failed":
        this.failed(`${host}: ${outcome.message}`);
        return;
      default:
        throw new TypeError(`outcome: ${JSON.stringify(outcome satisfies never)}`);
    }
  }

  private answered(bootMs: number, address: string): void {
    const { host } = this.servers[this.at];
    const nowMs = this.options.uptimeMs();
    const utcMs = bootMs + nowMs;
    if (!(utcMs >= EARLIEST_MS && utcMs < LATEST_MS)) {
      this.failed(`${host} says it is ${new Date(utcMs).getUTCFullYear()}: not accepted`);
      return;
    }
    const pastMs = Math.max(EARLIEST_MS, this.options.pastUtcMs?.() ?? 0);
    const ageMs = nowMs - (this.syncedAtMs ?? nowMs);
    const needed = votesNeeded(bootMs, nowMs, { bootMs: this.bootMs, ageMs, pastMs });
    this.votes.add(address, bootMs, nowMs);
    if (needed > 1 && !this.votes.carry(bootMs, needed, nowMs)) this.unconfirmed(bootMs);
    else this.set(bootMs);
  }

  private set(bootMs: number): void {
    const nowMs = this.options.uptimeMs();
    const movedMs = this.bootMs === undefined ? undefined : bootMs - this.bootMs;
    this.bootMs = bootMs;
    this.syncedAtMs = nowMs;
    this.votes.clear();
    this.problem = this.overdue = undefined;
    this.failures = this.stepMs = 0;
    this.nextServer();
    this.waitUntil(nowMs + waitMs(REFRESH_MS, REFRESH_SPREAD_MS, this.options.random()));
    this.guarded(() => {
      this.options.setUtc(bootMs + nowMs);
      this.options.onSynced?.(bootMs + nowMs, movedMs);
    });
  }

  /** The answer is plausible, but not confirmed: another server is asked, or the same one again. It is a failure only if servers contradict each other. */
  private unconfirmed(bootMs: number): void {
    const { host } = this.servers[this.at];
    if (this.votes.disagree) {
      this.failed(`the time servers contradict each other (${host} says ${shown(bootMs + this.options.uptimeMs())})`);
      return;
    }
    this.nextServer();
    this.waitUntil(0);
    if (this.bootMs !== undefined) {
      const movedS = Math.round((bootMs - this.bootMs) / 1_000);
      this.report(`${host} would move the clock by ${movedS} s: asked again first`);
      return;
    }
    const last = this.options.lastSet?.();
    if (last !== undefined && last.syncUtcMs > 0 && !isWithinDrift(bootMs, this.options.uptimeMs(), last)) {
      const movedS = Math.round((bootMs + last.syncUptimeMs - last.syncUtcMs) / 1_000);
      this.report(`${host} would move the clock by ${movedS} s, further than it drifts: not accepted alone`);
    }
    this.askedOne();
  }

  private failed(problem: string): void {
    this.nextServer();
    this.failures++;
    const nowMs = this.options.uptimeMs();
    if (this.failures % this.servers.length !== 0) {
      this.waitUntil(nowMs + NEXT_SERVER_MS);
    } else {
      this.stepMs = nextStepMs(this.stepMs, TIME_STEPS);
      this.waitUntil(nowMs + waitMs(MIN_WAIT_MS, this.stepMs, this.options.random()));
    }
    this.report(problem);
    this.askedOne();
  }

  /** A question has ended without setting the clock. When all servers have been asked, the answers so far have to do. */
  private askedOne(): void {
    if (this.asked >= this.servers.length) this.settle();
  }

  private lookOverdue({ syncUtcMs, syncUptimeMs }: LastSet, nowMs: number): void {
    const days = (nowMs - syncUptimeMs) / OVERDUE_MS;
    if (days < 1 || this.overdue !== undefined) return;
    const what = syncUtcMs > 0 ? "the clock, which drifts, was not confirmed" : "the clock was not set";
    const overdue = `${what} for ${days.toFixed(1)} days: name another time server in ntp`;
    this.overdue = overdue;
    this.guarded(() => this.options.onProblem?.(overdue));
  }

  private report(problem: string): void {
    const isKnown = this.problem !== undefined;
    this.problem = problem;
    if (!isKnown) this.guarded(() => this.options.onProblem?.(problem));
  }

  private nextServer(): void {
    this.at = (this.at + 1) % this.servers.length;
  }

  /** Waits for the next question. Servers are asked in turn; one that must not be asked yet is skipped if another may be asked earlier. */
  private waitUntil(dueMs: number): void {
    this.rest("waiting");
    this.dueMs = dueMs;
    const nowMs = this.options.uptimeMs();
    let best = this.at;
    for (let i = 1; i < this.servers.length; i++) {
      const other = (this.at + i) % this.servers.length;
      const isSooner = this.servers[other].dueMs < this.servers[best].dueMs;
      if (this.servers[best].dueMs > Math.max(nowMs, dueMs) && isSooner) best = other;
    }
    this.at = best;
    const delayMs = Math.max(0, dueMs - nowMs, this.servers[best].dueMs - nowMs);
    this.timer = this.options.timers.set(() => this.ask(), delayMs);
  }

  /** Releases timer and socket. */
  private rest(state: TimeStatus["state"]): void {
    this.state = state;
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
    this.question?.close();
    this.question = undefined;
  }

  /** An exception that leaves a callback restarts the device. */
  private guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      try {
        this.options.onFault?.(error);
      } catch {
        // the callback for faults threw as well
      }
    }
  }
}

function shown(utcMs: number): string {
  return `${new Date(utcMs).toISOString().slice(0, 19)}Z`;
}
