/*
 * Decides when the thermometer goes back to sleep: when the work of this start is done. That can be a sample; a report, which
 * ends when everything is sent, or after MAX_REPORT_MS; and the prompt, which stays for `awake` seconds after power-on, the
 * button or the last key. Samples continue meanwhile. The device then sends DISCONNECT and sleeps until the next sample.
 */
import type { TimerId } from "../../board.js";
import { messageOf } from "../../common/message-of.js";
import type { EarlierAnswers, LastSet } from "../../network/time-votes.js";
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
  startCause,
} from "../../power/plan.js";
import { WakeRecord } from "../../power/record.js";
import type { KnownSensor } from "../../sensor/probe.js";
import type { KeptSession } from "../../tls/kept-session.js";
import type { Announced } from "../presence/names.js";
import type { Past } from "../records.js";
import { readAnswers, writeAnswers } from "./earlier-answers.js";
import { readSession, writeSession } from "./kept-session.js";
import { type Learned, NOTHING_LEARNED, readLearned, writeLearned } from "./learned.js";
import { NetworkMemory } from "./network-memory.js";
import { takeNews } from "./news.js";
import type { Awakening, SleepOwner } from "./owner.js";
import { remember } from "./remember.js";

/**
 * So many reports may wait for the time instead of sending readings without one, as long as the boot's clock was never set. They are
 * CATCH_UP_MS apart: together about as long as a device waits that does not sleep.
 */
const MAX_CLOCK_WAITS = 2;

/** Time reserved at the end of a report for DISCONNECT, and the longest time that DISCONNECT may take after it, in milliseconds. */
const GOODBYE_MS = 1_000;

/** If the last acknowledgement came within this time, in milliseconds, an aborted report would have sent more. */
const FLOWING_MS = MAX_REPORT_MS / 2;

/** Interval at which the end of an update is looked for, in milliseconds. */
const BUSY_MS = 1_000;

/** Interval of the checks whether what was sent besides readings has arrived, in milliseconds: there is no event for that. */
const ANSWER_MS = 100;

type Phase = "awake" | "leaving" | "left" | "asleep";

/** Decides when the device goes to sleep. Times in milliseconds. */
export class SleepControl {
  private readonly owner: SleepOwner;
  private readonly sleeper: Sleeper;
  private readonly record: WakeRecord;
  private readonly duties: number;
  /** `leaving`: DISCONNECT is being sent. `left`: the next sample is so near that it is taken before the sleep. */
  private phase: Phase = "awake";
  // Undefined as long as false: initial values would take time in each wake.
  private isSampleDue: boolean | undefined;
  private isReporting: boolean | undefined;
  private isDelivered = false;
  /** Readings wait for the time, in this report. */
  private waitsForClock: boolean | undefined;
  /** Uptime of the last acknowledgement of a reading; 0: none has come. */
  private deliveredMs = 0;
  /** Uptime at which an unfinished report is aborted. */
  private reportEndMs = 0;
  /** Uptime until which the prompt stays. */
  private promptEndMs = 0;
  private timer: TimerId | undefined;
  private isLooking: boolean | undefined;
  /** The boot that continues; undefined: a new one begins. */
  readonly past: Past | undefined;
  /** What is known about the network. */
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
    const cause = record === undefined ? startCause(this.record, owner.board.resetCause) : sleeper.cause;
    this.duties = dutiesAt(this.record, cause, this.uptimeMs());
  }

  /** The slow clock's time at uptime 0. */
  get originMs(): number {
    return this.record.originMs;
  }

  /** Without flash nothing can be kept, so the device stays awake. */
  get isPossible(): boolean {
    return this.owner.journal !== undefined;
  }

  /** How the clock was set before the sleep. */
  get lastSet(): LastSet {
    return this.record;
  }

  /** Time servers' answers from before the sleep that were too few to set the clock; undefined: none, or the clock was set. */
  get earlierAnswers(): EarlierAnswers | undefined {
    return this.past === undefined || this.hasTime ? undefined : readAnswers(this.sleeper);
  }

  /** The clock was set before the sleep. */
  get hasTime(): boolean {
    return this.record.syncUtcMs > 0;
  }

  /** The last report failed. */
  get hasFailed(): boolean {
    return this.record.failedReports > 0;
  }

  /** The network is needed. */
  get isOnline(): boolean {
    return (this.duties & REPORT) !== 0 || !this.isPossible;
  }

  /** A report out of turn, because a value has changed. */
  get isEarly(): boolean {
    return this.duties === REPORT;
  }

  /** Somebody may be at the prompt. */
  get hasPrompt(): boolean {
    return (this.duties & PROMPT) !== 0 || !this.isPossible;
  }

  /** Messages that the broker refuses, as reports of this boot have found out. */
  get learned(): Learned {
    return this.past === undefined ? NOTHING_LEARNED : readLearned(this.sleeper);
  }

  /** The TLS session of the last report; undefined: none. */
  get keptSession(): KeptSession | undefined {
    return this.past === undefined ? undefined : readSession(this.sleeper);
  }

  /** The outbox's state before the sleep; undefined: the outbox has to be mounted. */
  get suspension(): Suspension | undefined {
    return this.past === undefined || this.record.end === 0 ? undefined : this.record;
  }

  /** Nothing that was sent before the sleep waits for an acknowledgement. */
  get isAllSettled(): boolean {
    return this.past !== undefined && tailAddress(this.record.outboxState) !== 0;
  }

  /** What the broker retained of the device before the sleep. */
  get announced(): Announced {
    const { announced, announcedChannels } = this.record;
    return { hash: announced, channels: announced === 0 ? 0 : announcedChannels };
  }

  /** The sensor of the last samples. Not if somebody may be at the prompt, who may have connected another one. */
  get knownSensor(): KnownSensor | undefined {
    return this.past === undefined || this.hasPrompt ? undefined : this.record;
  }

  /**
   * The time servers have not set the clock in time: whether readings wait for them, instead of being sent without a time. Not if
   * the clock was set earlier in this boot, because then they have one. `isLong`: without a network, readings may have waited for hours.
   */
  holdsForClock(isLong: boolean): boolean {
    const { record, owner } = this;
    if (this.hasTime || record.clockWaits >= MAX_CLOCK_WAITS) return false;
    this.waitsForClock = isLong || owner.time?.isConfirming === true;
    return this.waitsForClock;
  }

  get nextSampleMs(): number {
    return this.record.nextSampleMs;
  }

  /** The uptime for a sample that is taken now. */
  sampleMs(): number {
    return sampleMs(this.record, this.uptimeMs());
  }

  /** Begins; all other parts are running by now. */
  begin(): void {
    if (!this.isPossible) {
      this.owner.log("warn", "sleep: stays awake: without flash no reading can be kept");
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

  /** Settings have changed: the next sample is due now. */
  restart(): void {
    this.follow();
    this.record.nextSampleMs = this.uptimeMs();
  }

  /** Reads `interval` and `report` from the settings. */
  follow(): void {
    const { settings } = this.owner;
    this.record.intervalMs = settings.get("interval") * 1_000;
    this.record.reportMs = settings.get("report") * 60_000;
  }

  /** Somebody is at the prompt, and has pressed a key, for example. */
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

  /** A reading was acknowledged (`isDelivered`) or dead-lettered, or a connection was made. */
  onProgress(isDelivered: boolean): void {
    if (!this.isReporting) return;
    if (isDelivered) this.deliveredMs = this.uptimeMs();
    this.lookSoon();
  }

  /** Stops everything. */
  close(): void {
    this.phase = "asleep";
    this.wait(undefined);
  }

  private uptimeMs(): number {
    return this.sleeper.slowClockMs() - this.record.originMs;
  }

  /** Looks in the next turn of the event loop: the caller may be in the middle of a callback. */
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
        this.sleep(); // DISCONNECT was not sent in time
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
    const isAnswerDue = !isReported && this.owner.outbox?.entries === 0 && this.owner.uplink?.isConnected;
    if (endMs > nowMs) this.wait(isAnswerDue ? ANSWER_MS : Math.ceil(endMs - nowMs));
    // If the next sample is very near, it is taken first; this function then runs again.
    else if (!this.isSampleDue && sleepMs(this.record, nowMs) > 0) this.leave();
  }

  /** Nothing is left to report, and no time server is about to set the clock; or a report is impossible. */
  private isReported(): boolean {
    const { uplink, outbox, time } = this.owner;
    if (!this.isReporting || uplink === undefined) return true;
    return outbox?.entries === 0 && uplink.isIdle && time?.isConfirming !== true;
  }

  /** When an unfinished report is aborted. A connected device needs time for DISCONNECT. */
  private get abortMs(): number {
    return this.owner.uplink?.isConnected ? this.reportEndMs - GOODBYE_MS : this.reportEndMs;
  }

  /** Without DISCONNECT, the broker would treat the connection as alive for one and a half keep-alives. */
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
    // With a long queue a report sends only a part of it, and has not failed.
    const isAll = outbox?.entries === 0;
    const isDelivered = uplink !== undefined && (isAll || uplink.status.delivered > 0);
    const isFlowing = !isAll && this.deliveredMs > 0 && this.uptimeMs() - this.deliveredMs < FLOWING_MS;
    const isCutShort = isFlowing || (this.waitsForClock && !isDelivered);
    reported(this.record, this.record, isCutShort ? "cutShort" : isDelivered ? "done" : "failed");
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
    const answers = owner.time?.toConfirm;
    const isNews = this.hasNews(); // this start has no network: the next one reports it
    const record = remember(owner, this.record, this.isDelivered);
    record.clockWaits = this.record.clockWaits + (this.waitsForClock ? 1 : 0);
    if (this.isOnline) this.network.keep(record);
    const ms = isNews ? 1 : Math.max(1, Math.ceil(record.nextSampleMs - this.uptimeMs()));
    owner.log("info", `sleeps for ${Math.round(ms / 1_000)} s`);
    owner.close();
    try {
      if (this.isOnline && owner.board.tls !== undefined) writeSession(sleeper, session);
      if (uplink !== undefined) writeLearned(sleeper, uplink.toKeep);
      if (this.isOnline && record.syncUtcMs === 0) writeAnswers(sleeper, answers);
      sleeper.writeMemory(record.seal(sleeper.firmware));
      sleeper.sleep(ms);
    } catch (error) {
      owner.board.restart(`cannot sleep: ${messageOf(error)}`);
    }
  }

  /** A sample that was taken without the network has to be reported at once. A short wake looks itself. */
  private hasNews(): boolean {
    const sample = this.isOnline ? undefined : this.owner.sampling?.status.sample;
    return sample !== undefined && takeNews(this.record, sample, this.uptimeMs());
  }
}
