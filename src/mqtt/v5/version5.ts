/*
 * MQTT 5 as one object, for `ClientOptions.version5`.
 * Source: MQTT 5 §3.
 */
import { connectPacket, field, packet } from "../wire/codec.js";
import type { Version5 } from "../wire/protocol.js";
import { encodeTopicFilter } from "../wire/topics.js";
import { Parser5 } from "./parser5.js";
import { CONNECT, encodeProperties, PUBLISH, propertyBlock, WILL } from "./properties.js";
import { Transmit5 } from "./transmit5.js";

/** A packet that begins with an id, and has no properties. */
function request(first: number, id: number, filter: string, options: readonly number[]): Uint8Array {
  return packet(first, [
    Uint8Array.of(id >> 8, id, 0),
    field("filter", encodeTopicFilter(filter)),
    Uint8Array.from(options),
  ]);
}

export const version5 = Object.freeze<Version5>({
  level: 5,
  connect(options, clean, will) {
    const asked = clean ? { ...options, sessionExpiryS: undefined } : options; // a session that is not to last ends with its connection
    const properties = propertyBlock([encodeProperties(CONNECT, asked)]);
    return connectPacket(
      options,
      clean,
      will,
      5,
      properties,
      propertyBlock([encodeProperties(WILL, will?.properties ?? {})]),
    );
  },
  publish: (first, id, topic, payload) =>
    packet(first, [field("topic", topic), Uint8Array.of(id >> 8, id, 0), payload]),
  // What is retained comes with a new subscription only, not again with each connection (§3.8.3.1).
  subscribe: (id, filter, qos) => request(0x82, id, filter, [qos | 0x10]),
  unsubscribe: (id, filter) => request(0xa2, id, filter, []),
  disconnect: (reason) => (reason ? Uint8Array.of(0xe0, 1, reason) : Uint8Array.of(0xe0, 0)),
  properties: (values) => encodeProperties(PUBLISH, values),
  Parser: Parser5,
  Transmit: Transmit5,
});
