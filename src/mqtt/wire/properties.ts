/*
 * What version 5 says beside its packets' fixed fields. Types only, no byte code; 3.1.1 has none of it.
 * Source: MQTT 5 §2.2.2.
 */

/**
 * Properties of one packet, by the standard's names: those that were sent, the others are missing. User properties are not kept.
 * Texts for people are cut where they are long; other texts and data that are longer than the parser's memory count as not sent.
 */
export interface Properties {
  /** PUBLISH and will: 1 where the payload is UTF-8 (§3.3.2.3.2). */
  readonly payloadFormat?: number;
  /** PUBLISH and will: seconds that the message is worth delivering (§3.3.2.3.3). */
  readonly messageExpiryS?: number;
  readonly contentType?: string;
  /** Where an answer is wanted (§3.3.2.3.5). */
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** Of the subscription that a PUBLISH matches; the last one, where it matches several (§3.3.2.3.8). */
  readonly subscriptionId?: number;
  /** CONNECT, CONNACK: seconds that the session outlives the connection; 0xffffffff: for ever (§3.1.2.11.2). */
  readonly sessionExpiryS?: number;
  /** The server's name for a client that has none (§3.2.2.3.7). */
  readonly assignedId?: string;
  /** Seconds; instead of the keep-alive asked for (§3.2.2.3.14). */
  readonly serverKeepAliveS?: number;
  /** Where to connect instead (§4.11). */
  readonly serverReference?: string;
  /** For people (§3.2.2.3.9). As it came: escape it. */
  readonly reason?: string;
  /** Messages of QoS 1 and 2 that the sender of this takes at once; 1 to 65,535 (§3.2.2.3.3). */
  readonly receiveMaximum?: number;
  /** Topics that the sender of this replaces by numbers (§3.2.2.3.8). */
  readonly aliasMaximum?: number;
  /** 0 or 1; missing: 2 (§3.2.2.3.4). */
  readonly maxQoS?: number;
  readonly retainAvailable?: number;
  /** Bytes of a whole packet that the sender of this takes (§3.2.2.3.6). */
  readonly maxPacketBytes?: number;
  readonly wildcardAvailable?: number;
  readonly subscriptionIdAvailable?: number;
  readonly sharedAvailable?: number;
}
