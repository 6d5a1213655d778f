/*
 * TimeSync: sets the wall clock by NTP while the link is up, and again about once a day.
 * Asks as a guest should: never twice within 15 s (RFC 4330 §10), with back-off and jitter. An answer is believed only if it lies
 * within the life of this firmware; one that would move a clock already set by minutes must be given twice.
 * The SDK's client checks nothing of an answer and keeps a socket: it is opened for one question and closed after it.
 */
import { nextStepMs, waitMs } from "./back-off.js";
import type { NTPClient, NTPOptions, NTPPort, TimerId, Timers } from "./io.js";
import { messageOf } from "./trouble.js";

/** No answer is earlier: this source was written then. */
export const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** Nor later than this: a thermometer gets old, but not that old. */
export const LATEST_MS = Date.UTC(2066, 0, 1);
/** How far an answer may lie from the clock that an earlier one set. A crystal strays by two or three seconds a day. */
export const FAR_MS = 120_000;
/** Least wait between two questions. RFC 4330 §10, item 1: 15 s. */
export const LEAST_MS = 15_000;
/** Steps of the back-off on top of it. */
export const TIME_STEPS = { firstMs: 15_000, longestMs: 900_000 };
/** The SDK's client gives up after about 10 s a server, its resolver after as long. */
export const ANSWER_MS = 40_000;
/** Between two settings of the clock, at least; up to an hour more, so that a houseful does not ask at once. */
export const REFRESH_MS = 86_400_000;
const REFRESH_SPREAD_MS = 3_600_000;

/** NTP counts 32 bits of seconds; they begin anew on 2036-02-07, and the SDK's client takes that for 1900. RFC 4330 §3. */
const ERA_MS = 2 ** 32 * 1_000;
/** What the SDK's client makes of a transmit time of 0, which stands for "I do not know". */
const UNKNOWN_MS = Date.UTC(1900, 0, 1);

/** Kept, and asked again and again. */
export interface TimeSyncOptions {
  readonly ntp: NTPPort;
  /** The server's name or address. */
  readonly host: string;
  readonly timers: Timers;
  /** Uniform in [0, 1). */
  random(): number;
  /** Milliseconds since boot. */
  uptimeMs(): number;
  /** Sets the wall clock, milliseconds since 1970. */
  setUtc(utcMs: number): void;
  /** After `setUtc`. `movedMs`: by how much the clock was moved; undefined at the first time. */
  onSynced?(utcMs: number, movedMs: number | undefined): void;
  /** A line for the log: no answer, or one that is not believed. Told once, until the next success. */
  onProblem?(text: string): void;
  /** The owner's callback threw, and was caught here. */
  onFault?(error: unknown): void;
}

export interface TimeStatus {
  readonly host: string;
  /** "down": the link is. "waiting": for the next question. */
  readonly state: "down" | "asking" | "waiting" | "closed";
  /** Since the clock was set, in milliseconds; undefined while it was not. */
  readonly ageMs?: number;
  /** Why the last question brought nothing. */
  readonly problem?: string;
}

export class TimeSync {
  private readonly options: TimeSyncOptions;
  private state: TimeStatus["state"] = "down";
  private client?: NTPClient;
  private timer?: TimerId;
  private stepMs = 0;
  private askedAtMs = Number.NEGATIVE_INFINITY;
  private syncedAtMs?: number;
  /** Milliseconds since 1970 at boot: what was set, and what a far answer claimed and no other has confirmed. */
  private bootMs?: number;
  private claimedBootMs?: number;
  private problem?: string;

  constructor(options: TimeSyncOptions) {
    this.options = options;
  }

  /** Asks, if it is time to. */
  linkUp(): void {
    if (this.state !== "down") return;
    const nowMs = this.options.uptimeMs();
    const dueMs = this.syncedAtMs === undefined ? nowMs : this.syncedAtMs + REFRESH_MS;
    this.wait(Math.max(dueMs, this.askedAtMs + LEAST_MS) - nowMs);
  }

  linkDown(): void {
    if (this.state !== "closed") this.rest("down");
  }

  status(): TimeStatus {
    const ageMs = this.syncedAtMs === undefined ? undefined : this.options.uptimeMs() - this.syncedAtMs;
    return { host: this.options.host, state: this.state, ageMs, problem: this.problem };
  }

  close(): void {
    this.rest("closed");
  }

  private ask(): void {
    const { ntp, host } = this.options;
    this.rest("asking");
    this.askedAtMs = this.options.uptimeMs();
    this.timer = this.options.timers.set(() => this.failed(`${host} does not answer`), ANSWER_MS);
    try {
      const { io, socket, dns } = ntp;
      const client = new io({ servers: [host], socket, dns } as NTPOptions);
      this.client = client;
      client.getTime((error, utcMs) => {
        if (this.client !== client) return;
        if (error || utcMs === undefined) this.failed(`${host} does not answer`);
        else this.answered(utcMs);
      });
    } catch (error) {
      this.failed(`${host}: ${messageOf(error)}`);
    }
  }

  private answered(answerMs: number): void {
    const utcMs = answerMs < 0 && answerMs !== UNKNOWN_MS ? answerMs + ERA_MS : answerMs;
    // NaN fails as well
    if (!(utcMs >= EARLIEST_MS && utcMs < LATEST_MS)) {
      this.failed(`${this.options.host} says it is ${new Date(utcMs).getUTCFullYear()}: not believed`);
      return;
    }
    const nowMs = this.options.uptimeMs();
    const bootMs = utcMs - nowMs;
    const movedMs = this.bootMs === undefined ? undefined : bootMs - this.bootMs;
    if (movedMs !== undefined && Math.abs(movedMs) > FAR_MS && !this.confirmed(bootMs)) {
      this.claimedBootMs = bootMs;
      this.failed(`${this.options.host} would move the clock by ${Math.round(movedMs / 1_000)} s: asked again first`);
      return;
    }
    this.bootMs = bootMs;
    this.syncedAtMs = nowMs;
    this.claimedBootMs = undefined;
    this.problem = undefined;
    this.stepMs = 0;
    this.wait(waitMs(REFRESH_MS, REFRESH_SPREAD_MS, this.options.random()));
    this.tell(() => {
      this.options.setUtc(utcMs);
      this.options.onSynced?.(utcMs, movedMs);
    });
  }

  private confirmed(bootMs: number): boolean {
    return this.claimedBootMs !== undefined && Math.abs(bootMs - this.claimedBootMs) <= FAR_MS;
  }

  private failed(problem: string): void {
    const known = this.problem !== undefined;
    this.problem = problem;
    this.stepMs = nextStepMs(this.stepMs, TIME_STEPS);
    this.wait(waitMs(LEAST_MS, this.stepMs, this.options.random()));
    if (!known) this.tell(() => this.options.onProblem?.(problem));
  }

  private wait(delayMs: number): void {
    this.rest("waiting");
    this.timer = this.options.timers.set(() => this.ask(), Math.max(0, delayMs));
  }

  /** No timer, no socket. */
  private rest(state: TimeStatus["state"]): void {
    this.state = state;
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
    const client = this.client;
    this.client = undefined;
    this.tell(() => client?.close());
  }

  /** An exception that leaves a callback restarts the device. */
  private tell(action: () => void): void {
    try {
      action();
    } catch (error) {
      try {
        this.options.onFault?.(error);
      } catch {
        // The last resort threw as well: nobody is left to tell.
      }
    }
  }
}
