/*
 * When the whole thermometer of a sleeper goes to sleep: when what this start is for has been done. That is a sample; a report, which is
 * over when nothing is left to send, or after MAX_REPORT_MS; and the prompt, for `awake` seconds after power-on, the button and the
 * last key. Samples go on all the while. Then it leaves the broker with DISCONNECT, and sleeps until the next sample.
 */
import type { TimerId } from "../../board.js";
import type { LineLevel } from "../../common/log-levels.js";
import { messageOf } from "../../common/message-of.js";
import type { Suspension } from "../../outbox/outbox.js";
import { tailAddress } from "../../outbox/queue/suspended.js";
import type { Sleeper } from "../../power/io.js";
import {
  dutiesAt,
  EARLY_MS,
  MAX_REPORT_MS,
  PROMPT,
  REPORT,
  reported,
  SAMPLE,
  sampled,
  sampleMs,
  sleepMs,
} from "../../power/plan.js";
import { WakeRecord } from "../../power/record.js";
import type { KnownSensor } from "../../sensor/probe.js";
import type { Settings } from "../../settings/settings.js";
import type { KeptSession } from "../../tls/kept-session.js";
import type { Announced } from "../presence/names.js";
import type { Past } from "../records.js";
import { readSession, writeSession } from "./kept-session.js";
import { type Learned, NOTHING_LEARNED, readLearned, writeLearned } from "./learned.js";
import { NetworkMemory } from "./network-memory.js";
import { type Parts, remember } from "./remember.js";

/** A report waits no longer than this for the clock to be set, once the link is up. */
export const REPORT_CLOCK_MS = 6_000;

/** So much of a report's time is kept for DISCONNECT, should it not be over before; and so long it takes at most after that time. */
const GOODBYE_MS = 1_000;

/** How often it is looked whether an update is over. */
const BUSY_MS = 1_000;

/** A board's sleep, and what is known of the sleep before; `record` undefined: nothing, as after power-on. */
export interface Awakening {
  readonly sleeper: Sleeper;
  readonly record: WakeRecord | undefined;
}

/** The way to the broker, as far as it matters here. */
interface ReportingUplink {
  readonly isConnected: boolean;
  /** Connected, and nothing that was said beside readings waits for an answer. */
  readonly isIdle: boolean;
  readonly status: { readonly delivered: number };
  readonly encryption: { readonly toKeep: KeptSession | undefined } | undefined;
  readonly presence: { readonly announced: Announced };
  readonly toKeep: Learned;
  stop(whenDone: () => void): void;
}

/** What a sleeper's control asks of the device. */
export interface SleepOwner extends Parts {
  readonly settings: Settings;
  readonly uplink: ReportingUplink | undefined;
  readonly health: { farewell(): void };
  /** An update keeps it awake: a wake from deep sleep is a reset, which ends a trial. */
  readonly updating: { readonly isBusy: boolean; pause(): void } | undefined;
  log(level: LineLevel, text: string): void;
  /** Lets go of the radio; of everything. */
  closeNetwork(): void;
  close(): void;
}

type Phase = "awake" | "leaving" | "left" | "asleep";

/** Decides when the device goes to sleep. Times in milliseconds. */
export class SleepControl {
  private readonly owner: SleepOwner;
  private readonly sleeper: Sleeper;
  private readonly record: WakeRecord;
  private readonly duties: number;
  /** `leaving`: DISCONNECT is on its way. `left`: a sample is so near that it is taken before the sleep. */
  private phase: Phase = "awake";
  private isSampleDue = false;
  private isReporting = false;
  private isDelivered = false;
  /** By uptime: the report is aborted then; the prompt stays until then. */
  private reportEndMs = 0;
  private promptEndMs = 0;
  private timer: TimerId | undefined;
  private isLooking = false;
  /** The boot that goes on; undefined: one begins. */
  readonly past: Past | undefined;
  /** What is known of the network. */
  readonly network: NetworkMemory;

  constructor(owner: SleepOwner, { sleeper, record }: Awakening) {
    this.owner = owner;
    this.sleeper = sleeper;
    this.record = record ?? new WakeRecord();
    if (record === undefined) this.record.originMs = sleeper.slowClockMs();
    else
      this.past = {
        boot: record.boot,
        lastMs: record.nextSampleMs - record.intervalMs,
        clock: record,
        base: record.base,
      };
    this.network = new NetworkMemory(owner.settings, record);
    this.follow();
    this.duties = dutiesAt(this.record, record === undefined ? "reset" : sleeper.cause, this.uptimeMs());
  }

  /** The slow clock's time at uptime 0. */
  get originMs(): number {
    return this.record.originMs;
  }

  /** Nothing is kept without flash: then it stays awake. */
  get isPossible(): boolean {
    return this.owner.journal !== undefined;
  }

  /** The last report did. */
  get hasFailed(): boolean {
    return this.record.failedReports > 0;
  }

  /** The network is needed. */
  get isOnline(): boolean {
    return (this.duties & REPORT) !== 0 || !this.isPossible;
  }

  /** A person may be there. */
  get hasPrompt(): boolean {
    return (this.duties & PROMPT) !== 0 || !this.isPossible;
  }

  /** What the broker does not take, as far as reports of this boot have found out. */
  get learned(): Learned {
    return this.past === undefined ? NOTHING_LEARNED : readLearned(this.sleeper);
  }

  /** The TLS session of the report before the sleep; undefined: none. */
  get keptSession(): KeptSession | undefined {
    return this.past === undefined ? undefined : readSession(this.sleeper);
  }

  /** What the outbox goes on with; undefined: it mounts. */
  get suspension(): Suspension | undefined {
    return this.past === undefined || this.record.end === 0 ? undefined : this.record;
  }

  /** Nothing that was sent before the sleep waits for an answer. */
  get isAllSettled(): boolean {
    return this.past !== undefined && tailAddress(this.record.outboxState) !== 0;
  }

  /** What stood at the broker of the device itself before the sleep. */
  get announced(): Announced {
    const { announced, announcedChannels } = this.record;
    return { hash: announced, channels: announced === 0 ? 0 : announcedChannels };
  }

  /** A report asks the sensor that the samples before it came from; a person may have connected another. */
  get knownSensor(): KnownSensor | undefined {
    return this.past === undefined || this.hasPrompt ? undefined : this.record;
  }

  get nextSampleMs(): number {
    return this.record.nextSampleMs;
  }

  /** The time that a sample taken now has. */
  sampleMs(): number {
    return sampleMs(this.record, this.uptimeMs());
  }

  /** Everything that this start needs is under way. */
  begin(): void {
    if (!this.isPossible) {
      this.owner.log("warn", "sleep: readings cannot be kept without flash: it stays awake");
      this.close();
      return;
    }
    const nowMs = this.uptimeMs();
    this.isSampleDue = (this.duties & SAMPLE) !== 0 && this.owner.sampling !== undefined;
    this.isReporting = this.isOnline;
    this.reportEndMs = nowMs + MAX_REPORT_MS;
    if (this.hasPrompt) this.someoneIsThere();
    this.lookSoon();
  }

  /** The settings are others: the next sample is due now. */
  restart(): void {
    this.follow();
    this.record.nextSampleMs = this.uptimeMs();
  }

  /** `interval` and `report` are as set. */
  follow(): void {
    const { settings } = this.owner;
    this.record.intervalMs = settings.get("interval") * 1_000;
    this.record.reportMs = settings.get("report") * 60_000;
  }

  /** A key was pressed, say. */
  someoneIsThere(): void {
    this.promptEndMs = this.uptimeMs() + this.owner.settings.get("awake") * 1_000;
  }

  onRound(): void {
    const nowMs = this.uptimeMs();
    if (nowMs + EARLY_MS < this.record.nextSampleMs) return; // out of turn
    sampled(this.record, this.record, nowMs);
    this.isSampleDue = false;
    this.lookSoon();
  }

  /** Something has been sent, or acknowledged, or the connection has come. */
  onProgress(): void {
    if (this.isReporting) this.lookSoon();
  }

  /** Nothing more happens. */
  close(): void {
    this.phase = "asleep";
    this.wait(undefined);
  }

  private uptimeMs(): number {
    return this.sleeper.slowClockMs() - this.record.originMs;
  }

  /** Not now: whoever reports something has not finished with it. */
  private lookSoon(): void {
    if (this.isLooking || this.phase === "asleep") return;
    this.isLooking = true;
    this.wait(0);
  }

  private wait(delayMs: number | undefined): void {
    const { timers } = this.owner.board;
    if (this.timer !== undefined) timers.clear(this.timer);
    this.timer = delayMs === undefined ? undefined : timers.set(this.look, delayMs);
  }

  private readonly look = (): void => {
    this.timer = undefined;
    this.isLooking = false;
    switch (this.phase) {
      case "awake":
        this.lookAwake();
        return;
      case "left":
        if (!this.isSampleDue) this.sleep();
        return;
      case "leaving":
        this.sleep(); // DISCONNECT was not taken in time
        return;
      case "asleep":
        return;
      default:
        this.phase satisfies never;
    }
  };

  private lookAwake(): void {
    if (this.owner.updating?.isBusy) {
      this.wait(BUSY_MS);
      return;
    }
    const nowMs = this.uptimeMs();
    const isReported = this.isReported();
    const endMs = Math.max(isReported ? 0 : this.abortMs, this.promptEndMs);
    if (endMs > nowMs) this.wait(Math.ceil(endMs - nowMs));
    // A sample that is so near is taken first: there is a look after it.
    else if (!this.isSampleDue && sleepMs(this.record, nowMs) > 0) this.leave();
  }

  /** Nothing is left to report, or nothing can be. */
  private isReported(): boolean {
    const { uplink, outbox } = this.owner;
    return !this.isReporting || uplink === undefined || (uplink.isIdle && outbox?.entries === 0);
  }

  /** When a report is aborted that is not over by then; what is connected needs time for its goodbye. */
  private get abortMs(): number {
    return this.owner.uplink?.isConnected ? this.reportEndMs - GOODBYE_MS : this.reportEndMs;
  }

  /** A broker that hears no goodbye takes the connection for one that lives, for a keep-alive and a half. */
  private leave(): void {
    const { uplink } = this.owner;
    if (this.isReporting) this.endReport();
    this.phase = "leaving";
    if (this.isOnline && uplink !== undefined) {
      this.wait(Math.ceil(Math.max(this.reportEndMs - this.uptimeMs(), GOODBYE_MS)));
      uplink.stop(() => this.sleep());
    } else this.sleep();
  }

  private endReport(): void {
    const { uplink, outbox } = this.owner;
    // Where much waits, a report does not send all of it, and is none that failed.
    const isDelivered = uplink !== undefined && (outbox?.entries === 0 || uplink.status.delivered > 0);
    reported(this.record, this.record, isDelivered);
    this.isReporting = false;
    this.isDelivered = isDelivered;
  }

  private sleep(): void {
    const { owner, sleeper } = this;
    if (this.phase === "asleep") return;
    if (sleepMs(this.record, this.uptimeMs()) === 0) {
      owner.closeNetwork();
      this.phase = "left";
      this.isSampleDue = true;
      return;
    }
    owner.health.farewell();
    owner.updating?.pause();
    const { uplink } = owner;
    const session = uplink?.encryption?.toKeep;
    const record = remember(owner, this.record, this.isDelivered);
    if (this.isOnline) this.network.keep(record);
    const ms = Math.max(1, Math.ceil(record.nextSampleMs - this.uptimeMs()));
    owner.log("info", `sleeps for ${Math.round(ms / 1_000)} s`);
    owner.close();
    try {
      if (this.isOnline && owner.board.tls !== undefined) writeSession(sleeper, session);
      if (uplink !== undefined) writeLearned(sleeper, uplink.toKeep);
      sleeper.writeMemory(record.seal(sleeper.firmware));
      sleeper.sleep(ms);
    } catch (error) {
      owner.board.restart(`cannot sleep: ${messageOf(error)}`);
    }
  }
}
