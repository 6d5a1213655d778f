/* Texts for failed connections, from the bytes received and the socket class. */
import type { NoConnection } from "./wire/io.js";

/** Text for a peer whose first bytes are not CONNACK. */
export const NO_BROKER = "not an MQTT broker";

/** The text of an exception. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Runs `call` and ignores its exceptions, where they change nothing: the close of something that is over, or a last callback. */
export function quietly(call: () => void): void {
  try {
    call();
  } catch {}
}

/** Text for a connection that was not made. `reason`: from a socket class that knows it. */
export function noConnection(reason: NoConnection | undefined): string {
  switch (reason) {
    case "refused":
      return "connection refused: nothing listens on that port";
    case "unreachable":
      return "host unreachable";
    case undefined:
      return "no connection: refused, or host unreachable";
    default:
      throw new TypeError(`reason: ${reason satisfies never}`);
  }
}

/** Describes the first bytes of a server that speaks another protocol: a line of text, or a few bytes. */
export function beginning(bytes: Uint8Array): string {
  if (bytes[0] === 0x15 && bytes[1] === 3) return "it requires TLS"; // RFC 8446 §5.1: an alert
  let text = "";
  let hex = "";
  for (let n = 0; n < bytes.length && n < 24 && bytes[n] > 0x1f && bytes[n] < 0x7f; n++)
    text += String.fromCharCode(bytes[n]);
  if (text.length >= 4) return `it sent "${text}"`;
  for (let n = 0; n < bytes.length && n < 4; n++) hex += ` ${bytes[n].toString(16).padStart(2, "0")}`;
  return `it sent${hex}`;
}
