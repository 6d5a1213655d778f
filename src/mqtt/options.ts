/*
 * Options and callbacks of a client. Types only, no byte code.
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

/** "waiting": for the next attempt, or for the link. "connected": CONNACK was received. */
export type ClientState = "stopped" | "waiting" | "connecting" | "connected";

/**
 * Why a connection or an attempt ended. `code`: CONNACK return code; in version 5 the reason code of CONNACK or DISCONNECT.
 * `cause`: an exception of a callback, a store or a class.
 */
export interface MQTTError {
  readonly kind: "resolve" | "unreachable" | "timeout" | "refused" | "closed" | "protocol" | "application";
  readonly message: string;
  readonly code?: number;
  readonly cause?: unknown;
}

/** The client's state, with times in milliseconds. */
export interface ClientStatus {
  readonly state: ClientState;
  /** Time since CONNACK; undefined when not connected. */
  readonly connectedMs: number | undefined;
  /** Time until the next attempt; undefined when none is due. */
  readonly retryMs: number | undefined;
  readonly lastError: MQTTError | undefined;
  /** Of the connection, or of the last attempt. */
  readonly version: Version;
  /** Only with `version5`. */
  readonly limits: LimitLayers | undefined;
  /** The server's latest reason for not doing something, in version 5. */
  readonly lastReason: ServerReason | undefined;
  readonly inFlight: number;
  /** Most entries of QoS 2 in flight: `window`, but at most 8; in version 5 as many as the server accepts, at most 19. */
  readonly maxQoS2: number;
  /** What the server refuses; undefined: nothing known. */
  readonly refusal: Refusal | undefined;
  /** CONNACKs after the first. */
  readonly reconnects: number;
  readonly delivered: number;
  /** Of these, those of QoS 2 that were settled without PUBCOMP: a server that breaks QoS 2 may have lost them. */
  readonly unconfirmed: number;
  readonly deadLetters: number;
  readonly possibleDoubles: number;
  /** Requests that the server refused: messages of `publish`, filters. */
  readonly dropped: number;
  /** Messages longer than `maxPacketBytes`, or with a topic longer than `topicLength`, in version 5. */
  readonly skipped: number;
}

/**
 * Waiting times before a reconnect, in milliseconds. Each failure in a row doubles the step, up to four times the first after a
 * connection on which an entry was acknowledged; a connection that lasted ends the row. The wait is random within the step
 * (full jitter), so that many devices do not reconnect at once to a rebooted broker. After a permanent refusal the wait is
 * random within the upper half of `refusedMs`.
 */
export interface Backoff {
  /** The first step; default 1,000. */
  readonly firstMs: number;
  /** The longest step; default 120,000. */
  readonly longestMs: number;
  /** A connection that lasts this long counts as lasting; default 30,000. */
  readonly steadyMs: number;
  /** The step after a permanent refusal (codes 1, 2, 4, 5, §3.2.2.3; in version 5 all that time does not change); default 120,000. */
  readonly refusedMs: number;
}

/**
 * Options of a client: the socket's class, the server's name and port, the client's identity, timeouts in milliseconds, and
 * callbacks. Ranges are given at each option; for a value out of range the constructor throws RangeError.
 */
export interface ClientOptions<E extends OutboundEntry> extends SessionOptions<E> {
  /** TCP class, and further options for its constructor. */
  readonly socket: Port<TCPConstructor>;
  /** Resolver class and its options, used before every attempt. Without it `host` is passed to the socket. */
  readonly dns?: Port<ResolverConstructor>;
  readonly host: string;
  readonly port: number;
  /** Identifies the session at the server. Every server accepts 1 to 23 letters and digits. Empty only with `clean`. */
  readonly id: string;
  readonly user?: string;
  /** Only with a user. */
  readonly password?: string | Uint8Array;
  /** Seconds, 0 to 65,535, default 60. 0: off, and a half-open connection is not detected. */
  readonly keepAlive?: number;
  /** CleanSession 1 on every connection; default false. */
  readonly clean?: boolean;
  readonly will?: Will;
  /** Wipe the server's session once, before the first connection of CleanSession 0, because its contents are not known here. */
  readonly wipeFirst?: boolean;
  readonly backoff?: Partial<Backoff>;
  /** From the resolver's question to CONNACK; default 30,000. */
  readonly connectTimeoutMs?: number;
  /**
   * From PINGREQ to PINGRESP; default 15,000, at most the keep-alive. It starts again as long as messages move at 256 bytes a
   * second or more, with PINGRESP or PINGREQ waiting behind them; but it ends ten minutes after PINGREQ in any case.
   */
  readonly pingTimeoutMs?: number;
  /**
   * Length of the transmit buffer in bytes, 64 or more; default 1,024. The receive buffer is a quarter of it. Longer packets
   * are transferred in parts, both ways; an entry's topic must fit.
   */
  readonly bufferLength?: number;
  /**
   * `stop` waits until the server has closed the connection, as it must after DISCONNECT (§3.14.4), at most 2 s: for devices
   * that then power off the radio. Default: it closes as soon as the socket has accepted DISCONNECT.
   */
  readonly waitsForEnd?: boolean;
  /** Longest topic that can be received, in bytes; default 256. */
  readonly topicLength?: number;
  /** For version 5: `Broker5` of v5/broker5.ts. */
  readonly version5?: BrokerConstructor;
  /** Default "auto", with `version5`: 5 where the server has it, otherwise 3.1.1. */
  readonly version?: "auto" | Version;
  /** The version that `onVersion` last reported for this server, unless that was days ago: then 5 is tried. Read at the first attempt. */
  readonly knownVersion?: Version;
  /** The server's version differs from the known one: store it. */
  onVersion?(version: Version): void;
  /** Version 5: seconds that the server is asked to keep the session without a connection; 1 or more, default 604,800. */
  readonly sessionExpiryS?: number;
  /** Version 5: messages of QoS 1 and 2 that the server may have in flight; default 65,535. */
  readonly receiveMaximum?: number;
  /** Version 5: longest packet that the server may send, in bytes; a longer one is skipped. Default: no limit. */
  readonly maxPacketBytes?: number;
  /** Version 5: connects to the server that the first one names ("use another server", "server moved"); default false. */
  readonly followReference?: boolean;
  readonly timers: Timers;
  /** Milliseconds since boot, never jumping back. */
  uptimeMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** `onError` gets its exceptions; one in "connected" ends that connection. */
  onState?(state: ClientState): void;
  /** An attempt or a connection ended, or `stop` could not send DISCONNECT. The client continues by itself, also if this throws. */
  onError?(error: MQTTError): void;
}
