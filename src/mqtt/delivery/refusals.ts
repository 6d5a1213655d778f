/*
 * What version 5 adds to the session: entries and requests that the server refuses by a reason code, and requests from one version to the
 * other. Types only; ../v5 has the class.
 * Source: MQTT 5 §4.13.
 */
import type { Protocol } from "../wire/protocol.js";
import type { OutboundEntry } from "./store.js";
import type { Refusal } from "./suspicion.js";

/** What the server has said last of something that it did not do. */
export interface ServerReason {
  readonly packet: "CONNACK" | "PUBACK" | "PUBREC" | "PUBREL" | "PUBCOMP" | "SUBACK" | "UNSUBACK" | "DISCONNECT";
  /** 128 and more (§2.4). */
  readonly code: number;
  /** For people: the code's name, and the server's own words with control characters escaped. */
  readonly text: string;
}

/** "dead letter": it can never be taken. "held": others go meanwhile. "later": it goes again before others. */
export type Verdict = "dead letter" | "held" | "later";

/**
 * Entries that the server refuses by a reason code of MQTT 5 (§4.13), as the session sees them. Numbers are the store's
 * sequence numbers.
 */
export interface Refusals {
  /** What outlives a connection, as numbers: for a sleep. Empty: nothing is refused. */
  learned: readonly number[];
  /** The store without those that are held back. */
  seek(from: number): OutboundEntry | undefined;
  /** Some are held back, or are to go again. */
  readonly isActive: boolean;
  /** Nothing new goes for the moment. */
  readonly isPausing: boolean;
  /** What is refused, as the owner gets to know it. */
  readonly refusal: Refusal | undefined;
  /** One that is held back, and would stop the others, is so no longer, but a dead letter: its number; -1: none. */
  nextDeadLetter(): number;
  /** A connection begins: all go. */
  begin(): void;
  /** The connection is over. */
  end(): void;
  /** `type`: of the packet that says `code`, 128 or more. */
  said(type: number, code: number, reason: string | undefined): void;
  /** PUBACK or PUBREC refuses an entry. */
  refuse(sequence: number, code: number): Verdict;
  delivered(sequence: number): void;
  /** Those that were refused go again: returns the oldest; -1: none was. */
  again(): number;
  /** Adapts a request to what the server accepts. Returns the reason code that it would still get; 0: it may be sent. */
  check(packet: Uint8Array, filter: string | undefined): number;
  /** A message that was made in one version of the protocol, in another. */
  translate(packet: Uint8Array, from: Protocol, to: Protocol): Uint8Array;
}
