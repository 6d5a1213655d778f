/*
 * Reason codes of version 5: their meaning for the client, and their names.
 * Source: MQTT 5 §2.4, table 2-6, and the tables of each packet.
 */

import type { ServerReason } from "../delivery/refusals.js";

/** The packets with reason codes that answer one of the client's, by packet type. */
export const PACKETS: Readonly<Record<number, ServerReason["packet"]>> = Object.freeze({
  4: "PUBACK",
  5: "PUBREC",
  6: "PUBREL",
  7: "PUBCOMP",
  9: "SUBACK",
  11: "UNSUBACK",
});

/**
 * "done": codes below 128. "later": temporary; says nothing about the message. "cannot": this message can never be accepted.
 * "not allowed": forbidden by the server's settings, or ours. "limit": the server cannot do what was asked, which has to be
 * obeyed from now on. "moved": use another server. "taken over": another client has connected with this id. "protocol": one of
 * the two violates the protocol, in the view of the other. "unknown id": the exchange with that packet id is over.
 */
export type Meaning =
  | "done"
  | "later"
  | "cannot"
  | "not allowed"
  | "limit"
  | "moved"
  | "taken over"
  | "protocol"
  | "unknown id";

const MEANINGS: readonly Meaning[] = Object.freeze<Meaning[]>([
  "later",
  "cannot",
  "not allowed",
  "limit",
  "moved",
  "taken over",
  "protocol",
  "unknown id",
]);

/** From 128 on: the index of the meaning. Looking it up takes no memory: a server may refuse packet after packet. */
const MEANING_OF = "06606222002020522076610021334430033";

/** From 128 on, in order, each with a comma behind it. */
const NAMES =
  "unspecified error,malformed packet,protocol error,implementation specific error,protocol version not supported,client id not valid," +
  "user name or password,not authorised,server unavailable,server busy,banned,server shutting down,authentication method," +
  "keep-alive timeout,session taken over,topic filter not valid,topic name not valid,packet id in use,packet id not found," +
  "receive maximum exceeded,topic alias not valid,packet too large,message rate too high,quota exceeded,administrative action," +
  "payload format not valid,retain not supported,QoS not supported,use another server,server moved,shared subscriptions not supported," +
  "connection rate exceeded,maximum connect time,subscription ids not supported,wildcard subscriptions not supported,";

/** The meaning of a reason code, in any packet. An unknown one is like 0x80. */
export function meaningOf(code: number): Meaning {
  return code < 128 ? "done" : MEANINGS[+(MEANING_OF[code - 128] ?? MEANING_OF[0])];
}

/** The name of a reason code from 128 on. Searched for, not split: that would make 35 strings for each refused packet. */
export function reasonText(code: number): string {
  let at = 0;
  for (let n = MEANING_OF[code - 128] ? code - 128 : 0; n > 0; n--) at = NAMES.indexOf(",", at) + 1;
  return `${NAMES.slice(at, NAMES.indexOf(",", at))} (0x${code.toString(16)})`;
}
