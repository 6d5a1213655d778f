/*
 * PUBLISH of version 5: with properties, and with an alias for a topic that was already sent on this connection. Otherwise as
 * in 3.1.1: the bytes in the buffer are reused with another id and payload.
 * Source: MQTT 5 §3.3.2.
 */

import type { TransmitLimits } from "../wire/protocol.js";
import { type Message, Transmit } from "../wire/transmit.js";
import { packetLength, propertyBlock } from "./properties.js";

/** Topics remembered; beyond them, the oldest is replaced. */
const MAX_TOPICS = 16;

/** The transmit buffer of MQTT 5: properties and topic aliases (§3.3.2.3.4). */
export class Transmit5 extends Transmit implements TransmitLimits {
  aliasMaximum = 0;
  maxPacketBytes = 0xffff_ffff;
  /** Topics of sent messages; the first has alias 1. */
  private readonly topics: Uint8Array[] = [];
  /** The properties of a topic's messages, alias included. */
  private readonly blocks: Uint8Array[] = [];
  private readonly empty = new Uint8Array(0);
  /** Index for the next topic. */
  private next = 0;

  override publishAny(first: number, id: number, message: Message): boolean {
    const { topic, properties } = message;
    // A message without an id has a topic made for it alone, of which there may be many.
    const known = id ? this.topics.indexOf(topic) : -1;
    const place = known < 0 ? this.next : known;
    const alias = id && place < this.aliasMaximum ? place + 1 : 0;
    if (known >= 0) return this.publishAs(first, id, message, alias ? this.empty : topic, this.blocks[known]);
    const block = blockOf(alias, properties);
    if (this.publishAs(first, id, message, topic, block)) {
      if (!id) return true;
      this.topics[place] = topic;
      this.blocks[place] = block;
      this.next = (place + 1) % MAX_TOPICS;
      if (alias) this.topic = undefined; // the next one is shorter
      return true;
    }
    // The alias must not make the packet too long for the server.
    return alias > 0 && this.end === 0 && this.publishAs(first, id, message, topic, blockOf(0, properties));
  }

  private publishAs(first: number, id: number, message: Message, topic: Uint8Array, block: Uint8Array): boolean {
    const rest = topic.length + block.length + message.payloadLength + (id ? 4 : 2);
    return packetLength(rest) <= this.maxPacketBytes && super.publishAny(first, id, message, topic, block);
  }
}

/** Encoded properties of a packet. `alias`: 0 for none. */
function blockOf(alias: number, properties: Uint8Array | undefined): Uint8Array {
  const parts = properties ? [properties] : [];
  if (alias) parts.push(Uint8Array.of(0x23, alias >> 8, alias)); // §3.3.2.3.4
  return propertyBlock(parts);
}
