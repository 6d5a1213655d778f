/*
 * The announcement of an image, and why it is refused. The signature is over a SHA-256 digest of a statement that names chip, version,
 * size, and the image's own digest: nothing of these can be changed, nor can an older image that was signed once be passed for a wanted
 * one. It is checked before the first byte is erased, and once more before the switch.
 *
 *   {"id":"0badcafe","version":"0.3.0","chip":"esp32","size":1048576,"sha256":"<64 digits>","signature":"<128 digits>","force":true}
 *
 * `id`, eight hexadecimal digits: of this attempt; a chunk names it, and the same announcement again is only answered. `force`: also a
 * version that is no newer. `wait`: not yet; it is shown as available until it is announced without that, or taken back. Not signed: who
 * may announce may announce the same image without it.
 */
import { fromASCII, fromHex, toASCII } from "../common/ascii.js";
import { sha256 } from "../common/sha256.js";
import type { UpdateOptions } from "./io.js";

/** The longest announcement, bytes. */
export const MAX_OFFER_BYTES = 512;
/** Why nothing is taken, and the line of `status`. */
export const OFF = "updates are off: this build has no public key";

/** An announcement, as it was sent. */
export interface Offer {
  readonly id: string;
  readonly version: string;
  readonly chip: string;
  /** Bytes of the image. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly signature: string;
  readonly force?: boolean;
  readonly wait?: boolean;
}

/**
 * What is in `bytes`, which may be no announcement; undefined: no JSON of this form. Nothing is nested: the engine parses what is by
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

/** Also of what a record in flash holds. */
export function isOffer(offer: Partial<Offer> | undefined): offer is Offer {
  const { id, version, chip, size, sha256: digest, signature } = offer ?? {};
  // As a JSON list: their types and forms at once.
  return /^\["[\da-f]{8}","\d{1,5}\.\d{1,5}\.\d{1,5}(-[\da-z.-]{1,20})?","[\da-z_-]{1,20}",[1-9]\d{0,8},"[\da-f]{64}","[\da-f]{128}"]$/.test(
    JSON.stringify([id, version, chip, size, digest, signature]),
  );
}

/** What is signed: 32 bytes. */
export function statementOf(offer: Omit<Offer, "id" | "signature" | "wait">): Uint8Array {
  const { version, chip, size, sha256: digest, force } = offer;
  const how = force ? "at any rate" : "if newer";
  return sha256(
    toASCII(`home-thermometer image\nchip ${chip}\nversion ${version}, ${how}\nsize ${size}\nsha256 ${digest}`),
  );
}

/** Is the announcement signed for the key of the build? */
export function isGenuine(offer: Offer, { key, isSigned }: UpdateOptions): boolean {
  return key !== undefined && isSigned(statementOf(offer), fromHex(offer.signature), key);
}

/**
 * Why it is not for this device, for people; undefined: it is. Its signature is not looked at: that comes when it is to be taken. `installed`: the
 * version that runs.
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

/** As text, greater of a later version: by semantic versioning's numbers; what is before a release (0.3.0-dev) by its letters. */
export function rankOf(version: string): string {
  const whole = version.includes("-") ? version : `${version}~`; // which comes after a hyphen
  return whole.replace(/\d+/g, (digits) => digits.padStart(20, "0"));
}
