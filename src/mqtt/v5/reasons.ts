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

/** From 128 on, in order: the index of the meaning, and the name. */
const ROWS =
  "0unspecified error,6malformed packet,6protocol error,0implementation specific error,6protocol version not supported,2client id not valid," +
  "2user name or password,2not authorised,0server unavailable,0server busy,2banned,0server shutting down,2authentication method," +
  "0keep-alive timeout,5session taken over,2topic filter not valid,2topic name not valid,0packet id in use,7packet id not found," +
  "6receive maximum exceeded,6topic alias not valid,1packet too large,0message rate too high,0quota exceeded,2administrative action," +
  "1payload format not valid,3retain not supported,3QoS not supported,4use another server,4server moved,3shared subscriptions not supported," +
  "0connection rate exceeded,0maximum connect time,3subscription ids not supported,3wildcard subscriptions not supported";

/** The meaning of a reason code, in any packet. An unknown one is like 0x80. */
export function meaningOf(code: number): Meaning {
  return code < 128 ? "done" : MEANINGS[+rowOf(code)[0]];
}

/** The name of a reason code from 128 on. */
export function reasonText(code: number): string {
  return `${rowOf(code).slice(1)} (0x${code.toString(16)})`;
}

function rowOf(code: number): string {
  const rows = ROWS.split(",");
  return rows[code - 128] ?? rows[0];
}
