/*
 * What a broker is made with, in what mood it is, and what one of its connections needs of it.
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
  /** A session ended though its client counted on it. */
  sessionLost(client: string): void;
  /**
   * A message is gone: the broker had taken it over (PUBREC) in a session that it lost, and the CONNACK that said so never got
   * through, so that its PUBREL came in good faith. Or it was forbidden, and acknowledged at 3.1.1. No client can know that.
   */
  messageLost(message: Forwarded): void;
  /** A message was refused by a reason code that is about this message alone. */
  messageRefused?(message: Forwarded, reason: number): void;
  /** A client broke the standard. */
  breach(client: string, what: string): void;
}

export interface Mood {
  /** Accepts connections at all. */
  running: boolean;
  /** CONNACK code for every CONNECT, as 3.1.1 has it; 0 accepts. */
  refusal: number;
  /** Longest delay of an answer, milliseconds. */
  lateMs: number;
  /** Answers nothing. */
  stalled: boolean;
  /** Closes the connection instead of answering, with this probability. */
  closing: number;
  /** Probability that a message is refused for now, at 5 (0x97). */
  full: number;
  /** Topics that begin so are not allowed: refused at 5, acknowledged and dropped at 3.1.1. Empty: all are. */
  forbidden: string;
  /** Probability that the payload of a message is refused for good, at 5 (0x99). */
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

/** What a connection needs of its broker; `C`: the connection. */
export interface Host<C> {
  readonly mood: Mood;
  readonly options: BrokerOptions;
  readonly terms: Terms;
  /** CONNECTs of level 5, whether they were taken or not. */
  attemptsAt5: number;
  /** The session of a CONNECT (§3.1.2.4), and whether it was there before. */
  admit(connection: C, admission: Admission, level: 4 | 5): { session: Session; present: boolean };
  /** It is over. */
  leave(connection: C, client: string, session: Session | undefined): void;
}
