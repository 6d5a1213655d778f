/* Options and callbacks of a session. Types only, no byte code. */
import type { InboundMessage } from "../wire/parser.js";
import type { Message } from "../wire/transmit.js";
import type { RequestsOptions } from "./requests.js";
import type { InboundStore, OutboundEntry, OutboundStore } from "./store.js";
import type { Refusal, RefusedBy } from "./suspicion.js";

/** How an entry was settled: fully acknowledged, or a dead letter, which the server never accepts. */
export type Outcome = "delivered" | "deadLetter";

/**
 * The reason for an outcome without acknowledgement. "closing" or "silence": the server reacted so to this entry alone.
 * "unanswered": PUBREL was not acknowledged (delivered, because PUBREC had come). "unsendable": it cannot be rendered, or its
 * topic is longer than the buffer. In version 5 also "refused": by a reason code, or because it is longer than the server accepts
 * (code 0x95), while others were accepted.
 */
export type SettledBy = RefusedBy | "unanswered" | "unsendable" | "refused";

/** Result of a CONNACK. */
export interface SessionStart {
  /** The server kept the session. */
  readonly present: boolean;
  /** The session was not kept, and did not have to be: in version 5, the time without a connection exceeded the agreed one. */
  readonly expired?: true;
  /** An old session was wiped before this one began. */
  readonly wiped: boolean;
  /** The second call for this session on one connection: only `possibleDoubles` is new. */
  readonly again?: true;
  /**
   * QoS 2 messages that are sent again, as new or at QoS 1, though the server may have received them: each counts once, however
   * often it is sent.
   */
  readonly possibleDoubles: number;
  /** Number of oldest entries that may be sent in this session, until `onReach` reports a larger number. */
  readonly reach: number;
}

/** Options of a session: the store of outgoing entries, how an entry becomes a message, the window, and callbacks for results. */
export interface SessionOptions<E extends OutboundEntry> extends RequestsOptions {
  readonly outbound?: OutboundStore<E>;
  /** Makes the message of an entry; undefined: it cannot be made, and the entry becomes a dead letter. An exception closes the connection; the entry stays. */
  render?(entry: E): Message | undefined;
  /**
   * Most entries in flight, 1 to 1,024; default 8. At QoS 2 never more than 8: a 3.1.1 server cannot report its limit, and
   * mosquitto acknowledges and drops what exceeds its own (`max_inflight_messages`, 20). In version 5 as many as the server
   * accepts, at most 19 of QoS 2.
   */
  readonly window?: number;
  /**
   * Connections in a row that an entry may fail before it is held back, and then again, while others are delivered, before it
   * is a dead letter. On a bad network, fewer than the default of 10 would hold back good entries, and others would overtake
   * them. For requests from RAM: connections that they may end before one is dropped.
   */
  readonly deadLetterAfter?: number;
  /**
   * After a reboot: number of oldest entries that may have been sent by earlier runs, the largest `reach` reported in this session.
   * They get DUP 1 if that session continues, and are possible doubles if not. Default 0.
   */
  readonly perhapsSent?: number;
  /** After a sleep within one session: the client's `learned` from before. Default: nothing is known about refused entries. */
  readonly learned?: readonly number[];
  /** Default: a `MemoryInboundStore`, which forgets at a reboot. */
  readonly inbound?: InboundStore;
  /** A part of a message. `id`: its packet id, the same if it is sent again; 0 at QoS 0. */
  onMessage?(message: InboundMessage, id: number): void;
  /** `code`: the reason code, for "refused". */
  onSettled?(sequence: number, outcome: Outcome, by?: SettledBy, code?: number): void;
  /** What the server refuses has changed; undefined: it accepts everything again. Called at CONNACK or an acknowledgement. */
  onRefusal?(refusal: Refusal | undefined): void;
  /**
   * An entry of QoS 2 has only QoS 1's promise. "acknowledged": the server sent PUBACK. "refused": the server accepts QoS 1
   * only, and the entry is sent at that. `isPossibleDouble`: it was sent before, and is not counted in a `SessionStart` yet.
   */
  onLowered?(sequence: number, why: "acknowledged" | "refused", isPossibleDouble: boolean): void;
  /** From now on, this number of oldest entries may be sent in this session: more than before, because some are held back. Durable on return. */
  onReach?(entries: number): void;
  /**
   * After a CONNACK for CleanSession 0, before the first PUBLISH: record the session now. Once more, with `present: false`, if
   * `sessionFilter` then shows that the session is not the one that the client knows; and if possible doubles are found later,
   * because the store could not be read.
   */
  onSession?(session: SessionStart): void;
}

/** How a connection ended. "peer": closed by the server after CONNACK. "stuck": closed by us for lack of an acknowledgement. */
export type Ending = "peer" | "stuck" | "other";
