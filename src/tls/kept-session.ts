/*
 * A TLS session during a deep sleep: in RTC memory, behind the wake record. It is a secret: with it, an attacker can take over
 * the session. Random content, damaged content and that of another firmware are ignored, because mbedTLS does not check it.
 *
 *   0    "HTS" and the version
 *   4    checksum of everything behind it
 *   8    bytes of the session; 12: 0
 *   16   firmware id
 *   24   when the server's certificate expires, milliseconds since 1970, 64 bits; 0: not known
 *   32   the session
 */

/** Its offset in RTC memory, in bytes. */
export const SESSION_AT = 512;
/** Its size, in bytes. */
export const PLACE_BYTES = 1_024;
const HEAD_BYTES = 32;
const FIRMWARE = 16;
const FIRMWARE_BYTES = 8;
const MAGIC = 0x0153_5448; // "HTS", version 1
const MAX_BYTES = PLACE_BYTES - HEAD_BYTES;

/** The data that resumes a session. */
export interface KeptSession {
  /** As the TLS class returned it. */
  readonly session: ArrayBuffer;
  /** When the server's certificate expires, which a resumed session does not show; milliseconds since 1970, undefined: not known. */
  readonly endsMs: number | undefined;
}

/** The bytes to be stored; undefined: the session is too long. `firmware`: this one's id, 8 bytes. */
export function sealSession({ session, endsMs = 0 }: KeptSession, firmware: Uint8Array): Uint8Array | undefined {
  const length = session.byteLength;
  if (length > MAX_BYTES) return undefined;
  const place = new Uint8Array(HEAD_BYTES + length);
  const view = new DataView(place.buffer);
  place.set(firmware, FIRMWARE);
  place.set(new Uint8Array(session), HEAD_BYTES);
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, length, true);
  view.setFloat64(24, endsMs, true);
  view.setInt32(4, hash(place), true);
  return place;
}

/** The session in `place`, PLACE_BYTES of RTC memory; undefined: no session of this firmware. */
export function unsealSession(place: Uint8Array, firmware: Uint8Array): KeptSession | undefined {
  const view = new DataView(place.buffer, place.byteOffset, place.length);
  const length = view.getUint32(8, true);
  if (view.getUint32(0, true) !== MAGIC || length > MAX_BYTES) return undefined;
  const whole = place.subarray(0, HEAD_BYTES + length);
  if (view.getInt32(4, true) !== hash(whole)) return undefined;
  for (let n = 0; n < FIRMWARE_BYTES; n++) if (place[FIRMWARE + n] !== firmware[n]) return undefined;
  return { session: whole.slice(HEAD_BYTES).buffer, endsMs: view.getFloat64(24, true) || undefined };
}

/** Whether there may be a session, by its first four bytes. */
export function isPlaceUsed(head: Uint8Array): boolean {
  return (head[0] | head[1] | head[2] | head[3]) !== 0;
}

/** FNV-1a of everything behind the checksum. */
function hash(place: Uint8Array): number {
  let hash = 0x811c_9dc5;
  for (let n = 8; n < place.length; n++) hash = Math.imul(hash ^ place[n], 0x0100_0193);
  return hash;
}
