/*
 * Requests from RAM (../delivery/requests.ts): adapted to the server's limits, and translated between versions of the protocol.
 * Source: MQTT 5 §3.2.2.3, §3.3, §3.8.
 */
import type { Limits } from "../delivery/limits.js";
import type { Protocol } from "../wire/protocol.js";

/**
 * Clears RETAIN in a message if the server does not support it. Returns the reason code that the request would still get; 0: it
 * may be sent.
 */
export function fitRequest(packet: Uint8Array, filter: string | undefined, limits: Limits): number {
  if (packet.length > limits.maxPacketBytes) return 0x95;
  if (!filter) {
    if (!limits.retainAvailable) packet[0] &= ~1;
    return limits.maxQoS ? 0 : 0x9b;
  }
  if (packet[0] !== 0x82) return 0;
  if (!limits.sharedAvailable && filter.startsWith("$share/")) return 0x9e;
  return !limits.wildcardAvailable && /[+#]/.test(filter) ? 0xa2 : 0;
}

/** The same message in another version. */
export function translateRequest(packet: Uint8Array, from: Protocol, to: Protocol): Uint8Array {
  let at = 1;
  while (packet[at++] & 0x80);
  const idAt = at + 2 + ((packet[at] << 8) | packet[at + 1]);
  const id = (packet[idAt] << 8) | packet[idAt + 1];
  const payloadAt = idAt + (from.level === 5 ? 3 : 2); // no properties: their length is 0
  return to.publish(packet[0], id, packet.subarray(at + 2, idAt), packet.subarray(payloadAt));
}
