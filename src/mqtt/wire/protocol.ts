/*
 * The differences between the versions of MQTT: packets to bytes, bytes to packets. Types only, no byte code. version4.ts is
 * 3.1.1; a build with version 5 also has ../v5/version5.ts.
 */
import type { ConnectOptions, QoS, Will } from "./codec.js";
import type { LinkReader, MessageReader, Parser } from "./parser.js";
import type { Properties } from "./properties.js";
import type { Transmit } from "./transmit.js";

/** Methods throw RangeError for what MQTT cannot express. */
export interface Protocol {
  /** As in CONNECT: 4 is 3.1.1 (§3.1.2.2). */
  readonly level: 4 | 5;
  connect(options: ConnectOptions, clean: boolean, will: Will | undefined): Uint8Array;
  /** PUBLISH from RAM. `topic`: encoded. `id`: at QoS 1. */
  publish(first: number, id: number, topic: Uint8Array, payload: Uint8Array): Uint8Array;
  subscribe(id: number, filter: string, qos: QoS): Uint8Array;
  unsubscribe(id: number, filter: string): Uint8Array;
  /** DISCONNECT; 3.1.1 has no reasons. */
  disconnect(reason: number): Uint8Array;
  /** `maxPacketBytes`: as in CONNECT. */
  readonly Parser: new (
    link: LinkReader,
    messages: MessageReader,
    receive: Uint8Array,
    longestTopic: number,
    maxPacketBytes?: number,
  ) => Parser;
  readonly Transmit: new (length: number) => Transmit;
}

/** Additions of MQTT 5. */
export interface Version5 extends Protocol {
  readonly level: 5;
  /** For `Message.properties`. @throws RangeError for what a PUBLISH cannot have */
  properties(values: Properties): Uint8Array;
  readonly Transmit: new (length: number) => Transmit & TransmitLimits;
}

/** The server's limits, known after CONNACK; before that: no limit. */
export interface TransmitLimits {
  /** Number of topic aliases; 0: none (§3.2.2.3.8). */
  aliasMaximum: number;
  /** A message whose packet would be longer is never sent (§3.2.2.3.6). */
  maxPacketBytes: number;
}
