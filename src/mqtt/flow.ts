/*
 * The rules of the acknowledged flows, as tables: what an acknowledgement means in each state of its packet id, and what a CONNACK
 * means for the session. Every pair is listed; a pair that the standard forbids closes the connection (§4.8.0-1).
 * Pure constants. hosttest/mqtt/flow.test.ts holds the same tables, row by row, in words.
 * Source: MQTT 3.1.1 §3.2.2.2, §4.3, §4.4.
 */

// States of a packet id that we chose. A connection begins with all of them FREE or RESUMING; the store remembers the rest.
/** Not in use. */
export const FREE = 0;
/** Not sent on this connection yet; perhaps on an earlier one, as long as re-sending has not caught up (§4.4.0-1). */
export const RESUMING = 1;
export const AWAIT_PUBACK = 2;
export const AWAIT_PUBREC = 3;
export const AWAIT_PUBCOMP = 4;
export const AWAIT_SUBACK = 5;
export const AWAIT_UNSUBACK = 6;

// What is to be done
/** The acknowledgement changes nothing: a peer that repeats itself hurts nobody. */
export const IGNORE = 0;
/** Protocol violation: close. */
export const VIOLATION = 1;
/** The flow is complete, the id is free. */
export const SETTLE = 2;
/** Record PUBREC durably, then PUBREL; the state becomes AWAIT_PUBCOMP (§4.3.3-1). */
export const RELEASE = 3;
/** PUBREL again, nothing to record. For a FREE id: it makes the peer forget a flow that we know nothing of. */
export const REPEAT_RELEASE = 4;

const COLUMNS = 12; // acknowledgements by packet type, 0..11

const _ = VIOLATION; // types that never get here: the columns of PUBREL and of what no server sends
/** Rows by state, columns by packet type. PUBACK is column 4, PUBREC 5, PUBCOMP 7, SUBACK 9, UNSUBACK 11. */
// biome-ignore format: a table
const ACKNOWLEDGEMENTS = Uint8Array.of(
  /* FREE           */ _, _, _, _, IGNORE, REPEAT_RELEASE, _, IGNORE, _, _, _, _,
  /* RESUMING       */ _, _, _, _, IGNORE, IGNORE, _, IGNORE, _, _, _, _,
  /* AWAIT_PUBACK   */ _, _, _, _, SETTLE, _, _, _, _, _, _, _,
  /* AWAIT_PUBREC   */ _, _, _, _, _, RELEASE, _, _, _, _, _, _,
  /* AWAIT_PUBCOMP  */ _, _, _, _, _, REPEAT_RELEASE, _, SETTLE, _, _, _, _,
  /* AWAIT_SUBACK   */ _, _, _, _, _, _, _, _, _, SETTLE, _, _,
  /* AWAIT_UNSUBACK */ _, _, _, _, _, _, _, _, _, _, _, SETTLE,
);

/** What an acknowledgement of packet type `type` asks for, when its id is in `state`. */
export function onAcknowledgement(state: number, type: number): number {
  return ACKNOWLEDGEMENTS[state * COLUMNS + type];
}

// Packet ids that the server chose, QoS 2
/** Never seen, or released. */
export const NEW = 0;
/** Received, PUBREC sent, PUBREL not seen: kept by the inbound store. */
export const HELD = 1;

/** Deliver, hold the id durably, PUBREC. */
export const DELIVER = 0;
/** PUBREC again; the message was delivered (§4.3.3-2). */
export const REPEAT_RECEIPT = 1;
/** Forget the id durably, PUBCOMP. */
export const FORGET = 2;
/** PUBCOMP: always the answer to PUBREL, also for an id that nobody knows (§4.3.3-2). */
export const COMPLETE = 3;

/** What a PUBLISH of QoS 2 asks for. */
export function onPublish(state: number): number {
  return state === HELD ? REPEAT_RECEIPT : DELIVER;
}

/** What a PUBREL asks for. */
export function onRelease(state: number): number {
  return state === HELD ? FORGET : COMPLETE;
}

/** How the session goes on after a CONNACK of code 0, by the CleanSession that we sent and its Session Present (§3.2.2.2). */
export type Opening = "resume" | "begin" | "violation";

export function onConnack(clean: boolean, present: boolean): Opening {
  if (!present) return "begin"; // whatever we had is gone: everything unsettled goes as new
  return clean ? "violation" : "resume"; // §3.2.2-1
}
