/*
 * MQTT 5 as one object, for `ClientOptions.version5`.
 * Source: MQTT 5 §3.
 */
import { connectPacket, field, packet } from "../wire/codec.js";
import type { Version5 } from "../wire/protocol.js";
import { encodeTopicFilter } from "../wire/topics.js";
import { Parser5 } from "./parser5.js";
import { encodeProperties, propertyBlock } from "./properties.js";
import { Transmit5 } from "./transmit5.js";

/** SUBSCRIBE with options, UNSUBSCRIBE without. No properties. */
function request(first: number, id: number, filter: string, options: Uint8Array): Uint8Array {
  return packet(first, [Uint8Array.of(id >> 8, id, 0), field("filter", encodeTopicFilter(filter)), options]);
}

/** MQTT 5: packets to bytes and back. */
export const version5 = Object.freeze<Version5>({
  level: 5,
  connect(options, clean, will) {
    const { receiveMaximum, maxPacketBytes } = options;
    const sessionExpiryS = clean ? undefined : options.sessionExpiryS; // without it, the session ends with its connection
    const asked = encodeProperties(1, { sessionExpiryS, receiveMaximum, maxPacketBytes });
    const ofWill = propertyBlock(encodeProperties(0, will?.properties ?? {}));
    return connectPacket(options, clean, will, 5, propertyBlock(asked), ofWill);
  },
  publish: (first, id, topic, payload) =>
    packet(first, [field("topic", topic), Uint8Array.of(id >> 8, id, 0), payload]),
  // Retained messages are sent for a new subscription only, not again on each connection (§3.8.3.1).
  subscribe: (id, filter, qos) => request(0x82, id, filter, Uint8Array.of(qos | 0x10)),
  unsubscribe: (id, filter) => request(0xa2, id, filter, new Uint8Array(0)),
  disconnect: (reason) => (reason ? Uint8Array.of(0xe0, 1, reason) : Uint8Array.of(0xe0, 0)),
  properties(values) {
    const block = propertyBlock(encodeProperties(12, values));
    return block.subarray(block[0] < 0x80 ? 1 : block[1] < 0x80 ? 2 : 3);
  },
  Parser: Parser5,
  Transmit: Transmit5,
});
