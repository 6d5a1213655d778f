/*
 * What is said of a connection that failed, as far as the bytes and the socket class show why.
 */
import type { NoConnection } from "./wire/io.js";

/** The text for a peer whose first bytes are no CONNACK. */
export const NO_BROKER = "not an MQTT broker";

/** The text of what was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Runs `call` where what it throws has no bearing on what comes next: the close of what is over, a callback after which nothing is left to do. */
export function quietly(call: () => void): void {
  try {
    call();
  } catch {}
}

/** Why no connection came about. `reason`: of a socket class that knows. */
export function noConnection(reason: NoConnection | undefined): string {
  switch (reason) {
    case "refused":
      return "connection refused: nothing listens on that port there";
    case "unreachable":
      return "host unreachable";
    case undefined:
      return "no connection: refused, or host unreachable";
    default:
      throw new TypeError(`reason: ${reason satisfies never}`);
  }
}

/** What a server that speaks another protocol begins with: a line of text, or a few bytes. */
export function beginning(bytes: Uint8Array): string {
  if (bytes[0] === 0x15 && bytes[1] === 3) return "it wants TLS"; // RFC 8446 §5.1: an alert
  let text = "";
  let hex = "";
  for (let n = 0; n < bytes.length && n < 24 && bytes[n] > 0x1f && bytes[n] < 0x7f; n++)
    text += String.fromCharCode(bytes[n]);
  if (text.length >= 4) return `it says "${text}"`;
  for (let n = 0; n < bytes.length && n < 4; n++) hex += ` ${bytes[n].toString(16).padStart(2, "0")}`;
  return `it begins with${hex}`;
}
