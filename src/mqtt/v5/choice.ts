/*
 * Chooses the protocol version of the next attempt. 5 first; 3.1.1 if the server reports that it has no 5, or does not answer:
 * some servers close, others are silent. So is a server that is down or has stalled. A missing answer therefore costs only one
 * more attempt at first, and counts for long only after it was repeated.
 * Pure: the result of an attempt goes in, and the time, in milliseconds of uptime.
 * Source: MQTT 5 §3.1.2.2; MQTT 3.1.1 §3.1.2.2.
 */
import type { Version } from "../broker.js";

/**
 * How an attempt ended, as far as the version is concerned: with a CONNACK of any code in this version ("answered"), with a
 * report that the version is not supported ("unsupported"), closed or silent before CONNACK ("quiet"), or before CONNECT was
 * sent ("unreached").
 */
export type AttemptEnd = "answered" | "unsupported" | "quiet" | "unreached";

// What is known about the server.
const UNKNOWN = 0; // 5 and 3.1.1 are tried in turn, 5 first
const FIVE = 1; // it has answered 5
const FOUR = 2; // it has answered 3.1.1, and not 5
const FIXED = 3; // the owner has chosen the version
type Knowledge = typeof UNKNOWN | typeof FIVE | typeof FOUR | typeof FIXED;

const HOUR_MS = 3_600_000;
/** Time after which 5 is tried again at a server that has answered 3.1.1. */
const MAX_TRUST_MS = 72 * HOUR_MS;
/**
 * A server that has answered 5 may be quiet this often in a row before 3.1.1 is tried, which takes some minutes with the
 * client's back-off. A proxy in front of a restarting server accepts connections and closes them; once 3.1.1 is used, it stays
 * until that connection ends.
 */
const MAX_QUIET = 9;
/** It may then answer 3.1.1 this often in a row before 5 is no longer tried first. */
const MAX_DOUBTS = 3;
/** Time for CONNACK after CONNECT; then the server counts as silent. */
const SILENCE_MS = 5_000;

/** The version of the next attempt. Times in milliseconds of uptime. */
export class Choice {
  private knowledge: Knowledge;
  /** Of the current attempt. */
  version: Version = 5;
  /** Quiet ends in a row. */
  private quiet = 0;
  /** The server has reported that it has no 5. */
  private isSaid = false;
  /** It has reported so in this run, and not answered 5 since. */
  private hasSaid = false;
  /** How often it was quiet at 5 although it had answered that before, and then answered 3.1.1. */
  private doubts = 0;
  /** An attempt was made at once, without back-off, since the last answer. */
  private hasJumped = false;
  /** How long 3.1.1 is used without trying 5. */
  private trustMs = MAX_TRUST_MS;
  /** When 5 is tried again, if 3.1.1 is known. */
  private retryMs: number;

  /** `known`: the version answered before the boot. */
  constructor(wanted: "auto" | Version, known: Version | undefined, nowMs: number) {
    this.knowledge = wanted !== "auto" ? FIXED : known === 5 ? FIVE : known === 4 ? FOUR : UNKNOWN;
    if (wanted !== "auto") this.version = wanted;
    this.retryMs = nowMs + MAX_TRUST_MS;
  }

  /** The version worth storing; undefined: nothing is known, or the owner has decided. */
  get proven(): Version | undefined {
    return this.knowledge === FIVE ? 5 : this.knowledge === FOUR ? 4 : undefined;
  }

  /**
   * 3.1.1 is used because of silence only: the server may be one of version 5 that had stalled, with limits that it cannot
   * report in 3.1.1.
   */
  get isGuess(): boolean {
    return this.version === 4 && this.knowledge !== FIXED && !this.hasSaid;
  }

  /** How long to wait for CONNACK, in milliseconds; 0: as long as `connectTimeoutMs` allows. */
  get silenceMs(): number {
    const isOpen = this.knowledge === UNKNOWN || this.knowledge === FOUR;
    return isOpen && this.version === 5 ? SILENCE_MS : 0;
  }

  /** An attempt begins. */
  begin(nowMs: number): void {
    switch (this.knowledge) {
      case FIXED:
        return;
      case UNKNOWN:
        this.version = this.quiet % 2 ? 4 : 5;
        return;
      case FIVE:
        this.version = this.quiet >= MAX_QUIET && this.quiet % 2 ? 4 : 5;
        return;
      case FOUR:
        this.version = nowMs < this.retryMs ? 4 : 5;
        return;
      default:
        this.knowledge satisfies never;
    }
  }

  /** The attempt has ended, or was answered. Returns whether the next one begins at once. */
  ended(how: AttemptEnd, nowMs: number): boolean {
    if (this.knowledge === FIXED || how === "unreached") return false;
    if (how === "answered") {
      this.answered(nowMs);
      return false;
    }
    const isFirst = this.version === 5 && this.knowledge !== FIVE;
    if (how === "unsupported") {
      this.isSaid = this.hasSaid = this.version === 5;
      this.knowledge = UNKNOWN;
      this.quiet = this.version === 5 ? 1 : 0;
    } else {
      this.quiet++;
      if (this.knowledge === FOUR && this.version === 5) {
        this.trustMs = Math.min(2 * this.trustMs, MAX_TRUST_MS);
        this.retryMs = nowMs + this.trustMs;
      }
    }
    const isJump = !this.hasJumped && (isFirst || how === "unsupported");
    if (isJump) this.hasJumped = true;
    return isJump;
  }

  private answered(nowMs: number): void {
    const { version, knowledge } = this;
    if (version === 5) {
      this.knowledge = FIVE;
      this.hasSaid = false;
      this.doubts = 0;
    } else if (knowledge === UNKNOWN || (knowledge === FIVE && ++this.doubts >= MAX_DOUBTS)) {
      // Because of silence only: a server that had stalled is tried again soon, and later each time.
      this.trustMs = this.isSaid ? MAX_TRUST_MS : HOUR_MS;
      this.retryMs = nowMs + this.trustMs;
      this.knowledge = FOUR;
    }
    this.isSaid = false;
    this.quiet = 0;
    this.hasJumped = false;
  }
}
