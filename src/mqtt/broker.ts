/*
 * The interface of version 5 for the client: the version of the next attempt, the server's limits, and what it refuses. Types
 * only; v5/ has the class, which the owner passes as `ClientOptions.version5`. Without it the client speaks 3.1.1 only.
 */
import type { LimitLayers } from "./delivery/limits.js";
import type { Ending } from "./delivery/options.js";
import type { Refusals, ServerReason } from "./delivery/refusals.js";
import type { OutboundEntry } from "./delivery/store.js";
import type { ClientOptions, MQTTError } from "./options.js";
import type { Properties } from "./wire/properties.js";
import type { Protocol } from "./wire/protocol.js";
import type { Transmit } from "./wire/transmit.js";

/** 4 is 3.1.1, the protocol level in CONNECT. */
export type Version = 4 | 5;

/** How far an attempt had got when it ended: before CONNECT was sent, before CONNACK, after it. */
export type Stage = "opening" | "greeted" | "connected";

/**
 * What the client needs of version 5 (MQTT 5 §3.1 to §3.14). One object per client, for all its connections. Times in
 * milliseconds of uptime.
 */
export interface Broker {
  readonly refusals: Refusals;
  /** Of the current attempt, or of the last one. */
  readonly protocol: Protocol;
  readonly limits: LimitLayers;
  readonly lastReason: ServerReason | undefined;
  /** How long to wait for CONNACK after CONNECT, in milliseconds; 0: as long as `connectTimeoutMs` allows. */
  readonly silenceMs: number;
  /** Session Present 0 is no loss: the connection was away for longer than the server had promised to keep the session. */
  readonly isExpired: boolean;
  /** An attempt begins. Returns options with the server to connect to. */
  begin<E extends OutboundEntry>(options: ClientOptions<E>): ClientOptions<E>;
  /** CONNECT of this attempt. `isWipe`: to end the session. @throws RangeError for options that MQTT cannot express */
  connect(isWipe: boolean): Uint8Array;
  /** CONNACK was received. Returns whether to connect again at once, in another version or without what the server refuses. */
  connack(code: number, properties: Properties | undefined): boolean;
  /** Whether this code is a lasting refusal. `stage`: in which it came. */
  isLasting(code: number, stage: Stage): boolean;
  /** CONNACK was accepted: `out` obeys the limits from now on. */
  limit(out: Transmit): void;
  /** The server has sent DISCONNECT. Returns its meaning for the entries in flight. */
  disconnect(code: number, properties: Properties): Ending;
  /** The attempt or the connection has ended; `error`: by itself. Returns whether to connect again at once, in another version. */
  ended(stage: Stage, error?: MQTTError): boolean;
}

/** `retry`: call it when refused entries should be sent again. */
export type BrokerConstructor = new (options: ClientOptions<OutboundEntry>, retry: () => void) => Broker;
