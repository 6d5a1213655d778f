/*
 * What version 5 adds to the client: which version goes next, what the server has said, and what it refuses. Types only; v5/ has the
 * class, which the owner gives as `ClientOptions.version5`. Without it the client speaks 3.1.1 alone.
 */
import type { LimitLayers } from "./delivery/limits.js";
import type { Ending } from "./delivery/options.js";
import type { Refusals, ServerReason } from "./delivery/refusals.js";
import type { OutboundEntry } from "./delivery/store.js";
import type { ClientOptions, MQTTError } from "./options.js";
import type { Properties } from "./wire/properties.js";
import type { Protocol } from "./wire/protocol.js";
import type { Transmit } from "./wire/transmit.js";

/** 4 is 3.1.1, as the protocol's own level has it. */
export type Version = 4 | 5;

/** How far an attempt had got when it ended: before CONNECT was out, before CONNACK, after it. */
export type Stage = "opening" | "greeted" | "connected";

/**
 * What the client asks of version 5 (MQTT 5 §3.1 to §3.14). Lives as long as the client, over all its connections. Times in
 * milliseconds of uptime.
 */
export interface Broker {
  readonly refusals: Refusals;
  /** Of the attempt under way, or of the last one. */
  readonly protocol: Protocol;
  readonly limits: LimitLayers;
  readonly lastReason: ServerReason | undefined;
  /** For so long is CONNACK waited for once CONNECT is out, milliseconds; 0: as long as for any. */
  readonly silenceMs: number;
  /** Session Present 0 is no surprise: the server had not promised to keep the session for so long. */
  readonly isExpired: boolean;
  /** An attempt begins. Returns options with the server to connect to. */
  begin<E extends OutboundEntry>(options: ClientOptions<E>): ClientOptions<E>;
  /** CONNECT of this attempt. `isWipe`: to end the session. @throws RangeError for what MQTT cannot express */
  connect(isWipe: boolean): Uint8Array;
  /** CONNACK came. Returns whether to connect again at once, in another version or without what the server does not take. */
  connack(code: number, properties: Properties | undefined): boolean;
  /** Is the server to be left alone for long, for the sake of this code? `stage`: in which it came. */
  isLasting(code: number, stage: Stage): boolean;
  /** CONNACK was accepted: `out` obeys the limits. */
  limit(out: Transmit): void;
  /** DISCONNECT came from the server. Returns what it means for what was in flight. */
  disconnect(code: number, properties: Properties): Ending;
  /** The attempt or the connection is over; `error`: by itself. Returns whether to connect again at once, in another version. */
  ended(stage: Stage, error?: MQTTError): boolean;
}

/** `retry`: to be called when what was refused is to go again. */
export type BrokerConstructor = new (options: ClientOptions<OutboundEntry>, retry: () => void) => Broker;
