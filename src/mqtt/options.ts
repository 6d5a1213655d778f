/*
 * What a client is made with, and what it reports. Types only, no byte code.
 * Source: MQTT 3.1.1 §3.1 (CONNECT).
 */
import type { BrokerConstructor, Version } from "./broker.js";
import type { LimitLayers } from "./delivery/limits.js";
import type { SessionOptions } from "./delivery/options.js";
import type { ServerReason } from "./delivery/refusals.js";
import type { OutboundEntry } from "./delivery/store.js";
import type { Refusal } from "./delivery/suspicion.js";
import type { Will } from "./wire/codec.js";
import type { Port, ResolverConstructor, TCPConstructor, Timers } from "./wire/io.js";

/** "waiting": for the next attempt, or for the link. "connected": CONNACK came. */
export type ClientState = "stopped" | "waiting" | "connecting" | "connected";

/** Why a connection or an attempt ended. `code`: CONNACK return code; in version 5 the reason code of CONNACK or DISCONNECT. `cause`: what a callback, a store or a class threw. */
export interface MQTTError {
  readonly kind: "resolve" | "unreachable" | "timeout" | "refused" | "closed" | "protocol" | "application";
  readonly message: string;
  readonly code?: number;
  readonly cause?: unknown;
}

/** How the client is: its state, and since when or for how long, in milliseconds. */
export interface ClientStatus {
  readonly state: ClientState;
  /** Since CONNACK; undefined when not connected. */
  readonly connectedMs: number | undefined;
  /** Until the next attempt; undefined when none is due. */
  readonly retryMs: number | undefined;
  readonly lastError: MQTTError | undefined;
  /** Of the connection, or of the last attempt. */
  readonly version: Version;
  /** Where version 5 is spoken as well. */
  readonly limits: LimitLayers | undefined;
  /** What the server has said last of something that it did not do, in version 5. */
  readonly lastReason: ServerReason | undefined;
  readonly inFlight: number;
  /** Entries of QoS 2 in flight at most: `window`, but at most 8; in version 5 as many as the server takes, at most 19. */
  readonly maxQoS2: number;
  /** What the server does not take; undefined: nothing that is known. */
  readonly refusal: Refusal | undefined;
  /** CONNACKs after the first. */
  readonly reconnects: number;
  readonly delivered: number;
  readonly deadLetters: number;
  readonly possibleDoubles: number;
  /** Requests that the server would not take: messages of `publish`, filters. */
  readonly dropped: number;
  /** Messages that were longer than `maxPacketBytes`, or had a topic longer than `topicLength`, in version 5. */
  readonly skipped: number;
}

/**
 * How long the client waits before it connects again, in milliseconds. Every failure in a row doubles the step, to no more
 * than four times the first after a connection on which an entry was acknowledged; a connection that held ends the row. The wait is drawn from the whole step (full jitter), so that a houseful of thermometers does not meet a
 * rebooted broker at once. A refusal that time does not mend is asked again slowly: its wait is drawn from the upper half of
 * `refusedMs`.
 */
export interface Backoff {
  /** The first step; default 1,000. */
  readonly firstMs: number;
  /** The longest step; default 120,000. */
  readonly longestMs: number;
  /** Up this long: accepted, not just let in and thrown out; default 30,000. */
  readonly steadyMs: number;
  /** The step after a refusal for good (codes 1, 2, 4, 5, §3.2.2.3; in version 5 all that time does not mend); default 120,000. */
  readonly refusedMs: number;
}

/**
 * What a client is made with: the socket's class, the server's name and port, who the client is, timeouts in milliseconds,
 * and where it reports. Ranges are at each option; one out of range makes the constructor throw RangeError.
 */
export interface ClientOptions<E extends OutboundEntry> extends SessionOptions<E> {
  /** TCP class and what else its constructor wants. */
  readonly socket: Port<TCPConstructor>;
  /** Resolver class and its options, asked before every attempt. Without it `host` goes to the socket. */
  readonly dns?: Port<ResolverConstructor>;
  readonly host: string;
  readonly port: number;
  /** 1 to 23 letters and digits go everywhere; names the session at the server. Empty only with `clean`. */
  readonly id: string;
  readonly user?: string;
  /** Only with a user. */
  readonly password?: string | Uint8Array;
  /** Seconds, 0 to 65,535, default 60. 0: off, and a half-open connection is not noticed. */
  readonly keepAlive?: number;
  /** CleanSession 1 with every connection; default false. */
  readonly clean?: boolean;
  readonly will?: Will;
  /** Wipe the server's session once, before the first connection of CleanSession 0: what is in it is not known here. */
  readonly wipeFirst?: boolean;
  readonly backoff?: Partial<Backoff>;
  /** From the resolver's question to CONNACK; default 30,000. */
  readonly connectTimeoutMs?: number;
  /**
   * From PINGREQ to PINGRESP; default 15,000, at most the keep-alive. It begins anew as long as messages come in or go out at
   * 256 bytes a second or more, PINGRESP or PINGREQ waiting behind them; but ten minutes after PINGREQ it is over in any case.
   */
  readonly pingTimeoutMs?: number;
  /**
   * Bytes of the transmit buffer, 64 or more; default 1,024. The receive buffer is a quarter of it. What is longer goes through in
   * pieces, both ways; a topic of an entry must fit.
   */
  readonly bufferLength?: number;
  /**
   * `stop` waits until the server has closed the connection, as it must upon DISCONNECT (§3.14.4), 2 s at most: for those who then power
   * off what would still have to send it. Default: it closes as soon as the socket has taken DISCONNECT.
   */
  readonly waitsForEnd?: boolean;
  /** The longest topic that comes in, bytes; default 256. */
  readonly topicLength?: number;
  /** For version 5: `Broker5` of v5/broker5.ts. */
  readonly version5?: BrokerConstructor;
  /** Default "auto", with `version5`: 5 where the server has it, or else 3.1.1. */
  readonly version?: "auto" | Version;
  /** What `onVersion` said of this server, if that is not days ago: 5 is tried then. Read at the first attempt. */
  readonly knownVersion?: Version;
  /** The server speaks this one, and it is not the one that was known: to be remembered. */
  onVersion?(version: Version): void;
  /** Version 5: seconds that the server is asked to keep the session without a connection; 1 or more, default 604,800. */
  readonly sessionExpiryS?: number;
  /** Version 5: messages of QoS 1 and 2 that the server may have in flight; default 65,535. */
  readonly receiveMaximum?: number;
  /** Version 5: the longest packet that the server may send, bytes; one that is longer goes by. Default: no limit. */
  readonly maxPacketBytes?: number;
  /** Version 5: connects where the server sends us ("use another server", "server moved"); default false. */
  readonly followReference?: boolean;
  readonly timers: Timers;
  /** Milliseconds since boot, never jumping back. */
  uptimeMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** What it throws is for `onError`; of "connected", it ends that connection. */
  onState?(state: ClientState): void;
  /** An attempt or a connection ended, or `stop` did not get through. The client goes on by itself, also if this throws. */
  onError?(error: MQTTError): void;
}
