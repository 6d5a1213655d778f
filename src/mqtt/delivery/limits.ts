/*
 * The limits of the exchange with a server: the server's (only in version 5), ours, and the effective ones. Types only;
 * ../v5/limits.ts computes them.
 * Source: MQTT 5 §3.1.2.11, §3.2.2.3.
 */
import type { QoS } from "../wire/codec.js";

/** The limits that the session obeys. */
export interface DeliveryLimits {
  /** Most entries in flight; 0: none are sent. */
  readonly window: number;
  /** Most entries of QoS 2 between PUBLISH and PUBCOMP at the server, including those of earlier connections. */
  readonly maxOpenQoS2: number;
  /** Most messages of QoS 1 and 2 in flight, including those from RAM (§3.2.2.3.3). */
  readonly receiveMaximum: number;
  /** Entries of a higher QoS are sent at this one; at 0 they stay (§3.2.2.3.4). */
  readonly maxQoS: QoS;
  /** 0: messages are sent without RETAIN (§3.2.2.3.5). */
  readonly retainAvailable: 0 | 1;
  /** Longest packet, in bytes (§3.2.2.3.6). */
  readonly maxPacketBytes: number;
}

/** Limits of one side, or the effective ones: counts, bytes, seconds; each with its section of MQTT 5. */
export interface Limits extends DeliveryLimits {
  /** Number of topic aliases (§3.2.2.3.8). */
  readonly aliasMaximum: number;
  /** Seconds; 0: off (§3.2.2.3.14). */
  readonly keepAliveS: number;
  /**
   * Seconds that the server keeps the session without a connection; 0xffffffff: for ever; undefined: not known, as in 3.1.1
   * (§3.2.2.3.2).
   */
  readonly sessionExpiryS: number | undefined;
  readonly wildcardAvailable: 0 | 1;
  readonly sharedAvailable: 0 | 1;
  readonly subscriptionIdAvailable: 0 | 1;
  /** The id that the server assigned to a client without one (§3.2.2.3.7). */
  readonly assignedId: string | undefined;
}

/** Our limits, the server's, and the effective ones. */
export interface LimitLayers {
  readonly ours: Limits;
  /** From CONNACK of version 5, with the standard's defaults; from an earlier connection, if this one is of 3.1.1. */
  readonly broker: Limits | undefined;
  readonly effective: Limits;
}
