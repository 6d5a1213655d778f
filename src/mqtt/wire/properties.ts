/*
 * The properties of version 5's packets. Types only, no byte code; 3.1.1 has none.
 * Source: MQTT 5 §2.2.2.
 */

/**
 * Properties of one packet, by the standard's names; those that were not sent are missing. User properties are not kept. Long
 * texts for people are cut; other texts and data longer than the parser's memory are treated as not sent.
 */
export interface Properties {
  /** PUBLISH and will: 1 if the payload is UTF-8 (§3.3.2.3.2). */
  readonly payloadFormat?: number;
  /** PUBLISH and will: seconds after which it need not be delivered (§3.3.2.3.3). */
  readonly messageExpiryS?: number;
  readonly contentType?: string;
  /** Topic for an answer (§3.3.2.3.5). */
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** Of the subscription that a PUBLISH matches; if there are several, the last one (§3.3.2.3.8). */
  readonly subscriptionId?: number;
  /** CONNECT, CONNACK: seconds that the server keeps the session without a connection; 0xffffffff: for ever (§3.1.2.11.2). */
  readonly sessionExpiryS?: number;
  /** The id that the server assigned to a client without one (§3.2.2.3.7). */
  readonly assignedId?: string;
  /** Seconds; replaces the keep-alive in CONNECT (§3.2.2.3.14). */
  readonly serverKeepAliveS?: number;
  /** The server to connect to instead (§4.11). */
  readonly serverReference?: string;
  /** For people (§3.2.2.3.9). Unchanged: escape it. */
  readonly reason?: string;
  /** Most messages of QoS 1 and 2 that the sender of this accepts at once; 1 to 65,535 (§3.2.2.3.3). */
  readonly receiveMaximum?: number;
  /** Number of topic aliases that the sender of this accepts (§3.2.2.3.8). */
  readonly aliasMaximum?: number;
  /** 0 or 1; missing: 2 (§3.2.2.3.4). */
  readonly maxQoS?: number;
  readonly retainAvailable?: number;
  /** Longest packet that the sender of this accepts, in bytes (§3.2.2.3.6). */
  readonly maxPacketBytes?: number;
  readonly wildcardAvailable?: number;
  readonly subscriptionIdAvailable?: number;
  readonly sharedAvailable?: number;
}
