/*
 * The announcement of an image, and the reasons to refuse it. The signature covers the SHA-256 digest of a statement with chip,
 * version, size, and the image's own digest. None of these can therefore be changed, and an older signed image cannot pass for a
 * new one. The signature is checked before the first byte is erased, and again before the switch.
 *
 *   {"id":"0badcafe","version":"0.3.0","chip":"esp32","size":1048576,"sha256":"<64 digits>","signature":"<128 digits>","force":true}
 *
 * `id`, eight hexadecimal digits: names this attempt. Each chunk contains it; a repeated announcement is only answered. `force`:
 * accept a version that is not newer. `wait`: do not update yet; the version is shown as available until it is announced without
 * `wait`, or removed. `wait` is not signed: whoever may announce may also announce the same image without it.
 */
import { fromASCII, fromHex, toASCII } from "../common/ascii.js";
import { sha256 } from "../common/sha256.js";
import type { UpdateOptions } from "./io.js";

/** Longest announcement, in bytes. */
export const MAX_OFFER_BYTES = 512;
/** The reason why no update is accepted, and the line of `status`. */
export const OFF = "updates are off: this build has no public key";

/** An announcement, as it was sent. */
export interface Offer {
  readonly id: string;
  readonly version: string;
  readonly chip: string;
  /** Length of the image, in bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly signature: string;
  readonly force?: boolean;
  readonly wait?: boolean;
}

/**
 * Parses an announcement; undefined: no JSON of this form. Nested JSON is refused first, because the engine parses it by
 * recursion, and its native stack is small.
 */
export function parseOffer(bytes: Uint8Array | undefined): Partial<Offer> | undefined {
  const text = (bytes && fromASCII(bytes)) ?? "";
  if (!/^\{[^[{]*$/.test(text)) return;
  try {
    return JSON.parse(text);
  } catch {
    return;
  }
}

/** Whether all fields are there, with the right types and forms. Also used to check the record in flash. */
export function isOffer(offer: Partial<Offer> | undefined): offer is Offer {
  const { id, version, chip, size, sha256: digest, signature } = offer ?? {};
  // One expression over a JSON list checks types and forms at once.
  return /^\["[\da-f]{8}","\d{1,5}\.\d{1,5}\.\d{1,5}(-[\da-z.-]{1,20})?","[\da-z_-]{1,20}",[1-9]\d{0,8},"[\da-f]{64}","[\da-f]{128}"]$/.test(
    JSON.stringify([id, version, chip, size, digest, signature]),
  );
}

/** The signed statement's digest: 32 bytes. */
export function statementOf(offer: Omit<Offer, "id" | "signature" | "wait">): Uint8Array {
  const { version, chip, size, sha256: digest, force } = offer;
  const how = force ? "at any rate" : "if newer";
  return sha256(
    toASCII(`home-thermometer image\nchip ${chip}\nversion ${version}, ${how}\nsize ${size}\nsha256 ${digest}`),
  );
}

/** Whether the announcement is signed for the key of the build. */
export function isGenuine(offer: Offer, { key, isSigned }: UpdateOptions): boolean {
  return key !== undefined && isSigned(statementOf(offer), fromHex(offer.signature), key);
}

/**
 * The reason why the image does not fit this device; undefined: it fits. Does not check the signature, which is done when it is
 * accepted. `installed`: the running version.
 */
export function misfitOf(
  { chip, version, force }: Offer,
  update: UpdateOptions,
  installed: string,
): string | undefined {
  if (update.key === undefined) return OFF;
  if (chip !== update.chip) return `wrong chip: it is for ${chip}, this is ${update.chip}`;
  if (force || rankOf(version) > rankOf(installed)) return;
  return `not newer: ${version}, installed is ${installed}`;
}

/**
 * A text that sorts as versions do: by semantic versioning's numbers, and pre-releases (0.3.0-dev) before the release, by their
 * letters.
 */
export function rankOf(version: string): string {
  const whole = version.includes("-") ? version : `${version}~`; // sorts after a hyphen
  return whole.replace(/\d+/g, (digits) => digits.padStart(20, "0"));
}
