/*
 * The rules of the acknowledged flows, as tables: what an acknowledgement means in each state of its packet id, and what a CONNACK
 * means for the session. A pair that the standard forbids closes the connection (§4.8.0-1).
 * Pure constants. hosttest/mqtt/flow.test.ts holds the same tables, row by row, in words.
 * Source: MQTT 3.1.1 §3.2.2.2, §4.3, §4.4.
 */
import { PUBACK, PUBCOMP, PUBREC, SUBACK, UNSUBACK } from "./codec.js";

// States of a packet id that we chose: what is awaited for it, or nothing. A connection begins with all of them FREE or RESUMING.
/** Not in use. */
export const FREE = 0;
/** Not sent on this connection yet; perhaps on an earlier one, as long as re-sending has not caught up (§4.4.0-1). */
export const RESUMING = 1;
export const AWAIT_PUBACK = PUBACK;
export const AWAIT_PUBREC = PUBREC;
export const AWAIT_PUBCOMP = PUBCOMP;
export const AWAIT_SUBACK = SUBACK;
export const AWAIT_UNSUBACK = UNSUBACK;

// What is to be done
/** Protocol violation: close. */
export const VIOLATION = 0;
/** The acknowledgement changes nothing: a peer that repeats itself hurts nobody. */
export const IGNORE = 1;
/** The flow is complete, the id is free. */
export const SETTLE = 2;
/** Record PUBREC durably, then PUBREL; the state becomes AWAIT_PUBCOMP (§4.3.3-1). */
export const RELEASE = 3;
/** PUBREL again, nothing to record. For a FREE id: it makes the peer forget a flow that we know nothing of. */
export const REPEAT_RELEASE = 4;

const COLUMNS = 12;
/** By state, then by packet type. What is not listed is a violation. */
const ACTIONS = new Uint8Array(COLUMNS * COLUMNS);
for (const [state, type, action] of [
  [FREE, PUBACK, IGNORE],
  [FREE, PUBREC, REPEAT_RELEASE],
  [FREE, PUBCOMP, IGNORE],
  [RESUMING, PUBACK, IGNORE],
  [RESUMING, PUBREC, IGNORE], // our PUBLISH comes, and PUBREC again upon it
  [RESUMING, PUBCOMP, IGNORE],
  [AWAIT_PUBACK, PUBACK, SETTLE],
  [AWAIT_PUBREC, PUBREC, RELEASE],
  [AWAIT_PUBCOMP, PUBREC, REPEAT_RELEASE],
  [AWAIT_PUBCOMP, PUBCOMP, SETTLE],
  [AWAIT_SUBACK, SUBACK, SETTLE],
  [AWAIT_UNSUBACK, UNSUBACK, SETTLE],
]) {
  ACTIONS[state * COLUMNS + type] = action;
}

/** What an acknowledgement of packet type `type` asks for, when its id is in `state`. */
export function onAcknowledgement(state: number, type: number): number {
  return ACTIONS[state * COLUMNS + type];
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
