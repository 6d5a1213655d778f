/*
 * Which version of the protocol the next attempt speaks. 5 first; 3.1.1 where the server says that it has no 5, or does not answer
 * at all: some close, some are silent. So does a server that is down, or has stalled: what it does not say outright costs one attempt
 * more at first, and is believed for long only once it has repeated itself.
 * Pure: what has come of an attempt goes in, and the time, in milliseconds of uptime.
 * Source: MQTT 5 §3.1.2.2; MQTT 3.1.1 §3.1.2.2.
 */
import type { Version } from "../broker.js";

/**
 * How an attempt ended, as far as it bears on the version: with a CONNACK, of whatever code in this version, that it has it not
 * ("unsupported"), that it closed or was silent before CONNACK ("quiet"), or before CONNECT was out ("unreached").
 */
export type AttemptEnd = "answered" | "unsupported" | "quiet" | "unreached";

// What is known of the server.
const UNKNOWN = 0; // by turns, 5 first
const FIVE = 1; // it has answered 5
const FOUR = 2; // it has answered 3.1.1, and not 5
const FIXED = 3; // the owner has decided
type Knowledge = typeof UNKNOWN | typeof FIVE | typeof FOUR | typeof FIXED;

const HOUR_MS = 3_600_000;
/** After so long 5 is tried again, where 3.1.1 was answered. */
const MAX_TRUST_MS = 72 * HOUR_MS;
/**
 * A server that has answered 5 may be quiet so often in a row before 3.1.1 is tried: some minutes, by the client's back-off. A proxy before
 * a server that restarts takes connections and closes them; what speaks 3.1.1 then does so until that connection ends.
 */
const MAX_QUIET = 9;
/** So often in a row it may answer 3.1.1 after that before 5 is no longer asked first. */
const MAX_DOUBTS = 3;
/** CONNACK comes within this, once CONNECT is out, or the server is silent. */
const SILENCE_MS = 5_000;

/** Which version the next attempt speaks. Times in milliseconds of uptime. */
export class Choice {
  private knowledge: Knowledge;
  /** Of the attempt under way. */
  version: Version = 5;
  /** Ends without a word, in a row. */
  private quiet = 0;
  /** The server has said that it has no 5. */
  private isSaid = false;
  /** It has said so in this life, and not answered 5 since. */
  private hasSaid = false;
  /** It was quiet at 5, though it had answered that before, and answered 3.1.1 then: so often. */
  private doubts = 0;
  /** An attempt was made at once, without a back-off, since the last answer. */
  private hasJumped = false;
  /** For so long 3.1.1 is taken for granted. */
  private trustMs = MAX_TRUST_MS;
  /** When 5 is due again, where 3.1.1 is what is known. */
  private retryMs: number;

  /** `known`: what was answered in an earlier life. */
  constructor(wanted: "auto" | Version, known: Version | undefined, nowMs: number) {
    this.knowledge = wanted !== "auto" ? FIXED : known === 5 ? FIVE : known === 4 ? FOUR : UNKNOWN;
    if (wanted !== "auto") this.version = wanted;
    this.retryMs = nowMs + MAX_TRUST_MS;
  }

  /** What may be remembered of the server; undefined: nothing is known, or the owner has decided. */
  get proven(): Version | undefined {
    return this.knowledge === FIVE ? 5 : this.knowledge === FOUR ? 4 : undefined;
  }

  /** 3.1.1 is spoken on silence alone: the server may be one of 5 that had stalled, with limits that it cannot say in 3.1.1. */
  get isGuess(): boolean {
    return this.version === 4 && this.knowledge !== FIXED && !this.hasSaid;
  }

  /** For so long is CONNACK waited for; 0: as long as for any. */
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

  /** It is over, or answered. Returns whether the next one begins at once. */
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
      // By silence alone: a server that had stalled is asked again soon, and later each time.
      this.trustMs = this.isSaid ? MAX_TRUST_MS : HOUR_MS;
      this.retryMs = nowMs + this.trustMs;
      this.knowledge = FOUR;
    }
    this.isSaid = false;
    this.quiet = 0;
    this.hasJumped = false;
  }
}
