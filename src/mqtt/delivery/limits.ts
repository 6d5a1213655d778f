/*
 * What bounds the exchange with a server: what it has said in version 5, what we can do, and what follows from both. Types only;
 * ../v5/limits.ts computes them. A 3.1.1 server says none of it.
 * Source: MQTT 5 §3.1.2.11, §3.2.2.3.
 */
import type { QoS } from "../wire/codec.js";

/** What the session obeys. */
export interface DeliveryLimits {
  /** Entries in flight at most; 0: none goes. */
  readonly window: number;
  /** Of QoS 2 so many may be open at the server, from PUBLISH to PUBCOMP, those of earlier connections included. */
  readonly maxOpenQoS2: number;
  /** Messages of QoS 1 and 2 in flight at most, those from RAM included (§3.2.2.3.3). */
  readonly receiveMaximum: number;
  /** What is of a higher QoS goes at this one; at 0 it stays (§3.2.2.3.4). */
  readonly maxQoS: QoS;
  /** 0: messages go without RETAIN (§3.2.2.3.5). */
  readonly retainAvailable: 0 | 1;
  /** Of a whole packet (§3.2.2.3.6). */
  readonly maxPacketBytes: number;
}

/** Limits of one side, or of both together: counts, bytes, seconds; each with the section of MQTT 5 that it is from. */
export interface Limits extends DeliveryLimits {
  /** Topics that may be replaced by numbers (§3.2.2.3.8). */
  readonly aliasMaximum: number;
  /** Seconds; 0: off (§3.2.2.3.14). */
  readonly keepAliveS: number;
  /** Seconds that the session outlives its connection; 0xffffffff: for ever; undefined: not known, as in 3.1.1 (§3.2.2.3.2). */
  readonly sessionExpiryS: number | undefined;
  readonly wildcardAvailable: 0 | 1;
  readonly sharedAvailable: 0 | 1;
  readonly subscriptionIdAvailable: 0 | 1;
  /** The server's name for a client that has none (§3.2.2.3.7). */
  readonly assignedId: string | undefined;
}

/** Our limits, the server's, and what follows from both. */
export interface LimitLayers {
  readonly ours: Limits;
  /** As said in version 5, the standard's defaults for what was left out; of an earlier connection, if this one is of 3.1.1. */
  readonly broker: Limits | undefined;
  readonly effective: Limits;
}
