/*
 * Texts about refused readings, dead letters and the session: for the log, once, and for the row "broker" of `status` as long
 * as the state lasts.
 */
import type { Refusal, SessionStart, SettledBy, Version } from "../../mqtt/client.js";
import { reasonText } from "../../mqtt/v5/reasons.js";

/** The problem, without its consequences. */
export function refusalText({ scope, by, sequence, text }: Refusal): string {
  if (by === "reason")
    return scope === "all" ? `it refuses every reading: ${text}` : `it refuses reading ${sequence}: ${text}`;
  switch (scope) {
    case "all":
      return by === "closing"
        ? "it closes the connection whenever a reading is sent"
        : "it acknowledges no reading, though it answers pings";
    case "some":
      return by === "closing"
        ? `it closes the connection when reading ${sequence} is sent, but accepts others`
        : `it never acknowledges reading ${sequence}, but acknowledges others`;
    default:
      throw new TypeError(`scope: ${scope satisfies never}`);
  }
}

/** The same as a line of the log; undefined: the broker accepts everything again. */
export function refusalLine(refusal: Refusal | undefined): string {
  if (refusal === undefined) return "accepts all readings again";
  return `${refusalText(refusal)}; ${refusal.scope === "all" ? "all stay in flash" : "it is held back"}`;
}

/** The reason why a reading was settled without an acknowledgement. `code`: the reason code, for "refused". */
export function settledLine(sequence: number, by: SettledBy | undefined, code = 0): string {
  switch (by) {
    case "closing":
      return `reading ${sequence} dead-lettered: the broker closed the connection whenever it was sent, but accepted others`;
    case "silence":
      return `reading ${sequence} dead-lettered: the broker never acknowledged it, but did others`;
    case "unanswered":
      return `reading ${sequence} settled: the broker took it over, but never answers PUBREL: it may be lost there`;
    case "refused":
      return `reading ${sequence} dead-lettered: the broker refuses it: ${reasonText(code)}`;
    case "unsendable":
    case undefined:
      return `reading ${sequence} dead-lettered: its record cannot be read, or its room is not known`;
    default:
      throw new TypeError(`by: ${by satisfies never}`);
  }
}

/** The broker has no QoS 2; `why` is how it shows this. */
export function loweredLine(why: "acknowledged" | "refused"): string {
  const how = why === "acknowledged" ? "it answers with PUBACK" : "QoS 1 is the highest it accepts";
  return `handles QoS 2 as QoS 1: ${how}; a reading may arrive twice`;
}

/** A connection begins. `isConnected`: it began before, and its session turns out to be another one than it seemed. */
export function sessionLine(
  address: string,
  level: Version,
  { present, expired }: SessionStart,
  isConnected: boolean,
): string {
  if (isConnected) return `broker ${address}: the session is a new one after all`;
  const session = present ? ", session resumed" : expired ? ", the session had expired there" : "";
  return `connected to ${address}, ${level === 5 ? "MQTT 5" : "MQTT 3.1.1"}${session}`;
}
