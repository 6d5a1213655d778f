/*
 * What version 5 adds to the session: entries and requests that the server refuses by a reason code, and the translation of
 * requests between versions. Types only; ../v5 has the class.
 * Source: MQTT 5 §4.13.
 */
import type { Timers } from "../wire/io.js";
import type { Protocol } from "../wire/protocol.js";
import type { LimitLayers } from "./limits.js";
import type { OutboundEntry, OutboundStore } from "./store.js";
import type { Refusal } from "./suspicion.js";

/** The server's latest reason for not doing something. */
export interface ServerReason {
  readonly packet: "CONNACK" | "PUBACK" | "PUBREC" | "PUBREL" | "PUBCOMP" | "SUBACK" | "UNSUBACK" | "DISCONNECT";
  /** 128 and more (§2.4). */
  readonly code: number;
  /** For people: the code's name, and the server's own text with control characters escaped. */
  readonly text: string;
}

/** What the class of ../v5 needs of its owner. */
export interface RefusedOwner {
  readonly outbound: Pick<OutboundStore<OutboundEntry>, "seek">;
  readonly timers: Timers;
  readonly limits: LimitLayers;
  readonly lastReason: ServerReason | undefined;
  /** Send refused entries again. */
  retry(): void;
  /** The server refuses something. */
  say(packet: ServerReason["packet"], code: number, reason: string | undefined): void;
}

/** An entry that the server refuses: its number, and the latest reason code. */
export interface RefusedEntry {
  readonly sequence: number;
  readonly code: number;
}

/**
 * Entries that the server refuses by a reason code of MQTT 5 (§4.13), as the session sees them. Numbers are the store's
 * sequence numbers.
 */
export interface Refusals {
  /** The state that survives a connection, as numbers, to be kept over a sleep. Empty: nothing is refused. */
  learned: readonly number[];
  /** The store without the entries that are held back. */
  seek(from: number): OutboundEntry | undefined;
  /** Some are held back, or have to be sent again. */
  readonly isActive: boolean;
  /** Nothing new is sent for the moment. Without meaning unless `isActive`. */
  readonly isPausing: boolean;
  /** The refusal to be reported to the owner. */
  readonly refusal: Refusal | undefined;
  /** The next entry that has to become a dead letter: it is forgotten here. */
  nextDeadLetter(): RefusedEntry | undefined;
  /** A connection begins: all are sent. */
  begin(): void;
  /** The connection has ended. */
  end(): void;
  /** `type`: of the packet with `code`, 128 or more. */
  onReasonCode(type: number, code: number, reason: string | undefined): void;
  /** PUBACK or PUBREC refuses an entry: it is sent again before others, or later, while others are sent. */
  refuse(sequence: number, code: number): void;
  delivered(sequence: number): void;
  /** The refused entries are sent again: returns the oldest; -1: none. */
  again(): number;
  /** Adapts a request to what the server accepts. Returns the reason code that it would still get; 0: it may be sent. */
  check(packet: Uint8Array, filter: string | undefined): number;
  /** Translates a message from one version of the protocol to another. */
  translate(packet: Uint8Array, from: Protocol, to: Protocol): Uint8Array;
}
