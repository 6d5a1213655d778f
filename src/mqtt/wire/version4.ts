/*
 * MQTT 3.1.1 as one object.
 */
import { connectPacket, field, packet } from "./codec.js";
import { Parser } from "./parser.js";
import type { Protocol } from "./protocol.js";
import { encodeTopicFilter } from "./topics.js";
import { Transmit } from "./transmit.js";

/** MQTT 3.1.1 (protocol level 4): packets to bytes and back. */
export const version4 = Object.freeze<Protocol>({
  level: 4,
  connect: connectPacket,
  publish: (first, id, topic, payload) => packet(first, [field("topic", topic), Uint8Array.of(id >> 8, id), payload]),
  subscribe: (id, filter, qos) =>
    packet(0x82, [Uint8Array.of(id >> 8, id), field("filter", encodeTopicFilter(filter)), Uint8Array.of(qos)]),
  unsubscribe: (id, filter) => packet(0xa2, [Uint8Array.of(id >> 8, id), field("filter", encodeTopicFilter(filter))]),
  disconnect: () => Uint8Array.of(0xe0, 0),
  Parser,
  Transmit,
});
