/*
 * What becomes of the session and of readings at a broker, in words: for the log, once, and for the row "broker" of `status` as long
 * as it is so.
 */
import type { Refusal, SessionStart, SettledBy } from "../../mqtt/client.js";
import { reasonText } from "../../mqtt/v5/reasons.js";

/** What is wrong, without what follows from it. */
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
        ? `it closes the connection when reading ${sequence} is sent, and takes others`
        : `it never acknowledges reading ${sequence}, and does so with others`;
    default:
      throw new TypeError(`scope: ${scope satisfies never}`);
  }
}

/** The same as a line of the log; undefined: it takes everything again. */
export function refusalLine(refusal: Refusal | undefined): string {
  if (refusal === undefined) return "takes all readings again";
  return `${refusalText(refusal)}; ${refusal.scope === "all" ? "all stay in flash" : "it is held back"}`;
}

/** Why a reading was settled though the broker has not acknowledged it. `code`: the reason code, of "refused". */
export function settledLine(sequence: number, by: SettledBy | undefined, code = 0): string {
  switch (by) {
    case "closing":
      return `reading ${sequence} dead-lettered: the broker closed the connection whenever it was sent, and took others`;
    case "silence":
      return `reading ${sequence} dead-lettered: the broker never acknowledged it, and did so with others`;
    case "unanswered":
      return `reading ${sequence} settled: the broker has taken it, and never answers PUBREL`;
    case "refused":
      return `reading ${sequence} dead-lettered: the broker refuses it: ${reasonText(code)}`;
    case "tooLarge":
      return `reading ${sequence} dead-lettered: it is longer than the broker takes`;
    case "unsendable":
    case undefined:
      return `reading ${sequence} dead-lettered: its record cannot be understood, or its room is not known`;
    default:
      throw new TypeError(`by: ${by satisfies never}`);
  }
}

/** The broker has no QoS 2, and how it shows that. */
export function loweredLine(why: "acknowledged" | "refused"): string {
  const how = why === "acknowledged" ? "it answers with PUBACK" : "QoS 1 is the highest it takes";
  return `takes QoS 2 as QoS 1: ${how}; a reading may arrive twice`;
}

/** What became of the session, for the line that says "connected"; empty: it is a new one. */
export function sessionText({ present, expired }: SessionStart): string {
  if (present) return ", session resumed";
  return expired ? ", the session had expired there" : "";
}
