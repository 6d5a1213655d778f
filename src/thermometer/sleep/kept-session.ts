/*
 * The TLS session in RTC memory. It is read when a report begins. It is written, or erased, when a thermometer that had the
 * network goes to sleep.
 */
import type { Sleeper } from "../../power/io.js";
import {
  isPlaceUsed,
  type KeptSession,
  PLACE_BYTES,
  SESSION_AT,
  sealSession,
  unsealSession,
} from "../../tls/kept-session.js";

const HEAD_BYTES = 4;

/** The session in RTC memory; undefined: there is none. */
export function readSession(sleeper: Sleeper): KeptSession | undefined {
  if (!hasSession(sleeper)) return undefined;
  const place = new Uint8Array(PLACE_BYTES);
  sleeper.readMemory(place, SESSION_AT);
  return unsealSession(place, sleeper.firmware);
}

/** Writes the session. Undefined: only an earlier one is erased. */
export function writeSession(sleeper: Sleeper, kept: KeptSession | undefined): void {
  const sealed = kept && sealSession(kept, sleeper.firmware);
  if (hasSession(sleeper)) sleeper.writeMemory(new Uint8Array(PLACE_BYTES), SESSION_AT);
  if (sealed !== undefined) sleeper.writeMemory(sealed, SESSION_AT);
}

function hasSession(sleeper: Sleeper): boolean {
  const head = new Uint8Array(HEAD_BYTES);
  sleeper.readMemory(head, SESSION_AT);
  return isPlaceUsed(head);
}
