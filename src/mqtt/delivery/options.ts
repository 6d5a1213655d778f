/*
 * What a session is made with, and what it reports. Types only, no byte code.
 */
import type { InboundMessage } from "../wire/parser.js";
import type { Message } from "../wire/transmit.js";
import type { RequestsOptions } from "./requests.js";
import type { InboundStore, OutboundEntry, OutboundStore } from "./store.js";
import type { Refusal, RefusedBy } from "./suspicion.js";

/** How an entry was settled: acknowledged to its end, or a dead letter: the server never takes it. */
export type Outcome = "delivered" | "deadLetter";

/**
 * What an outcome rests on, where that is no acknowledgement. The server "closing" or its "silence" about this entry alone, PUBREL
 * "unanswered" (delivered: PUBREC had come), or "unsendable": it cannot be rendered, or its topic is longer than the buffer. In version 5
 * also "refused" by a reason code, or "tooLarge": longer than the server takes.
 */
export type SettledBy = RefusedBy | "unanswered" | "unsendable" | "refused" | "tooLarge";

/** What a CONNACK said. */
export interface SessionStart {
  /** The server kept the session. */
  readonly present: boolean;
  /** It did not, and had not promised to: in version 5, longer without a connection than was agreed. */
  readonly expired?: true;
  /** A stale session was wiped before this one began. */
  readonly wiped: boolean;
  /** QoS 2 messages that go again, as new or at QoS 1, though the server may have had them: each once, however often it goes. */
  readonly possibleDoubles: number;
}

/**
 * What a session is made with: the store of outgoing entries, how one becomes a message, the window, and where results are
 * reported.
 */
export interface SessionOptions<E extends OutboundEntry> extends RequestsOptions {
  readonly outbound?: OutboundStore<E>;
  /** Makes the message of an entry; undefined: it cannot be made, the entry is a dead letter. Must not throw. */
  render?(entry: E): Message | undefined;
  /**
   * Entries in flight at most, 1 to 1,024; default 8. Of QoS 2 never more than 8, whatever this says: a 3.1.1 server cannot say how
   * many it takes, and mosquitto drops what is above its limit (`max_inflight_messages`, 20) as if it had taken it. In version 5 as
   * many as the server takes, at most 19 of QoS 2.
   */
  readonly window?: number;
  /**
   * Connections in a row that an entry may fail before it is held back, and again, while others are delivered, before it is a
   * dead letter. On a bad network fewer than the default of 10 would hold back the innocent, and others overtake it. For requests
   * from RAM, connections that they may break before one is dropped.
   */
  readonly deadLetterAfter?: number;
  /**
   * After a reboot: so many entries, the oldest, may have been sent in an earlier session: the largest `window` there ever was.
   * They get DUP 1 where that session goes on, and are possible doubles where it does not. Default 0.
   */
  readonly perhapsSent?: number;
  /** After a sleep in one session: what `learned` of the client was. Default: nothing is known of entries that the server refuses. */
  readonly learned?: readonly number[];
  /** Default: a `MemoryInboundStore`, which forgets at a reboot. */
  readonly inbound?: InboundStore;
  /** A piece of a message. `id`: its packet id, the same when it is sent again; 0 at QoS 0. */
  onMessage?(message: InboundMessage, id: number): void;
  /** `code`: of "refused". */
  onSettled?(sequence: number, outcome: Outcome, by?: SettledBy, code?: number): void;
  /** What the server does not take has changed; undefined: it takes everything again. At CONNACK, or upon an acknowledgement. */
  onRefusal?(refusal: Refusal | undefined): void;
  /**
   * An entry of QoS 2 has got QoS 1's promise. "acknowledged": the server answered PUBACK. "refused": it takes QoS 1 only, as found out
   * or said in version 5, and the entry goes at that. `isPossibleDouble`: it was sent before, and is not counted in a `SessionStart` yet.
   */
  onLowered?(sequence: number, why: "acknowledged" | "refused", isPossibleDouble: boolean): void;
  /** From now on, of the oldest entries so many may have been sent: more than `window`, as some are held back. */
  onReach?(entries: number): void;
  /** After a CONNACK for CleanSession 0, before the first PUBLISH: the moment to record the session. */
  onSession?(session: SessionStart): void;
}

/** How a connection ended. "peer": closed by the server, after CONNACK. "stuck": by us, for want of an acknowledgement. */
export type Ending = "peer" | "stuck" | "other";
