/*
 * Options of the broker, its current behaviour, and the interface between the broker and its connections.
 */
import type { VirtualTime } from "../../support/virtual-time.js";
import type { Random } from "../random.js";
import type { Forwarded } from "./message.js";
import type { Admission, Session } from "./session.js";
import type { Terms } from "./terms.js";

export interface BrokerOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  /** Where QoS 2 messages are forwarded: at PUBLISH (method A) or at PUBREL (method B). */
  readonly forwardAt: "publish" | "pubrel";
  /** Default: ordinary. */
  readonly terms?: Terms;
  forwarded(message: Forwarded): void;
  /** A session ended although its client relied on it. */
  sessionLost(client: string): void;
  /**
   * A message is lost: the broker had accepted it (PUBREC) in a session that it lost, and the CONNACK that reported the loss did not
   * arrive, so that the client sent PUBREL. Or it was forbidden, and acknowledged in 3.1.1. No client can detect either.
   */
  messageLost(message: Forwarded): void;
  /** A message was refused by a reason code that concerns only this message. */
  messageRefused?(message: Forwarded, reason: number): void;
  /** A client broke the standard. */
  breach(client: string, what: string): void;
}

export interface Mood {
  /** Accepts connections at all. */
  running: boolean;
  /** CONNACK code for every CONNECT, a return code of 3.1.1; 0 accepts. */
  refusal: number;
  /** Longest delay of an answer, milliseconds. */
  lateMs: number;
  /** Answers nothing. */
  stalled: boolean;
  /** Closes the connection instead of answering, with this probability. */
  closing: number;
  /** Probability that a message is temporarily refused, in 5 (0x97). */
  full: number;
  /** Topics with this prefix are forbidden: refused in 5, acknowledged and dropped in 3.1.1. Empty: all are allowed. */
  forbidden: string;
  /** Probability that the payload of a message is permanently refused, in 5 (0x99). */
  picky: number;
}

export const FAIR: Omit<Mood, "running"> = Object.freeze({
  refusal: 0,
  lateMs: 0,
  stalled: false,
  closing: 0,
  full: 0,
  forbidden: "",
  picky: 0,
});

/** The broker as seen by its connections; `C`: the connection. */
export interface Host<C> {
  readonly mood: Mood;
  readonly options: BrokerOptions;
  readonly terms: Terms;
  /** CONNECTs of level 5, accepted or not. */
  attemptsAt5: number;
  /** The session of a CONNECT (§3.1.2.4), and whether it was there before. */
  admit(connection: C, admission: Admission, level: 4 | 5): { session: Session; present: boolean };
  /** The connection has ended. */
  leave(connection: C, client: string, session: Session | undefined): void;
}
